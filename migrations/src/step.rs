//! One schema step: SQL text whose `${...}` words differ between the databases.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// `${word}`, PostgreSQL, SQLite.
const WORDS: &[(&str, &str, &str)] = &[
    ("${uuid}", "UUID", "BLOB"),
    ("${bytes}", "BYTEA", "BLOB"),
    ("${row_number}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    ("${by_month}", "PARTITION BY RANGE (recorded_at_us)", ""),
    ("${updated_in_place}", "WITH (fillfactor = 70)", ""),
    ("${range_index}", "USING brin", ""),
    ("${range_index_kept}", "WITH (autosummarize = on)", ""),
    ("${bytes_of_receipt}", "convert_to(a.receipt, 'UTF8')", "CAST(a.receipt AS BLOB)"),
    ("${on_postgres}", "", "/*"),
    ("${end_on_postgres}", "", "*/"),
];

pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = fill_in(self.sql, manager.get_database_backend());
        manager.get_connection().execute_unprepared(&sql).await.map(|_| ())
    }

    /// On SQLite too: a process killed in the middle of a step leaves nothing of it.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn fill_in(sql: &str, backend: DbBackend) -> String {
    WORDS.iter().fold(sql.to_owned(), |text, &(word, postgres, sqlite)| {
        text.replace(word, if backend == DbBackend::Postgres { postgres } else { sqlite })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_every_step_is_filled_in() {
        for backend in [DbBackend::Postgres, DbBackend::Sqlite] {
            for (name, sql) in crate::STEPS {
                let body: String =
                    fill_in(sql, backend).lines().filter(|line| !line.starts_with("--")).collect();
                assert!(!body.contains("${"), "{name} keeps an unfilled word on {backend:?}");
            }
        }
    }
}
