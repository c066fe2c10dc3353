//! Everything that was recorded in a city, read once from the first to the last, page by page.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, Value};
use tanhui_domain::activity::Activity;
use tanhui_domain::id::CityId;

use crate::activity;
use crate::binding::{SubjectHash, subject};
use crate::database::{Connected as _, Engine, Transaction};
use crate::error::StoreError;
use crate::row::{Row, micros, query_all, query_row};

/// Activities in one page.
const PAGE: i64 = 5_000;
/// Columns of an activity, and so the number of the first after them.
const ACTIVITY_COLUMNS: usize = 13;

/// Which activities.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Of which city's citizens.
    pub city: CityId,
    /// Acts from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Acts before this instant.
    pub until: Option<DateTime<Utc>>,
    /// Whether to look for the card.
    pub with_cards: bool,
}

/// One activity that was not reversed.
#[derive(Debug, Clone)]
pub struct PastActivity {
    /// Itself.
    pub activity: Activity,
    /// Where its citizen lives today.
    pub district: Option<String>,
    /// The card that its citizen had at its source; none where it had several or none.
    pub card: Option<SubjectHash>,
}

/// Reads a range in the order in which it was recorded.
#[derive(Debug)]
pub struct Reader {
    range: Range,
    /// On SQLite: the row after which to go on.
    after: i64,
}

/// The districts that the citizens of a city live in, by name.
pub async fn districts(on: &Transaction, city: CityId) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT district FROM citizens WHERE city_id = $1 AND district IS NOT NULL
               ORDER BY district";
    query_all(on, sql, [city.get().into()]).await?.iter().map(|row| row.text(0)).collect()
}

/// How many activities there are.
pub async fn count(on: &Transaction, range: &Range) -> Result<u64, StoreError> {
    if on.engine() == Engine::Postgres {
        on.raw().execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    }
    let sql = format!("SELECT COUNT(*) FROM activities a {WITHIN}");
    Ok(query_row(on, &sql, bounds(range)).await?.bigint(0)?.unsigned_abs())
}

/// Status 4 is reversed.
const WITHIN: &str = "JOIN citizens c ON c.id = a.citizen_id
    WHERE c.city_id = $1 AND a.occurred_at_us >= $2 AND a.occurred_at_us < $3 AND a.status <> 4";

fn bounds(range: &Range) -> [Value; 3] {
    let from = range.from.map_or(i64::MIN, micros);
    let until = range.until.map_or(i64::MAX, micros);
    [range.city.get().into(), from.into(), until.into()]
}

fn columns(range: &Range) -> String {
    let live = "FROM bindings b WHERE b.citizen_id = a.citizen_id AND b.source_id = a.source_id
        AND b.bound_at_us <= a.recorded_at_us
        AND (b.ended_at_us IS NULL OR b.ended_at_us > a.recorded_at_us)";
    let cards = if range.with_cards {
        format!("(SELECT b.subject_hash {live} LIMIT 1), (SELECT COUNT(*) {live})")
    } else {
        "NULL, CAST(0 AS BIGINT)".to_owned()
    };
    format!("{}, c.district, {cards}", activity::COLUMNS)
}

impl Reader {
    /// Begins at the first. The transaction should be a snapshot, and serve this reader to its end.
    pub async fn open(on: &Transaction, range: Range) -> Result<Self, StoreError> {
        if on.engine() == Engine::Postgres {
            // One statement writes a batch, so its rows lie in the order in which they were decided.
            let sql = format!(
                "DECLARE past NO SCROLL CURSOR FOR SELECT {} FROM activities a {WITHIN}
                 ORDER BY a.recorded_at_us, a.ctid",
                columns(&range)
            );
            // A cursor's statement takes no bound values; these are numbers.
            let [city, from, until] = bounds(&range).map(|value| value.to_string());
            let sql = sql.replace("$1", &city).replace("$2", &from).replace("$3", &until);
            on.count_statement();
            on.raw().execute_unprepared(&sql).await?;
        }
        Ok(Self { range, after: 0 })
    }

    /// The next page; empty at the end.
    pub async fn next(&mut self, on: &Transaction) -> Result<Vec<PastActivity>, StoreError> {
        let rows = match on.engine() {
            Engine::Postgres => query_all(on, &format!("FETCH {PAGE} FROM past"), []).await?,
            Engine::Sqlite => {
                let sql = format!(
                    "SELECT {}, a.rowid FROM activities a {WITHIN} AND a.rowid > $4
                     ORDER BY a.rowid LIMIT {PAGE}",
                    columns(&self.range)
                );
                let values = bounds(&self.range).into_iter().chain([self.after.into()]);
                let rows = query_all(on, &sql, values).await?;
                if let Some(last) = rows.last() {
                    self.after = last.bigint(ACTIVITY_COLUMNS.saturating_add(3))?;
                }
                rows
            }
        };
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<PastActivity, StoreError> {
    let cards = row.bigint(ACTIVITY_COLUMNS.saturating_add(2))?;
    let card = if cards == 1 { Some(subject(row, ACTIVITY_COLUMNS.saturating_add(1))?) } else { None };
    Ok(PastActivity { activity: activity::read(row)?, district: row.get(ACTIVITY_COLUMNS)?, card })
}
