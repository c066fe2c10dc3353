//! Monthly partitions of activities and postings on PostgreSQL. SQLite keeps one table.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};

/// How many months after the present one always have their partition.
pub const MONTHS_AHEAD: u32 = 3;

const TABLES: [&str; 2] = ["activities", "postings"];

/// A calendar month in UTC with the instants where it begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    year: i32,
    month: u32,
}

impl Month {
    /// The month of a year; months outside 1 to 12 are taken as the nearest.
    #[must_use]
    pub fn new(year: i32, month: u32) -> Self {
        Self { year, month: month.clamp(1, 12) }
    }

    /// The month after this one.
    #[must_use]
    pub fn next(self) -> Self {
        if self.month < 12 {
            Self { year: self.year, month: self.month.saturating_add(1) }
        } else {
            Self { year: self.year.saturating_add(1), month: 1 }
        }
    }

    fn table(self, parent: &str) -> String {
        format!("{parent}_{:04}_{:02}", self.year, self.month)
    }

    /// Microseconds since 1970 of the month's first instant in UTC, as SQL that PostgreSQL computes.
    fn start_sql(self) -> String {
        format!(
            "(extract(epoch FROM timestamptz '{:04}-{:02}-01 00:00:00+00') * 1000000)::bigint",
            self.year, self.month
        )
    }
}

/// Creates the partitions of this month and the next ones, and one for all other times, so that no clock can
/// make a write fail. Safe to repeat and to run twice at once.
///
/// # Errors
/// A database that does not answer.
pub async fn create_partitions(database: &DatabaseConnection, now: Month) -> Result<(), DbErr> {
    if database.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for table in TABLES {
        let sql = format!("CREATE TABLE IF NOT EXISTS {table}_other PARTITION OF {table} DEFAULT");
        database.execute_unprepared(&sql).await?;
    }
    let mut month = now;
    for _ in 0..=MONTHS_AHEAD {
        for table in TABLES {
            database.execute_unprepared(&create_month(table, month)).await?;
        }
        month = month.next();
    }
    Ok(())
}

/// A partition bound must be a literal, so PostgreSQL computes it and runs the text. Rows that came before
/// their month's partition lie among those of other times and move over.
fn create_month(parent: &str, month: Month) -> String {
    let partition = month.table(parent);
    let (from, until) = (month.start_sql(), month.next().start_sql());
    format!(
        "DO $$ BEGIN
           IF to_regclass('{partition}') IS NULL THEN
             LOCK TABLE {parent}_other IN ACCESS EXCLUSIVE MODE;
             CREATE TABLE {partition} (LIKE {parent});
             WITH early AS (
               DELETE FROM {parent}_other WHERE recorded_at_us >= {from} AND recorded_at_us < {until}
               RETURNING *)
             INSERT INTO {partition} SELECT * FROM early;
             EXECUTE format('ALTER TABLE {parent} ATTACH PARTITION {partition}
                             FOR VALUES FROM (%s) TO (%s)', {from}, {until});
           END IF;
         EXCEPTION WHEN duplicate_table OR unique_violation THEN NULL;
         END $$"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn december_is_followed_by_january() {
        assert_eq!(Month::new(2026, 12).next(), Month::new(2027, 1));
        assert_eq!(Month::new(2026, 11).next().table("postings"), "postings_2026_12");
    }
}
