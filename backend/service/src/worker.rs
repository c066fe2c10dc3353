//! What goes on in the background: crediting what waited, paying points that waited and prizes, ending points
//! whose last day is over, preparing partitions, forgetting what is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, Utc};
use tanhui_domain::city::Source;
use tanhui_domain::id::{ActivityId, CitizenId, SourceId};
use tanhui_domain::same_act::weeks_around;
use tanhui_store::waiting::{FIRST_WAITING, WaitingEvent};
use tanhui_store::{
    StoreError, act_span, idempotency, scan, session, setting, source, staff, waiting, webhook as told,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Services;
use crate::audit::{self, Recomputed, Sample};
use crate::crediting::{CreditError, EventStatus, Report, Subject};
use crate::random::Random as _;
use crate::webhook::{self, Courier};
use crate::{expiry, payout, prize, redemption, settlement};

const WAITING_PAUSE: Duration = Duration::from_secs(1);
const UPKEEP_PAUSE: Duration = Duration::from_mins(10);
const EXPIRY_PAUSE: Duration = Duration::from_mins(1);
const WEBHOOK_PAUSE: Duration = Duration::from_secs(1);
const PASSES_PAUSE: Duration = Duration::from_secs(10);
const PAYOUT_PAUSE: Duration = Duration::from_secs(10);
const WAITING_BATCH: i64 = 1_000;
/// 3:00 in China, when cities sleep.
const NIGHT: NaiveTime = match NaiveTime::from_hms_opt(19, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};
/// Credits computed again each night.
const SAMPLE: u64 = 10_000;
/// The setting with the first week that rules still looked at when acts were forgotten last.
const ACTS_FORGOTTEN: &str = "acts_forgotten_in_week";
/// Rows of counted acts that one transaction looks through.
const ACTS_EACH: i64 = 10_000;
/// Answers to `Idempotency-Key` are kept this long.
const KEYS_KEPT: TimeDelta = TimeDelta::days(7);

/// How tills' late scans and their conflicts are kept.
const SCANS_KEPT: TimeDelta = TimeDelta::days(90);

/// Carries what merchants are to be told until told to stop. A try that is cut off is made again.
pub async fn deliver_webhooks_forever(
    services: Arc<Services>,
    courier: Arc<dyn Courier>,
    stop: CancellationToken,
) {
    loop {
        let round = tokio::select! {
            () = stop.cancelled() => return,
            round = webhook::deliver_due(&services, &courier) => round,
        };
        match round {
            Ok(tries) if tries > 0 => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "webhooks could not be carried and are tried again later"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(WEBHOOK_PAUSE) => {}
        }
    }
}

/// Learns of new and revoked voucher keys until told to stop.
pub async fn refresh_passes_forever(services: Arc<Services>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PASSES_PAUSE) => {}
        }
        if let Err(error) = services.passes.refresh(&services.database).await {
            tracing::warn!(%error, "voucher keys could not be read and are read again later");
        }
    }
}

/// Credits what has become creditable until told to stop; woken by a new binding.
pub async fn credit_waiting_forever(services: Arc<Services>, stop: CancellationToken) {
    loop {
        if let Err(error) = credit_waiting(&services).await {
            tracing::warn!(%error, "waiting events could not be credited; they go on waiting");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = services.something_waits.notified() => {}
            () = tokio::time::sleep(WAITING_PAUSE) => {}
        }
    }
}

/// Credits all waiting events whose subject is bound by now; gives how many were decided.
pub async fn credit_waiting(services: &Services) -> Result<usize, CreditError> {
    services.rules.refresh(&services.database).await?;
    let sources = sources(services).await?;
    let mut decided = 0_usize;
    let mut after = FIRST_WAITING;
    loop {
        let ready = waiting::now_bound(&services.database, after, WAITING_BATCH).await?;
        let Some((last, _)) = ready.last() else {
            return Ok(decided);
        };
        after = (last.occurred_at, last.id);
        let reports: Vec<Report> =
            ready.into_iter().filter_map(|(event, _)| report(event, &sources)).collect();
        let sent = reports.len();
        let results = services.crediting.credit(reports).await?;
        let unread = results.iter().filter(|result| result.activity.is_none()).count();
        decided = decided.saturating_add(sent.saturating_sub(unread));
        if unread > 0 {
            tracing::error!(unread, "waiting events no longer fit the rules in force at their time");
        }
        let written = |status| matches!(status, EventStatus::Credited | EventStatus::Rejected);
        metrics::counter!("tanhui_waiting_credited_total")
            .increment(results.iter().filter(|result| written(result.status)).map(|_| 1).sum());
    }
}

async fn sources(services: &Services) -> Result<BTreeMap<SourceId, Arc<Source>>, StoreError> {
    let list = source::list(&services.database).await?;
    Ok(list.into_iter().map(|source| (source.id, Arc::new(source))).collect())
}

fn report(event: WaitingEvent, sources: &BTreeMap<SourceId, Arc<Source>>) -> Option<Report> {
    Some(Report {
        source: Arc::clone(sources.get(&event.source)?),
        external_id: event.external_id,
        action: event.action,
        subject: Subject::Hash(event.subject),
        occurred_at: event.occurred_at,
        data: serde_json::from_str(&event.data).ok()?,
        waited: true,
    })
}

/// Ends points and vouchers whose last day is over until told to stop; what was missed while nobody ran is
/// caught up with.
pub async fn expire_forever(services: Arc<Services>, stop: CancellationToken) {
    loop {
        if let Err(error) = expiry::expire(&services).await {
            tracing::warn!(%error, "points could not be ended and are looked at again later");
        }
        if let Err(error) = redemption::expire_vouchers(&services).await {
            tracing::warn!(%error, "vouchers could not be ended and are looked at again later");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EXPIRY_PAUSE) => {}
        }
    }
}

/// Pays points that waited for a budget, and gives prizes of periods that are over, until told to stop.
pub async fn pay_forever(services: Arc<Services>, stop: CancellationToken) {
    loop {
        if let Err(error) = payout::pay(&services).await {
            tracing::warn!(%error, "points that wait could not be paid and go on waiting");
        }
        if let Err(error) = prize::give(&services).await {
            tracing::warn!(%error, "prizes could not be given and are looked at again later");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAYOUT_PAUSE) => {}
        }
    }
}

/// Prepares partitions, closes merchants' months, forgets expired tokens and keys, until told to stop.
pub async fn keep_up_forever(services: Arc<Services>, stop: CancellationToken) {
    loop {
        if let Err(error) = keep_up(&services).await {
            tracing::warn!(%error, "upkeep failed and is tried again later");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(UPKEEP_PAUSE) => {}
        }
    }
}

/// Computes a sample of credits again each night until told to stop: they must come out as they stand.
pub async fn recompute_nightly(services: Arc<Services>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(until_night(services.clock.now())) => {}
        }
        if let Err(error) = recompute_sample(&services, SAMPLE).await {
            tracing::warn!(%error, "credits could not be computed again and are tried again next night");
        }
    }
}

/// Computes so many random credits again and tells of those that come out otherwise.
pub async fn recompute_sample(services: &Services, count: u64) -> Result<Recomputed, StoreError> {
    let mut start = [0; 16];
    services.random.fill_surely(&mut start);
    let sample = Sample::From { start: ActivityId::new(uuid::Uuid::from_bytes(start)), count };
    let done = audit::recompute(&services.database, &services.rules, sample, |_| {}).await?;
    metrics::counter!("tanhui_recomputed_total").increment(done.checked);
    metrics::counter!("tanhui_recomputed_differing_total").increment(done.differing);
    for violation in &done.named {
        tracing::error!(detail = violation.detail, "a credit does not come out as it stands");
    }
    Ok(done)
}

/// From an instant to the next night's hour.
fn until_night(now: DateTime<Utc>) -> Duration {
    let today = now.date_naive().and_time(NIGHT).and_utc();
    let next = if today > now { today } else { today.checked_add_days(Days::new(1)).unwrap_or(today) };
    next.signed_duration_since(now).to_std().unwrap_or(UPKEEP_PAUSE)
}

/// One round of upkeep.
pub async fn keep_up(services: &Services) -> Result<(), StoreError> {
    let now = services.clock.now();
    services.rules.refresh(&services.database).await?;
    services.database.create_partitions(now.year(), now.month()).await?;
    settlement::close_past_months(services).await?;
    forget_acts(services).await?;
    let transaction = services.database.begin().await?;
    session::delete_expired(&transaction, now).await?;
    staff::forget_invitations(&transaction, now).await?;
    scan::delete_before(&transaction, now.checked_sub_signed(SCANS_KEPT).unwrap_or(now)).await?;
    let before = now.checked_sub_signed(webhook::KEPT).unwrap_or(now);
    told::delete_before(&transaction, before).await?;
    let before = now.checked_sub_signed(KEYS_KEPT).unwrap_or(now);
    idempotency::delete_before(&transaction, before).await?;
    transaction.commit().await
}

/// Forgets what acts of one body have been counted in weeks that no rule looks at again; once a week. A rule
/// set that is published later and takes older acts cannot know them.
async fn forget_acts(services: &Services) -> Result<(), StoreError> {
    let Some(taken_since) = services.rules.acts_taken_since(services.clock.now()) else { return Ok(()) };
    let first = |instant| weeks_around(instant).first().copied().unwrap_or(i32::MIN);
    let this_week = first(taken_since);
    let done = setting::find(&services.database, ACTS_FORGOTTEN).await?;
    if done.and_then(|done| done.parse().ok()).is_some_and(|done: i32| done >= this_week) {
        return Ok(());
    }
    let waits_since = waiting::earliest_act(&services.database).await?.unwrap_or(taken_since);
    let week = first(taken_since.min(waits_since));
    let mut after = Some(CitizenId::new(Uuid::nil()));
    while let Some(citizen) = after {
        let transaction = services.database.begin().await?;
        after = act_span::forget_before(&transaction, week, citizen, ACTS_EACH).await?;
        if after.is_none() {
            setting::set(&transaction, ACTS_FORGOTTEN, &this_week.to_string()).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_is_always_ahead() {
        for (now, seconds) in
            [("18:59:59", 1), ("19:00:00", 86_400), ("19:00:01", 86_399), ("00:00:00", 19 * 3_600)]
        {
            let now: DateTime<Utc> = format!("2026-12-31T{now}Z").parse().unwrap();
            assert_eq!(until_night(now).as_secs(), seconds, "{now}");
        }
    }
}
