//! The ledger's invariants as queries that name the rows at fault. Reads the database alone, in one snapshot.
//!
//! Each invariant is asked range by range over a key (see [`Walk`]), so that neither side ever holds more
//! than a range's worth of it, whatever the size of the books.

mod activities;
mod ledger;
mod life;
mod payout;
mod settling;
mod spending;
mod totals;
mod walk;

use sea_orm::ConnectionTrait;

use crate::database::{Connected, Engine, Transaction};
use crate::error::StoreError;
use crate::row::query_all;
pub use totals::{Totals, totals};
use walk::Walk;

/// How many rows at fault are named per invariant.
pub const VIOLATIONS_NAMED_MAX: usize = 20;

/// A broken invariant and one row that breaks it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// Which invariant.
    pub invariant: &'static str,
    /// Which row, and what it says.
    pub detail: String,
}

/// What breaks one invariant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The first rows, at most [`VIOLATIONS_NAMED_MAX`].
    pub named: Vec<Violation>,
    /// How many rows in all.
    pub total: u64,
}

/// Name, what it is walked by, and query; each row of the query is a violation, described in its only column.
/// `id(x)` is the text of a UUID on either database.
type Invariant = (&'static str, Walk, &'static str);

fn all() -> impl Iterator<Item = &'static Invariant> {
    ledger::INVARIANTS
        .iter()
        .chain(life::INVARIANTS)
        .chain(payout::INVARIANTS)
        .chain(activities::INVARIANTS)
        .chain(spending::INVARIANTS)
        .chain(settling::INVARIANTS)
}

/// The names of all invariants, in the order checked.
pub fn invariants() -> impl Iterator<Item = &'static str> {
    all().map(|(name, _, _)| *name)
}

/// Checks the invariant of a name, telling before each range how many of how many are done.
pub async fn check(
    on: &Transaction,
    invariant: &'static str,
    mut progress: impl FnMut(usize, usize),
) -> Result<Found, StoreError> {
    let Some((_, walk, sql)) = all().find(|(name, _, _)| *name == invariant) else {
        return Err(StoreError::Corrupt(format!("no invariant {invariant}")));
    };
    plan_for_ranges(on).await?;
    let sql = question(*walk, sql, on.engine());
    let ranges = walk.ranges(on).await?;
    let mut found = Found::default();
    for (done, range) in ranges.iter().enumerate() {
        progress(done, ranges.len());
        let rows = query_all(on, &sql, range.clone()).await?;
        if let Some(row) = rows.first() {
            found.total = found.total.saturating_add(row.bigint(1)?.unsigned_abs());
        }
        for row in rows.iter().take(VIOLATIONS_NAMED_MAX.saturating_sub(found.named.len())) {
            found.named.push(Violation { invariant, detail: row.text(0)? });
        }
    }
    Ok(found)
}

/// Tells PostgreSQL to hash what it joins and never to loop over it, and to plan each range anew: where it
/// has no statistics, as after a bulk load, it takes every range for a few rows.
async fn plan_for_ranges(on: &Transaction) -> Result<(), StoreError> {
    const PLANNING: &str = "SET LOCAL statement_timeout = 0; SET LOCAL enable_nestloop = off;
        SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off";
    if on.engine() == Engine::Postgres {
        on.raw().execute_unprepared(PLANNING).await?;
    }
    Ok(())
}

/// The query that names what breaks an invariant in the range from `$1` to `$2`.
fn question(walk: Walk, sql: &str, engine: Engine) -> String {
    format!(
        "WITH {}, violations (detail) AS ({})
         SELECT detail, COUNT(*) OVER () FROM violations LIMIT {VIOLATIONS_NAMED_MAX}",
        walk.narrowed(engine),
        with_id_text(sql, engine),
    )
}

/// Replaces `id(` by what makes text of a UUID: a cast on PostgreSQL, hexadecimal on SQLite.
fn with_id_text(sql: &str, engine: Engine) -> String {
    match engine {
        Engine::Postgres => sql.replace(" id(", " concat("),
        Engine::Sqlite => sql.replace(" id(", " hex("),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_written_as_text_on_both_databases() {
        let sql = "SELECT 'a ' || id(COALESCE(a.id, k.id)) FROM a";
        assert_eq!(with_id_text(sql, Engine::Postgres), "SELECT 'a ' || concat(COALESCE(a.id, k.id)) FROM a");
        assert_eq!(with_id_text(sql, Engine::Sqlite), "SELECT 'a ' || hex(COALESCE(a.id, k.id)) FROM a");
    }
}
