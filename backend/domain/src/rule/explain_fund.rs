//! The lines of an explanation that say what lay before, what raised the points, and who paid them.

use serde::Serialize;

use super::action::Action;
use super::decision::Facts;
use super::evaluate::{Assessment, Ending};
use super::history::LookBack;
use super::ruleset::RuleSet;
use crate::text::Text;
use crate::time::civil_day;

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
        if !matches!(assessment.outcome, Ending::Granted(_)) {
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
