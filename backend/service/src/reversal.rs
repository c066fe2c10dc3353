//! Undoing one credited activity: points and grams together, its share of caps and boards, its lots, and what
//! of it still waits for a budget. Once.
//!
//! Other activities keep what they were given, also those that a cap trimmed because of this one.

use chrono::{DateTime, Utc};
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::city::City;
use tanhui_domain::crediting::{DayGrant, Tally, added_up, payout_lot, undo};
use tanhui_domain::id::ActivityId;
use tanhui_domain::ledger::{Amounts, JournalKind, Lot, LotTake, lots_after, undo_credit};
use tanhui_domain::office::{Act, Actor, Deed, reason_fits};
use tanhui_domain::rule::SpentPoints;
use tanhui_domain::text::Text;
use tanhui_domain::time::civil_day;
use tanhui_store::{StoreError, Transaction, activity, city, lot, office_log, tally, usage};

use crate::Services;
use crate::activity::{receipt, rule_set};
use crate::draft::{Draft, overflow, unpostable};
use crate::payout::Waiting;
use crate::retry::{Repeatable, retrying};
use crate::review::{self, claim};
use crate::rule_book::PublishedRuleSet;

/// Why an activity was not undone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReversalError {
    /// No such activity in this city, or not one of this source.
    #[error("no such activity")]
    NoActivity,
    /// It was undone before.
    #[error("the activity was reversed before")]
    AlreadyReversed,
    /// It gave nothing that could be undone.
    #[error("the activity is {}", .0.word())]
    NotCredited(ActivityStatus),
    /// An adjustment has taken grams of it since.
    #[error("not enough CO2e on the account")]
    InsufficientReduction,
    /// The reason is missing in one language, or too long.
    #[error("give a reason in Chinese and English, 1 to 500 bytes each")]
    Reason,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Repeatable for ReversalError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

/// Undoes a credited activity of a city; a source may undo its own only. Gives the activity as it is then.
pub async fn reverse(
    services: &Services,
    city: &City,
    id: ActivityId,
    actor: Actor,
    reason: &Text,
) -> Result<Activity, ReversalError> {
    if !reason_fits(reason) {
        return Err(ReversalError::Reason);
    }
    let now = services.clock.now();
    let deed = |activity: &Activity| Deed {
        city: city.id,
        act: Act::Reversed,
        subject: id.get(),
        citizen: Some(activity.citizen),
        actor,
        reason: reason.clone(),
        done_at: now,
    };
    retrying(|again| try_to_reverse(services, city, id, actor, &deed, (now, again))).await
}

async fn try_to_reverse(
    services: &Services,
    city: &City,
    id: ActivityId,
    actor: Actor,
    deed: &impl Fn(&Activity) -> Deed,
    (now, again): (DateTime<Utc>, bool),
) -> Result<Activity, ReversalError> {
    let transaction = services.database.begin().await?;

    // 1. Load and lock; then read the activity again, as it is under the lock.
    let found = activity::find(&transaction, id).await?.ok_or(ReversalError::NoActivity)?;
    let draft = Draft::open(&transaction, found.citizen).await?;
    let mut draft = draft.filter(|draft| draft.account().city == city.id).ok_or(ReversalError::NoActivity)?;
    let found = activity::find(&transaction, id).await?.ok_or(ReversalError::NoActivity)?;
    if matches!(actor, Actor::Source(source) if source != found.source) {
        return Err(ReversalError::NoActivity);
    }
    match found.status {
        ActivityStatus::Credited => {}
        ActivityStatus::Reversed => {
            // An earlier try at this very instant was committed and its answer lost.
            let last = office_log::last_about(&transaction, id.get()).await?;
            let own = again && last.is_some_and(|last| last == deed(&found));
            return if own { Ok(found) } else { Err(ReversalError::AlreadyReversed) };
        }
        status @ (ActivityStatus::Held | ActivityStatus::Rejected) => {
            return Err(ReversalError::NotCredited(status));
        }
    }
    if draft.account().balance.reduction < found.reduction {
        return Err(ReversalError::InsufficientReduction);
    }
    let rules = rule_set(services, &found).await?;
    let lots = draft.tidy(&transaction, civil_day(now, city.timezone)).await?;
    let waiting = Waiting::load(&transaction, city, &found).await?;

    // 2. Decide and write the lots and lines.
    let parts = std::iter::once((found.recorded_at, found.points)).chain(waiting.payments());
    let policy = policy(services, city, now);
    undo_points(&transaction, &mut draft, &found, (lots, parts.collect()), (&rules, policy)).await?;

    // 3. Write the rest.
    review::forget_act(&transaction, city, &found, &rules).await?;
    let (grant, mut tallies) = undone_counts(city, &found, &rules, waiting.given_up())?;
    tallies.extend(waiting.give_up(&transaction).await?);
    let tallies = added_up(tallies).map_err(overflow)?;
    usage::add(&transaction, &[grant], now).await?;
    if !tallies.is_empty() {
        tally::add(&transaction, &tallies).await?;
    }
    if !activity::mark_reversed(&transaction, &found).await? {
        return Err(ReversalError::AlreadyReversed);
    }
    office_log::insert(&transaction, &deed(&found)).await?;
    // Boards follow accounts that move.
    if draft.is_still() {
        city::renew_boards(&transaction, city.id).await?;
    }
    draft.write(&transaction, city, now).await?;

    // 4. Commit, then answer.
    transaction.commit().await?;
    metrics::counter!("tanhui_reversals_total").increment(1);
    Ok(Activity { status: ActivityStatus::Reversed, ..found })
}

/// What the city's rules say now about reversed points that were spent.
fn policy(services: &Services, city: &City, now: DateTime<Utc>) -> SpentPoints {
    services.rules.in_force(city.id, now).map(|rules| rules.rules.reversal()).unwrap_or_default()
}

/// Takes back what was paid at each instant, each from its own lot first.
async fn undo_points(
    on: &Transaction,
    draft: &mut Draft,
    activity: &Activity,
    (mut lots, parts): (Vec<Lot>, Vec<(DateTime<Utc>, Points)>),
    (rules, policy): (&PublishedRuleSet, SpentPoints),
) -> Result<(), StoreError> {
    let cause = activity.id.get();
    let missing = || StoreError::Corrupt(format!("activity {}: no such action", activity.id));
    let action = rules.rules.action(&activity.action).ok_or_else(missing)?;
    let mut reduction = activity.reduction;
    for (paid_at, points) in parts {
        let key = payout_lot(&rules.rules, action, activity.recorded_at, paid_at);
        let own = lot::find(on, activity.citizen, key).await?;
        let undone = undo_credit(points, own.as_ref(), &lots, policy).map_err(overflow)?;
        if let Some(own) = own
            && undone.revived > Points::ZERO
        {
            let revived = LotTake { key: own.key, points: undone.revived };
            lot::revive(on, activity.citizen, &[revived]).await?;
            let revived = Amounts::points(undone.revived);
            draft.post(JournalKind::Expire, revived, Some(cause)).map_err(unpostable)?;
        }
        lot::take(on, activity.citizen, cause, &undone.takes).await?;
        lots = lots_after(&lots, &undone.takes);
        draft.owe(undone.debt).map_err(overflow)?;
        let posted = Amounts::credit(undone.posted, reduction).negated().map_err(overflow)?;
        reduction = ReductionMg::ZERO;
        if posted != Amounts::default() {
            draft.post(JournalKind::Reverse, posted, Some(cause)).map_err(unpostable)?;
        }
    }
    Ok(())
}

/// What no longer counts for caps, boards and budgets.
fn undone_counts(
    city: &City,
    activity: &Activity,
    rules: &PublishedRuleSet,
    given_up: Points,
) -> Result<(DayGrant, Vec<Tally>), StoreError> {
    let missing = || StoreError::Corrupt(format!("activity {}: no such action", activity.id));
    let action = rules.rules.action(&activity.action).ok_or_else(missing)?;
    let receipt = receipt(action, activity)?;
    let claim = claim(city, activity, rules, action, &receipt);
    undo(&claim, &receipt, given_up).map_err(overflow)
}
