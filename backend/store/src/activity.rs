//! Activities and the keys that make each one happen once.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::id::{ActivityId, CitizenId, JournalId, RuleSetId, SourceId};
use tanhui_domain::ledger::Posting;
use tanhui_domain::rule::ReceiptBytes;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, expect_rows, micros, query_all, query_one};
use crate::write::Write;

pub(crate) const COLUMNS: &str =
    "a.id, a.citizen_id, a.source_id, a.external_id, a.action, a.status, a.rule_set_id,
    a.occurred_at_us, a.recorded_at_us, a.points, a.reduction_mg, NULLIF(a.code, ''), a.receipt";

/// Claims ids for ever. Gives those that were free; the others are activities already. An id that a rival
/// claims at the same time makes the transaction fail so that it is repeated, and then finds it taken.
pub async fn claim(
    on: &Transaction,
    claims: &[(ActivityId, CitizenId)],
    recorded_at: DateTime<Utc>,
) -> Result<HashSet<ActivityId>, StoreError> {
    let (table, values) = Columns::new()
        .uuid("id", claims.iter().map(|(id, _)| id.get()))
        .uuid("citizen_id", claims.iter().map(|(_, citizen)| citizen.get()))
        .bigint("recorded_at_us", claims.iter().map(|_| micros(recorded_at)))
        .table(on.engine());
    // Half as dear as ON CONFLICT, which writes each row twice to be safe from a rival who seldom is there.
    let sql = format!(
        "INSERT INTO activity_keys (id, citizen_id, recorded_at_us)
         SELECT r.id, r.citizen_id, r.recorded_at_us FROM {table}
         WHERE NOT EXISTS (SELECT 1 FROM activity_keys k WHERE k.id = r.id) ORDER BY r.id RETURNING id"
    );
    let rows = match query_all(on, &sql, values).await {
        Err(StoreError::Exists(rival)) => return Err(StoreError::Repeat(rival)),
        rows => rows?,
    };
    rows.iter().map(|row| Ok(ActivityId::new(row.uuid(0)?))).collect()
}

/// Which of these ids are activities already.
pub async fn existing<C: Connected>(on: &C, ids: &[ActivityId]) -> Result<HashSet<ActivityId>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!("SELECT k.id FROM activity_keys k WHERE k.id IN (SELECT r.id FROM {table})");
    let rows = query_all(on, &sql, values).await?;
    rows.iter().map(|row| Ok(ActivityId::new(row.uuid(0)?))).collect()
}

/// Writes decided activities. Those that moved something are their own lines in a journal.
pub async fn insert_many(
    on: &Transaction,
    journal: JournalId,
    rows: &[(&Activity, Option<&Posting>)],
) -> Result<(), StoreError> {
    inserting(rows).in_journal(journal).run(on).await
}

/// Writes decided activities, not yet run.
pub(crate) fn inserting(rows: &[(&Activity, Option<&Posting>)]) -> Write {
    let activities = || rows.iter().map(|(activity, _)| *activity);
    let line = |read: fn(&Posting) -> i64| rows.iter().map(move |(_, posting)| posting.map_or(0, read));
    let columns = Columns::new()
        .bigint("recorded_at_us", activities().map(|activity| micros(activity.recorded_at)))
        .bigint("occurred_at_us", activities().map(|activity| micros(activity.occurred_at)))
        .bigint("points", activities().map(|activity| activity.points.get()))
        .bigint("reduction_mg", activities().map(|activity| activity.reduction.get()))
        .bigint("points_after", line(|posting| posting.after.points.get()))
        .bigint("reduction_after_mg", line(|posting| posting.after.reduction.get()))
        .bigint("posting_version", line(|posting| posting.version))
        .bigint("source_id", activities().map(|activity| activity.source.get()))
        .bigint("rule_set_id", activities().map(|activity| activity.rule_set.get()))
        .int("status", activities().map(|activity| status_number(activity.status)))
        .uuid("citizen_id", activities().map(|activity| activity.citizen.get()))
        .uuid("id", activities().map(|activity| activity.id.get()))
        .text("action", activities().map(|activity| activity.action.clone()))
        .text("external_id", activities().map(|activity| activity.external_id.clone()))
        .text("code", activities().map(|activity| activity.code.clone().unwrap_or_default()))
        .bytes("receipt", activities().map(|activity| activity.receipt.as_ref().to_vec()));
    let names = "recorded_at_us, occurred_at_us, points, reduction_mg, points_after, reduction_after_mg,
        posting_version, source_id, rule_set_id, status, citizen_id, id, action, external_id, code, receipt";
    Write::of_journal(columns, move |table, journal| {
        format!(
            "INSERT INTO activities ({names}, journal_id)
             SELECT {names}, CASE WHEN posting_version > 0 THEN {journal} ELSE 0 END FROM {table} WHERE true"
        )
    })
}

/// One activity.
pub async fn find<C: Connected>(on: &C, id: ActivityId) -> Result<Option<Activity>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM activity_keys k
         JOIN activities a ON a.citizen_id = k.citizen_id AND a.recorded_at_us = k.recorded_at_us
         AND a.id = k.id
         WHERE k.id = $1"
    );
    query_one(on, &sql, [id.get().into()]).await?.as_ref().map(read).transpose()
}

/// Activities in id order from an id on. Ids are hashes: any stretch of them is a fair sample.
pub async fn from_id<C: Connected>(
    on: &C,
    from: ActivityId,
    limit: i64,
) -> Result<Vec<Activity>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM (SELECT * FROM activity_keys WHERE id >= $1 ORDER BY id LIMIT $2) k
         JOIN activities a ON a.citizen_id = k.citizen_id AND a.recorded_at_us = k.recorded_at_us
         AND a.id = k.id
         ORDER BY k.id"
    );
    query_all(on, &sql, [from.get().into(), limit.into()]).await?.iter().map(read).collect()
}

/// Some activities, in no order.
pub async fn find_many<C: Connected>(on: &C, ids: &[ActivityId]) -> Result<Vec<Activity>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!(
        "SELECT {COLUMNS} FROM {table} JOIN activity_keys k ON k.id = r.id
         JOIN activities a
           ON a.citizen_id = k.citizen_id AND a.recorded_at_us = k.recorded_at_us AND a.id = k.id"
    );
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// Those of some activities that were written at one instant: what a transaction whose commit got no answer
/// has done.
pub async fn written_at<C: Connected>(
    on: &C,
    ids: &[ActivityId],
    recorded_at: DateTime<Utc>,
) -> Result<Vec<Activity>, StoreError> {
    let mut all = find_many(on, ids).await?;
    all.retain(|activity| activity.recorded_at == recorded_at);
    Ok(all)
}

/// Gives back ids that this transaction claimed and made nothing of.
pub async fn unclaim(on: &Transaction, ids: &[ActivityId]) -> Result<(), StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!("DELETE FROM activity_keys WHERE id IN (SELECT r.id FROM {table})");
    expect_rows(execute(on, &sql, values).await?, ids.len(), "an id was not claimed")
}

/// Takes a held activity's row away, so that it can be written again as it was decided at another instant.
/// Its id stays claimed.
pub async fn reopen(
    on: &Transaction,
    activity: &Activity,
    recorded_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM activities WHERE citizen_id = $1 AND recorded_at_us = $2 AND id = $3
               AND status = $4";
    let values = [
        activity.citizen.get().into(),
        micros(activity.recorded_at).into(),
        activity.id.get().into(),
        status_number(ActivityStatus::Held).into(),
    ];
    expect_rows(execute(on, sql, values).await?, 1, "an activity is not held")?;
    let sql = "UPDATE activity_keys SET recorded_at_us = $2 WHERE id = $1";
    let values = [activity.id.get().into(), micros(recorded_at).into()];
    expect_rows(execute(on, sql, values).await?, 1, "an activity without its key")
}

/// Marks a credited activity as reversed; false when it is not credited (any more).
pub async fn mark_reversed(on: &Transaction, activity: &Activity) -> Result<bool, StoreError> {
    mark(on, activity, ActivityStatus::Credited, ActivityStatus::Reversed).await
}

/// Marks a held activity as rejected; false when it is not held (any more).
pub async fn mark_rejected(on: &Transaction, activity: &Activity) -> Result<bool, StoreError> {
    mark(on, activity, ActivityStatus::Held, ActivityStatus::Rejected).await
}

async fn mark(
    on: &Transaction,
    activity: &Activity,
    from: ActivityStatus,
    to: ActivityStatus,
) -> Result<bool, StoreError> {
    let sql = "UPDATE activities SET status = $4 WHERE citizen_id = $1 AND recorded_at_us = $2 AND id = $3
               AND status = $5";
    let values = [
        activity.citizen.get().into(),
        micros(activity.recorded_at).into(),
        activity.id.get().into(),
        status_number(to).into(),
        status_number(from).into(),
    ];
    Ok(execute(on, sql, values).await? == 1)
}

/// Where a page of activities ends: the next one begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityCursor {
    /// Recorded when.
    pub recorded_at: DateTime<Utc>,
    /// Which of that instant.
    pub id: ActivityId,
}

/// A citizen's activities, the last recorded first.
pub async fn page<C: Connected>(
    on: &C,
    citizen: CitizenId,
    after: Option<ActivityCursor>,
    limit: i64,
) -> Result<Vec<Activity>, StoreError> {
    let sql = |bound: &str| {
        format!(
            "SELECT {COLUMNS} FROM activities a WHERE a.citizen_id = $1 {bound}
             ORDER BY a.recorded_at_us DESC, a.id DESC LIMIT $2"
        )
    };
    let citizen = citizen.get().into();
    let rows = match after {
        None => query_all(on, &sql(""), [citizen, limit.into()]).await?,
        Some(after) => {
            let values = [citizen, limit.into(), micros(after.recorded_at).into(), after.id.get().into()];
            query_all(on, &sql("AND (a.recorded_at_us, a.id) < ($3, $4)"), values).await?
        }
    };
    rows.iter().map(read).collect()
}

pub(crate) fn read(row: &Row) -> Result<Activity, StoreError> {
    Ok(Activity {
        id: ActivityId::new(row.uuid(0)?),
        citizen: CitizenId::new(row.uuid(1)?),
        source: SourceId::new(row.get::<i32>(2)?.into()),
        external_id: row.text(3)?,
        action: row.text(4)?,
        status: status(row.get(5)?)?,
        rule_set: RuleSetId::new(row.get::<i32>(6)?.into()),
        occurred_at: row.instant(7)?,
        recorded_at: row.instant(8)?,
        points: Points::new(row.bigint(9)?),
        reduction: ReductionMg::new(row.bigint(10)?),
        code: row.get(11)?,
        receipt: ReceiptBytes::from(row.get::<Vec<u8>>(12)?),
    })
}

pub(crate) fn status_number(status: ActivityStatus) -> i32 {
    match status {
        ActivityStatus::Credited => 1,
        ActivityStatus::Held => 2,
        ActivityStatus::Rejected => 3,
        ActivityStatus::Reversed => 4,
    }
}

fn status(number: i32) -> Result<ActivityStatus, StoreError> {
    [ActivityStatus::Credited, ActivityStatus::Held, ActivityStatus::Rejected, ActivityStatus::Reversed]
        .into_iter()
        .find(|status| status_number(*status) == number)
        .ok_or_else(|| StoreError::Corrupt(format!("activity status {number}")))
}
