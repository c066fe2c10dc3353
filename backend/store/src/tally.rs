//! Counts that are not a citizen's own caps: readings, cards and devices, budgets and their queues. One row a
//! count and day.

use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::crediting::{CountOf, Counter, Tally};
use tanhui_domain::id::{CitizenId, CityId, SharedId};
use tanhui_domain::rule::Usage;
use tanhui_domain::time::DayRange;
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Engine, Transaction, day_numbers};
use crate::error::StoreError;
use crate::row::{Row, day_number, query_all};
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

/// The budgets of a city for which points wait.
pub async fn waiting_for<C: Connected>(on: &C, city: CityId) -> Result<Vec<String>, StoreError> {
    let of = CountOf::Waiting(city);
    let sql = "SELECT name FROM tallies WHERE owner_id = $1 AND kind = $2 AND points > 0 ORDER BY name";
    let rows = query_all(on, sql, [owner(of).into(), kind(of).into()]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// All counts in order of owner, kind, day and name, beginning after one.
pub async fn page<C: Connected>(on: &C, after: Option<&Tally>, limit: i64) -> Result<Vec<Tally>, StoreError> {
    let (after, mut values) = match after {
        None => ("", Vec::new()),
        Some(last) => {
            let (of, day) = (last.of, day_number(last.day));
            let values = vec![owner(of).into(), kind(of).into(), day.into(), last.name.clone().into()];
            ("WHERE (owner_id, kind, day, name) > ($1, $2, $3, $4)", values)
        }
    };
    values.push(limit.into());
    let sql = format!(
        "SELECT owner_id, kind, day, name, events, points, reduction_mg, quantity FROM tallies {after}
         ORDER BY owner_id, kind, day, name LIMIT ${}",
        values.len()
    );
    query_all(on, &sql, values).await?.iter().map(tally).collect()
}

fn tally(row: &Row) -> Result<Tally, StoreError> {
    let added = Usage {
        events: row.bigint(4)?,
        points: Points::new(row.bigint(5)?),
        reduction: ReductionMg::new(row.bigint(6)?),
        quantity: row.bigint(7)?,
    };
    Ok(Tally { of: count_of(row.get(1)?, row.uuid(0)?)?, day: row.day(2)?, name: row.text(3)?, added })
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
        CountOf::Issued(city) | CountOf::Waiting(city) => Uuid::from_u64_pair(0, city.get().cast_unsigned()),
    }
}

/// A citizen's own caps are counted in `activity_days`; 0 has no rows here.
fn kind(of: CountOf) -> i32 {
    match of {
        CountOf::Granted(_) => 0,
        CountOf::Read(_) => 1,
        CountOf::Shared(_) => 2,
        CountOf::Issued(_) => 3,
        CountOf::Waiting(_) => 4,
    }
}

fn count_of(kind: i32, owner: Uuid) -> Result<CountOf, StoreError> {
    let city = CityId::new(owner.as_u64_pair().1.cast_signed());
    let all = [
        CountOf::Read(CitizenId::new(owner)),
        CountOf::Shared(SharedId::new(owner)),
        CountOf::Issued(city),
        CountOf::Waiting(city),
    ];
    let known = all.into_iter().find(|of| self::kind(*of) == kind);
    known.ok_or_else(|| StoreError::Corrupt(format!("a count of kind {kind}")))
}
