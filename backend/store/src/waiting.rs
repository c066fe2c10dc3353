//! Events whose subject nobody has bound yet.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use tanhui_domain::id::{ActivityId, CitizenId, SourceId};

use crate::binding::SubjectHash;
use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{execute, micros, query_all, query_row};

/// An event that waits for its subject to be bound.
#[derive(Debug, Clone)]
pub struct WaitingEvent {
    /// The activity it will become.
    pub id: ActivityId,
    /// Who reported it.
    pub source: SourceId,
    /// The unbound subject.
    pub subject: SubjectHash,
    /// The source's own id.
    pub external_id: String,
    /// Action of the rule file.
    pub action: String,
    /// `data` of the event, as JSON text.
    pub data: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

/// Keeps events; those that wait already are left alone. Gives the ids that are new.
pub async fn insert_many(
    on: &Transaction,
    events: &[WaitingEvent],
    recorded_at: DateTime<Utc>,
) -> Result<HashSet<ActivityId>, StoreError> {
    let (table, values) = Columns::new()
        .uuid("id", events.iter().map(|event| event.id.get()))
        .bigint("source_id", events.iter().map(|event| event.source.get()))
        .bytes("subject_hash", events.iter().map(|event| event.subject.to_vec()))
        .text("external_id", events.iter().map(|event| event.external_id.clone()))
        .text("action", events.iter().map(|event| event.action.clone()))
        .text("data", events.iter().map(|event| event.data.clone()))
        .bigint("occurred_at_us", events.iter().map(|event| micros(event.occurred_at)))
        .bigint("recorded_at_us", events.iter().map(|_| micros(recorded_at)))
        .table(on.engine());
    let sql = format!(
        "INSERT INTO waiting_events
           (id, source_id, subject_hash, external_id, action, data, occurred_at_us, recorded_at_us)
         SELECT id, source_id, subject_hash, external_id, action, data, occurred_at_us, recorded_at_us
         FROM {table} WHERE true ORDER BY id ON CONFLICT (id) DO NOTHING RETURNING id"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter().map(|row| Ok(ActivityId::new(row.uuid(0)?))).collect()
}

/// Those of some events that began to wait at one instant: what a transaction whose commit got no answer has
/// done.
pub async fn written_at<C: Connected>(
    on: &C,
    ids: &[ActivityId],
    recorded_at: DateTime<Utc>,
) -> Result<HashSet<ActivityId>, StoreError> {
    let (table, values) = Columns::new()
        .uuid("id", ids.iter().map(|id| id.get()))
        .bigint("recorded_at_us", ids.iter().map(|_| micros(recorded_at)))
        .table(on.engine());
    let sql = format!(
        "SELECT w.id FROM {table}
         JOIN waiting_events w ON w.id = r.id AND w.recorded_at_us = r.recorded_at_us"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter().map(|row| Ok(ActivityId::new(row.uuid(0)?))).collect()
}

/// Whether an event waits.
pub async fn exists<C: Connected>(on: &C, id: ActivityId) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM waiting_events WHERE id = $1";
    Ok(query_row(on, sql, [id.get().into()]).await?.bigint(0)? > 0)
}

/// Where a look through waiting events goes on: after this instant and id.
pub type WaitingCursor = (DateTime<Utc>, ActivityId);

/// Before every waiting event.
pub const FIRST_WAITING: WaitingCursor = (DateTime::<Utc>::UNIX_EPOCH, ActivityId::new(uuid::Uuid::nil()));

/// Waiting events whose subject has been bound by now, with the citizen, in order of what happened first.
pub async fn now_bound<C: Connected>(
    on: &C,
    after: WaitingCursor,
    limit: i64,
) -> Result<Vec<(WaitingEvent, CitizenId)>, StoreError> {
    let sql = "SELECT w.id, w.source_id, w.subject_hash, w.external_id, w.action, w.data,
               w.occurred_at_us, b.citizen_id
               FROM bindings b JOIN waiting_events w ON w.source_id = b.source_id
               AND w.subject_hash = b.subject_hash
               WHERE b.ended_at_us IS NULL AND (w.occurred_at_us, w.id) > ($2, $3)
               ORDER BY w.occurred_at_us, w.id LIMIT $1";
    let values = [limit.into(), micros(after.0).into(), after.1.get().into()];
    let rows = query_all(on, sql, values).await?;
    rows.iter()
        .map(|row| {
            let event = WaitingEvent {
                id: ActivityId::new(row.uuid(0)?),
                source: SourceId::new(row.bigint(1)?),
                subject: crate::binding::subject(row, 2)?,
                external_id: row.text(3)?,
                action: row.text(4)?,
                data: row.text(5)?,
                occurred_at: row.instant(6)?,
            };
            Ok((event, CitizenId::new(row.uuid(7)?)))
        })
        .collect()
}

/// Removes those of these events that have become activities. Others go on waiting, as one does whose
/// binding ended before it could be credited.
pub async fn delete_many(on: &Transaction, ids: &[ActivityId]) -> Result<(), StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!(
        "DELETE FROM waiting_events
         WHERE id IN (SELECT k.id FROM activity_keys k WHERE k.id IN (SELECT r.id FROM {table}))"
    );
    execute(on, &sql, values).await.map(|_| ())
}

/// Removes events that are acts counted before, told again.
pub async fn discard(on: &Transaction, ids: &[ActivityId]) -> Result<(), StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!("DELETE FROM waiting_events WHERE id IN (SELECT r.id FROM {table})");
    execute(on, &sql, values).await.map(|_| ())
}

/// When the earliest act happened that waits for its subject or for a person to decide.
pub async fn earliest_act<C: Connected>(on: &C) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT MIN(occurred_at_us) FROM (
                 SELECT occurred_at_us FROM waiting_events
                 UNION ALL
                 SELECT a.occurred_at_us FROM holds h JOIN activity_keys k ON k.id = h.activity_id
                 JOIN activities a ON a.citizen_id = k.citizen_id AND a.recorded_at_us = k.recorded_at_us
                   AND a.id = k.id) w";
    query_row(on, sql, []).await?.maybe_instant(0)
}

/// How many events wait.
pub async fn count<C: Connected>(on: &C) -> Result<i64, StoreError> {
    query_row(on, "SELECT COUNT(*) FROM waiting_events", []).await?.bigint(0)
}
