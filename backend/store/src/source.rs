//! Sources of events and the keys of the partners behind them.

use chrono::{DateTime, Utc};
use tanhui_domain::city::Source;
use tanhui_domain::id::{CityId, SourceId};
use tanhui_domain::rule::Evidence;

use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one, query_row};

const COLUMNS: &str = "s.id, s.city_id, s.uri, s.name, s.evidence";

/// All sources, in order of creation.
pub async fn list<C: Connected>(on: &C) -> Result<Vec<Source>, StoreError> {
    let rows = query_all(on, &format!("SELECT {COLUMNS} FROM sources s ORDER BY s.id"), []).await?;
    rows.iter().map(read).collect()
}

/// The source of a URI.
pub async fn find_by_uri<C: Connected>(on: &C, uri: &str) -> Result<Option<Source>, StoreError> {
    let row =
        query_one(on, &format!("SELECT {COLUMNS} FROM sources s WHERE s.uri = $1"), [uri.into()]).await?;
    row.as_ref().map(read).transpose()
}

/// The source of a row.
pub async fn find<C: Connected>(on: &C, id: SourceId) -> Result<Option<Source>, StoreError> {
    let row =
        query_one(on, &format!("SELECT {COLUMNS} FROM sources s WHERE s.id = $1"), [id.get().into()]).await?;
    row.as_ref().map(read).transpose()
}

/// A new source.
pub async fn insert(
    on: &Transaction,
    city: CityId,
    uri: &str,
    name: &str,
    evidence: Evidence,
    at: DateTime<Utc>,
) -> Result<SourceId, StoreError> {
    let row = query_row(
        on,
        "INSERT INTO sources (city_id, uri, name, evidence, created_at_us) VALUES ($1, $2, $3, $4, $5)
            RETURNING id",
        [city.get().into(), uri.into(), name.into(), evidence.name().into(), micros(at).into()],
    )
    .await?;
    Ok(SourceId::new(row.bigint(0)?))
}

/// Adds a key of a partner, by its hash.
pub async fn insert_key(
    on: &Transaction,
    key_hash: &[u8],
    source: SourceId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO partner_keys (key_hash, source_id, created_at_us) VALUES ($1, $2, $3)";
    execute(on, sql, [key_hash.to_vec().into(), source.get().into(), micros(at).into()]).await.map(|_| ())
}

/// Revokes a source's keys, all or all but the newest; gives how many.
pub async fn revoke_keys(
    on: &Transaction,
    source: SourceId,
    newest_too: bool,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let sql = "UPDATE partner_keys SET revoked_at_us = $2 WHERE source_id = $1 AND revoked_at_us IS NULL";
    let newest = "(SELECT MAX(created_at_us) FROM partner_keys
                   WHERE source_id = $1 AND revoked_at_us IS NULL)";
    let bound = if newest_too { String::new() } else { format!(" AND created_at_us < {newest}") };
    execute(on, &format!("{sql}{bound}"), [source.get().into(), micros(at).into()]).await
}

/// The source that a live key speaks for.
pub async fn find_by_key<C: Connected>(on: &C, key_hash: &[u8]) -> Result<Option<Source>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM partner_keys k JOIN sources s ON s.id = k.source_id
         WHERE k.key_hash = $1 AND k.revoked_at_us IS NULL"
    );
    query_one(on, &sql, [key_hash.to_vec().into()]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Source, StoreError> {
    Ok(Source {
        id: SourceId::new(row.bigint(0)?),
        city: CityId::new(row.bigint(1)?),
        uri: row.text(2)?,
        name: row.text(3)?,
        evidence: row.known(4, |name| Evidence::ALL.into_iter().find(|grade| grade.name() == name))?,
    })
}
