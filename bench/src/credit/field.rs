//! The field of contenders: each with a database of its own, made before and dropped after the run.

use std::time::Duration;

use super::floor::{Mason, Pattern};
use super::ours::Poster;
use super::peer::Peer;
use super::plain;
use super::plain::Clerk;
use super::plan::{Cell, Contender, Loop, SINGLE};
use super::report::{Checks, Figure};
use super::town::Town;
use crate::draw::Draw;
use crate::error::BenchError;
use crate::load::{self, Bounds, Pace, Tally};
use crate::place::Place;
use crate::server::{Program, Server};
use crate::spread::per_second;

/// Names of the databases of one run.
#[derive(Debug, Clone)]
pub struct Names {
    /// The server's.
    pub ours: String,
    /// The floor's.
    pub floor: String,
    /// Of one transaction an event.
    pub plain: String,
    /// The peer's.
    pub cala: String,
}

impl Names {
    /// Names that no other run has.
    pub fn unique() -> Self {
        let run = uuid::Uuid::now_v7().simple();
        let name = |contender: &str| format!("tanhui_bench_{contender}_{run}");
        Self { ours: name("ours"), floor: name("floor"), plain: name("plain"), cala: name("cala") }
    }

    fn all(&self) -> [&str; 4] {
        [&self.ours, &self.floor, &self.plain, &self.cala]
    }
}

/// Those who take part, ready to be measured.
pub struct Field {
    /// The PostgreSQL server; none: SQLite, and ours alone.
    pub place: Option<Place>,
    /// Databases.
    pub names: Names,
    /// The program under test.
    pub program: Program,
    /// Where its database is.
    pub url: String,
    /// What is credited.
    pub town: Town,
    pattern: Option<Pattern>,
    peer: Option<Peer>,
    cells_measured: u32,
    floor_acknowledged: u64,
    plain_acknowledged: u64,
    ours_acknowledged: u64,
    peer_measured: bool,
    single_per_second: u64,
}

impl Field {
    /// The server's own side; others join afterwards.
    pub fn new(place: Option<Place>, names: Names, program: Program, url: String, town: Town) -> Self {
        Self {
            place,
            names,
            program,
            url,
            ours_acknowledged: town.events,
            town,
            pattern: None,
            peer: None,
            cells_measured: 0,
            floor_acknowledged: 0,
            plain_acknowledged: 0,
            peer_measured: false,
            single_per_second: 0,
        }
    }

    /// Copies the founded town for the floor. Nobody may be connected to it.
    pub async fn join_floor(&mut self) -> Result<(), BenchError> {
        let Some(place) = &self.place else { return Ok(()) };
        place.create(&self.names.floor, Some(&self.names.ours)).await?;
        self.pattern = Some(Pattern::read(place, &self.names.floor).await?);
        Ok(())
    }

    /// Makes the tables of one transaction an event.
    pub async fn join_plain(&self) -> Result<(), BenchError> {
        let Some(place) = &self.place else { return Ok(()) };
        place.create(&self.names.plain, None).await?;
        plain::found(place, &self.names.plain, self.town.citizens).await
    }

    /// Lets the peer set up its ledger.
    pub async fn join_peer(&mut self, program: &std::path::Path) -> Result<(), BenchError> {
        let Some(place) = &self.place else { return Ok(()) };
        place.create(&self.names.cala, None).await?;
        let url = place.url_of(&self.names.cala);
        self.peer = Some(Peer::found(program, url, self.town.citizens).await?);
        Ok(())
    }

    /// Drops every database of the run.
    pub async fn clear(place: &Place, names: &Names) -> Result<(), BenchError> {
        for name in names.all() {
            place.drop(name).await?;
        }
        Ok(())
    }

    /// Measures one cell in one round.
    pub async fn measure(
        &mut self,
        server: &Server,
        cell: &Cell,
        round: u32,
        bounds: Bounds,
    ) -> Result<Figure, BenchError> {
        if let Some(place) = &self.place {
            place.checkpoint().await?;
        }
        let pace = match cell.pace {
            Loop::Closed => Pace::Closed,
            Loop::Open(rate) => Pace::Open(rate.unwrap_or(self.single_per_second / 2).max(1)),
        };
        let wal_before = self.wal_bytes().await?;
        let tally = self.tally(server, cell, pace, bounds).await?;
        let wal = self.wal_bytes().await?.zip(wal_before).map(|(after, before)| after.saturating_sub(before));
        let events_per_second = per_second(tally.events, tally.time);
        if *cell == SINGLE {
            self.single_per_second = events_per_second;
        }
        Ok(Figure {
            round,
            rate: match pace {
                Pace::Closed => None,
                Pace::Open(rate) => Some(rate),
            },
            events: tally.events,
            events_per_second,
            shed: tally.shed,
            p50_us: tally.p50_us,
            p99_us: tally.p99_us,
            max_us: tally.max_us,
            wal_bytes_per_event: wal.and_then(|wal| wal.checked_div(tally.acknowledged)),
        })
    }

    async fn wal_bytes(&self) -> Result<Option<u64>, BenchError> {
        match &self.place {
            Some(place) => Ok(Some(place.wal_bytes().await?)),
            None => Ok(None),
        }
    }

    async fn tally(
        &mut self,
        server: &Server,
        cell: &Cell,
        pace: Pace,
        bounds: Bounds,
    ) -> Result<Ended, BenchError> {
        self.begin_cell();
        let sum = match cell.contender {
            Contender::Ours => {
                let callers = self.posters(server, cell).await?;
                let tally = load::drive(callers, pace, bounds).await?;
                self.ours_acknowledged = self.ours_acknowledged.saturating_add(tally.acknowledged);
                tally
            }
            Contender::Floor => {
                let callers = self.masons(cell).await?;
                let tally = load::drive(callers, pace, bounds).await?;
                self.floor_acknowledged = self.floor_acknowledged.saturating_add(tally.acknowledged);
                tally
            }
            Contender::Plain => {
                let callers = self.clerks(cell).await?;
                let tally = load::drive(callers, pace, bounds).await?;
                self.plain_acknowledged = self.plain_acknowledged.saturating_add(tally.acknowledged);
                tally
            }
            Contender::Cala => {
                let peer = self.peer.as_ref().ok_or_else(|| missing("the peer"))?;
                let measured = peer.measure(cell, &self.town, &bounds).await?;
                self.peer_measured = true;
                return Ok(Ended {
                    events: measured.events,
                    acknowledged: measured.acknowledged,
                    time: Duration::from_micros(measured.time_us),
                    shed: 0,
                    p50_us: measured.p50_us,
                    p99_us: measured.p99_us,
                    max_us: measured.max_us,
                });
            }
        };
        Ok(Ended::of(&sum))
    }

    /// From now on callers use ids that no caller before has used.
    pub fn begin_cell(&mut self) {
        self.cells_measured = self.cells_measured.saturating_add(1);
    }

    /// Ids of a caller begin with what no other caller of the run has.
    fn prefix(&self, caller: u32) -> String {
        format!("ride-{:03}-{caller:03}", self.cells_measured)
    }

    fn seed(&self, caller: u32) -> u64 {
        (u64::from(self.cells_measured) << 32) | u64::from(caller)
    }

    /// The server's callers.
    pub async fn posters(&self, server: &Server, cell: &Cell) -> Result<Vec<Poster>, BenchError> {
        let draw = Draw::new(cell.spread, self.town.citizens);
        let mut posters = Vec::new();
        for caller in 0..cell.connections {
            let (prefix, seed) = (self.prefix(caller), self.seed(caller));
            let (address, draw) = (server.address(), draw.clone());
            posters.push(Poster::connect(address, &self.town, cell.batch, draw, prefix, seed).await?);
        }
        Ok(posters)
    }

    async fn masons(&self, cell: &Cell) -> Result<Vec<Mason>, BenchError> {
        let pattern = self.pattern.as_ref().ok_or_else(|| missing("the floor"))?;
        let place = self.place.as_ref().ok_or_else(|| missing("PostgreSQL"))?;
        let mut masons = Vec::new();
        for caller in 0..cell.connections {
            let (prefix, seed) = (self.prefix(caller), self.seed(caller));
            let share = (caller, cell.connections);
            masons.push(
                Mason::connect(place, &self.names.floor, pattern, cell.batch, share, prefix, seed).await?,
            );
        }
        Ok(masons)
    }

    async fn clerks(&self, cell: &Cell) -> Result<Vec<Clerk>, BenchError> {
        let place = self.place.as_ref().ok_or_else(|| missing("PostgreSQL"))?;
        let draw = Draw::new(cell.spread, self.town.citizens);
        let mut clerks = Vec::new();
        for caller in 0..cell.connections {
            let (prefix, seed) = (self.prefix(caller), self.seed(caller));
            let clerk = Clerk::connect(place, &self.names.plain, &self.town, draw.clone(), prefix, seed);
            clerks.push(clerk.await?);
        }
        Ok(clerks)
    }

    /// Adds what was credited outside the cells.
    pub fn also_credited(&mut self, events: u64) {
        self.ours_acknowledged = self.ours_acknowledged.saturating_add(events);
    }

    /// All events that the server acknowledged, the first one included.
    pub fn acknowledged(&self) -> u64 {
        self.ours_acknowledged
    }

    /// Compares what was acknowledged with what is stored, and audits. Any difference is an error.
    pub async fn check(&self) -> Result<Checks, BenchError> {
        let stored = self.audited(&self.url, "ours", self.ours_acknowledged).await?;
        let mut checks = Checks {
            acknowledged: self.ours_acknowledged,
            stored,
            audit_ok: true,
            floor_audit_ok: None,
            peers_ok: Vec::new(),
        };
        if let (Some(place), true) = (&self.place, self.floor_acknowledged > 0) {
            let url = place.url_of(&self.names.floor);
            let credited = self.floor_acknowledged.saturating_add(self.town.events);
            self.audited(&url, "floor", credited).await?;
            checks.floor_audit_ok = Some(true);
        }
        if let (Some(place), true) = (&self.place, self.plain_acknowledged > 0) {
            plain::check(place, &self.names.plain, &self.town, self.plain_acknowledged).await?;
            checks.peers_ok.push(Contender::Plain);
        }
        if self.peer_measured {
            checks.peers_ok.push(Contender::Cala);
        }
        Ok(checks)
    }

    async fn audited(&self, url: &str, who: &str, acknowledged: u64) -> Result<u64, BenchError> {
        let audit = self.program.audit(url).await?;
        let member = |pointer: &str| audit.pointer(pointer).cloned().unwrap_or_default();
        if member("/ok") != serde_json::Value::Bool(true) {
            return Err(BenchError::Wrong(format!("{who}: the audit says {}", member("/violations"))));
        }
        let stored = member("/activities/credited").as_u64().unwrap_or(0);
        if stored == acknowledged {
            return Ok(stored);
        }
        Err(BenchError::Wrong(format!("{who}: {acknowledged} events acknowledged, {stored} stored")))
    }
}

/// What a cell came to, whoever measured it.
struct Ended {
    events: u64,
    acknowledged: u64,
    time: Duration,
    shed: u64,
    p50_us: u64,
    p99_us: u64,
    max_us: u64,
}

impl Ended {
    fn of(tally: &Tally) -> Self {
        Self {
            events: tally.events,
            acknowledged: tally.acknowledged,
            time: tally.time,
            shed: tally.shed,
            p50_us: tally.latencies.percentile_us(50),
            p99_us: tally.latencies.percentile_us(99),
            max_us: tally.latencies.max_us(),
        }
    }
}

fn missing(who: &str) -> BenchError {
    BenchError::Usage(format!("{who} does not take part in this run"))
}
