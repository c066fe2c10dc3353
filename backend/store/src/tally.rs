//! Counts that are not a citizen's own caps: readings, cards and devices, budgets. One row a count and day.

use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::crediting::{CountOf, Counter, Tally};
use tanhui_domain::rule::Usage;
use tanhui_domain::time::DayRange;
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Engine, Transaction, day_numbers};
use crate::error::StoreError;
use crate::row::{day_number, query_all};
use crate::write::Write;

/// Makes every other transaction that asks for one of these counts wait until this one ends. On `SQLite` they
/// wait anyway.
pub async fn lock(on: &Transaction, counters: &[Counter<'_>]) -> Result<(), StoreError> {
    if on.engine() == Engine::Sqlite || counters.is_empty() {
        return Ok(());
    }
    let (table, values) = named(counters.iter().copied()).table(on.engine());
    // Sorted before the first is locked, so that two batches never wait for each other.
    let sql = format!(
        "SELECT pg_advisory_xact_lock(key) FROM (
           SELECT DISTINCT hashtextextended(r.kind || r.owner_id::text || r.name, 0) AS key FROM {table}
           ORDER BY key OFFSET 0) k"
    );
    query_all(on, &sql, values).await.map(|_| ())
}

/// The sums of counts over civil days, in the order asked for.
pub async fn sums<C: Connected>(on: &C, asked: &[(Counter<'_>, DayRange)]) -> Result<Vec<Usage>, StoreError> {
    let (table, values) = named(asked.iter().map(|(counter, _)| *counter))
        .int("n", (0..).take(asked.len()))
        .int("day_from", asked.iter().map(|(_, range)| day_numbers(*range).0))
        .int("day_until", asked.iter().map(|(_, range)| day_numbers(*range).1))
        .table(on.engine());
    let sql = format!(
        "SELECT r.n, CAST(SUM(t.events) AS BIGINT), CAST(SUM(t.points) AS BIGINT),
                CAST(SUM(t.reduction_mg) AS BIGINT), CAST(SUM(t.quantity) AS BIGINT)
         FROM {table} JOIN tallies t ON t.owner_id = r.owner_id AND t.kind = r.kind AND t.name = r.name
           AND t.day >= r.day_from AND t.day < r.day_until
         GROUP BY r.n"
    );
    let mut sums = vec![Usage::default(); asked.len()];
    for row in query_all(on, &sql, values).await? {
        let place = usize::try_from(row.get::<i32>(0)?).ok().and_then(|place| sums.get_mut(place));
        let sum = place.ok_or_else(|| StoreError::Corrupt("a count that was not asked for".to_owned()))?;
        *sum = Usage {
            events: row.bigint(1)?,
            points: Points::new(row.bigint(2)?),
            reduction: ReductionMg::new(row.bigint(3)?),
            quantity: row.bigint(4)?,
        };
    }
    Ok(sums)
}

/// Adds to counts.
pub async fn add(on: &Transaction, tallies: &[Tally]) -> Result<(), StoreError> {
    adding(tallies).run(on).await
}

/// Adds to counts, not yet run.
pub(crate) fn adding(tallies: &[Tally]) -> Write {
    let counters = tallies.iter().map(|tally| Counter { of: tally.of, name: &tally.name });
    let columns = named(counters)
        .int("day", tallies.iter().map(|tally| day_number(tally.day)))
        .bigint("events", tallies.iter().map(|tally| tally.added.events))
        .bigint("points", tallies.iter().map(|tally| tally.added.points.get()))
        .bigint("reduction_mg", tallies.iter().map(|tally| tally.added.reduction.get()))
        .bigint("quantity", tallies.iter().map(|tally| tally.added.quantity));
    let names = "owner_id, kind, name, day, events, points, reduction_mg, quantity";
    Write::new(columns, move |table| {
        format!(
            "INSERT INTO tallies ({names}) SELECT {names} FROM {table} WHERE true
             ON CONFLICT (owner_id, kind, day, name) DO UPDATE SET
               events = tallies.events + excluded.events,
               points = tallies.points + excluded.points,
               reduction_mg = tallies.reduction_mg + excluded.reduction_mg,
               quantity = tallies.quantity + excluded.quantity"
        )
    })
}

fn named<'a>(counters: impl Iterator<Item = Counter<'a>> + Clone) -> Columns {
    Columns::new()
        .uuid("owner_id", counters.clone().map(|counter| owner(counter.of)))
        .int("kind", counters.clone().map(|counter| kind(counter.of)))
        .text("name", counters.map(|counter| counter.name.to_owned()))
}

fn owner(of: CountOf) -> Uuid {
    match of {
        CountOf::Granted(citizen) | CountOf::Read(citizen) => citizen.get(),
        CountOf::Shared(shared) => shared.get(),
        CountOf::Issued(city) => Uuid::from_u64_pair(0, city.get().cast_unsigned()),
    }
}

/// A citizen's own caps are counted in `activity_days`; 0 has no rows here.
fn kind(of: CountOf) -> i32 {
    match of {
        CountOf::Granted(_) => 0,
        CountOf::Read(_) => 1,
        CountOf::Shared(_) => 2,
        CountOf::Issued(_) => 3,
    }
}
