//! An applied step never changes: its SHA-256 is stored when it is applied and compared at every start.

use std::fmt;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TryGetable};
use sha2::{Digest, Sha256};

/// An applied step differs from the one in this program.
#[derive(Debug)]
pub struct ChecksumMismatch {
    step: String,
}

impl fmt::Display for ChecksumMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "schema step {} was applied from another text; \
             run the program version that applied it, or restore the step",
            self.step
        )
    }
}

/// SHA-256 of a step's SQL, as hexadecimal text.
#[must_use]
pub fn checksum(sql: &str) -> String {
    hex::encode(Sha256::digest(sql.as_bytes()))
}

pub(crate) async fn verify(database: &DatabaseConnection) -> Result<(), DbErr> {
    create_table(database).await?;
    let backend = database.get_database_backend();
    let select = Statement::from_string(backend, "SELECT step, sha256 FROM schema_checksums");
    for row in database.query_all_raw(select).await? {
        let step = String::try_get(&row, "", "step")?;
        let stored = String::try_get(&row, "", "sha256")?;
        let ours = crate::STEPS.iter().find(|(name, _)| *name == step).map(|(_, sql)| checksum(sql));
        if ours.is_some_and(|ours| ours != stored) {
            return Err(DbErr::Migration(ChecksumMismatch { step }.to_string()));
        }
    }
    Ok(())
}

pub(crate) async fn record(database: &DatabaseConnection) -> Result<(), DbErr> {
    let backend = database.get_database_backend();
    for (name, sql) in crate::STEPS {
        let insert = Statement::from_sql_and_values(
            backend,
            "INSERT INTO schema_checksums (step, sha256) VALUES ($1, $2) ON CONFLICT (step) DO NOTHING",
            [(*name).into(), checksum(sql).into()],
        );
        database.execute_raw(insert).await?;
    }
    Ok(())
}

async fn create_table(database: &DatabaseConnection) -> Result<(), DbErr> {
    let sql = "CREATE TABLE IF NOT EXISTS schema_checksums (step TEXT PRIMARY KEY, sha256 TEXT NOT NULL)";
    database.execute_unprepared(sql).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changing an applied step breaks every database that has it: add a new step instead.
    #[test]
    fn published_steps_keep_their_checksums() {
        let listed = include_str!("../checksums.txt");
        let ours: Vec<String> =
            crate::STEPS.iter().map(|(name, sql)| format!("{}  {name}", checksum(sql))).collect();
        assert_eq!(
            listed.lines().collect::<Vec<_>>(),
            ours,
            "checksums.txt must list the steps as they were published"
        );
    }
}
