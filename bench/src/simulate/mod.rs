//! `tanhui bench simulate`: a draft of the five rules played against them over many kept events, with caps, a
//! campaign and a budget in event order, beside the same by hand. Needs no server.

#[expect(clippy::arithmetic_side_effects, reason = "it is the floor: plain machine arithmetic")]
mod floor;
#[expect(clippy::arithmetic_side_effects, reason = "the bounds of the draws are in the code")]
mod town;

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::value_parser;
use serde::Serialize;
use tanhui_domain::rule::{RuleSet, SourceFile};
use tanhui_domain::simulation::{Block, Pair, Side};
use tanhui_service::simulation::{Kept, Phase, play};

use crate::error::BenchError;
use crate::flags;
use crate::rules::{Earned, RULES};
use crate::spread::per_second;

/// Blocks that one side plays from memory to show what it takes without reading them.
const BLOCKS_IN_MEMORY: usize = 64;

/// How to run.
#[derive(Debug, Clone, clap::Args)]
pub struct SimulateArguments {
    /// Events
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = value_parser!(u32).range(1_000..=100_000_000))]
    pub events: u32,
    /// Citizens who did them
    #[arg(long, value_name = "N", default_value_t = 100_000,
          value_parser = value_parser!(u32).range(1..=10_000_000))]
    pub citizens: u32,
    /// Write the report as JSON to this file
    #[arg(long, value_name = "FILE", env = "TANHUI_BENCH_JSON")]
    pub json: Option<PathBuf>,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `simulate`.
    pub bench: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Events.
    pub events: u64,
    /// Citizens.
    pub citizens: u32,
    /// Bytes of the file of kept events.
    pub bytes: u64,
    /// From opening the file to the whole report, both sides, in milliseconds.
    pub simulated_ms: u128,
    /// Events a second, each under both rule sets.
    pub events_per_second: u64,
    /// Evaluations a second by one side alone on one processor, from blocks in memory.
    pub evaluations_per_second: u64,
    /// The same by hand, both sides, one thread, from the same file, in milliseconds.
    pub by_hand_ms: u128,
    /// Evaluations a second by hand, reading included.
    pub by_hand_evaluations_per_second: u64,
    /// The most memory that the process took up to the simulation's report, in bytes; none where the system
    /// does not say.
    pub peak_memory: Option<u64>,
    /// What both sides gave.
    pub counts: Pair,
}

/// The draft: dearer points, fewer times, a greater campaign.
fn draft() -> String {
    RULES
        .replacen("reduction / 100 gCO2e/pt", "reduction / 80 gCO2e/pt", 1)
        .replace("limit: 3 times, per: day", "limit: 2 times, per: day")
        .replace("limit: 50 pt, per: day", "limit: 40 pt, per: day")
        .replace("times: 2, budget: 500000 pt", "times: 3, budget: 500000 pt")
}

fn compile(text: String) -> Result<RuleSet, BenchError> {
    let file = SourceFile { name: "bench.yaml".to_owned(), text };
    RuleSet::compile(&file, &[])
        .map_err(|all| BenchError::SetUp(all.first().map_or_else(String::new, ToString::to_string)))
}

fn failed(error: impl fmt::Display) -> BenchError {
    BenchError::SetUp(error.to_string())
}

/// Runs the benchmark.
///
/// # Errors
/// Sums that differ from those by hand, a file that cannot be written.
pub fn run(arguments: &SimulateArguments) -> Result<Report, BenchError> {
    let (in_force, draft) = (compile(RULES.to_owned())?, compile(draft())?);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("events.rows");
    town::keep(&in_force, &draft, arguments, &path)?;

    let start = Instant::now();
    let kept = Kept::open(&path).map_err(failed)?;
    let quiet = |_: Phase, _: u64, _: u64| {};
    let found = play(&in_force, &draft, &kept, &quiet).map_err(failed)?;
    let simulated = start.elapsed();
    // Before the rules by hand fill arrays of their own.
    let peak_memory = peak_memory();

    let start = Instant::now();
    let by_hand = floor::by_hand(&path, arguments.citizens).map_err(failed)?;
    let hand = start.elapsed();
    let counts = found.totals.counts;
    compare("in force", (counts.in_force.reduction_mg, counts.in_force.points), by_hand.0)?;
    compare("draft", (counts.draft.reduction_mg, counts.draft.points), by_hand.1)?;

    let (rows, alone) = alone(&in_force, &kept)?;
    let events = kept.events();
    let report = Report {
        bench: "simulate",
        version: env!("CARGO_PKG_VERSION"),
        events,
        citizens: arguments.citizens,
        bytes: kept.bytes(),
        simulated_ms: simulated.as_millis(),
        events_per_second: per_second(events, simulated),
        evaluations_per_second: per_second(rows, alone),
        by_hand_ms: hand.as_millis(),
        by_hand_evaluations_per_second: per_second(events.saturating_mul(2), hand),
        peak_memory,
        counts,
    };
    flags::keep(&report, arguments.json.as_ref())?;
    Ok(report)
}

fn compare(side: &str, ours: (i128, i128), by_hand: Earned) -> Result<(), BenchError> {
    if ours == (i128::from(by_hand.0), i128::from(by_hand.1)) {
        return Ok(());
    }
    Err(BenchError::Wrong(format!("{side}: {ours:?} mg and points, by hand {by_hand:?}")))
}

/// One side over some blocks that are read before; events and time.
fn alone(rules: &RuleSet, kept: &Kept) -> Result<(u64, Duration), BenchError> {
    let places = 0..kept.blocks().min(BLOCKS_IN_MEMORY);
    let blocks: Vec<Block> =
        places.map(|place| kept.block(place)).collect::<Result<_, _>>().map_err(failed)?;
    let horizons = kept.horizons();
    let mut side = Side::new(rules, kept.schema());
    let (start, mut first) = (Instant::now(), 0_u64);
    for (block, horizon) in blocks.iter().zip(horizons) {
        let played = side.play(block, first, horizon).map_err(failed)?;
        first = first.saturating_add(u64::try_from(played.judged().len()).unwrap_or(0));
    }
    Ok((first, start.elapsed()))
}

/// As Linux tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, citizens, bytes, .. } = self;
        writeln!(f, "{events} events of {citizens} citizens, {bytes} bytes kept; sums as by hand")?;
        let (ms, rate) = (self.simulated_ms, self.events_per_second);
        writeln!(f, "simulated, both sides, file to report: {ms} ms, {rate} events/s")?;
        let rate = self.evaluations_per_second;
        writeln!(f, "one side on one processor, blocks in memory: {rate} evaluations/s")?;
        let (ms, rate) = (self.by_hand_ms, self.by_hand_evaluations_per_second);
        writeln!(f, "by hand, both sides, one thread, file to sums: {ms} ms, {rate} evaluations/s")?;
        if let Some(bytes) = self.peak_memory {
            writeln!(f, "peak memory: {} MiB", bytes / (1024 * 1024))?;
        }
        let (old, new) = (&self.counts.in_force, &self.counts.draft);
        writeln!(
            f,
            "points: {} in force, {} draft; capped events: {} and {}",
            old.points, new.points, old.capped, new.capped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_gives_what_it_gives_by_hand() {
        for (events, citizens) in [(1_000, 1), (40_000, 50), (40_000, 3_000)] {
            let report = run(&SimulateArguments { events, citizens, json: None }).unwrap();
            assert_eq!(report.events, u64::from(events));
            assert!(report.counts.in_force.points > 0 && report.counts.draft.capped > 0, "{report}");
            assert_ne!(report.counts.in_force.points, report.counts.draft.points);
        }
    }
}
