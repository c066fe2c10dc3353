//! Reading columns into domain types: instants are microseconds, civil days are day numbers.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, TryGetable, Value};
use uuid::Uuid;

use crate::database::{Connected, Transaction, statement};
use crate::error::StoreError;

/// One row, read from left to right by column number.
pub(crate) struct Row(QueryResult);

impl Row {
    pub(crate) fn get<T: TryGetable>(&self, column: usize) -> Result<T, StoreError> {
        self.0
            .try_get_by_index(column)
            .map_err(|error| StoreError::Corrupt(format!("column {column}: {error}")))
    }

    pub(crate) fn uuid(&self, column: usize) -> Result<Uuid, StoreError> {
        self.get(column)
    }

    pub(crate) fn bigint(&self, column: usize) -> Result<i64, StoreError> {
        self.get(column)
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, StoreError> {
        self.get(column)
    }

    pub(crate) fn instant(&self, column: usize) -> Result<DateTime<Utc>, StoreError> {
        instant(self.get(column)?)
    }

    pub(crate) fn maybe_instant(&self, column: usize) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.get::<Option<i64>>(column)?.map(instant).transpose()
    }

    pub(crate) fn day(&self, column: usize) -> Result<NaiveDate, StoreError> {
        Ok(civil_day(self.get(column)?))
    }

    /// Reads a column through a function that refuses what it does not know.
    pub(crate) fn known<T>(
        &self,
        column: usize,
        from_text: impl Fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        from_text(&text).ok_or_else(|| StoreError::Corrupt(format!("column {column}: {text:?}")))
    }
}

fn instant(micros: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| StoreError::Corrupt(format!("instant {micros}")))
}

/// Microseconds since 1970.
pub(crate) fn micros(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros()
}

/// Days since 1970-01-01.
pub(crate) fn day_number(day: NaiveDate) -> i32 {
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or(i32::MAX)
}

fn civil_day(number: i32) -> NaiveDate {
    let days = Days::new(u64::from(number.unsigned_abs()));
    let epoch = NaiveDate::default();
    if number < 0 {
        epoch.checked_sub_days(days).unwrap_or(NaiveDate::MIN)
    } else {
        epoch.checked_add_days(days).unwrap_or(NaiveDate::MAX)
    }
}

pub(crate) async fn query_all<C: Connected>(
    on: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Row>, StoreError> {
    on.count_statement();
    let rows = on.raw().query_all_raw(statement(on, sql, values)).await?;
    Ok(rows.into_iter().map(Row).collect())
}

pub(crate) async fn query_one<C: Connected>(
    on: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<Row>, StoreError> {
    on.count_statement();
    Ok(on.raw().query_one_raw(statement(on, sql, values)).await?.map(Row))
}

/// A row that the statement always gives, such as an aggregate or `RETURNING`.
pub(crate) async fn query_row<C: Connected>(
    on: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Row, StoreError> {
    query_one(on, sql, values).await?.ok_or_else(|| StoreError::Corrupt(format!("no row from: {sql}")))
}

/// Runs a writing statement; gives how many rows it touched.
pub(crate) async fn execute(
    on: &Transaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, StoreError> {
    on.count_statement();
    Ok(on.raw().execute_raw(statement(on, sql, values)).await?.rows_affected())
}

/// Refuses a write that touched other than the rows it was for: a fault of the caller.
pub(crate) fn expect_rows(touched: u64, expected: usize, fault: &str) -> Result<(), StoreError> {
    if usize::try_from(touched) == Ok(expected) {
        return Ok(());
    }
    Err(StoreError::Other(DbErr::Custom(format!("{fault}: {touched} of {expected} rows"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_survive_the_way_there_and_back() {
        for text in ["1969-12-31", "1970-01-01", "2026-11-20", "9999-12-31"] {
            let day: NaiveDate = text.parse().unwrap();
            assert_eq!(civil_day(day_number(day)), day);
        }
    }
}
