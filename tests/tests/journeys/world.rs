//! One journey's own world: an empty folder, an empty database, and a Redis of its own beside PostgreSQL.
//!
//! Only the program itself writes here; a journey looks at rows from behind at most to know when to strike.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tanhui_tests::{Engine, Outcome, Raw};

use crate::cluster::Cluster;
use crate::process::{Process, Ran, binary};
use crate::redis_server::Redis;

const POSTGRES: &str = "TANHUI_TEST_POSTGRES_URL";
const REDIS: &str = "TANHUI_TEST_REDIS_URL";

/// Makes two tests of each named journey, `name::sqlite` and `name::postgres`.
macro_rules! each_store {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() -> tanhui_tests::Outcome {
                $crate::world::run(tanhui_tests::Engine::Sqlite, super::$name)
            }

            #[test]
            fn postgres() -> tanhui_tests::Outcome {
                $crate::world::run(tanhui_tests::Engine::Postgres, super::$name)
            }
        }
    )+};
}

/// Makes one test of each named journey, on SQLite: for what does not depend on the store.
macro_rules! on_sqlite {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() -> tanhui_tests::Outcome {
                $crate::world::run(tanhui_tests::Engine::Sqlite, super::$name)
            }
        }
    )+};
}

/// Makes one test of each named journey, on PostgreSQL: for several servers on one database.
macro_rules! across_servers {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn postgres() -> tanhui_tests::Outcome {
                $crate::world::run(tanhui_tests::Engine::Postgres, super::$name)
            }
        }
    )+};
}

/// Makes one test of each named journey, on a PostgreSQL server of its own.
macro_rules! on_own_postgres {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn postgres() -> tanhui_tests::Outcome {
                $crate::world::run_on_own_cluster(super::$name)
            }
        }
    )+};
}

pub(crate) use {across_servers, each_store, on_own_postgres, on_sqlite};

pub struct World {
    pub engine: Engine,
    pub database_url: String,
    pub redis: Option<Redis>,
    folder: tempfile::TempDir,
}

impl World {
    fn new(engine: Engine, database_url: Option<String>) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let file = || format!("sqlite://{}", folder.path().join("tanhui.db").display());
        let wants_redis = engine == Engine::Postgres && set(REDIS).is_some();
        Ok(Self {
            engine,
            database_url: database_url.unwrap_or_else(file),
            redis: if wants_redis { Some(Redis::start(folder.path())?) } else { None },
            folder,
        })
    }

    /// Another empty world, on SQLite.
    pub fn beside() -> Outcome<Self> {
        Self::new(Engine::Sqlite, None)
    }

    /// A file of this journey.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program with this world's settings and no others.
    pub fn tanhui<Word: AsRef<std::ffi::OsStr>>(&self, words: &[Word]) -> Outcome<Command> {
        let mut command = self.stranger(words)?;
        command.env("TANHUI_DATABASE_URL", &self.database_url);
        command.env("TANHUI_SECRET_FILE", self.path("secret.key"));
        if let Some(redis) = &self.redis {
            command.env("TANHUI_REDIS_URL", redis.url());
        }
        Ok(command)
    }

    /// The program in this folder, told nothing.
    pub fn stranger<Word: AsRef<std::ffi::OsStr>>(&self, words: &[Word]) -> Outcome<Command> {
        let mut command = Command::new(binary()?);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TANHUI_") {
                command.env_remove(name);
            }
        }
        command.args(words).current_dir(self.folder());
        Ok(command)
    }

    /// Runs a command to its end.
    pub async fn run<Word: AsRef<std::ffi::OsStr>>(&self, words: &[Word]) -> Outcome<Ran> {
        self.run_command(self.tanhui(words)?).await
    }

    pub async fn run_command(&self, command: Command) -> Outcome<Ran> {
        Process::start(command, self.folder())?.until_ended().await
    }

    /// Runs a command that must succeed; gives what it printed.
    pub async fn done<Word: AsRef<std::ffi::OsStr>>(&self, words: &[Word]) -> Outcome<String> {
        let ran = self.run(words).await?;
        if ran.code == Some(0) { Ok(ran.out) } else { Err(format!("{ran:?}").into()) }
    }

    /// The audit as JSON; fails unless the books are right.
    pub async fn audit(&self) -> Outcome<serde_json::Value> {
        let mut audit: serde_json::Value = serde_json::from_str(&self.done(&["audit", "--json"]).await?)?;
        assert_eq!(audit["ok"], true, "{audit}");
        assert_eq!(audit["violations"], serde_json::json!([]));
        // How many boards are cached just now says nothing of the books.
        let boards = audit.as_object_mut().and_then(|audit| audit.remove("boards")).unwrap_or_default();
        assert!(boards.is_null() || boards["wrong"] == 0, "{boards}");
        Ok(audit)
    }

    /// The database from behind.
    pub async fn raw(&self) -> Outcome<Raw> {
        Raw::connect(&self.database_url, self.engine).await
    }
}

/// Runs a journey in a world of its own, which is thrown away however the journey ends.
///
/// Without a PostgreSQL server the PostgreSQL half says so and passes.
pub fn run<Body, Running>(engine: Engine, body: Body) -> Outcome
where
    Body: FnOnce(Arc<World>) -> Running + 'static,
    Running: Future<Output = Outcome> + 'static,
{
    runtime()?.block_on(async {
        match (engine, set(POSTGRES)) {
            (Engine::Sqlite, _) => perform(World::new(engine, None)?, body).await,
            (Engine::Postgres, Some(server)) => on_postgres(&server, body).await,
            (Engine::Postgres, None) => {
                tell_that_it_is_skipped();
                Ok(())
            }
        }
    })
}

/// Runs a journey in a world whose PostgreSQL server is its own, where there may be one.
pub fn run_on_own_cluster<Body, Running>(body: Body) -> Outcome
where
    Body: FnOnce(Arc<World>, Cluster) -> Running + 'static,
    Running: Future<Output = Outcome> + 'static,
{
    if set(POSTGRES).is_none() {
        tell_that_it_is_skipped();
        return Ok(());
    }
    let cluster = Cluster::start()?;
    let world = World::new(Engine::Postgres, Some(cluster.url()))?;
    runtime()?.block_on(perform(world, move |world| body(world, cluster)))
}

fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn tell_that_it_is_skipped() {
    println!("skipped: no PostgreSQL server; `cargo xtask test` starts one");
}

async fn on_postgres<Body, Running>(server: &str, body: Body) -> Outcome
where
    Body: FnOnce(Arc<World>) -> Running,
    Running: Future<Output = Outcome> + 'static,
{
    let name = format!("journey_{}", uuid::Uuid::now_v7().simple());
    let head = server.rsplit_once('/').map_or(server, |(head, _)| head);
    let admin = Raw::connect(server, Engine::Postgres).await?;
    admin.execute(&format!("CREATE DATABASE {name}")).await?;
    let outcome = match World::new(Engine::Postgres, Some(format!("{head}/{name}"))) {
        Ok(world) => perform(world, body).await,
        Err(trouble) => Err(trouble),
    };
    admin.execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    admin.close().await?;
    outcome
}

/// In a task of its own, so that a failed assertion does not keep the world from being thrown away.
async fn perform<Body, Running>(world: World, body: Body) -> Outcome
where
    Body: FnOnce(Arc<World>) -> Running,
    Running: Future<Output = Outcome> + 'static,
{
    let tasks = tokio::task::LocalSet::new();
    let world = Arc::new(world);
    tasks.run_until(async { tokio::task::spawn_local(body(Arc::clone(&world))).await }).await?
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
