//! What a run found: as JSON for machines, as a table for people.

use std::fmt;

use serde::Serialize;

use super::RulesArguments;
use crate::spread::Range;

/// How a rule is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Written by hand in Rust on 64-bit integers, event by event: the floor.
    ByHand,
    /// From the slots of an event.
    Typed,
    /// By hand down columns of slots: the floor of columns.
    PackedByHand,
    /// Down the same columns, caps included.
    Packed,
    /// From JSON text.
    Json,
    /// The explanation as data: every step's number, from the receipt.
    Explained,
    /// The explanation in words, ready to be shown.
    Told,
}

impl Way {
    /// All of them, each floor before what it is the floor of.
    pub const ALL: [Self; 7] = [
        Self::ByHand,
        Self::Typed,
        Self::PackedByHand,
        Self::Packed,
        Self::Json,
        Self::Explained,
        Self::Told,
    ];

    /// What it is held against.
    fn floor(self) -> Self {
        match self {
            Self::ByHand | Self::Typed | Self::Json | Self::Explained | Self::Told => Self::ByHand,
            Self::PackedByHand | Self::Packed => Self::PackedByHand,
        }
    }
}

/// One rule decided one way.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The rule.
    pub rule: String,
    /// How it was decided.
    pub way: Way,
    /// Nanoseconds of one event.
    pub nanoseconds: Range<f64>,
    /// Milligrams of all events; the same every way.
    pub reduction_mg: i64,
    /// Points of all events; the same every way.
    pub points: i64,
}

/// One rule decided by another engine.
#[derive(Debug, Clone, Serialize)]
pub struct PeerMeasured {
    /// The engine and its version.
    pub engine: String,
    /// The rule.
    pub rule: String,
    /// `typed` or `json`.
    pub way: String,
    /// Nanoseconds of one event.
    pub nanoseconds: Range<f64>,
    /// Events that came out with other points than ours.
    pub differing: u64,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `rules`.
    pub bench: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Events of each rule.
    pub events: u32,
    /// Measured rounds.
    pub rounds: u32,
    /// What was measured.
    pub cells: Vec<Measured>,
    /// What other engines took; empty without them.
    pub peers: Vec<PeerMeasured>,
}

impl Report {
    pub(super) fn new(arguments: &RulesArguments, cells: Vec<Measured>, peers: Vec<PeerMeasured>) -> Self {
        let RulesArguments { events, rounds, .. } = *arguments;
        Self { bench: "rules", version: env!("CARGO_PKG_VERSION"), events, rounds, cells, peers }
    }

    fn cell(&self, rule: &str, way: Way) -> f64 {
        let found = self.cells.iter().find(|cell| cell.rule == rule && cell.way == way);
        found.map_or(f64::NAN, |cell| cell.nanoseconds.min)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, rounds, .. } = self;
        writeln!(f, "{events} events a rule, {rounds} rounds, one thread; nanoseconds of one event")?;
        writeln!(
            f,
            "{:<8}{:<14}{:>10}{:>10}{:>10}{:>12}",
            "rule", "way", "median", "min", "max", "/ by hand"
        )?;
        for cell in &self.cells {
            let Range { median, min, max } = cell.nanoseconds;
            let (way, ratio) = (format!("{:?}", cell.way), min / self.cell(&cell.rule, cell.way.floor()));
            writeln!(f, "{:<8}{way:<14}{median:>10.1}{min:>10.1}{max:>10.1}{ratio:>12.2}", cell.rule)?;
        }
        if self.peers.is_empty() {
            return Ok(());
        }
        let head = ["rule", "engine", "way", "median", "min", "/ ours", "differing"];
        let [rule, engine, way, median, min, ours, differing] = head;
        writeln!(f, "\n{rule:<8}{engine:<26}{way:<8}{median:>10}{min:>10}{ours:>10}{differing:>11}")?;
        for peer in &self.peers {
            let PeerMeasured { engine, rule, way, nanoseconds, differing } = peer;
            let own = if way == "json" { Way::Json } else { Way::Typed };
            let (Range { median, min, .. }, ours) = (*nanoseconds, self.cell(rule, own));
            let ratio = min / ours;
            writeln!(
                f,
                "{rule:<8}{engine:<26}{way:<8}{median:>10.0}{min:>10.0}{ratio:>10.1}{differing:>11}"
            )?;
        }
        Ok(())
    }
}
