//! One test's own database with its clock, and how a test is run on it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tanhui_domain::time::Clock;
use tanhui_store::{Database, Engine};

use crate::clock::FixedClock;
use crate::ids::Ids;
use crate::postgres::{self, Own};
use crate::raw::Raw;
use crate::trouble::Outcome;

/// When every test begins: a Monday, eight in the morning in the test city.
pub const FIRST_INSTANT: &str = "2026-03-02T00:00:00Z";
/// The month whose partitions, and those of the next three, are made.
pub(crate) const FIRST_MONTH: (i32, u32) = (2026, 3);
/// How long a test may wait for a state.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it looks.
const BREATH: Duration = Duration::from_millis(10);

/// A migrated, empty database and what a test needs beside it.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The database as the service uses it.
    pub database: Database,
    /// The same database from behind.
    pub raw: Raw,
    /// The time.
    pub clock: FixedClock,
    /// Ids.
    pub ids: Ids,
    /// Which engine this is.
    pub engine: Engine,
    /// Where the database is.
    pub url: String,
}

impl Stage {
    async fn set_up(engine: Engine, url: String) -> Outcome<Self> {
        let database = Database::connect(&url).await?;
        if engine == Engine::Sqlite {
            let (year, month) = FIRST_MONTH;
            database.migrate(year, month).await?;
        }
        let raw = Raw::connect(&url, engine).await?;
        let clock = FixedClock::at(FIRST_INSTANT.parse()?);
        Ok(Self { database, raw, clock, ids: Ids::default(), engine, url })
    }

    async fn clear(self) -> Outcome {
        self.raw.close().await?;
        Ok(self.database.close().await?)
    }

    /// The present instant of this test.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A second handle on the database, as another process has it.
    pub async fn another_process(&self) -> Outcome<Database> {
        Ok(Database::connect(&self.url).await?)
    }
}

/// Runs a test on a database of its own and throws the database away, however the test ends.
///
/// Without a PostgreSQL server the PostgreSQL half says so and passes.
pub fn run<Body, Running>(engine: Engine, body: Body) -> Outcome
where
    Body: FnOnce(Stage) -> Running + 'static,
    Running: Future<Output = Outcome> + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match (engine, postgres::server()) {
            (Engine::Sqlite, _) => on_sqlite(body).await,
            (Engine::Postgres, Some(server)) => on_postgres(&server, body).await,
            (Engine::Postgres, None) => {
                println!("skipped: no PostgreSQL server; `cargo xtask test` starts one");
                Ok(())
            }
        }
    })
}

async fn on_sqlite<Body, Running>(body: Body) -> Outcome
where
    Body: FnOnce(Stage) -> Running,
    Running: Future<Output = Outcome> + 'static,
{
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite://{}", folder.path().join("tanhui.db").display());
    let stage = Stage::set_up(Engine::Sqlite, url).await?;
    perform(stage, body).await
}

async fn on_postgres<Body, Running>(server: &str, body: Body) -> Outcome
where
    Body: FnOnce(Stage) -> Running,
    Running: Future<Output = Outcome> + 'static,
{
    let own = Own::create(server).await?;
    let outcome = match Stage::set_up(Engine::Postgres, own.url()).await {
        Ok(stage) => perform(stage, body).await,
        Err(trouble) => Err(trouble),
    };
    own.drop().await?;
    outcome
}

/// In a task of its own, so that a failed assertion does not keep the database from being thrown away.
async fn perform<Body, Running>(stage: Stage, body: Body) -> Outcome
where
    Body: FnOnce(Stage) -> Running,
    Running: Future<Output = Outcome> + 'static,
{
    let tasks = tokio::task::LocalSet::new();
    let outcome = tasks.run_until(async { tokio::task::spawn_local(body(stage.clone())).await }).await;
    stage.clear().await?;
    outcome?
}

/// Looks again and again until a question is answered with yes.
pub async fn until<Asking>(what: &str, mut ask: impl FnMut() -> Asking) -> Outcome
where
    Asking: Future<Output = Outcome<bool>>,
{
    let look = async {
        while !ask().await? {
            tokio::time::sleep(BREATH).await;
        }
        Ok(())
    };
    let waited = tokio::time::timeout(PATIENCE, look).await;
    waited.unwrap_or_else(|_| Err(format!("waited in vain until {what}").into()))
}
