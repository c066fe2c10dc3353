//! Computes credits again from their receipts and rule sets: the same milligrams and points, for ever.

use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::crediting::IN_TWO_PLACES;
use tanhui_domain::id::ActivityId;
use tanhui_domain::rule::{Explanation, Outcome, Receipt};
use tanhui_store::audit::Violation;
use tanhui_store::{Database, StoreError, activity};
use uuid::Uuid;

use super::{Progress, name};
use crate::rule_book::RuleBook;

/// Activities in one read.
const PAGE: i64 = 1_000;
const INVARIANT: &str = "credit_can_be_recomputed";
/// Codes of what the rules let pass and the account, or another act of the same body, did not.
const NOT_OF_THE_RULES: [&str; 2] = ["amount_overflow", IN_TWO_PLACES];

/// Which activities.
#[derive(Debug, Clone, Copy)]
pub enum Sample {
    /// Every one.
    All,
    /// So many in id order from an id on, round the end. Ids are hashes: from a random one on they are a
    /// random sample.
    From {
        /// Where to begin.
        start: ActivityId,
        /// How many at most.
        count: u64,
    },
}

/// What computing again showed.
#[derive(Debug, Clone, Default)]
pub struct Recomputed {
    /// Activities computed again.
    pub checked: u64,
    /// Those that came out otherwise.
    pub differing: u64,
    /// The first of them.
    pub named: Vec<Violation>,
}

/// Computes activities again, page by page.
pub async fn recompute(
    database: &Database,
    rules: &RuleBook,
    sample: Sample,
    mut progress: impl FnMut(Progress),
) -> Result<Recomputed, StoreError> {
    rules.refresh(database).await?;
    let (start, most) = match sample {
        Sample::All => (ActivityId::new(Uuid::nil()), u64::MAX),
        Sample::From { start, count } => (start, count),
    };
    let mut done = Recomputed::default();
    for (mut from, until) in [(start, None), (ActivityId::new(Uuid::nil()), Some(start))] {
        while done.checked < most {
            progress(Progress {
                name: INVARIANT,
                done: usize::try_from(done.checked).unwrap_or(0),
                of: None,
            });
            let room = i64::try_from(most.saturating_sub(done.checked)).unwrap_or(i64::MAX);
            let mut page = activity::from_id(database, from, PAGE.min(room)).await?;
            page.retain(|activity| until.is_none_or(|until| activity.id < until));
            let Some(last) = page.last() else { break };
            from = after(last.id);
            for activity in &page {
                done.enter(activity, difference(rules, activity));
            }
        }
    }
    Ok(done)
}

impl Recomputed {
    fn enter(&mut self, activity: &Activity, difference: Option<String>) {
        self.checked = self.checked.saturating_add(1);
        if let Some(difference) = difference {
            self.differing = self.differing.saturating_add(1);
            name(&mut self.named, INVARIANT, format!("activity {}: {difference}", activity.id));
        }
    }
}

/// The next id that there could be.
pub(super) fn after(id: ActivityId) -> ActivityId {
    ActivityId::new(Uuid::from_u128(id.get().as_u128().saturating_add(1)))
}

/// How a decision computed now differs from the one that stands.
fn difference(rules: &RuleBook, activity: &Activity) -> Option<String> {
    let Some(rule_set) = rules.by_id(activity.rule_set) else {
        return Some(format!("no rule set {}", activity.rule_set));
    };
    let Some(action) = rule_set.rules.action(&activity.action) else {
        return Some(format!("its rule set has no action {}", activity.action));
    };
    match Receipt::from_bytes(action, activity.occurred_at, &activity.receipt) {
        Err(error) => Some(format!("receipt: {error}")),
        Ok(receipt) => compare(activity, &rule_set.rules.explain(action, &receipt)),
    }
}

fn compare(activity: &Activity, again: &Explanation) -> Option<String> {
    let stands = (activity.points.get(), activity.reduction.get());
    let told = |what: &str| {
        Some(format!(
            "stands as {} with {} pt and {} mg, is {what}",
            activity.status.word(),
            stands.0,
            stands.1
        ))
    };
    match (activity.status, &again.outcome) {
        (ActivityStatus::Credited | ActivityStatus::Reversed, Outcome::Credited { .. })
            if stands == (again.points, again.reduction_mg) =>
        {
            None
        }
        (ActivityStatus::Rejected, Outcome::Refused { code, .. }) if activity.code.as_ref() == Some(code) => {
            None
        }
        (ActivityStatus::Rejected, Outcome::Credited { .. })
            if activity.code.as_deref().is_some_and(|code| NOT_OF_THE_RULES.contains(&code)) =>
        {
            None
        }
        // Nothing was granted yet, or a reviewer decided on what the rules only held.
        (ActivityStatus::Held, _) | (ActivityStatus::Rejected, Outcome::Held { .. }) => None,
        (_, Outcome::Credited { .. }) => told(&format!("{} pt and {} mg", again.points, again.reduction_mg)),
        (_, Outcome::Held { code, .. }) => told(&format!("held: {code}")),
        (_, Outcome::Refused { code, .. }) => told(&format!("refused: {code}")),
    }
}
