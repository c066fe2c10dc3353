//! `GET /v1/actions`: what earns, how much, and what I have left today.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tanhui_domain::leaderboard::period_word;
use tanhui_domain::rule::{Action, Evidence, InputKind, InputSpec, NumberSpec};
use tanhui_domain::text::Language;
use tanhui_service::action;
use utoipa::{IntoParams, ToSchema};

use super::city_of;
use super::factors::{FactorAnswer, factor_now};
use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me, Query};
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::state::AppState;

/// Of which city.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ActionsQuery {
    /// Code of the city. Mine when I am signed in; may be left out where there is one.
    city: Option<String>,
}

/// What earns.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActionAnswer {
    /// Its id in events.
    #[schema(example = "metro_ride")]
    id: String,
    /// Its name.
    #[schema(example = "地铁出行")]
    name: String,
    /// The group it is shown in.
    #[schema(example = "travel")]
    category: String,
    /// What it is.
    description: Option<String>,
    /// A remark for readers of the rules.
    note: Option<String>,
    /// Whether it claims no carbon.
    points_only: bool,
    /// What it asks of an event.
    inputs: Vec<ActionInput>,
    /// The conditions that an event must meet.
    conditions: Vec<ActionCondition>,
    /// The formula for grams of CO2e; null where it gives points only.
    #[schema(example = "distance * metro_saving")]
    reduction: Option<String>,
    /// The formula for points.
    #[schema(example = "reduction / 10 gCO2e/pt, rounded down to 1 pt")]
    points: String,
    /// The grades of evidence that it takes, each with its share of the points.
    evidence: Vec<ActionEvidence>,
    /// The factors of its formulas as they stand today.
    factors: Vec<FactorAnswer>,
    /// What limits it.
    caps: Vec<ActionCap>,
}

/// One input.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActionInput {
    /// Its name; numbers are sent with the unit in the name, as in `distance_km`.
    #[schema(example = "distance")]
    name: String,
    /// What it is.
    label: Option<String>,
    /// `number`, `yes_no` or `choice`.
    #[serde(rename = "type")]
    #[schema(example = "number")]
    kind: &'static str,
    /// Unit of a number.
    #[schema(example = "km")]
    unit: Option<String>,
    /// Most decimals of a number.
    decimals: Option<u8>,
    /// Least number.
    #[schema(example = "0.3")]
    min: Option<String>,
    /// Greatest number.
    #[schema(example = "80")]
    max: Option<String>,
    /// Options of a choice.
    options: Option<Vec<String>>,
    /// What is taken when an event does not say; null where it must say.
    default: Option<String>,
}

/// One condition.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActionCondition {
    /// The formula.
    #[schema(example = "distance >= 0.5 km")]
    expression: String,
    /// The code of a refusal.
    code: String,
    /// What is said where it does not hold.
    sentence: String,
}

/// One grade of evidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActionEvidence {
    /// `operator`, `receipt`, `device` or `self`.
    #[schema(example = "operator")]
    grade: &'static str,
    /// Its share of the points.
    #[schema(example = "100%")]
    share: String,
}

/// One cap.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActionCap {
    /// The limit as written: times, points, grams, or the first input's unit.
    #[schema(example = "200 pt")]
    limit: String,
    /// `event`, `day`, `week`, `month` or `year`.
    #[schema(example = "day")]
    per: &'static str,
    /// What I have left of it today; null when nobody is signed in.
    #[schema(example = "154 pt")]
    left: Option<String>,
}

/// What earns now. Signed in, each cap also says what I have left of it.
#[utoipa::path(get, path = "/v1/actions", tag = "public", security((), ("bearer" = [])), params(ActionsQuery),
    responses((status = 200, body = Page<ActionAnswer>)))]
pub async fn list(
    State(state): State<AppState>,
    me: Option<Me>,
    context: RequestContext,
    Query(query): Query<ActionsQuery>,
) -> Result<Json<Page<ActionAnswer>>, Problem> {
    let services = &state.services;
    let city = city_of(services, query.city.as_deref(), me.as_deref()).await?;
    let rules = action::rules_now(services, &city).await?;
    let left = match me.filter(|me| me.city == city.id) {
        Some(me) => action::left_today(services, &city, &rules, me.id).await?,
        None => Vec::new(),
    };
    let today = tanhui_domain::time::civil_day(services.clock.now(), city.timezone);
    let mut left = left.into_iter();
    let items = rules.rules.actions().map(|action| {
        let factors = action.parameters().filter_map(|id| {
            let parameter = rules.rules.parameters().find(|parameter| parameter.id == id)?;
            factor_now(parameter, today, context.language)
        });
        answer(action, factors.collect(), left.next(), context.language)
    });
    Ok(Json(Page { items: items.collect(), next_cursor: None }))
}

fn answer(
    action: &Action,
    factors: Vec<FactorAnswer>,
    left: Option<Vec<String>>,
    language: Language,
) -> ActionAnswer {
    let conditions = action.conditions().iter().map(|condition| ActionCondition {
        expression: condition.formula().to_owned(),
        code: condition.code().to_owned(),
        sentence: condition.reason().in_language(language).to_owned(),
    });
    let evidence = Evidence::ALL.into_iter().filter_map(|grade| {
        let share = format!("{}%", action.evidence_percent(grade)?);
        Some(ActionEvidence { grade: grade.name(), share })
    });
    let mut left = left.unwrap_or_default().into_iter();
    let caps = action.caps().iter().map(|cap| ActionCap {
        limit: cap.written().to_owned(),
        per: cap.period().map_or("event", period_word),
        left: left.next(),
    });
    ActionAnswer {
        id: action.id().to_owned(),
        name: action.name().in_language(language).to_owned(),
        category: action.category().to_owned(),
        description: action.description().map(|text| text.in_language(language).to_owned()),
        note: action.note().map(|text| text.in_language(language).to_owned()),
        points_only: action.points_only(),
        inputs: action.inputs().iter().map(|input| input_answer(input, language)).collect(),
        conditions: conditions.collect(),
        reduction: action.reduction_formula().map(str::to_owned),
        points: action.points_formula().to_owned(),
        evidence: evidence.collect(),
        factors,
        caps: caps.collect(),
    }
}

fn input_answer(input: &InputSpec, language: Language) -> ActionInput {
    let (kind, number, options) = match input.kind() {
        InputKind::Number(number) => ("number", Some(number), None),
        InputKind::YesNo => ("yes_no", None, None),
        InputKind::Choice(options) => ("choice", None, Some(options.to_vec())),
        InputKind::Id => ("id", None, None),
    };
    ActionInput {
        name: input.name().to_owned(),
        label: input.label().map(|label| label.in_language(language).to_owned()),
        kind,
        unit: number.map(|number| number.unit().to_string()),
        decimals: number.map(NumberSpec::decimals),
        min: number.map(|number| number.min().to_string()),
        max: number.map(|number| number.max().to_string()),
        options,
        default: input.default().map(ToString::to_string),
    }
}
