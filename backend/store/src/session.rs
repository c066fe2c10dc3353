//! Refresh tokens by their hash. Each is used once; using one twice ends its whole family.

use chrono::{DateTime, Utc};
use tanhui_domain::id::CitizenId;
use uuid::Uuid;

use crate::database::Transaction;
use crate::error::StoreError;
use crate::row::{execute, micros, query_one};

/// A refresh token as it is stored.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The tokens that follow from one sign-in.
    pub family: Uuid,
    /// Whose it is.
    pub citizen: CitizenId,
    /// Until when it can be used.
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    pub used_at: Option<DateTime<Utc>>,
    /// When its family was ended.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Finds and locks a token.
pub async fn lock(on: &Transaction, token_hash: &[u8]) -> Result<Option<RefreshToken>, StoreError> {
    let sql = format!(
        "SELECT family, citizen_id, expires_at_us, used_at_us, revoked_at_us FROM refresh_tokens
            WHERE token_hash = $1{}",
        on.for_update()
    );
    let row = query_one(on, &sql, [token_hash.to_vec().into()]).await?;
    row.map(|row| {
        Ok(RefreshToken {
            family: row.uuid(0)?,
            citizen: CitizenId::new(row.uuid(1)?),
            expires_at: row.instant(2)?,
            used_at: row.maybe_instant(3)?,
            revoked_at: row.maybe_instant(4)?,
        })
    })
    .transpose()
}

/// Stores a new token.
pub async fn insert(
    on: &Transaction,
    token_hash: &[u8],
    token: &RefreshToken,
    issued_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute(
        on,
        "INSERT INTO refresh_tokens (token_hash, family, citizen_id, issued_at_us, expires_at_us)
            VALUES ($1, $2, $3, $4, $5)",
        [
            token_hash.to_vec().into(),
            token.family.into(),
            token.citizen.get().into(),
            micros(issued_at).into(),
            micros(token.expires_at).into(),
        ],
    )
    .await
    .map(|_| ())
}

/// Marks a token as used.
pub async fn mark_used(on: &Transaction, token_hash: &[u8], at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "UPDATE refresh_tokens SET used_at_us = $2 WHERE token_hash = $1";
    execute(on, sql, [token_hash.to_vec().into(), micros(at).into()]).await.map(|_| ())
}

/// Ends a whole family.
pub async fn revoke_family(on: &Transaction, family: Uuid, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "UPDATE refresh_tokens SET revoked_at_us = $2 WHERE family = $1 AND revoked_at_us IS NULL";
    execute(on, sql, [family.into(), micros(at).into()]).await.map(|_| ())
}

/// Deletes tokens that ended before an instant.
pub async fn delete_expired(on: &Transaction, before: DateTime<Utc>) -> Result<u64, StoreError> {
    execute(on, "DELETE FROM refresh_tokens WHERE expires_at_us < $1", [micros(before).into()]).await
}

/// Ends the tokens of a family that nobody has used: their holder never saw them.
pub async fn revoke_unused(on: &Transaction, family: Uuid, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "UPDATE refresh_tokens SET revoked_at_us = $2 WHERE family = $1 AND used_at_us IS NULL
               AND revoked_at_us IS NULL";
    execute(on, sql, [family.into(), micros(at).into()]).await.map(|_| ())
}

/// Whether nobody has used any token of a family that was issued when this one was used, or later.
pub async fn successor_is_unused(
    on: &Transaction,
    token_hash: &[u8],
    family: Uuid,
    used_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM refresh_tokens WHERE family = $1 AND token_hash <> $2
               AND issued_at_us >= $3 AND used_at_us IS NOT NULL";
    let values = [family.into(), token_hash.to_vec().into(), micros(used_at).into()];
    let used: Option<i64> = query_one(on, sql, values).await?.map(|row| row.get(0)).transpose()?;
    Ok(used == Some(0))
}

/// Whether a family has not been ended: a token of it stands, used or not.
pub async fn family_stands(on: &Transaction, family: Uuid) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM refresh_tokens WHERE family = $1 AND revoked_at_us IS NULL";
    let standing: Option<i64> =
        query_one(on, sql, [family.into()]).await?.map(|row| row.get(0)).transpose()?;
    Ok(standing.is_some_and(|tokens| tokens > 0))
}
