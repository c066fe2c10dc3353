//! What goes on in the background: crediting what waited, preparing partitions, forgetting what is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Datelike, TimeDelta};
use tanhui_domain::city::Source;
use tanhui_domain::id::SourceId;
use tanhui_store::waiting::{FIRST_WAITING, WaitingEvent};
use tanhui_store::{StoreError, idempotency, session, source, waiting};
use tokio_util::sync::CancellationToken;

use crate::Services;
use crate::crediting::{CreditError, EventStatus, Report, Subject};
use crate::settlement;

const WAITING_PAUSE: Duration = Duration::from_secs(1);
const UPKEEP_PAUSE: Duration = Duration::from_mins(10);
const WAITING_BATCH: i64 = 1_000;
/// Answers to `Idempotency-Key` are kept this long.
const KEYS_KEPT: TimeDelta = TimeDelta::days(7);

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

/// One round of upkeep.
pub async fn keep_up(services: &Services) -> Result<(), StoreError> {
    let now = services.clock.now();
    services.rules.refresh(&services.database).await?;
    services.database.create_partitions(now.year(), now.month()).await?;
    settlement::close_past_months(services).await?;
    let transaction = services.database.begin().await?;
    session::delete_expired(&transaction, now).await?;
    let before = now.checked_sub_signed(KEYS_KEPT).unwrap_or(now);
    idempotency::delete_before(&transaction, before).await?;
    transaction.commit().await
}
