//! What a run found: as JSON for machines, as a table for people.

use std::fmt;

use serde::Serialize;

use super::RulesArguments;
use crate::spread::Range;

/// How a rule is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Written by hand in Rust on 64-bit integers: the floor.
    ByHand,
    /// From the slots of an event.
    Typed,
    /// From slots, in columns of 512.
    Columns,
    /// From JSON text.
    Json,
    /// With the whole explanation.
    Explained,
}

impl Way {
    /// All of them, the floor first.
    pub const ALL: [Self; 5] = [Self::ByHand, Self::Typed, Self::Columns, Self::Json, Self::Explained];
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
    /// Points of all events; the same every way.
    pub points: i64,
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
}

impl Report {
    pub(super) fn new(arguments: &RulesArguments, cells: Vec<Measured>) -> Self {
        let RulesArguments { events, rounds, .. } = *arguments;
        Self { bench: "rules", version: env!("CARGO_PKG_VERSION"), events, rounds, cells }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, rounds, .. } = self;
        writeln!(f, "{events} events a rule, {rounds} rounds, one thread; nanoseconds of one event")?;
        writeln!(
            f,
            "{:<8}{:<12}{:>10}{:>10}{:>10}{:>12}",
            "rule", "way", "median", "min", "max", "/ by hand"
        )?;
        for cell in &self.cells {
            let Range { median, min, max } = cell.nanoseconds;
            let own = |other: &&Measured| other.rule == cell.rule && other.way == Way::ByHand;
            let floor = self.cells.iter().find(own).map_or(f64::NAN, |floor| floor.nanoseconds.min);
            let (way, ratio) = (format!("{:?}", cell.way), min / floor);
            writeln!(f, "{:<8}{way:<12}{median:>10.1}{min:>10.1}{max:>10.1}{ratio:>12.2}", cell.rule)?;
        }
        Ok(())
    }
}
