//! Published rule sets, as the self-contained text that was published.

use chrono::{DateTime, Utc};
use tanhui_domain::id::{CityId, RuleSetId};

use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{micros, query_all, query_row};

/// A published rule set as it is stored.
#[derive(Debug, Clone)]
pub struct StoredRuleSet {
    /// Its row.
    pub id: RuleSetId,
    /// Whose rules they are.
    pub city: CityId,
    /// The whole text.
    pub bundle: String,
    /// From when it decides.
    pub effective_from: DateTime<Utc>,
}

/// All published rule sets of all cities, oldest first.
pub async fn list<C: Connected>(on: &C) -> Result<Vec<StoredRuleSet>, StoreError> {
    let sql = "SELECT id, city_id, bundle, effective_from_us FROM rule_sets ORDER BY city_id,
               effective_from_us, id";
    let rows = query_all(on, sql, []).await?;
    rows.iter()
        .map(|row| {
            Ok(StoredRuleSet {
                id: RuleSetId::new(row.bigint(0)?),
                city: CityId::new(row.bigint(1)?),
                bundle: row.text(2)?,
                effective_from: row.instant(3)?,
            })
        })
        .collect()
}

/// How many rule sets are published; grows with each one, so a cache can tell when it is old.
pub async fn newest<C: Connected>(on: &C) -> Result<i64, StoreError> {
    query_row(on, "SELECT COALESCE(MAX(id), 0) FROM rule_sets", []).await?.bigint(0)
}

/// Publishes a rule set.
pub async fn insert(
    on: &Transaction,
    city: CityId,
    hash: &[u8],
    bundle: &str,
    effective_from: DateTime<Utc>,
    published_at: DateTime<Utc>,
) -> Result<RuleSetId, StoreError> {
    let row = query_row(
        on,
        "INSERT INTO rule_sets (city_id, hash, bundle, effective_from_us, published_at_us)
         VALUES ($1, $2, $3, $4, $5) RETURNING id",
        [
            city.get().into(),
            hash.to_vec().into(),
            bundle.into(),
            micros(effective_from).into(),
            micros(published_at).into(),
        ],
    )
    .await?;
    Ok(RuleSetId::new(row.bigint(0)?))
}
