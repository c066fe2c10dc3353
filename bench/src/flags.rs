//! Flags that benchmarks of a server share, and what follows from them alone.

use std::path::{Path, PathBuf};

use clap::value_parser;
use serde::Serialize;

use crate::error::BenchError;
use crate::place::{self, Place};
use crate::server::Program;

/// Measured time of a cell in a quick run.
const QUICK_MS: u64 = 200;

/// Where the server runs, and how long it is loaded.
#[derive(Debug, Clone, clap::Args)]
pub struct LoadFlags {
    /// A superuser's URL of a PostgreSQL server of this machine, on which databases of the run's own are made
    /// and dropped; without it the server runs on SQLite, alone
    #[arg(long, env = "TANHUI_BENCH_POSTGRES_URL", value_name = "URL", hide_env_values = true)]
    pub postgres: Option<String>,
    /// Redis of this machine for the server's cache; without it the cache is in process
    #[arg(long, env = "TANHUI_BENCH_REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis: Option<String>,
    /// Measured seconds of each cell
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// Seconds of load before each measured time
    #[arg(long, value_name = "N", default_value_t = 2,
          value_parser = value_parser!(u64).range(0..=600))]
    pub warm_up: u64,
    /// How often all cells are measured, one after another
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// One round of 200 ms each with few citizens: does it work?
    #[arg(long, conflicts_with_all = ["seconds", "warm_up", "rounds", "citizens"])]
    pub quick: bool,
    /// Write the report as JSON to this file
    #[arg(long, env = "TANHUI_BENCH_JSON", value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl LoadFlags {
    /// The PostgreSQL server, where one is named; refuses servers beyond this machine.
    pub(crate) async fn place(&self) -> Result<Option<Place>, BenchError> {
        if let Some(url) = &self.redis {
            place::check_redis(url)?;
        }
        match &self.postgres {
            Some(url) => Place::open(url).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn program(&self, binary: PathBuf, folder: &Path) -> Program {
        Program { binary, folder: folder.to_owned(), redis_url: self.redis.clone() }
    }

    pub(crate) fn database(&self) -> &'static str {
        if self.postgres.is_some() { "postgres" } else { "sqlite" }
    }

    pub(crate) fn cell_ms(&self) -> u64 {
        if self.quick { QUICK_MS } else { self.seconds.saturating_mul(1_000) }
    }

    pub(crate) fn warm_up_ms(&self) -> u64 {
        if self.quick { 0 } else { self.warm_up.saturating_mul(1_000) }
    }

    pub(crate) fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds }
    }
}

/// Writes a report to the file that was asked for.
pub(crate) fn keep(report: &impl Serialize, file: Option<&PathBuf>) -> Result<(), BenchError> {
    match file {
        Some(file) => Ok(std::fs::write(file, serde_json::to_vec_pretty(report)?)?),
        None => Ok(()),
    }
}
