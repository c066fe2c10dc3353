//! What earns in a city now, what is left of its caps today, and the factors behind it.

use std::sync::Arc;

use tanhui_domain::city::City;
use tanhui_domain::id::CitizenId;
use tanhui_domain::rule::{Action, Cap, CapWindow, Usage};
use tanhui_domain::time::civil_day;
use tanhui_store::StoreError;
use tanhui_store::usage::{self, UsageWindow};

use crate::Services;
use crate::rule_book::PublishedRuleSet;

/// The rule set of a city in force now.
pub async fn rules_now(services: &Services, city: &City) -> Result<Arc<PublishedRuleSet>, StoreError> {
    services.rules.refresh(&services.database).await?;
    let in_force = services.rules.in_force(city.id, services.clock.now());
    in_force.ok_or_else(|| StoreError::Corrupt(format!("no rule set for city {}", city.code)))
}

/// What a citizen has left of every cap of every action today, as texts like `194 pt`; outer and inner order
/// are those of the rule set. A cap for one event is always whole.
pub async fn left_today(
    services: &Services,
    city: &City,
    rules: &PublishedRuleSet,
    citizen: CitizenId,
) -> Result<Vec<Vec<String>>, StoreError> {
    let today = civil_day(services.clock.now(), city.timezone);
    let of_action: Vec<(&Action, Vec<CapWindow>)> =
        rules.rules.actions().map(|action| (action, rules.rules.cap_windows(action, today))).collect();
    let asked: Vec<UsageWindow> = of_action
        .iter()
        .flat_map(|(action, windows)| {
            windows.iter().map(|window| UsageWindow {
                citizen,
                action: action.id().to_owned(),
                range: window.range,
            })
        })
        .collect();
    let sums = if asked.is_empty() { Vec::new() } else { usage::sums(&services.database, &asked).await? };
    let mut sums = sums.into_iter();
    Ok(of_action
        .iter()
        .map(|(action, windows)| {
            let used: Vec<(&CapWindow, Usage)> = windows.iter().zip(sums.by_ref()).collect();
            action.caps().iter().map(|cap| left(action, cap, &used)).collect()
        })
        .collect())
}

fn left(action: &Action, cap: &Cap, used: &[(&CapWindow, Usage)]) -> String {
    let used = used.iter().find(|(window, _)| Some(window.period) == cap.period()).map(|(_, used)| *used);
    let used = used.unwrap_or_default();
    let (limit, used) = cap.limit().against(&used);
    action.cap_amount(cap, limit.saturating_sub(used).max(0))
}
