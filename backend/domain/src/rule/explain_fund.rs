//! The lines of an explanation that say what lay before, what raised and trimmed the points, and who paid
//! them.

use serde::Serialize;

use super::action::Action;
use super::cap::{Cap, CapLimit};
use super::decision::Facts;
use super::evaluate::Assessment;
use super::exact::{Ratio, decimal_text};
use super::expectation::grams_text;
use super::explain::milligram;
use super::grant::CapUse;
use super::history::LookBack;
use super::ruleset::RuleSet;
use super::verdict::Verdict;
use crate::text::Text;
use crate::time::{Period, civil_day};

/// One look back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedHistory {
    /// Its name in formulas.
    pub name: String,
    /// How many readings there were.
    pub readings: i64,
    /// What formulas took, with its unit; empty where the act was refused for it.
    pub value: String,
}

/// One multiplier or campaign that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedFactor {
    /// Its id in the file.
    pub id: String,
    /// Its name.
    pub name: Text,
    /// The factor, as in `1.5`.
    pub times: String,
    /// Whether it is a campaign.
    pub campaign: bool,
}

/// One cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedCap {
    /// The limit as written.
    pub limit: String,
    /// The period; none for one event.
    pub per: Option<Period>,
    /// Used before this act.
    pub used_before: String,
    /// Left after it.
    pub left_after: String,
    /// Whether it trimmed this act.
    pub trimmed: bool,
}

/// One budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedFund {
    /// The campaign's or the budget's id.
    pub id: String,
    /// Points that it holds in the period.
    pub limit: i64,
    /// Points issued from it before this act.
    pub issued_before: i64,
    /// Points that this act takes from it.
    pub drawn: i64,
}

pub(super) fn explained_cap(action: &Action, used: CapUse) -> Option<ExplainedCap> {
    let cap = action.caps.get(used.place)?;
    Some(ExplainedCap {
        limit: cap.written.clone(),
        per: cap.period,
        used_before: action.cap_amount(cap, used.used_before),
        left_after: action.cap_amount(cap, used.left_after),
        trimmed: used.trimmed,
    })
}

impl Action {
    /// A count of what one of this action's caps limits, for display, as in `194 pt`.
    #[must_use]
    pub fn cap_amount(&self, cap: &Cap, count: i64) -> String {
        match cap.limit {
            CapLimit::Times(_) => format!("{count} times"),
            CapLimit::Points(_) => format!("{count} pt"),
            CapLimit::Reduction(_) => grams_text(count),
            CapLimit::Input(_) => {
                let unit = super::cap::first_number(&self.inputs).map(super::input::NumberSpec::unit);
                let step = unit.and_then(|unit| milligram().over(unit.factor()?)).unwrap_or(Ratio::ONE);
                format!("{} {}", decimal_text(i128::from(count), step), unit.unwrap_or_default())
            }
        }
    }
}

pub(super) fn explained_history(action: &Action, facts: &Facts<'_>) -> Vec<ExplainedHistory> {
    let told = |look: &LookBack| {
        let readings = facts.history.get(look.window).copied().unwrap_or_default();
        let value = look.value(readings).map_or_else(String::new, |value| look.shown(value));
        ExplainedHistory { name: look.name.clone(), readings: readings.count, value }
    };
    action.history.iter().map(told).collect()
}

impl RuleSet {
    pub(super) fn explained_factors(
        &self,
        action: &Action,
        assessment: &Assessment<'_>,
        facts: &Facts<'_>,
    ) -> Vec<ExplainedFactor> {
        let (Some(era), Some(results), Some(_)) =
            (assessment.era, &assessment.results, assessment.before_caps)
        else {
            return Vec::new();
        };
        let multipliers = action.multipliers.iter().zip(&era.outputs.multipliers);
        let held = multipliers.filter(|(_, register)| results.holds(**register));
        let multipliers = held.map(|(multiplier, _)| ExplainedFactor {
            id: multiplier.id.clone(),
            name: multiplier.name.clone(),
            times: multiplier.times().to_string(),
            campaign: false,
        });
        let day = civil_day(facts.occurred_at, self.timezone());
        let reaching = action.live_campaigns(day).filter(|campaign| campaign.reaches(facts.district));
        let campaigns = reaching.map(|campaign| ExplainedFactor {
            id: campaign.id.clone(),
            name: campaign.name.clone(),
            times: campaign.times().to_string(),
            campaign: true,
        });
        multipliers.chain(campaigns).collect()
    }

    pub(super) fn explained_funds(
        &self,
        action: &Action,
        assessment: &Assessment<'_>,
        facts: &Facts<'_>,
    ) -> Vec<ExplainedFund> {
        if !matches!(assessment.verdict, Verdict::Credited(_)) {
            return Vec::new();
        }
        let day = civil_day(facts.occurred_at, self.timezone());
        let windows = self.budget_windows(action, day);
        let drawn = assessment.drawn.first(windows.len());
        let unreached: Vec<&str> = action
            .live_campaigns(day)
            .filter(|campaign| !campaign.reaches(facts.district))
            .map(|campaign| campaign.id.as_str())
            .collect();
        let told = windows.into_iter().zip(drawn).enumerate().map(|(place, (window, drawn))| ExplainedFund {
            id: window.id,
            limit: window.limit.get(),
            issued_before: facts.issued.get(place).map_or(0, |issued| issued.get()),
            drawn: drawn.get(),
        });
        told.filter(|fund| !unreached.contains(&fund.id.as_str())).collect()
    }
}
