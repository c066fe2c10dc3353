//! What caps look at: how much was granted in each period. Must never forget what a later event can ask for.

use super::quick::QuickMap;
use crate::amount::{AmountOverflow, Points, ReductionMg};
use crate::rule::{Action, CapLimit, CapScope, CapWindow, Usage};
use crate::time::Period;

/// Old periods are looked through for what nobody can ask for any more when there are so many.
const PAST_MIN: usize = 65_536;
/// No cell.
const NOWHERE: u32 = u32::MAX;
/// The first day of no period.
const NEVER: i32 = i32::MIN;

/// Whose acts count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// A citizen's, by number.
    Citizen(u32),
    /// Those of a card (1) or of what an input names (2 and on), and the number that it goes by.
    Named(u8, u64),
}

/// What a cap counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Events,
    Points,
    Reduction,
    Quantity,
}

/// One thing that an action's caps count in one of its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) period: Period,
    pub(super) scope: CapScope,
    /// Place of the window among those of the action.
    pub(super) window: usize,
    kind: Kind,
}

impl Counted {
    /// All that an action's caps count, each once.
    pub(super) fn all(action: &Action, windows: &[CapWindow]) -> Vec<Self> {
        let mut all = Vec::new();
        for (window, CapWindow { period, scope, .. }) in windows.iter().enumerate() {
            for cap in action.caps() {
                let kind = match cap.limit() {
                    CapLimit::Times(_) => Kind::Events,
                    CapLimit::Points(_) => Kind::Points,
                    CapLimit::Reduction(_) => Kind::Reduction,
                    CapLimit::Input(_) => Kind::Quantity,
                };
                let counted = Self { period: *period, scope: *scope, window, kind };
                let within = cap.period() == Some(*period) && cap.scope() == *scope;
                if within && !all.contains(&counted) {
                    all.push(counted);
                }
            }
        }
        all
    }

    #[inline]
    pub(super) fn of(self, usage: &Usage) -> i64 {
        match self.kind {
            Kind::Events => usage.events,
            Kind::Points => usage.points.get(),
            Kind::Reduction => usage.reduction.get(),
            Kind::Quantity => usage.quantity,
        }
    }

    #[inline]
    pub(super) fn tell(self, usage: &mut Usage, amount: i64) {
        match self.kind {
            Kind::Events => usage.events = amount,
            Kind::Points => usage.points = Points::new(amount),
            Kind::Reduction => usage.reduction = ReductionMg::new(amount),
            Kind::Quantity => usage.quantity = amount,
        }
    }
}

/// The counts of all owners.
pub(super) struct Counts {
    /// How many actions there are.
    actions: usize,
    /// The first cell of each citizen and action; the others follow it.
    citizens: Vec<u32>,
    /// The first cell of each other owner and action.
    named: QuickMap<(u8, u64, u16), u32>,
    cells: Vec<Cell>,
    /// Earlier periods of cells, by cell and first day.
    past: QuickMap<(u32, i32), (Period, i64)>,
    past_max: usize,
}

/// One count in the period that was asked for last.
#[derive(Clone, Copy)]
struct Cell {
    start: i32,
    amount: i64,
}

impl Counts {
    /// Nothing counted, for so many actions.
    pub(super) fn new(actions: usize) -> Self {
        Self {
            actions,
            citizens: Vec::new(),
            named: QuickMap::default(),
            cells: Vec::new(),
            past: QuickMap::default(),
            past_max: PAST_MIN,
        }
    }

    fn place(&self, citizen: u32, action: u16) -> usize {
        let row = usize::try_from(citizen).unwrap_or(usize::MAX).saturating_mul(self.actions);
        row.saturating_add(usize::from(action))
    }

    /// The number of the first of so many cells.
    #[inline]
    pub(super) fn group(&mut self, owner: Owner, action: u16, cells: usize) -> u32 {
        let next = u32::try_from(self.cells.len()).unwrap_or(NOWHERE);
        let first = match owner {
            Owner::Citizen(citizen) => {
                let place = self.place(citizen, action);
                if self.citizens.len() <= place {
                    self.citizens.resize(place.saturating_add(1), NOWHERE);
                }
                self.citizens.get_mut(place)
            }
            Owner::Named(kind, number) => Some(self.named.entry((kind, number, action)).or_insert(NOWHERE)),
        };
        let Some(first) = first else { return NOWHERE };
        if *first == NOWHERE {
            *first = next;
            let blank = Cell { start: NEVER, amount: 0 };
            self.cells.resize(self.cells.len().saturating_add(cells), blank);
        }
        *first
    }

    /// A number from where a citizen's counts lie, so that they are near when they are needed.
    #[inline]
    pub(super) fn glance(&self, citizen: u32, action: u16) -> i32 {
        let first = self.citizens.get(self.place(citizen, action)).copied().unwrap_or(NOWHERE);
        let cell = usize::try_from(first).ok().and_then(|first| self.cells.get(first));
        cell.map_or(0, |cell| cell.start)
    }

    /// The count of a cell in the period that begins on a day.
    #[inline]
    pub(super) fn at(&mut self, cell: u32, period: Period, start: i32, horizon: i32) -> &mut i64 {
        let place = usize::try_from(cell).unwrap_or(usize::MAX);
        let held = self.cells.get(place).is_some_and(|cell| cell.start == start);
        if !held {
            self.turn(cell, place, period, start, horizon);
        }
        match self.cells.get_mut(place) {
            Some(cell) => &mut cell.amount,
            // Cells are only named by their group.
            None => &mut self.past.entry((cell, start)).or_insert((period, 0)).1,
        }
    }

    fn turn(&mut self, cell: u32, place: usize, period: Period, start: i32, horizon: i32) {
        let is_new = self.cells.get(place).is_some_and(|held| held.start == NEVER);
        let past = if is_new { None } else { self.past.remove(&(cell, start)) };
        let amount = past.map_or(0, |(_, amount)| amount);
        let Some(held) = self.cells.get_mut(place) else { return };
        let old = std::mem::replace(held, Cell { start, amount });
        if old.amount != 0 && reaches(period, old.start, horizon) {
            self.past.insert((cell, old.start), (period, old.amount));
        }
    }

    /// Less of a count, where a later event can still ask for it.
    pub(super) fn take_back(&mut self, cell: u32, period: Period, start: i32, horizon: i32, amount: i64) {
        if reaches(period, start, horizon) {
            let count = self.at(cell, period, start, horizon);
            *count = count.saturating_sub(amount);
        }
    }

    /// Lets go of periods that are over before anything that is still to come.
    pub(super) fn sweep(&mut self, horizon: i32) {
        if self.past.len() > self.past_max {
            self.past.retain(|(_, start), (period, _)| reaches(*period, *start, horizon));
            self.past_max = self.past.len().saturating_mul(2).max(PAST_MIN);
        }
    }
}

/// Whether a period that began on a day may last to another; never no where it does.
fn reaches(period: Period, start: i32, horizon: i32) -> bool {
    let days = match period {
        Period::Day => 1,
        Period::Week => 7,
        Period::Month => 31,
        Period::Year => 366,
        Period::All => return true,
    };
    start.saturating_add(days) > horizon
}

/// One more act under a cap.
#[inline]
pub(super) fn grant(to: &mut i64, amount: i64) -> Result<(), AmountOverflow> {
    *to = to.checked_add(amount).ok_or(AmountOverflow)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEVEN: Owner = Owner::Citizen(7);

    #[test]
    fn owners_have_cells_of_their_own() {
        let mut counts = Counts::new(5);
        let owners = [(SEVEN, 3), (SEVEN, 4), (Owner::Citizen(8), 0), (Owner::Citizen(0), 0)];
        let named = [(Owner::Named(1, 7), 3), (Owner::Named(2, 7), 3), (Owner::Named(1, 7), 4)];
        let firsts: Vec<u32> =
            owners.iter().chain(&named).map(|(owner, action)| counts.group(*owner, *action, 2)).collect();
        assert_eq!(firsts, [0, 2, 4, 6, 8, 10, 12]);
        assert_eq!(counts.group(SEVEN, 3, 2), 0, "the same again");
        assert_eq!(counts.group(Owner::Named(2, 7), 3, 2), 10);
    }

    #[test]
    fn a_late_act_finds_its_own_day() {
        let mut counts = Counts::new(4);
        let first = counts.group(SEVEN, 3, 2);
        for (start, given) in [(10, 1), (11, 2), (10, 4), (12, 8), (11, 16)] {
            grant(counts.at(first, Period::Day, start, 10), given).unwrap();
        }
        for (start, sum) in [(10, 5), (11, 18), (12, 8), (13, 0)] {
            assert_eq!(*counts.at(first, Period::Day, start, 10), sum, "{start}");
        }
        assert_eq!(grant(&mut i64::MAX.clone(), 1), Err(AmountOverflow));
    }

    #[test]
    fn what_was_counted_can_be_taken_back_while_it_is_asked_for() {
        let mut counts = Counts::new(4);
        let first = counts.group(SEVEN, 3, 1);
        for start in [10, 11] {
            *counts.at(first, Period::Day, start, 10) = 5;
        }
        counts.take_back(first, Period::Day, 10, 10, 2);
        counts.take_back(first, Period::Day, 9, 10, 2);
        for (start, left) in [(9, 0), (10, 3), (11, 5)] {
            assert_eq!(*counts.at(first, Period::Day, start, 10), left, "{start}");
        }
    }

    #[test]
    fn what_is_over_is_let_go() {
        for (period, days) in [(Period::Day, 1), (Period::Week, 7), (Period::Month, 31), (Period::Year, 366)]
        {
            for (horizon, kept) in [(99 + days, true), (100 + days, false), (101 + days, false)] {
                let mut counts = Counts::new(1);
                let cell = counts.group(Owner::Citizen(1), 0, 1);
                *counts.at(cell, period, 100, 0) = 1;
                counts.at(cell, period, 500, horizon);
                assert_eq!(counts.past.contains_key(&(cell, 100)), kept, "{period:?} {horizon}");
            }
        }
        assert!(reaches(Period::All, 0, i32::MAX));
    }
}
