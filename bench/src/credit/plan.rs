//! What is measured and in which order. Contenders take turns inside a round, so that noise hits all of them.

use std::fmt;

use crate::draw::Spread;

/// Who credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Contender {
    /// The server under test, over HTTP.
    Ours,
    /// The same rows by hand-written array SQL.
    Floor,
    /// One transaction an event, prepared statements.
    Plain,
    /// cala-ledger, from bench/peers.
    Cala,
}

/// What the rate of an open loop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loop {
    /// Closed: no rate.
    Closed,
    /// Open, at a given number of calls a second, or half of what the closed loop reached.
    Open(Option<u64>),
}

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Who credits.
    pub contender: Contender,
    /// Events in a call; for contenders without calls, in a transaction.
    pub batch: u32,
    /// Connections, each with one call at a time.
    pub connections: u32,
    /// Whom the events are for.
    pub spread: Spread,
    /// Closed or open.
    pub pace: Loop,
}

impl Cell {
    const fn closed(contender: Contender, batch: u32, connections: u32) -> Self {
        Self { contender, batch, connections, spread: Spread::Uniform, pace: Loop::Closed }
    }

    const fn spread(self, spread: Spread) -> Self {
        Self { spread, ..self }
    }

    const fn open(self, rate: Option<u64>) -> Self {
        Self { pace: Loop::Open(rate), ..self }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.contender {
            Contender::Ours => "ours",
            Contender::Floor => "floor",
            Contender::Plain => "plain",
            Contender::Cala => "cala",
        };
        write!(f, "{name} {}x{}", self.batch, self.connections)?;
        match self.spread {
            Spread::Uniform => {}
            Spread::Zipf => f.write_str(" zipf")?,
            Spread::Hot => f.write_str(" hot")?,
        }
        match self.pace {
            Loop::Closed => Ok(()),
            Loop::Open(_) => f.write_str(" open"),
        }
    }
}

/// Single posts, the shape that latency is measured in.
pub const SINGLE: Cell = Cell::closed(Contender::Ours, 1, 64);
/// One transaction an event from as many connections as single posts come from.
pub const PLAIN: Cell = Cell::closed(Contender::Plain, 1, 64);
/// The same from few connections, where it is often fastest.
pub const PLAIN_FEW: Cell = Cell::closed(Contender::Plain, 1, 8);
/// The peer's single postings.
pub const CALA_SINGLE: Cell = Cell::closed(Contender::Cala, 1, 8);
/// The peer's batch call, small and large.
pub const CALA_BATCHES: [Cell; 2] =
    [Cell::closed(Contender::Cala, 100, 2), Cell::closed(Contender::Cala, 1_000, 2)];
/// Our batches.
pub const BATCHES: [Cell; 3] = [
    Cell::closed(Contender::Ours, 10, 16),
    Cell::closed(Contender::Ours, 100, 8),
    Cell::closed(Contender::Ours, 1_000, 4),
];
/// The floors of [`BATCHES`].
pub const FLOORS: [Cell; 3] = [
    Cell::closed(Contender::Floor, 10, 2),
    Cell::closed(Contender::Floor, 100, 2),
    Cell::closed(Contender::Floor, 1_000, 2),
];
/// Until so many events are credited.
pub const LONG: Cell = Cell::closed(Contender::Ours, 1_000, 4);

/// One citizen who gets everything.
#[must_use]
pub const fn hot(cell: Cell) -> Cell {
    cell.spread(Spread::Hot)
}

/// Few citizens who get most.
#[must_use]
pub const fn zipf(cell: Cell) -> Cell {
    cell.spread(Spread::Zipf)
}

/// A fixed rate of arrivals.
#[must_use]
pub const fn open(cell: Cell, rate: Option<u64>) -> Cell {
    cell.open(rate)
}

/// The cells of one round, ours next to what it is compared with.
#[must_use]
pub fn round(rate: Option<u64>, only: &[Contender]) -> Vec<Cell> {
    let [ten, hundred, thousand] = BATCHES;
    let [floor_ten, floor_hundred, floor_thousand] = FLOORS;
    let [cala_hundred, cala_thousand] = CALA_BATCHES;
    let all = [
        SINGLE,
        PLAIN,
        open(SINGLE, rate),
        PLAIN_FEW,
        hot(SINGLE),
        CALA_SINGLE,
        zipf(SINGLE),
        floor_ten,
        ten,
        cala_hundred,
        hundred,
        floor_hundred,
        hot(hundred),
        cala_thousand,
        thousand,
        floor_thousand,
    ];
    all.into_iter().filter(|cell| only.contains(&cell.contender)).collect()
}

/// Ratios that are told: a name, one cell and the one below the line.
#[must_use]
pub fn ratios() -> Vec<(&'static str, Cell, Cell)> {
    let [ten, hundred, thousand] = BATCHES;
    let [floor_ten, floor_hundred, floor_thousand] = FLOORS;
    let [cala_hundred, cala_thousand] = CALA_BATCHES;
    vec![
        ("ours / floor, batches of 10", ten, floor_ten),
        ("ours / floor, batches of 100", hundred, floor_hundred),
        ("ours / floor, batches of 1000", thousand, floor_thousand),
        ("ours / plain, single posts, 64 connections", SINGLE, PLAIN),
        ("ours / plain with 8 connections, single posts", SINGLE, PLAIN_FEW),
        ("ours / cala single postings, single posts", SINGLE, CALA_SINGLE),
        ("ours / cala batch call, batches of 100", hundred, cala_hundred),
        ("ours / cala batch call, batches of 1000", thousand, cala_thousand),
        ("hot / uniform, single posts", hot(SINGLE), SINGLE),
        ("hot / uniform, batches of 100", hot(hundred), hundred),
        ("zipf / uniform, single posts", zipf(SINGLE), SINGLE),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Contender; 4] = [Contender::Ours, Contender::Floor, Contender::Plain, Contender::Cala];

    #[test]
    fn a_round_measures_each_cell_once_and_all_that_ratios_need() {
        let round = round(None, &ALL);
        let mut names: Vec<String> = round.iter().map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), round.len(), "names tell cells apart");
        for (name, one, other) in ratios() {
            assert!(round.contains(&one) && round.contains(&other), "{name}");
        }
    }

    #[test]
    fn contenders_can_be_left_out() {
        assert!(round(None, &[Contender::Plain]).iter().all(|cell| cell.contender == Contender::Plain));
        assert_eq!(round(None, &[]), []);
    }

    #[test]
    fn the_closed_loop_comes_before_the_open_one_that_takes_its_rate_from_it() {
        let round = round(None, &ALL);
        let place = |wanted: Cell| round.iter().position(|cell| *cell == wanted);
        assert!(place(SINGLE) < place(open(SINGLE, None)));
    }
}
