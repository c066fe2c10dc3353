//! The keys that sign vouchers, by number. Their private halves are nowhere.

use chrono::{DateTime, Utc};

use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{execute, micros, query_all};

/// A key that signs vouchers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassKey {
    /// Its number, from 1; the secret and the number make the private half.
    pub number: i64,
    /// The public half.
    pub public: Vec<u8>,
    /// From when on it signs, until a later one does.
    pub signs_from: DateTime<Utc>,
    /// Since when nothing it signed counts.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// All keys, the first first.
pub async fn list<C: Connected>(on: &C) -> Result<Vec<PassKey>, StoreError> {
    let sql = "SELECT number, public_key, signs_from_us, revoked_at_us FROM pass_keys ORDER BY number";
    let rows = query_all(on, sql, []).await?;
    rows.iter()
        .map(|row| {
            Ok(PassKey {
                number: row.bigint(0)?,
                public: row.get(1)?,
                signs_from: row.instant(2)?,
                revoked_at: row.maybe_instant(3)?,
            })
        })
        .collect()
}

/// Adds a key; false when its number is taken.
pub async fn insert(on: &Transaction, key: &PassKey) -> Result<bool, StoreError> {
    let sql = "INSERT INTO pass_keys (number, public_key, signs_from_us) VALUES ($1, $2, $3)
               ON CONFLICT (number) DO NOTHING";
    let values = [key.number.into(), key.public.clone().into(), micros(key.signs_from).into()];
    Ok(execute(on, sql, values).await? == 1)
}

/// Revokes every key before a number.
pub async fn revoke_before(on: &Transaction, number: i64, at: DateTime<Utc>) -> Result<u64, StoreError> {
    let sql = "UPDATE pass_keys SET revoked_at_us = $2 WHERE number < $1 AND revoked_at_us IS NULL";
    execute(on, sql, [number.into(), micros(at).into()]).await
}
