//! Facts about this database that the program checks at start, such as which secret its hashes were made
//! with.

use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{execute, query_one};

/// The value of a setting.
pub async fn find<C: Connected>(on: &C, name: &str) -> Result<Option<String>, StoreError> {
    let row = query_one(on, "SELECT value FROM settings WHERE name = $1", [name.into()]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// Writes a setting unless it is there already.
pub async fn insert_if_absent(on: &Transaction, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    execute(on, sql, [name.into(), value.into()]).await.map(|_| ())
}

/// Writes a setting, whatever it was.
pub async fn set(on: &Transaction, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    execute(on, sql, [name.into(), value.into()]).await.map(|_| ())
}
