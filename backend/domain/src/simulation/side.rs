//! One rule set at work on kept events: reads their slots its own way and remembers what caps, looks back,
//! same acts and budgets ask for. Must give what crediting the events one by one gives.

use super::badges::Badges;
use super::block::{Bare, Block, Horizon, Part};
use super::clock::Clock;
use super::desk::{Desk, LookingBack, Starts, State};
use super::funds::Purse;
use super::quick::QuickMap;
use super::reading::{Reading, readings};
use super::shape::Schema;
use super::tally::{Count, Judged, Standing};
use super::trail::Trail;
use super::waiting::{Settled, Waiter};
use crate::amount::{AmountOverflow, Points};
use crate::rule::{Batch, EventColumns, Reason, RuleSet, Scratch, Usage};

/// A sum that a cap looks at left the range of its type, or a day the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SideError {
    /// A sum left `i64`.
    #[error(transparent)]
    Overflow(#[from] AmountOverflow),
    /// No such day.
    #[error("an event lies outside the calendar")]
    Day,
}

/// One citizen's totals.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Holding {
    pub(super) points: i64,
    pub(super) reduction_mg: i64,
    pub(super) seen: bool,
    pub(super) capped: bool,
}

/// One side's answers to a block.
#[derive(Debug, Default)]
pub struct Played {
    pub(super) judged: Vec<Judged>,
    pub(super) trail: Trail,
}

impl Played {
    /// The answers, in the order of the events.
    #[must_use]
    pub fn judged(&self) -> &[Judged] {
        &self.judged
    }
}

/// What one side found.
pub(super) struct Found {
    pub(super) sums: Sums,
    pub(super) holdings: Vec<Holding>,
    pub(super) purses: Vec<Purse>,
    /// How many citizens have each badge.
    pub(super) badges: Vec<u64>,
}

/// Sums by civil day, shape and district.
pub(super) type Sums = QuickMap<(i32, u16, u16), Count>;

/// The sums of one day, so that most events find theirs without a search.
#[derive(Default)]
struct Today {
    day: i32,
    /// By shape and district.
    counts: Vec<Count>,
}

/// So many events' memory is asked for at once.
const AHEAD_ROWS: usize = 512;

/// A rule set, and what it has granted.
pub struct Side<'r> {
    pub(super) rules: &'r RuleSet,
    pub(super) schema: &'r Schema,
    readings: Vec<Option<Reading<'r>>>,
    batches: Vec<Batch>,
    starts: Starts,
    state: State,
    clock: Clock,
    badges: Badges<'r>,
    sums: Sums,
    today: Today,
    holdings: Vec<Holding>,
    scratch: Scratch,
    slots: Vec<i64>,
    /// How much the last block looked at.
    lengths: [usize; 4],
}

/// A block on its way through one side.
struct Turn<'b> {
    block: &'b Block,
    /// The slots of each shape's events.
    columns: Vec<Vec<&'b [i64]>>,
    /// Place of the first event among all.
    first: u64,
    horizon: Horizon,
}

impl<'r> Side<'r> {
    /// Begins with nothing granted.
    #[must_use]
    pub fn new(rules: &'r RuleSet, schema: &'r Schema) -> Self {
        Self {
            rules,
            schema,
            readings: readings(rules, &schema.shapes),
            batches: schema.shapes.iter().map(|_| Batch::default()).collect(),
            starts: Starts::default(),
            state: State::new(rules.actions().count()),
            clock: Clock::default(),
            badges: Badges::new(rules, &schema.shapes),
            sums: Sums::default(),
            today: Today::default(),
            holdings: Vec::new(),
            scratch: Scratch::default(),
            slots: Vec::new(),
            lengths: [0; 4],
        }
    }

    /// What was found, with the days that share a budget taken for over.
    pub(super) fn into_found(mut self) -> Found {
        self.close_day();
        let settled = self.state.funds.share(|_| true, self.clock.now);
        self.settle(settled, Horizon::NEVER);
        Found {
            sums: self.sums,
            holdings: self.holdings,
            purses: self.state.funds.into_purses(),
            badges: self.badges.into_citizens(),
        }
    }

    /// Decides the next events. `first` is the place of the first among all; nothing from here on happened
    /// before the horizon.
    pub fn play(&mut self, block: &Block, first: u64, horizon: Horizon) -> Result<Played, SideError> {
        self.state.counts.sweep(horizon.day);
        self.badges.sweep(horizon.day);
        self.begin(block);
        let made: Vec<Vec<Vec<i64>>> = self.made(block);
        let turn = Turn { block, columns: self.columns(block, &made), first, horizon };
        self.form(&turn);
        let mut played = Played { judged: Vec::with_capacity(block.rows()), trail: self.trail() };
        let mut places = vec![0_usize; block.parts.len()];
        for row in 0..block.rows() {
            if row.is_multiple_of(AHEAD_ROWS) {
                self.glance(block, row);
            }
            let Some(bare) = block.bare(row) else { continue };
            let Some(place) = places.get_mut(usize::from(bare.shape)) else { continue };
            self.turn_clock(&bare, horizon);
            let judged = self.judge(&turn, (row, *place), &bare, &mut played.trail)?;
            *place = place.saturating_add(1);
            played.trail.close();
            self.note(&bare, &judged);
            self.badges.note(&bare, &judged, self.starts.of(bare.day)?, horizon.day);
            played.judged.push(judged);
        }
        self.lengths = played.trail.lengths();
        Ok(played)
    }

    /// Makes the day of a block's first event today.
    fn begin(&mut self, block: &Block) {
        let day = block.days.first().copied().unwrap_or_default();
        if day == self.today.day && !self.today.counts.is_empty() {
            return;
        }
        self.close_day();
        let districts = self.schema.districts.len().saturating_add(1);
        let counts = vec![Count::default(); self.schema.shapes.len().saturating_mul(districts)];
        self.today = Today { day, counts };
    }

    fn close_day(&mut self) {
        let districts = self.schema.districts.len().saturating_add(1);
        let Today { day, counts } = std::mem::take(&mut self.today);
        for (row, shape) in counts.chunks(districts).zip(0_u16..) {
            for (count, district) in row.iter().zip(0_u16..).filter(|(count, _)| **count != Count::default())
            {
                self.sums.entry((day, shape, district)).or_default().join(count);
            }
        }
    }

    /// With room for as much as the last block looked at.
    fn trail(&self) -> Trail {
        Trail::with_room(self.lengths)
    }

    /// Brings what the next events will look at near, all of it at once: waiting for memory one event after
    /// another takes most of the time.
    fn glance(&self, block: &Block, from: usize) {
        let people = block.citizens.iter().zip(&block.shapes).skip(from).take(AHEAD_ROWS);
        let seen = people.fold(0_i64, |seen, (citizen, shape)| {
            let reading = self.readings.get(usize::from(*shape)).and_then(Option::as_ref);
            let count = reading.map_or(0, |reading| self.state.counts.glance(*citizen, reading.number));
            let holding = usize::try_from(*citizen).ok().and_then(|citizen| self.holdings.get(citizen));
            seen ^ holding.map_or(0, |holding| holding.points) ^ i64::from(count)
        });
        std::hint::black_box(seen);
    }

    /// On each new day, what waits is paid first.
    fn turn_clock(&mut self, bare: &Bare, horizon: Horizon) {
        if let Some(today) = self.clock.turn(bare, self.rules) {
            let settled = self.state.funds.pay(today, self.clock.now);
            self.settle(settled, horizon);
        }
    }

    /// Tells what became of points that waited; caps and citizens lose what is given up.
    fn settle(&mut self, settled: Vec<Settled>, horizon: Horizon) {
        for Settled { place, paid, lost } in settled {
            let given_up = lost.as_ref().map_or(Points::ZERO, |(points, _)| *points);
            self.sums.entry(place).or_default().settle(paid, given_up);
            if let Some((points, waiter)) = lost {
                self.take_back(points, &waiter, horizon);
            }
        }
    }

    fn take_back(&mut self, points: Points, waiter: &Waiter, horizon: Horizon) {
        let citizen = usize::try_from(waiter.citizen).unwrap_or(usize::MAX);
        if let Some(holding) = self.holdings.get_mut(citizen) {
            holding.points = holding.points.saturating_sub(points.get());
        }
        let (day, shape, _) = waiter.place;
        let reading = self.readings.get(usize::from(shape)).and_then(Option::as_ref);
        let (Some(reading), Ok(start)) = (reading, self.starts.of(day)) else { return };
        let lost = Usage { points, ..Usage::NONE };
        for first in &waiter.cells {
            for (counted, nth) in reading.counted.iter().zip(0_u32..) {
                let (cell, start) = (first.saturating_add(nth), start.of(counted.period));
                let amount = counted.of(&lost);
                self.state.counts.take_back(cell, counted.period, start, horizon.day, amount);
            }
        }
    }

    fn made(&self, block: &Block) -> Vec<Vec<Vec<i64>>> {
        let made = |(reading, part): (&Option<Reading<'_>>, &Part)| {
            reading.as_ref().map_or_else(Vec::new, |reading| reading.lens.made(part))
        };
        self.readings.iter().zip(&block.parts).map(made).collect()
    }

    fn columns<'b>(&self, block: &'b Block, made: &'b [Vec<Vec<i64>>]) -> Vec<Vec<&'b [i64]>> {
        let columns = |((reading, part), made): ((&Option<Reading<'_>>, &'b Part), &'b Vec<Vec<i64>>)| {
            reading.as_ref().map_or_else(Vec::new, |reading| reading.lens.columns(part, made))
        };
        self.readings.iter().zip(&block.parts).zip(made).map(columns).collect()
    }

    /// Formulas of actions that look back at nothing, in columns.
    fn form(&mut self, turn: &Turn<'_>) {
        let parts = turn.block.parts.iter().zip(&turn.columns);
        for ((reading, batch), (part, columns)) in self.readings.iter().zip(&mut self.batches).zip(parts) {
            if let Some(reading) = reading.as_ref().filter(|reading| reading.looks.is_empty()) {
                let events = EventColumns { slots: columns, evidence: &part.evidence };
                self.rules.form(reading.action, &events, batch);
            }
        }
    }

    fn judge(
        &mut self,
        turn: &Turn<'_>,
        (row, place): (usize, usize),
        bare: &Bare,
        trail: &mut Trail,
    ) -> Result<Judged, SideError> {
        let refused = Judged::nothing(Standing::Refused);
        let shape = usize::from(bare.shape);
        let Some(Some(reading)) = self.readings.get(shape) else { return Ok(refused) };
        if !reading.is_timely(bare) {
            return Ok(Judged::nothing(Standing::Untimely));
        }
        let columns = turn.columns.get(shape).map(Vec::as_slice).unwrap_or_default();
        self.slots.clear();
        let batch = self.batches.get(shape).filter(|_| reading.looks.is_empty());
        let formed = if let Some(batch) = batch {
            let formed = batch.formed(place);
            if !formed.refusal().is_none_or(is_stored) {
                return Ok(refused);
            }
            formed
        } else {
            self.slots.extend(columns.iter().map(|column| column.get(place).copied().unwrap_or(i64::MIN)));
            let looks = LookingBack { reading, bare, looks: &self.state.looks };
            let found = looks.formed(&mut self.slots, &mut self.scratch, trail);
            let Some(formed) = found else { return Ok(refused) };
            formed
        };
        let desk = Desk {
            rules: self.rules,
            district: self.schema.district(bare.district),
            reading,
            bare,
            part: turn.block.parts.get(shape),
            columns,
            place,
            batch,
            number: turn.first.saturating_add(u64::try_from(row).unwrap_or(u64::MAX)),
            start: self.starts.of(bare.day)?,
            horizon: turn.horizon,
        };
        desk.settle(&mut self.state, (&self.slots, &formed), trail)
    }

    fn note(&mut self, bare: &Bare, judged: &Judged) {
        let districts = self.schema.districts.len().saturating_add(1);
        let row = usize::from(bare.shape).saturating_mul(districts);
        let place = row.saturating_add(usize::from(bare.district));
        let today = if self.today.day == bare.day { self.today.counts.get_mut(place) } else { None };
        match today {
            Some(count) => count.add(judged),
            None => self.sums.entry((bare.day, bare.shape, bare.district)).or_default().add(judged),
        }
        let citizen = usize::try_from(bare.citizen).unwrap_or(usize::MAX);
        if self.holdings.len() <= citizen {
            self.holdings.resize(citizen.saturating_add(1), Holding::default());
        }
        if let Some(holding) = self.holdings.get_mut(citizen) {
            holding.seen = true;
            holding.points = holding.points.saturating_add(judged.promised());
            holding.reduction_mg = holding.reduction_mg.saturating_add(judged.reduction_mg);
            holding.capped |= judged.capped;
        }
    }
}

/// Whether crediting keeps an act that is refused so; what it does not keep leaves no trace.
fn is_stored(reason: Reason) -> bool {
    match reason {
        Reason::Condition(_) => true,
        Reason::Unfit | Reason::NoFactor | Reason::Evidence => false,
    }
}
