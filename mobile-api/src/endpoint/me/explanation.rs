//! `GET /v1/me/activities/{id}/explanation`: why an act gave what it gave, computed again from its receipt.

use axum::extract::State;
use chrono::NaiveDate;
use serde::Serialize;
use tanhui_domain::id::ActivityId;
use tanhui_domain::leaderboard::period_word;
use tanhui_domain::rule::{
    self, Confidence, Evidence, ExplainedCap, ExplainedCondition, ExplainedFund, ExplainedHistory,
    ExplainedInput, ExplainedParameter, ExplainedStep, Explanation, Outcome, Source, in_words,
};
use tanhui_domain::text::{Language, Text};
use tanhui_service::activity;
use utoipa::ToSchema;
use uuid::Uuid;

use super::activities::WaitingAnswer;
use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me, Path};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// How a decision came about, in the caller's language.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationAnswer {
    /// The activity.
    activity_id: Uuid,
    /// Everything below as lines for a person.
    text: String,
    /// Action of the rule file.
    #[schema(example = "metro_ride")]
    action: String,
    /// The action's name.
    action_name: String,
    /// Version of the engine that decided.
    engine: u16,
    /// Civil date and time of the act in the city.
    #[schema(example = "2026-03-02 12:00:00")]
    occurred_at: String,
    /// `credited`, `refused` or `held`.
    #[schema(example = "credited")]
    result: &'static str,
    /// Whether a cap trimmed it.
    capped: bool,
    /// Why it was refused or held; null otherwise.
    code: Option<String>,
    /// The same for a person.
    reason: Option<String>,
    /// Points credited.
    points: i64,
    /// Points that had to wait for a budget.
    queued: i64,
    /// What has become of them; null where nothing had to wait.
    waiting: Option<WaitingAnswer>,
    /// Milligrams of CO2e credited.
    reduction_mg: i64,
    /// What the event said.
    inputs: Vec<InputAnswer>,
    /// The conditions up to the first that failed.
    conditions: Vec<ConditionAnswer>,
    /// The formulas in the order of evaluation.
    steps: Vec<StepAnswer>,
    /// The grade of evidence.
    evidence: EvidenceAnswer,
    /// What was looked back at.
    history: Vec<HistoryAnswer>,
    /// The multipliers and campaigns that count, in the order in which they stack.
    multipliers: Vec<MultiplierAnswer>,
    /// The caps in the order of their application.
    caps: Vec<CapAnswer>,
    /// The budgets that it draws on.
    budgets: Vec<FundAnswer>,
}

/// One look back at earlier readings.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryAnswer {
    /// Its name in formulas.
    name: String,
    /// How many readings there were.
    readings: i64,
    /// What formulas took, with its unit.
    #[schema(example = "5.2 kWh")]
    value: String,
}

/// One multiplier or campaign.
#[derive(Debug, Serialize, ToSchema)]
pub struct MultiplierAnswer {
    /// Its id in the rule file.
    id: String,
    /// Its name.
    name: String,
    /// The factor.
    #[schema(example = "1.5")]
    times: String,
    /// Whether it is a campaign.
    campaign: bool,
}

/// One budget, a campaign's or the programme's.
#[derive(Debug, Serialize, ToSchema)]
pub struct FundAnswer {
    /// Its id in the rule file.
    id: String,
    /// Points that it holds in the period.
    limit: i64,
    /// Points issued from it before.
    issued_before: i64,
    /// Points that this act takes from it.
    drawn: i64,
}

/// One input.
#[derive(Debug, Serialize, ToSchema)]
pub struct InputAnswer {
    /// Its name in formulas.
    name: String,
    /// What it is.
    label: String,
    /// Its value with its unit.
    #[schema(example = "10 km")]
    value: String,
}

/// One condition.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConditionAnswer {
    /// The formula as written.
    #[schema(example = "distance >= 0.5 km")]
    expression: String,
    /// The formula with the numbers in it.
    #[schema(example = "10 km >= 0.5 km")]
    with_numbers: String,
    /// Whether it held.
    holds: bool,
    /// What is said where it does not hold.
    sentence: String,
}

/// One formula.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepAnswer {
    /// `reduction`, `points`, or a name of the rule file.
    name: String,
    /// What it is.
    label: String,
    /// The formula as written.
    #[schema(example = "distance * metro_saving")]
    expression: String,
    /// The formula with the numbers in it.
    #[schema(example = "10 km × 46.7 gCO2e/km")]
    with_numbers: String,
    /// The result.
    #[schema(example = "467")]
    value: String,
    /// Its unit; empty for what has none.
    #[schema(example = "gCO2e")]
    unit: String,
    /// The factors that it uses.
    factors: Vec<ExplainedFactor>,
}

/// One factor as it stood on the day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedFactor {
    /// Its name in formulas.
    id: String,
    /// What it is.
    label: String,
    /// Number and unit.
    #[schema(example = "46.7 gCO2e/km")]
    value: String,
    /// Since when it holds.
    from: NaiveDate,
    /// How far to trust it: `high`, `medium`, `low`, `proposed`.
    #[schema(value_type = String, example = "high")]
    confidence: Confidence,
    /// Where it was published; null for a proposal.
    source: Option<SourceAnswer>,
    /// Anything a reader should know.
    note: Option<String>,
}

/// Where a value was published.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceAnswer {
    /// Title of the document.
    title: String,
    /// Who published it.
    publisher: String,
    /// Year of publication, where dated.
    year: Option<u16>,
    /// Where to read it.
    url: String,
    /// Anything a reader should know.
    note: Option<String>,
}

/// The grade of evidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceAnswer {
    /// `operator`, `receipt`, `device` or `self`.
    #[schema(value_type = String, example = "operator")]
    grade: Evidence,
    /// The grade in words.
    label: String,
    /// Its share of the points; null where the action refuses it.
    #[schema(example = "100%")]
    share: Option<String>,
}

/// One cap.
#[derive(Debug, Serialize, ToSchema)]
pub struct CapAnswer {
    /// The limit as written.
    #[schema(example = "200 pt")]
    limit: String,
    /// `event`, `day`, `week`, `month` or `year`.
    #[schema(example = "day")]
    per: &'static str,
    /// Used before this act.
    #[schema(example = "0 pt")]
    used_before: String,
    /// Left after it.
    #[schema(example = "154 pt")]
    left_after: String,
    /// Whether it trimmed this act.
    trimmed: bool,
}

/// Why an activity of mine gave what it gave: inputs, factors with sources, formulas with numbers, caps.
#[utoipa::path(get, path = "/v1/me/activities/{id}/explanation", tag = "me", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 200, body = ExplanationAnswer)))]
pub async fn show(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
    Path(id): Path<Uuid>,
) -> Result<Json<ExplanationAnswer>, Problem> {
    let found = activity::explain(&state.services, me.id, ActivityId::new(id)).await?;
    let (explanation, waiting) = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    let mut answer = answer(id, explanation, context.language);
    if let Some(waiting) = waiting {
        answer.text = format!("{}\n{}", answer.text, waiting.told().in_language(context.language));
        answer.waiting = Some(WaitingAnswer::new(&waiting, context.language));
    }
    Ok(Json(answer))
}

fn answer(activity_id: Uuid, explanation: Explanation, language: Language) -> ExplanationAnswer {
    let text = explanation.text(language);
    let said = |text: &Text| text.in_language(language).to_owned();
    let (result, capped, code, reason) = match explanation.outcome {
        Outcome::Credited { capped } => ("credited", capped, None, None),
        Outcome::Refused { code, reason } => ("refused", false, Some(code), Some(said(&reason))),
        Outcome::Held { code, reason } => ("held", false, Some(code), Some(said(&reason))),
    };
    let evidence = &explanation.evidence;
    ExplanationAnswer {
        activity_id,
        text,
        action_name: said(&explanation.name),
        action: explanation.action,
        engine: explanation.engine,
        occurred_at: explanation.occurred_at,
        result,
        capped,
        code,
        reason,
        points: explanation.points,
        queued: explanation.queued,
        waiting: None,
        reduction_mg: explanation.reduction_mg,
        inputs: explanation
            .inputs
            .into_iter()
            .map(|ExplainedInput { name, label, value }| InputAnswer {
                name,
                label: said(&label),
                value: in_words(&value, language),
            })
            .collect(),
        conditions: explanation
            .conditions
            .into_iter()
            .map(|ExplainedCondition { expression, with_numbers, holds, sentence }| ConditionAnswer {
                expression,
                with_numbers: in_words(&with_numbers, language),
                holds,
                sentence: said(&sentence),
            })
            .collect(),
        steps: explanation.steps.into_iter().map(|step| step_answer(step, language)).collect(),
        evidence: EvidenceAnswer {
            grade: evidence.grade,
            label: said(&evidence.label),
            share: evidence.share.clone(),
        },
        history: explanation.history.into_iter().map(HistoryAnswer::from).collect(),
        multipliers: explanation
            .factors
            .into_iter()
            .map(|rule::ExplainedFactor { id, name, times, campaign }| MultiplierAnswer {
                id,
                name: said(&name),
                times,
                campaign,
            })
            .collect(),
        caps: explanation.caps.into_iter().map(|cap| cap_answer(cap, language)).collect(),
        budgets: explanation.budgets.into_iter().map(FundAnswer::from).collect(),
    }
}

fn step_answer(step: ExplainedStep, language: Language) -> StepAnswer {
    StepAnswer {
        name: step.name,
        label: step.label.in_language(language).to_owned(),
        expression: step.expression,
        with_numbers: in_words(&step.with_numbers, language),
        value: in_words(&step.value, language),
        unit: step.unit,
        factors: step.parameters.into_iter().map(|factor| factor_answer(factor, language)).collect(),
    }
}

fn factor_answer(factor: ExplainedParameter, language: Language) -> ExplainedFactor {
    ExplainedFactor {
        id: factor.id,
        label: factor.label.in_language(language).to_owned(),
        value: factor.value,
        from: factor.from,
        confidence: factor.confidence,
        source: factor.source.map(|source| SourceAnswer::new(source, language)),
        note: factor.note.map(|note| note.in_language(language).to_owned()),
    }
}

impl SourceAnswer {
    /// The source in a caller's language.
    pub fn new(source: Source, language: Language) -> Self {
        let Source { title, publisher, year, url, note } = source;
        let note = note.map(|note| note.in_language(language).to_owned());
        Self { title, publisher, year, url, note }
    }
}

impl From<ExplainedHistory> for HistoryAnswer {
    fn from(ExplainedHistory { name, readings, value }: ExplainedHistory) -> Self {
        Self { name, readings, value }
    }
}

impl From<ExplainedFund> for FundAnswer {
    fn from(ExplainedFund { id, limit, issued_before, drawn }: ExplainedFund) -> Self {
        Self { id, limit, issued_before, drawn }
    }
}

fn cap_answer(cap: ExplainedCap, language: Language) -> CapAnswer {
    let ExplainedCap { limit, per, used_before, left_after, trimmed } = cap;
    let [limit, used_before, left_after] =
        [limit, used_before, left_after].map(|amount| in_words(&amount, language));
    CapAnswer { limit, per: per.map_or("event", period_word), used_before, left_after, trimmed }
}
