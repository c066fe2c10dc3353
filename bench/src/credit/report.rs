//! What a run found: as JSON for machines, as tables for people.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::plan::{Cell, Contender, Loop};
use crate::draw::Spread;
use crate::machine::Machine;
use crate::place::Growth;
use crate::server::Memory;
use crate::spread::{self, Range, Ratio, millis, shown};

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `credit`.
    pub bench: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// When it began.
    pub started_at: String,
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
    /// What the server's database takes.
    pub disk: Option<Disk>,
    /// SQL statements for one batch of 100, `BEGIN` and `COMMIT` included; none where PostgreSQL does not
    /// count them.
    pub statements_per_batch: Option<u64>,
    /// Memory of the server.
    pub memory: Memory,
    /// What was checked afterwards.
    pub checks: Checks,
}

/// How it was run.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    /// `postgres` or `sqlite`.
    pub database: &'static str,
    /// Whether Redis was used.
    pub redis: bool,
    /// Citizens of the town.
    pub citizens: u32,
    /// Measured time of a cell.
    pub cell_ms: u64,
    /// Load before.
    pub warm_up_ms: u64,
    /// Rounds.
    pub rounds: u32,
}

/// One cell over all rounds.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// Contender, batch and connections in short.
    pub name: String,
    /// Who.
    pub contender: Contender,
    /// Events in a call.
    pub batch: u32,
    /// Connections.
    pub connections: u32,
    /// Whom the events were for.
    pub spread: Spread,
    /// Whether calls were due at a fixed rate.
    pub open: bool,
    /// Credited events a second.
    pub events_per_second: Option<Range<u64>>,
    /// Latency of a call; in an open loop counted from when it was due.
    pub p50_us: Option<Range<u64>>,
    /// The same.
    pub p99_us: Option<Range<u64>>,
    /// The same.
    pub max_us: Option<Range<u64>>,
    /// Write-ahead log for one event.
    pub wal_bytes_per_event: Option<Range<u64>>,
    /// Each round.
    pub rounds: Vec<Figure>,
}

/// One cell in one round.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figure {
    /// The round, from 1.
    pub round: u32,
    /// Calls a second that were due, in an open loop.
    pub rate: Option<u64>,
    /// Credited in the measured time.
    pub events: u64,
    /// The same a second.
    pub events_per_second: u64,
    /// Calls answered with 503.
    pub shed: u64,
    /// Latency of a call.
    pub p50_us: u64,
    /// Latency of a call.
    pub p99_us: u64,
    /// Latency of a call.
    pub max_us: u64,
    /// Write-ahead log for one event.
    pub wal_bytes_per_event: Option<u64>,
}

/// What the server's database takes.
#[derive(Debug, Serialize)]
pub struct Disk {
    /// Events credited between the two looks.
    pub events: u64,
    /// All tables with their indexes, a credited event.
    pub bytes_per_event: u64,
    /// Table by table.
    pub tables: Vec<Growth>,
}

/// What was checked when the load was over.
#[derive(Debug, Default, Serialize)]
pub struct Checks {
    /// Events that the server acknowledged.
    pub acknowledged: u64,
    /// Credited activities in its database.
    pub stored: u64,
    /// `tanhui audit` found nothing.
    pub audit_ok: bool,
    /// The same for the rows of the floor; none where it did not run.
    pub floor_audit_ok: Option<bool>,
    /// Rows and balances of the other contenders that were compared.
    pub peers_ok: Vec<Contender>,
}

impl Measured {
    /// Sums up what the rounds gave.
    pub fn of(cell: &Cell, rounds: Vec<Figure>) -> Self {
        let range = |figure: fn(&Figure) -> u64| Range::of(rounds.iter().map(figure));
        Self {
            name: cell.to_string(),
            contender: cell.contender,
            batch: cell.batch,
            connections: cell.connections,
            spread: cell.spread,
            open: cell.pace != Loop::Closed,
            events_per_second: range(|figure| figure.events_per_second),
            p50_us: range(|figure| figure.p50_us),
            p99_us: range(|figure| figure.p99_us),
            max_us: range(|figure| figure.max_us),
            wal_bytes_per_event: Range::of(rounds.iter().filter_map(|figure| figure.wal_bytes_per_event)),
            rounds,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { database, redis, citizens, cell_ms, warm_up_ms, rounds } = &self.settings;
        let Machine { cpus, cpu, system } = &self.machine;
        writeln!(f, "tanhui {} bench credit, {}", self.version, self.started_at)?;
        writeln!(f, "machine    {cpus} CPUs, {cpu}, {system}; load generator on the same CPUs")?;
        writeln!(f, "database   {database}, redis {}", if *redis { "yes" } else { "no (in process)" })?;
        if !self.postgres.is_empty() {
            let settings: Vec<String> =
                self.postgres.iter().map(|(name, value)| format!("{name}={value}")).collect();
            writeln!(f, "postgres   {}", settings.join(" "))?;
        }
        write!(f, "run        {rounds} rounds, each cell {cell_ms} ms after {warm_up_ms} ms of warm-up, ")?;
        writeln!(f, "{citizens} citizens")?;
        self.write_cells(f)?;
        spread::write_ratios(f, &self.ratios)?;
        self.write_costs(f)?;
        self.write_checks(f)
    }
}

impl Report {
    fn write_cells(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nbatch x connections    events/s (min-max)            p50 ms    p99 ms    max ms  WAL B/event"
        )?;
        for cell in &self.cells {
            let wal = cell.wal_bytes_per_event.map_or_else(String::new, |range| range.median.to_string());
            writeln!(
                f,
                "{:<22} {:<28} {:>7} {:>9} {:>9} {wal:>12}",
                cell.name,
                shown(cell.events_per_second),
                millis(cell.p50_us),
                millis(cell.p99_us),
                millis(cell.max_us),
            )?;
            let shed = cell.rounds.iter().fold(0_u64, |sum, figure| sum.saturating_add(figure.shed));
            if shed > 0 {
                writeln!(f, "{:<22} {shed} calls were shed with 503", "")?;
            }
        }
        Ok(())
    }

    fn write_costs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(disk) = &self.disk {
            writeln!(
                f,
                "\ndisk       {} B an event with indexes, over {} events",
                disk.bytes_per_event, disk.events
            )?;
            for Growth { table, bytes } in &disk.tables {
                let each = bytes.checked_div(disk.events).unwrap_or(0);
                writeln!(f, "           {table:<24} {each:>6} B")?;
            }
        }
        match self.statements_per_batch {
            Some(count) => writeln!(f, "statements {count} for a batch of 100, BEGIN and COMMIT included")?,
            None => writeln!(f, "statements not counted: pg_stat_statements is not loaded")?,
        }
        let Memory { start_kib, max_kib, end_kib, .. } = &self.memory;
        writeln!(
            f,
            "memory     {start_kib} KiB at the start, at most {max_kib} KiB, {end_kib} KiB at the end"
        )
    }

    fn write_checks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checks { acknowledged, stored, audit_ok, floor_audit_ok, peers_ok } = &self.checks;
        let word = |ok: bool| if ok { "clean" } else { "NOT CLEAN" };
        write!(f, "checks     {acknowledged} acknowledged, {stored} stored, audit {}", word(*audit_ok))?;
        if let Some(ok) = floor_audit_ok {
            write!(f, ", audit of the floor {}", word(*ok))?;
        }
        if !peers_ok.is_empty() {
            write!(f, ", rows and balances right: {peers_ok:?}")?;
        }
        Ok(())
    }
}
