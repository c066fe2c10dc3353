//! Held acts: a person of the city office lets each go on to the rules, or refuses it. Once.
//!
//! A released act is credited on the road of all others, under the caps of the day on which it happened.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::city::City;
use tanhui_domain::crediting::Claim;
use tanhui_domain::id::{ActivityId, CitizenId};
use tanhui_domain::ledger::Account;
use tanhui_domain::office::{Act, Actor, Deed, reason_fits};
use tanhui_domain::rule::{Action, Receipt};
use tanhui_domain::text::Text;
use tanhui_store::{StoreError, Transaction, account, activity, hold, office_log};

use crate::Services;
use crate::activity::{receipt, rule_set};
use crate::crediting::{Verdict as Credited, acts, credit_claims, save_acts};
use crate::retry::{Repeatable, retrying};
use crate::rule_book::PublishedRuleSet;

/// Why a held activity was not decided.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReviewError {
    /// No such activity in this city.
    #[error("no such activity")]
    NoActivity,
    /// Nobody has to decide it, or somebody did before.
    #[error("the activity is {}", .0.word())]
    NotHeld(ActivityStatus),
    /// It turned out to be an act that was counted before; reject it.
    #[error("it is an act that was counted before")]
    ToldAgain(Option<ActivityId>),
    /// The reason is missing in one language, or too long.
    #[error("give a reason in Chinese and English, 1 to 500 bytes each")]
    Reason,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Repeatable for ReviewError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

/// What a reviewer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Let the rules decide it.
    Release,
    /// Refuse it.
    Reject,
}

/// Held activities of a city with the reason, the longest held first, beginning after an (instant, activity).
pub async fn page(
    services: &Services,
    city: &City,
    after: Option<(DateTime<Utc>, ActivityId)>,
    limit: i64,
) -> Result<Vec<(Activity, Text)>, StoreError> {
    hold::page(&services.database, city.id, after, limit).await
}

/// What a held activity's source said of it.
pub async fn told(services: &Services, activity: &Activity) -> Result<Receipt, StoreError> {
    let rules = rule_set(services, activity).await?;
    let action = rules.rules.action(&activity.action).ok_or_else(|| no_action(activity))?;
    receipt(action, activity)
}

/// Decides a held activity, once. Gives it as it is then.
pub async fn decide(
    services: &Services,
    city: &City,
    id: ActivityId,
    by: CitizenId,
    (verdict, reason): (Verdict, &Text),
) -> Result<Activity, ReviewError> {
    if !reason_fits(reason) {
        return Err(ReviewError::Reason);
    }
    let now = services.clock.now();
    let act = match verdict {
        Verdict::Release => Act::Released,
        Verdict::Reject => Act::Rejected,
    };
    let deed = |activity: &Activity| Deed {
        city: city.id,
        act,
        subject: id.get(),
        citizen: Some(activity.citizen),
        actor: Actor::Person(by),
        reason: reason.clone(),
        done_at: now,
    };
    retrying(|again| try_to_decide(services, city, id, verdict, &deed, (now, again))).await
}

async fn try_to_decide(
    services: &Services,
    city: &City,
    id: ActivityId,
    verdict: Verdict,
    deed: &impl Fn(&Activity) -> Deed,
    (now, again): (DateTime<Utc>, bool),
) -> Result<Activity, ReviewError> {
    let transaction = services.database.begin().await?;

    // 1. Load and lock; then read the activity again, as it is under the lock.
    let found = activity::find(&transaction, id).await?.ok_or(ReviewError::NoActivity)?;
    let account = account::lock(&transaction, found.citizen.into()).await?;
    let account = account.filter(|account| account.city == city.id).ok_or(ReviewError::NoActivity)?;
    let found = activity::find(&transaction, id).await?.ok_or(ReviewError::NoActivity)?;
    if found.status != ActivityStatus::Held {
        // An earlier try at this very instant was committed and its answer lost.
        let last = office_log::last_about(&transaction, id.get()).await?;
        let own = again && last.is_some_and(|last| last == deed(&found));
        return if own { Ok(found) } else { Err(ReviewError::NotHeld(found.status)) };
    }
    if !hold::delete(&transaction, id).await? {
        return Err(ReviewError::NotHeld(found.status));
    }

    // 2. Decide, write.
    let rules = rule_set(services, &found).await?;
    let decided = match verdict {
        Verdict::Release => release(&transaction, city, account, (&found, &rules), now).await?,
        Verdict::Reject => reject(&transaction, city, &found, &rules).await?,
    };
    office_log::insert(&transaction, &deed(&found)).await?;

    // 3. Commit, then answer.
    transaction.commit().await?;
    Ok(decided)
}

async fn release(
    on: &Transaction,
    city: &City,
    account: Account,
    (held, rules): (&Activity, &PublishedRuleSet),
    now: DateTime<Utc>,
) -> Result<Activity, ReviewError> {
    let action = rules.rules.action(&held.action).ok_or_else(|| no_action(held))?;
    let receipt = receipt(action, held)?;
    let claim = Claim { reviewed: true, ..claim(city, held, rules, action, &receipt) };
    activity::reopen(on, held, now).await?;
    let mut accounts = BTreeMap::from([(held.citizen, account)]);
    let verdicts = credit_claims(on, vec![(0, claim)], &mut accounts, now).await?;
    match verdicts.into_iter().next() {
        Some((_, Credited::Decided(decided))) => Ok(decided.activity),
        Some((_, Credited::ToldAgain { first, .. })) => Err(ReviewError::ToldAgain(first)),
        None => Err(StoreError::Corrupt("a released activity got no answer".to_owned()).into()),
    }
}

async fn reject(
    on: &Transaction,
    city: &City,
    held: &Activity,
    rules: &PublishedRuleSet,
) -> Result<Activity, ReviewError> {
    if !activity::mark_rejected(on, held).await? {
        return Err(ReviewError::NotHeld(held.status));
    }
    forget_act(on, city, held, rules).await?;
    Ok(Activity { status: ActivityStatus::Rejected, ..held.clone() })
}

/// Gives back the stretch of time of an activity that does not count any more. The citizen must be locked.
pub(crate) async fn forget_act(
    on: &Transaction,
    city: &City,
    activity: &Activity,
    rules: &PublishedRuleSet,
) -> Result<(), StoreError> {
    let action = rules.rules.action(&activity.action).ok_or_else(|| no_action(activity))?;
    if action.same_act().is_none() {
        return Ok(());
    }
    let receipt = receipt(action, activity)?;
    let Some(span) = rules.rules.span(action, &receipt.facts()) else {
        return Ok(());
    };
    let claim = claim(city, activity, rules, action, &receipt);
    let mut acts = acts(on, std::iter::once(&claim)).await?;
    acts.forget(activity.citizen, activity.id, &span);
    save_acts(on, acts).await
}

/// The claim that an activity was.
pub(crate) fn claim<'a>(
    city: &City,
    activity: &'a Activity,
    rules: &'a PublishedRuleSet,
    action: &'a Action,
    receipt: &'a Receipt,
) -> Claim<'a> {
    Claim {
        id: activity.id,
        citizen: activity.citizen,
        source: activity.source,
        external_id: &activity.external_id,
        rule_set: &rules.rules,
        rule_set_id: activity.rule_set,
        action,
        inputs: &receipt.inputs,
        occurred_at: activity.occurred_at,
        evidence: receipt.evidence,
        city: city.id,
        card: receipt.card,
        district: receipt.district.as_deref(),
        reviewed: receipt.reviewed,
    }
}

fn no_action(activity: &Activity) -> StoreError {
    StoreError::Corrupt(format!("activity {}: no such action", activity.id))
}
