//! The peer's program, built apart from us: seeded once, then run for one cell at a time.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::plan::Cell;
use super::town::Town;
use crate::error::BenchError;
use crate::load::Bounds;
use crate::server;

/// The peer's program on its database.
#[derive(Debug, Clone)]
pub struct Peer {
    program: PathBuf,
    url: String,
}

/// What the peer measured, in its own words.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Measured {
    /// Events credited in the measured time.
    pub events: u64,
    /// The measured time.
    pub time_us: u64,
    /// Latency of one call.
    pub p50_us: u64,
    /// Latency of one call.
    pub p99_us: u64,
    /// Latency of one call.
    pub max_us: u64,
    /// Everything credited, warm-up included; the peer has compared its balances with it.
    pub acknowledged: u64,
}

impl Peer {
    /// Lets the peer set up its ledger in an empty database.
    pub async fn found(program: &Path, url: String, citizens: u32) -> Result<Self, BenchError> {
        let peer = Self { program: program.to_owned(), url };
        peer.run(&["seed", &peer.url, &citizens.to_string()]).await?;
        Ok(peer)
    }

    /// Measures one cell; the peer checks its balances afterwards and fails when they are wrong.
    pub async fn measure(&self, cell: &Cell, town: &Town, bounds: &Bounds) -> Result<Measured, BenchError> {
        let seconds = bounds.time.unwrap_or_default().as_millis();
        let words = [
            "run".to_owned(),
            self.url.clone(),
            town.citizens.to_string(),
            cell.batch.to_string(),
            cell.connections.to_string(),
            seconds.to_string(),
            bounds.warm_up.as_millis().to_string(),
            town.points.to_string(),
            town.reduction_mg.to_string(),
        ];
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let out = self.run(&words).await?;
        Ok(serde_json::from_str(out.lines().last().unwrap_or_default())?)
    }

    async fn run(&self, words: &[&str]) -> Result<String, BenchError> {
        let failed = |what: String| BenchError::Peer { program: self.program.clone(), what };
        let mut command = Command::new(&self.program);
        command.args(words);
        let output = server::output(command).await.map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}
