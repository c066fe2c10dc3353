//! The first answer to each `Idempotency-Key`, written in the transaction of the work itself.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tanhui_domain::id::OwnerId;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{execute, micros, query_all};
use crate::write::Write;

/// Whose key, on which route.
#[derive(Debug, Clone)]
pub struct RequestKey {
    /// Who asks.
    pub owner: OwnerId,
    /// What is asked.
    pub route: &'static str,
    /// The client's key.
    pub key: String,
    /// SHA-256 of the body.
    pub body_hash: [u8; 32],
}

/// An answer given before.
#[derive(Debug, Clone)]
pub struct StoredAnswer {
    /// SHA-256 of the body it was given to.
    pub body_hash: Vec<u8>,
    /// HTTP status.
    pub status: i32,
    /// Body.
    pub answer: String,
}

/// The answers given to keys before, by their place in the list; absent where there is none.
pub async fn find_many<C: Connected>(
    on: &C,
    keys: &[&RequestKey],
) -> Result<HashMap<usize, StoredAnswer>, StoreError> {
    let (table, values) = Columns::new()
        .int("n", (0..).take(keys.len()))
        .uuid("owner_id", keys.iter().map(|key| key.owner.get()))
        .text("route", keys.iter().map(|key| key.route.to_owned()))
        .text("key", keys.iter().map(|key| key.key.clone()))
        .table(on.engine());
    let sql = format!(
        "SELECT r.n, k.body_hash, k.status, k.answer FROM {table} JOIN idempotency_keys k
         ON k.owner_id = r.owner_id AND k.route = r.route AND k.key = r.key"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter()
        .map(|row| {
            let place = usize::try_from(row.get::<i32>(0)?).unwrap_or(usize::MAX);
            let answer = StoredAnswer { body_hash: row.get(1)?, status: row.get(2)?, answer: row.text(3)? };
            Ok((place, answer))
        })
        .collect()
}

/// Keys with their answers, not yet run. Whoever owns them must be locked.
pub(crate) fn answering(keys: &[(&RequestKey, String)], status: i32, at: DateTime<Utc>) -> Write {
    let columns = Columns::new()
        .uuid("owner_id", keys.iter().map(|(key, _)| key.owner.get()))
        .text("route", keys.iter().map(|(key, _)| key.route.to_owned()))
        .text("key", keys.iter().map(|(key, _)| key.key.clone()))
        .bytes("body_hash", keys.iter().map(|(key, _)| key.body_hash.to_vec()))
        .int("status", keys.iter().map(|_| status))
        .text("answer", keys.iter().map(|(_, answer)| answer.clone()))
        .bigint("created_at_us", keys.iter().map(|_| micros(at)));
    let names = "owner_id, route, key, body_hash, status, answer, created_at_us";
    Write::new(columns, move |table| {
        format!("INSERT INTO idempotency_keys ({names}) SELECT {names} FROM {table} WHERE true")
    })
}

/// Deletes keys older than an instant.
pub async fn delete_before(on: &Transaction, before: DateTime<Utc>) -> Result<u64, StoreError> {
    execute(on, "DELETE FROM idempotency_keys WHERE created_at_us < $1", [micros(before).into()]).await
}
