//! Where merchants want to be told, and what is told there: written with the work that it tells of, claimed
//! by one process at a time.

use chrono::{DateTime, Utc};
use tanhui_domain::id::{MerchantId, MessageId, WebhookId};
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Engine, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, expect_rows, micros, query_all, query_one};

/// A place where a merchant is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose.
    pub merchant: MerchantId,
    /// Where.
    pub url: String,
    /// Words of what it is told of.
    pub kinds: Vec<String>,
    /// Its secret, sealed.
    pub secret: Vec<u8>,
    /// The secret before, sealed, and until when it still signs.
    pub old_secret: Option<(Vec<u8>, DateTime<Utc>)>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Since when every try failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// How many failed one after another.
    pub failures: i64,
    /// When it was disabled, and why.
    pub disabled: Option<(DateTime<Utc>, String)>,
}

/// Something to be told to a merchant.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its id, the same wherever and however often it is told.
    pub id: MessageId,
    /// To whom.
    pub merchant: MerchantId,
    /// The word of its kind.
    pub kind: &'static str,
    /// What is sent.
    pub body: String,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// A message on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: MessageId,
    /// The word of its kind.
    pub kind: String,
    /// What is sent.
    pub body: String,
    /// `due`, `delivered` or `failed`.
    pub status: String,
    /// How often it was tried.
    pub tries: i64,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it is tried next, while it is due.
    pub due_at: DateTime<Utc>,
    /// When it was tried last.
    pub tried_at: Option<DateTime<Utc>>,
    /// What the endpoint answered last.
    pub answer: Option<i32>,
    /// What was wrong last.
    pub problem: Option<String>,
}

const COLUMNS: &str = "e.id, e.merchant_id, e.url, e.kinds, e.secret_sealed, e.old_secret_sealed,
    e.old_secret_until_us, e.created_at_us, e.failing_since_us, e.failures, e.disabled_at_us,
    e.disabled_because";
const DELIVERY: &str = "d.message_id, d.kind, d.body, d.status, d.tries, d.created_at_us, d.due_at_us,
    d.tried_at_us, d.answer_status, d.problem";

/// A new endpoint.
pub async fn insert(on: &Transaction, webhook: &Webhook) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhook_endpoints (id, merchant_id, url, kinds, secret_sealed, created_at_us)
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        webhook.id.get().into(),
        webhook.merchant.get().into(),
        webhook.url.clone().into(),
        format!(",{},", webhook.kinds.join(",")).into(),
        webhook.secret.clone().into(),
        micros(webhook.created_at).into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// A merchant's endpoints, in id order.
pub async fn of_merchant<C: Connected>(on: &C, merchant: MerchantId) -> Result<Vec<Webhook>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM webhook_endpoints e WHERE e.merchant_id = $1 ORDER BY e.id");
    query_all(on, &sql, [merchant.get().into()]).await?.iter().map(read).collect()
}

/// One endpoint.
pub async fn find<C: Connected>(on: &C, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM webhook_endpoints e WHERE e.id = $1");
    query_one(on, &sql, [id.get().into()]).await?.as_ref().map(read).transpose()
}

/// Locks an endpoint and reads it.
pub async fn lock(on: &Transaction, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM webhook_endpoints e WHERE e.id = $1{}", on.for_change());
    query_one(on, &sql, [id.get().into()]).await?.as_ref().map(read).transpose()
}

/// Deletes a locked endpoint with what was to be told there.
pub async fn delete(on: &Transaction, id: WebhookId) -> Result<(), StoreError> {
    let deleted = execute(on, "DELETE FROM webhook_endpoints WHERE id = $1", [id.get().into()]).await?;
    expect_rows(deleted, 1, "a webhook is missing")
}

/// Writes a locked endpoint's secrets, troubles and rest.
pub async fn update(
    on: &Transaction,
    webhook: &Webhook,
    quiet_until: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_endpoints SET secret_sealed = $2, old_secret_sealed = $3,
                 old_secret_until_us = $4, failing_since_us = $5, failures = $6, quiet_until_us = $7,
                 disabled_at_us = $8, disabled_because = $9 WHERE id = $1";
    let (old, old_until) = webhook.old_secret.clone().unzip();
    let (disabled_at, because) = webhook.disabled.clone().unzip();
    let values = [
        webhook.id.get().into(),
        webhook.secret.clone().into(),
        old.into(),
        old_until.map(micros).into(),
        webhook.failing_since.map(micros).into(),
        webhook.failures.into(),
        micros(quiet_until).into(),
        disabled_at.map(micros).into(),
        because.into(),
    ];
    expect_rows(execute(on, sql, values).await?, 1, "a webhook is missing")
}

/// Writes messages for every endpoint that wants them.
pub async fn announce(on: &Transaction, messages: &[Message]) -> Result<(), StoreError> {
    let (table, values) = Columns::new()
        .uuid("message_id", messages.iter().map(|one| one.id.get()))
        .uuid("merchant_id", messages.iter().map(|one| one.merchant.get()))
        .text("kind", messages.iter().map(|one| one.kind.to_owned()))
        .text("body", messages.iter().map(|one| one.body.clone()))
        .bigint("at_us", messages.iter().map(|one| micros(one.at)))
        .table(on.engine());
    let sql = format!(
        "INSERT INTO webhook_deliveries
           (endpoint_id, message_id, kind, body, status, tries, created_at_us, due_at_us)
         SELECT e.id, r.message_id, r.kind, r.body, 'due', 0, r.at_us, r.at_us
         FROM {table} JOIN webhook_endpoints e ON e.merchant_id = r.merchant_id
         WHERE e.disabled_at_us IS NULL AND e.kinds LIKE '%,' || r.kind || ',%'"
    );
    execute(on, &sql, values).await.map(|_| ())
}

/// Writes a message for one endpoint, whatever it wants.
pub async fn tell(on: &Transaction, id: WebhookId, message: &Message) -> Result<(), StoreError> {
    let sql = "INSERT INTO webhook_deliveries
                 (endpoint_id, message_id, kind, body, status, tries, created_at_us, due_at_us)
               VALUES ($1, $2, $3, $4, 'due', 0, $5, $5) ON CONFLICT DO NOTHING";
    let values = [
        id.get().into(),
        message.id.get().into(),
        message.kind.into(),
        message.body.clone().into(),
        micros(message.at).into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// Endpoints that do not rest and have something due, those that rested longest first.
pub async fn with_due<C: Connected>(
    on: &C,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<WebhookId>, StoreError> {
    let sql = "SELECT e.id FROM webhook_endpoints e WHERE e.disabled_at_us IS NULL AND e.quiet_until_us <= $1
               AND EXISTS (SELECT 1 FROM webhook_deliveries d
                           WHERE d.endpoint_id = e.id AND d.status = 'due' AND d.due_at_us <= $1)
               ORDER BY e.quiet_until_us, e.id LIMIT $2";
    let rows = query_all(on, sql, [micros(now).into(), limit.into()]).await?;
    rows.iter().map(|row| Ok(WebhookId::new(row.uuid(0)?))).collect()
}

/// Takes the delivery of an endpoint that has been due longest, unless another process has it. It is due
/// again at `again_at`, in case nobody can tell what came of it.
pub async fn claim(
    on: &Transaction,
    id: WebhookId,
    now: DateTime<Utc>,
    again_at: DateTime<Utc>,
) -> Result<Option<Delivery>, StoreError> {
    let skip = match on.engine() {
        Engine::Postgres => " FOR UPDATE SKIP LOCKED",
        Engine::Sqlite => "",
    };
    let sql = format!(
        "UPDATE webhook_deliveries AS d SET due_at_us = $3, tries = d.tries + 1, tried_at_us = $2
         WHERE d.endpoint_id = $1 AND d.message_id IN (
           SELECT n.message_id FROM webhook_deliveries n
           WHERE n.endpoint_id = $1 AND n.status = 'due' AND n.due_at_us <= $2
           ORDER BY n.due_at_us, n.message_id LIMIT 1{skip})
         RETURNING {}",
        DELIVERY.replace("d.", "")
    );
    let values = [id.get().into(), micros(now).into(), micros(again_at).into()];
    query_one(on, &sql, values).await?.as_ref().map(read_delivery).transpose()
}

/// Writes what came of a claimed delivery; nothing where it was replayed meanwhile.
pub async fn finish(on: &Transaction, id: WebhookId, delivery: &Delivery) -> Result<(), StoreError> {
    let sql = "UPDATE webhook_deliveries SET status = $3, due_at_us = $4, answer_status = $5, problem = $6
               WHERE endpoint_id = $1 AND message_id = $2 AND tries = $7";
    let values = [
        id.get().into(),
        delivery.message.get().into(),
        delivery.status.clone().into(),
        micros(delivery.due_at).into(),
        delivery.answer.into(),
        delivery.problem.clone().into(),
        delivery.tries.into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// Makes a delivery due as if it had never been tried; false when there is none.
pub async fn replay(
    on: &Transaction,
    id: WebhookId,
    message: MessageId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "UPDATE webhook_deliveries SET status = 'due', tries = 0, due_at_us = $3
               WHERE endpoint_id = $1 AND message_id = $2";
    let values = [id.get().into(), message.get().into(), micros(now).into()];
    Ok(execute(on, sql, values).await? == 1)
}

/// Makes the deliveries due that were given up and written since an instant; gives how many.
pub async fn replay_failed(
    on: &Transaction,
    id: WebhookId,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let sql = "UPDATE webhook_deliveries SET status = 'due', tries = 0, due_at_us = $3
               WHERE endpoint_id = $1 AND status = 'failed' AND created_at_us >= $2";
    execute(on, sql, [id.get().into(), micros(since).into(), micros(now).into()]).await
}

/// Deliveries of an endpoint, the last written first, beginning after a (writing, message).
pub async fn deliveries<C: Connected>(
    on: &C,
    id: WebhookId,
    after: Option<(DateTime<Utc>, MessageId)>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "SELECT {DELIVERY} FROM webhook_deliveries d
         WHERE d.endpoint_id = $1 AND (d.created_at_us, d.message_id) < ($2, $3)
         ORDER BY d.created_at_us DESC, d.message_id DESC LIMIT $4"
    );
    let (at, message) = after.map_or((i64::MAX, Uuid::max()), |(at, id)| (micros(at), id.get()));
    let values = [id.get().into(), at.into(), message.into(), limit.into()];
    query_all(on, &sql, values).await?.iter().map(read_delivery).collect()
}

/// Forgets deliveries that were written before an instant, whatever came of them.
pub async fn delete_before(on: &Transaction, before: DateTime<Utc>) -> Result<u64, StoreError> {
    execute(on, "DELETE FROM webhook_deliveries WHERE created_at_us < $1", [micros(before).into()]).await
}

fn read(row: &Row) -> Result<Webhook, StoreError> {
    let kinds = row.text(3)?;
    Ok(Webhook {
        id: WebhookId::new(row.uuid(0)?),
        merchant: MerchantId::new(row.uuid(1)?),
        url: row.text(2)?,
        kinds: kinds.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned).collect(),
        secret: row.get(4)?,
        old_secret: row.get::<Option<Vec<u8>>>(5)?.zip(row.maybe_instant(6)?),
        created_at: row.instant(7)?,
        failing_since: row.maybe_instant(8)?,
        failures: row.bigint(9)?,
        disabled: row.maybe_instant(10)?.zip(row.get::<Option<String>>(11)?),
    })
}

fn read_delivery(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        message: MessageId::new(row.uuid(0)?),
        kind: row.text(1)?,
        body: row.text(2)?,
        status: row.text(3)?,
        tries: row.bigint(4)?,
        created_at: row.instant(5)?,
        due_at: row.instant(6)?,
        tried_at: row.maybe_instant(7)?,
        answer: row.get(8)?,
        problem: row.get(9)?,
    })
}
