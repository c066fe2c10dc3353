//! A connection beside the store: looks at rows that have no door, breaks what must be noticed.

use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tanhui_store::Engine;

use crate::trouble::Outcome;

/// One connection on which foreign keys can be switched off.
#[derive(Debug, Clone)]
pub struct Raw {
    connection: DatabaseConnection,
    engine: Engine,
}

impl Raw {
    /// Connects to either database.
    pub async fn connect(url: &str, engine: Engine) -> Outcome<Self> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).acquire_timeout(Duration::from_secs(30)).sqlx_logging(false);
        Ok(Self { connection: Database::connect(options).await?, engine })
    }

    /// Runs one statement; gives how many rows it touched.
    pub async fn execute(&self, sql: &str) -> Outcome<u64> {
        let done = self.connection.execute_raw(self.statement(sql)).await;
        Ok(done.map_err(|error| format!("{error}\n{sql}"))?.rows_affected())
    }

    /// The only number that a query gives.
    pub async fn number(&self, sql: &str) -> Outcome<i64> {
        let row = self.connection.query_one_raw(self.statement(sql)).await?.ok_or("no row")?;
        Ok(row.try_get_by_index(0)?)
    }

    /// The texts in the first column of a query.
    pub async fn texts(&self, sql: &str) -> Outcome<Vec<String>> {
        let rows = self.connection.query_all_raw(self.statement(sql)).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// From now on rows of this connection may refer to nothing.
    pub async fn stop_checking_references(&self) -> Outcome {
        let sql = match self.engine {
            Engine::Postgres => "SET session_replication_role = replica",
            Engine::Sqlite => "PRAGMA foreign_keys = OFF",
        };
        self.execute(sql).await.map(|_| ())
    }

    /// Closes the connection.
    pub async fn close(self) -> Outcome {
        Ok(self.connection.close().await?)
    }

    fn statement(&self, sql: &str) -> Statement {
        let backend = match self.engine {
            Engine::Postgres => DbBackend::Postgres,
            Engine::Sqlite => DbBackend::Sqlite,
        };
        Statement::from_string(backend, sql)
    }
}
