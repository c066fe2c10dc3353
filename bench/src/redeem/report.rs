//! What a run found: as JSON for machines, as a table for people.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::error::BenchError;
use crate::machine::Machine;
use crate::place::Place;
use crate::spread::{self, Range, Ratio, millis, shown};

/// One thing to measure. Ours stands next to what it is compared with, so that noise hits both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// The server, one offer.
    OursHot,
    /// The row-lock transaction, one offer, as many connections as buyers.
    PlainHot,
    /// The same with few connections.
    PlainHotFew,
    /// The server, a spread of offers.
    OursSpread,
    /// The row-lock transaction, a spread of offers.
    PlainSpread,
    /// The server, an offer that is gone at once; answers of both kinds count.
    FlashSale,
    /// The till.
    Use,
}

impl Cell {
    /// All of them, in the order of a round.
    pub const ALL: [Self; 7] = [
        Self::OursHot,
        Self::PlainHot,
        Self::PlainHotFew,
        Self::OursSpread,
        Self::PlainSpread,
        Self::FlashSale,
        Self::Use,
    ];

    /// Whether it needs PostgreSQL.
    pub const fn is_plain(self) -> bool {
        match self {
            Self::PlainHot | Self::PlainHotFew | Self::PlainSpread => true,
            Self::OursHot | Self::OursSpread | Self::FlashSale | Self::Use => false,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OursHot => "ours, hot offer",
            Self::PlainHot => "row lock, hot offer",
            Self::PlainHotFew => "row lock, hot, 8 connections",
            Self::OursSpread => "ours, spread",
            Self::PlainSpread => "row lock, spread",
            Self::FlashSale => "ours, flash sale",
            Self::Use => "ours, use at 4 tills",
        })
    }
}

/// One over another, by name.
const RATIOS: [(&str, Cell, Cell); 3] = [
    ("ours / row lock, hot offer", Cell::OursHot, Cell::PlainHot),
    ("ours / row lock with 8 connections, hot offer", Cell::OursHot, Cell::PlainHotFew),
    ("ours / row lock, spread of offers", Cell::OursSpread, Cell::PlainSpread),
];

/// How it was run.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    /// `postgres` or `sqlite`.
    pub database: &'static str,
    /// Whether Redis was used.
    pub redis: bool,
    /// Citizens who buy.
    pub citizens: u32,
    /// Buyers at once.
    pub buyers: u32,
    /// Offers of the spread.
    pub offers: u32,
    /// Measured time of a cell.
    pub cell_ms: u64,
    /// Load before.
    pub warm_up_ms: u64,
    /// Rounds.
    pub rounds: u32,
    /// What a flash sale sells, and how many ask for it.
    pub flash: (i64, u64),
}

/// One cell in one round.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figure {
    /// Done in the measured time.
    pub count: u64,
    /// The same a second.
    pub per_second: u64,
    /// Latency.
    pub p50_us: u64,
    /// Latency.
    pub p99_us: u64,
    /// Latency.
    pub max_us: u64,
}

/// One cell over all rounds.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// Which.
    pub cell: Cell,
    /// Done a second.
    pub per_second: Option<Range<u64>>,
    /// Latency.
    pub p50_us: Option<Range<u64>>,
    /// Latency.
    pub p99_us: Option<Range<u64>>,
    /// Latency.
    pub max_us: Option<Range<u64>>,
    /// Each round.
    pub rounds: Vec<Figure>,
}

/// What was checked when the load was over.
#[derive(Debug, Serialize)]
pub struct Checks {
    /// Redemptions that the server acknowledged, of one point each.
    pub sold: u64,
    /// Points spent in its books.
    pub spent: u64,
    /// Vouchers used.
    pub used: u64,
    /// Sold beyond the stock: the audit compares each offer's stock with its vouchers.
    pub oversold: u64,
    /// `tanhui audit` found nothing.
    pub audit_ok: bool,
    /// The rows of the plain transaction add up; false where it did not run.
    pub plain_ok: bool,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `redeem`.
    pub bench: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// The machine.
    pub machine: Machine,
    /// How it was run.
    pub settings: Settings,
    /// PostgreSQL as it told its settings; empty on SQLite.
    pub postgres: BTreeMap<String, String>,
    /// What was measured.
    pub cells: Vec<Measured>,
    /// What stands over what, by round.
    pub ratios: Vec<Ratio>,
    /// What was checked afterwards.
    pub checks: Checks,
}

impl Report {
    /// Sums up a run.
    pub async fn new(
        settings: Settings,
        place: Option<&Place>,
        figures: Vec<(Cell, Vec<Figure>)>,
        checks: Checks,
    ) -> Result<Self, BenchError> {
        Ok(Self {
            bench: "redeem",
            version: env!("CARGO_PKG_VERSION"),
            machine: Machine::here(),
            settings,
            postgres: match place {
                Some(place) => place.settings().await?,
                None => BTreeMap::new(),
            },
            ratios: spread::ratios(RATIOS, &rates(&figures)),
            cells: figures.into_iter().map(|(cell, rounds)| measured(cell, rounds)).collect(),
            checks,
        })
    }
}

fn measured(cell: Cell, rounds: Vec<Figure>) -> Measured {
    let range = |figure: fn(&Figure) -> u64| Range::of(rounds.iter().map(figure));
    Measured {
        cell,
        per_second: range(|figure| figure.per_second),
        p50_us: range(|figure| figure.p50_us),
        p99_us: range(|figure| figure.p99_us),
        max_us: range(|figure| figure.max_us),
        rounds,
    }
}

fn rates(cells: &[(Cell, Vec<Figure>)]) -> Vec<(Cell, Vec<u64>)> {
    let of_cell = |figures: &Vec<Figure>| figures.iter().map(|figure| figure.per_second).collect();
    cells.iter().map(|(cell, figures)| (*cell, of_cell(figures))).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { database, citizens, buyers, offers, cell_ms, warm_up_ms, rounds, .. } = &self.settings;
        let Machine { cpus, cpu, system } = &self.machine;
        writeln!(f, "tanhui {} bench redeem", self.version)?;
        writeln!(f, "machine    {cpus} CPUs, {cpu}, {system}; load generator on the same CPUs")?;
        writeln!(f, "database   {database}")?;
        write!(f, "run        {rounds} rounds, each cell {cell_ms} ms after {warm_up_ms} ms of warm-up, ")?;
        writeln!(f, "{buyers} buyers, {citizens} citizens, a spread of {offers} offers")?;
        writeln!(
            f,
            "\ncell                           a second (min-max)           p50 ms    p99 ms    max ms"
        )?;
        for cell in &self.cells {
            let rate = shown(cell.per_second);
            let [p50, p99, max] = [cell.p50_us, cell.p99_us, cell.max_us].map(millis);
            writeln!(f, "{:<30} {rate:<26} {p50:>8} {p99:>9} {max:>9}", cell.cell.to_string())?;
        }
        spread::write_ratios(f, &self.ratios)?;
        let Checks { sold, used, oversold, audit_ok, .. } = &self.checks;
        let word = if *audit_ok { "clean" } else { "NOT CLEAN" };
        write!(f, "\nchecks     {sold} sold, {used} used, {oversold} oversold, audit {word}")
    }
}
