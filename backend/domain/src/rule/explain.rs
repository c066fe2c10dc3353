//! A decision computed again and told: inputs, factors with sources, formulas with numbers, caps. Decides
//! nothing itself.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;

use super::action::Action;
use super::check::Type;
use super::decision::{Facts, Receipt};
use super::era::Era;
use super::evaluate::{self, Assessment};
use super::evidence::Evidence;
use super::exact::{Decimal, Ratio, decimal_text};
use super::expectation::grams_text;
use super::explain_fund::{
    ExplainedCap, ExplainedFactor, ExplainedFund, ExplainedHistory, explained_cap, explained_history,
};
use super::expression::value_text;
use super::parameter::{Confidence, Source};
use super::program::Results;
use super::reckoning::Reckoning;
use super::ruleset::RuleSet;
use super::section::Located;
use super::verdict::{Granted, Verdict};
use crate::text::Text;

/// How a decision came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Id of the action.
    pub action: String,
    /// The action's name.
    pub name: Text,
    /// Version of the engine that made the receipt.
    pub engine: u16,
    /// Civil date and time of the act.
    pub occurred_at: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What the event said.
    pub inputs: Vec<ExplainedInput>,
    /// What was looked back at.
    pub history: Vec<ExplainedHistory>,
    /// The conditions up to the first that failed.
    pub conditions: Vec<ExplainedCondition>,
    /// The formulas in the order of evaluation; none where a condition failed before them.
    pub steps: Vec<ExplainedStep>,
    /// The grade of evidence and its share of the points.
    pub evidence: ExplainedEvidence,
    /// The multipliers and campaigns that count, in the order in which they stack.
    pub factors: Vec<ExplainedFactor>,
    /// The caps in the order of their application.
    pub caps: Vec<ExplainedCap>,
    /// The budgets that it draws on: campaigns that count, then those of the programme.
    pub budgets: Vec<ExplainedFund>,
    /// Points credited.
    pub points: i64,
    /// Points that wait for a budget.
    pub queued: i64,
    /// Milligrams of CO2e credited.
    pub reduction_mg: i64,
}

/// How a decision ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// It counts.
    Credited {
        /// Whether a cap trimmed it.
        capped: bool,
    },
    /// A person must look at it first.
    Held {
        /// Stable code.
        code: String,
        /// The reason.
        reason: Text,
    },
    /// It does not.
    Refused {
        /// Stable code.
        code: String,
        /// The reason for the citizen.
        reason: Text,
    },
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedInput {
    /// Its name in formulas.
    pub name: String,
    /// What it is.
    pub label: Text,
    /// Its value with its unit.
    pub value: String,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedCondition {
    /// The formula as written.
    pub expression: String,
    /// The formula with the numbers in place of the names.
    pub with_numbers: String,
    /// Whether it held.
    pub holds: bool,
    /// What the citizen is told where it does not hold.
    pub sentence: Text,
}

/// One formula.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedStep {
    /// `reduction`, `points`, or the name of a step of the file.
    pub name: String,
    /// What it is.
    pub label: Text,
    /// The formula as written.
    pub expression: String,
    /// The formula with the numbers in place of the names.
    pub with_numbers: String,
    /// The result without its unit.
    pub value: String,
    /// The unit; empty for what has none.
    pub unit: String,
    /// The parameters that the formula uses.
    pub parameters: Vec<ExplainedParameter>,
}

/// One parameter as it stood on the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedParameter {
    /// Its name in formulas.
    pub id: String,
    /// What it is.
    pub label: Text,
    /// Number and unit as written.
    pub value: String,
    /// Since when it holds.
    pub from: NaiveDate,
    /// How far to trust it.
    pub confidence: Confidence,
    /// Where it was published; none for a proposal.
    pub source: Option<Source>,
    /// Anything a reader should know.
    pub note: Option<Text>,
}

/// The evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedEvidence {
    /// The grade.
    pub grade: Evidence,
    /// The grade in words.
    pub label: Text,
    /// Its share of the points, as in `50%`; none where the action does not accept it.
    pub share: Option<String>,
}

impl RuleSet {
    /// Computes a decision again from its receipt and tells how it came about.
    #[must_use]
    pub fn explain(&self, action: &Action, receipt: &Receipt) -> Explanation {
        self.tell(&self.reckon(action, receipt))
    }

    /// Puts a decision that was computed again into words.
    #[must_use]
    pub fn tell(&self, reckoning: &Reckoning<'_>) -> Explanation {
        let Reckoning { action, receipt, assessment } = reckoning;
        let Receipt { occurred_at, evidence, .. } = receipt;
        let facts = receipt.facts();
        let local = occurred_at.with_timezone(&self.timezone());
        let mut teller = Teller { rules: self, action, day: local.date_naive(), words: BTreeMap::new() };
        let explained_inputs = teller.inputs(receipt);
        teller.words.insert("date".into(), local.format("%Y-%m-%d").to_string());
        teller.words.insert("time".into(), local.format("%H:%M").to_string());
        let history = explained_history(action, &facts);
        teller.words.extend(history.iter().map(|told| (told.name.clone(), told.value.clone())));
        let (conditions, steps) = teller.formulas(assessment, &facts);
        let granted = match assessment.verdict {
            Verdict::Credited(granted) => granted,
            Verdict::Refused(_) | Verdict::Held(_) => Granted::default(),
        };
        let outcome = match assessment.verdict {
            Verdict::Credited(granted) => Outcome::Credited { capped: granted.capped },
            Verdict::Refused(reason) => {
                let (code, reason) = evaluate::told(reason, action, self.timezone(), &facts);
                Outcome::Refused { code, reason }
            }
            Verdict::Held(place) => {
                let (code, reason) = evaluate::hold(action, place);
                Outcome::Held { code, reason }
            }
        };
        let share = action.evidence_percent(*evidence).map(|percent| format!("{percent}%"));
        Explanation {
            action: action.id().to_owned(),
            name: action.name().clone(),
            engine: receipt.engine,
            occurred_at: local.format("%Y-%m-%d %H:%M:%S").to_string(),
            outcome,
            inputs: explained_inputs,
            history,
            conditions,
            steps,
            evidence: ExplainedEvidence { grade: *evidence, label: evidence.label(), share },
            factors: self.explained_factors(action, assessment, &facts),
            caps: assessment.caps.iter().filter_map(|cap| explained_cap(action, *cap)).collect(),
            budgets: self.explained_funds(action, assessment, &facts),
            points: granted.points.get(),
            queued: granted.queued.get(),
            reduction_mg: granted.reduction.get(),
        }
    }
}

/// Puts formulas into words and numbers.
struct Teller<'a> {
    rules: &'a RuleSet,
    action: &'a Action,
    day: NaiveDate,
    /// The text of each name known so far.
    words: BTreeMap<String, String>,
}

impl Teller<'_> {
    fn inputs(&mut self, receipt: &Receipt) -> Vec<ExplainedInput> {
        let mut explained = Vec::new();
        for spec in self.action.inputs() {
            let name = spec.name().to_owned();
            let Some(value) = receipt.inputs.get_text(&name) else { continue };
            let label = spec.label().cloned().unwrap_or_else(|| Text::new(&name, &name));
            self.words.insert(name.clone(), value.clone());
            explained.push(ExplainedInput { name, label, value });
        }
        explained
    }

    fn formulas(
        &mut self,
        assessment: &Assessment<'_>,
        facts: &Facts<'_>,
    ) -> (Vec<ExplainedCondition>, Vec<ExplainedStep>) {
        let (Some(era), Some(results)) = (assessment.era, &assessment.results) else {
            return (Vec::new(), Vec::new());
        };
        let action = self.action;
        for id in action.parameters() {
            let value = self.rules.parameters.get(id).and_then(|parameter| parameter.on(self.day));
            self.words.extend(value.map(|value| (id.to_owned(), value.value.clone())));
        }
        let mut steps = self.named_steps(era, results);
        let conditions = self.conditions(era, results);
        let Some(granted) = assessment.before_caps else { return (conditions, steps) };
        let (reduction_mg, points) = (granted.reduction.get(), granted.points);
        if let Some(located) = &action.reduction {
            let label = Text::new("减排量", "Reduction");
            let value = decimal_text(i128::from(reduction_mg), milligram());
            steps.push(self.step("reduction", label, located, (value, "gCO2e".to_owned())));
            self.words.insert("reduction".into(), grams_text(reduction_mg));
        }
        let label = Text::new("积分", "Points");
        let mut told = self.step("points", label, &action.points, (points.to_string(), "pt".to_owned()));
        let share = action.evidence_percent(facts.evidence).map(|percent| percent.to_string());
        if let Some(share) = share.filter(|share| share != "100") {
            told.with_numbers = with_share(&told.with_numbers, &share);
        }
        steps.push(told);
        (conditions, steps)
    }

    fn named_steps(&mut self, era: &Era, results: &Results) -> Vec<ExplainedStep> {
        let mut steps = Vec::new();
        for ((name, located), value) in self.action.steps.iter().zip(&era.steps) {
            let shown = value_text(results.get(value.register), &value.kind, value.step);
            let unit = match &value.kind {
                Type::Number(unit) if !unit.is_plain() => unit.to_string(),
                Type::Number(_) | Type::YesNo | Type::Choice(_) | Type::Date | Type::Time => String::new(),
            };
            let bare = shown.strip_suffix(&unit).unwrap_or(&shown).trim_end().to_owned();
            steps.push(self.step(name, Text::new(name, name), located, (bare, unit)));
            self.words.insert(name.clone(), shown);
        }
        steps
    }

    fn conditions(&self, era: &Era, results: &Results) -> Vec<ExplainedCondition> {
        let mut told = Vec::new();
        for (condition, register) in self.action.eligible.iter().zip(&era.outputs.conditions) {
            let holds = results.holds(*register);
            told.push(ExplainedCondition {
                expression: condition.when.formula.source.clone(),
                with_numbers: self.with_numbers(&condition.when),
                holds,
                sentence: condition.reason.clone(),
            });
            if !holds {
                break;
            }
        }
        told
    }

    fn step(&self, name: &str, label: Text, located: &Located, result: (String, String)) -> ExplainedStep {
        let mut parameters: Vec<ExplainedParameter> = Vec::new();
        for word in located.formula.words() {
            if !parameters.iter().any(|known| known.id == word) {
                parameters.extend(self.parameter(&word));
            }
        }
        ExplainedStep {
            name: name.to_owned(),
            label,
            expression: located.formula.source.clone(),
            with_numbers: self.with_numbers(located),
            value: result.0,
            unit: result.1,
            parameters,
        }
    }

    fn parameter(&self, id: &str) -> Option<ExplainedParameter> {
        let parameter = self.rules.parameters.get(id)?;
        let value = parameter.on(self.day)?;
        Some(ExplainedParameter {
            id: id.to_owned(),
            label: parameter.label.clone(),
            value: value.value.clone(),
            from: value.from,
            confidence: value.confidence,
            source: value.source.clone(),
            note: value.note.clone(),
        })
    }

    /// The formula with each known name replaced by its value.
    fn with_numbers(&self, located: &Located) -> String {
        let letters: Vec<char> = located.formula.source.chars().collect();
        let part =
            |from: usize, to: usize| letters.get(from..to).unwrap_or_default().iter().collect::<String>();
        let (mut told, mut done) = (String::new(), 0);
        for (start, end) in &located.formula.names {
            let name = part(*start, *end);
            told.push_str(&signs(&part(done, *start)));
            told.push_str(self.words.get(&name).unwrap_or(&name));
            done = *end;
        }
        told.push_str(&signs(&part(done, letters.len())));
        told
    }
}

/// The share of evidence is taken before the rounding, and shown there.
fn with_share(formula: &str, share: &str) -> String {
    match formula.rsplit_once("rounded") {
        Some((exact, rounding)) => {
            let exact = exact.trim_end().trim_end_matches(',');
            format!("({exact}) × {share}%, rounded{rounding}")
        }
        None => format!("({formula}) × {share}%"),
    }
}

fn signs(formula: &str) -> String {
    formula.replace(" * ", " × ").replace(" / ", " ÷ ")
}

pub(super) fn milligram() -> Ratio {
    Ratio::new(1, 1000).unwrap_or(Ratio::ONE)
}

/// Milligrams as grams, without a unit.
pub(super) fn grams(milligrams: i64) -> Decimal {
    Decimal { mantissa: i128::from(milligrams), decimals: 3 }.trimmed()
}
