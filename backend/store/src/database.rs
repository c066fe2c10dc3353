//! Connections and transactions. On SQLite there is one writer at a time, and that replaces row locks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, sqlx,
};
use tanhui_domain::time::DayRange;
use tanhui_migrations::Month;

use crate::error::StoreError;

const SQLITE_READERS_MAX: u32 = 8;
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const SQLITE_BUSY_PAUSE: Duration = Duration::from_millis(20);
const POSTGRES_CONNECTIONS_MAX: u32 = 16;
/// Each lane has one that writes and one that commits; the rest looks up, or is on its way back.
const BATCH_CONNECTIONS_MAX: u32 = 12;
/// Batches send the same few statements over and over, and all of them reach all tables through an index:
/// each is planned once. Looking a row up must look cheap beside reading a table that is small today, for the
/// plan stays while the table grows.
const BATCH_SETTINGS: [(&str, &str); 9] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    ("random_page_cost", "0"),
    ("seq_page_cost", "0"),
    ("cpu_tuple_cost", "1"),
    ("jit", "off"),
];
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was idle for longer may have died with its server, and a reader does not try again.
const IDLE_TRUSTED: Duration = Duration::from_millis(100);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Which database this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL, with row locks and several writers.
    Postgres,
    /// SQLite in WAL mode, with one immediate writer.
    Sqlite,
}

/// The database: where reads go and where transactions begin.
#[derive(Debug, Clone)]
pub struct Database {
    read: DatabaseConnection,
    write: DatabaseConnection,
    batch: DatabaseConnection,
    engine: Engine,
    statements: Statements,
}

/// How many statements were sent, by all clones of a database together.
#[derive(Debug, Clone, Default)]
struct Statements(Arc<AtomicU64>);

impl Statements {
    fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// One transaction. Dropped without [`Transaction::commit`] it rolls back.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
    engine: Engine,
    statements: Statements,
}

/// Something that can be read from: the database or a transaction.
pub trait Connected: Sync {
    /// The connection underneath, for this room only.
    #[doc(hidden)]
    type Raw: ConnectionTrait;
    /// The connection underneath, for this room only.
    #[doc(hidden)]
    fn raw(&self) -> &Self::Raw;
    /// Which database this is.
    fn engine(&self) -> Engine;
    /// Counts one round trip.
    #[doc(hidden)]
    fn count_statement(&self);
}

impl Connected for Database {
    type Raw = DatabaseConnection;

    fn raw(&self) -> &DatabaseConnection {
        &self.read
    }

    fn engine(&self) -> Engine {
        self.engine
    }

    fn count_statement(&self) {
        self.statements.count();
    }
}

impl Connected for Transaction {
    type Raw = DatabaseTransaction;

    fn raw(&self) -> &DatabaseTransaction {
        &self.inner
    }

    fn engine(&self) -> Engine {
        self.engine
    }

    fn count_statement(&self) {
        self.statements.count();
    }
}

impl Database {
    /// Opens `sqlite://PATH` (created with its folder when absent) or `postgres://...`.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            create_folder(url)?;
            let write = open_sqlite(sqlite_options(url, 1)).await?;
            let read = open_sqlite(sqlite_options(url, SQLITE_READERS_MAX)).await?;
            let statements = Statements::default();
            return Ok(Self { read, batch: write.clone(), write, engine: Engine::Sqlite, statements });
        }
        let both = sea_orm::Database::connect(postgres_options(url)).await?;
        let batch = sea_orm::Database::connect(batch_options(url)).await?;
        let statements = Statements::default();
        Ok(Self { read: both.clone(), write: both, batch, engine: Engine::Postgres, statements })
    }

    /// The same database through connections that are kept for batches.
    #[must_use]
    pub fn for_batches(&self) -> Self {
        match self.engine {
            Engine::Postgres => Self { read: self.batch.clone(), write: self.batch.clone(), ..self.clone() },
            Engine::Sqlite => self.clone(),
        }
    }

    /// Brings the schema up to date and creates the partitions of this month and the next ones.
    pub async fn migrate(&self, year: i32, month: u32) -> Result<(), StoreError> {
        Ok(tanhui_migrations::migrate(&self.write, Month::new(year, month)).await?)
    }

    /// Creates the monthly partitions that will be needed next.
    pub async fn create_partitions(&self, year: i32, month: u32) -> Result<(), StoreError> {
        Ok(tanhui_migrations::create_partitions(&self.write, Month::new(year, month)).await?)
    }

    /// Whether the schema is the one that this program knows.
    pub async fn is_current(&self) -> Result<bool, StoreError> {
        Ok(tanhui_migrations::is_current(&self.read).await?)
    }

    /// Begins a transaction: read committed with row locks on PostgreSQL, immediate on SQLite.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.engine == Engine::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = self.write.begin_with_options(options).await?;
        self.count_statement();
        Ok(Transaction { inner, engine: self.engine, statements: self.statements.clone() })
    }

    /// Begins a read-only view in which all statements see the same instant.
    pub async fn snapshot(&self) -> Result<Transaction, StoreError> {
        let isolation_level =
            (self.engine == Engine::Postgres).then_some(sea_orm::IsolationLevel::RepeatableRead);
        let options = TransactionOptions { isolation_level, ..TransactionOptions::default() };
        let inner = self.read.begin_with_options(options).await?;
        self.count_statement();
        Ok(Transaction { inner, engine: self.engine, statements: self.statements.clone() })
    }

    /// How many statements were sent so far, beginnings and commits included.
    #[must_use]
    pub fn statements_sent(&self) -> u64 {
        self.statements.0.load(Ordering::Relaxed)
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.read.ping().await?)
    }

    /// Closes the connections after what is under way.
    pub async fn close(self) -> Result<(), StoreError> {
        match self.engine {
            Engine::Sqlite => self.write.close().await?,
            Engine::Postgres => self.batch.close().await?,
        }
        Ok(self.read.close().await?)
    }
}

impl Transaction {
    /// Makes everything in this transaction durable, at once.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.count_statement();
        Ok(self.inner.commit().await?)
    }

    /// ` FOR UPDATE` where the database has row locks.
    pub(crate) fn for_update(&self) -> &'static str {
        match self.engine {
            Engine::Postgres => " FOR UPDATE",
            Engine::Sqlite => "",
        }
    }

    /// The same for a row that others may go on referring to.
    pub(crate) fn for_change(&self) -> &'static str {
        match self.engine {
            Engine::Postgres => " FOR NO KEY UPDATE",
            Engine::Sqlite => "",
        }
    }
}

fn create_folder(url: &str) -> Result<(), StoreError> {
    let path =
        url.trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default();
    match Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder).map_err(|error| {
            StoreError::Unavailable(sea_orm::DbErr::Custom(format!(
                "cannot create folder {}: {error}",
                folder.display()
            )))
        }),
        _ => Ok(()),
    }
}

/// SQLite does not wait by itself where two processes turn WAL on at once.
async fn open_sqlite(options: ConnectOptions) -> Result<DatabaseConnection, StoreError> {
    let begun = Instant::now();
    loop {
        match sea_orm::Database::connect(options.clone()).await.map_err(StoreError::from) {
            Err(StoreError::Repeat(_)) if begun.elapsed() < SQLITE_BUSY_TIMEOUT => {
                tokio::time::sleep(SQLITE_BUSY_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

fn sqlite_options(url: &str, connections_max: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections_max).acquire_timeout(Duration::from_secs(30)).sqlx_logging(false);
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
            .busy_timeout(SQLITE_BUSY_TIMEOUT)
    });
    options
}

fn postgres_options(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(POSTGRES_CONNECTIONS_MAX)
        .min_connections(2)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .statement_timeout(STATEMENT_TIMEOUT)
        .test_before_acquire_if_idle_for(IDLE_TRUSTED)
        .set_application_name("tanhui")
        .sqlx_logging(false);
    options
}

fn batch_options(url: &str) -> ConnectOptions {
    let mut options = postgres_options(url);
    options
        .max_connections(BATCH_CONNECTIONS_MAX)
        .connect_lazy(true)
        .map_sqlx_postgres_opts(|postgres| postgres.options(BATCH_SETTINGS));
    options
}

/// A statement in this connection's dialect.
pub(crate) fn statement<C: Connected>(
    on: &C,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = sea_orm::Value>,
) -> Statement {
    let backend = match on.engine() {
        Engine::Postgres => DbBackend::Postgres,
        Engine::Sqlite => DbBackend::Sqlite,
    };
    Statement::from_sql_and_values(backend, sql, values)
}

/// First day in and first day out as stored day numbers.
pub(crate) fn day_numbers(range: DayRange) -> (i32, i32) {
    (crate::row::day_number(range.from), crate::row::day_number(range.until))
}
