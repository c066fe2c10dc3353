//! What caps look at: how much was granted in each period. Must never forget what a later event can ask for.

use super::quick::QuickMap;
use crate::amount::AmountOverflow;
use crate::rule::Usage;
use crate::time::Period;

/// Whose acts count together: the citizen (0), the card (1) or what an input names (2 and on), and the
/// number that it goes by.
pub(super) type Owner = (u8, u64);

/// Old periods are looked through for what nobody can ask for any more when there are so many.
const PAST_MIN: usize = 65_536;

/// The counts of all owners.
pub(super) struct Counts {
    /// The first window of an owner and an action; the others follow it.
    groups: QuickMap<(u8, u64, u16), u32>,
    windows: Vec<Window>,
    /// Earlier periods of windows, by window and first day.
    past: QuickMap<(u32, i32), (Period, Usage)>,
    past_max: usize,
}

/// One cap's window in the period that was asked for last.
#[derive(Clone, Copy)]
struct Window {
    start: i32,
    usage: Usage,
}

impl Default for Counts {
    fn default() -> Self {
        let (groups, past) = (QuickMap::default(), QuickMap::default());
        Self { groups, windows: Vec::new(), past, past_max: PAST_MIN }
    }
}

impl Counts {
    /// The number of the first of so many windows.
    pub(super) fn group(&mut self, (kind, owner): Owner, action: u16, windows: usize) -> u32 {
        let next = u32::try_from(self.windows.len()).unwrap_or(u32::MAX);
        let first = *self.groups.entry((kind, owner, action)).or_insert(next);
        if first == next {
            let blank = Window { start: i32::MIN, usage: Usage::NONE };
            self.windows.resize(self.windows.len().saturating_add(windows), blank);
        }
        first
    }

    /// The count of a window in the period that begins on a day.
    #[inline]
    pub(super) fn at(&mut self, window: u32, period: Period, start: i32, horizon: i32) -> &mut Usage {
        let place = usize::try_from(window).unwrap_or(usize::MAX);
        let held = self.windows.get(place).is_some_and(|window| window.start == start);
        if !held {
            self.turn(window, place, period, start, horizon);
        }
        match self.windows.get_mut(place) {
            Some(window) => &mut window.usage,
            // Windows are only named by their group.
            None => &mut self.past.entry((window, start)).or_insert((period, Usage::NONE)).1,
        }
    }

    #[cold]
    fn turn(&mut self, window: u32, place: usize, period: Period, start: i32, horizon: i32) {
        let before = self.past.remove(&(window, start)).map_or(Usage::NONE, |(_, usage)| usage);
        let Some(held) = self.windows.get_mut(place) else { return };
        let old = std::mem::replace(held, Window { start, usage: before });
        if old.usage != Usage::NONE && reaches(period, old.start, horizon) {
            self.past.insert((window, old.start), (period, old.usage));
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
pub(super) fn grant(to: &mut Usage, granted: &Usage) -> Result<(), AmountOverflow> {
    to.events = to.events.checked_add(granted.events).ok_or(AmountOverflow)?;
    to.points = to.points.plus(granted.points)?;
    to.reduction = to.reduction.plus(granted.reduction)?;
    to.quantity = to.quantity.checked_add(granted.quantity).ok_or(AmountOverflow)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::Points;

    fn points(points: i64) -> Usage {
        Usage { events: 1, points: Points::new(points), ..Usage::NONE }
    }

    #[test]
    fn a_late_act_finds_its_own_day() {
        let mut counts = Counts::default();
        let first = counts.group((0, 7), 3, 2);
        assert_eq!(counts.group((0, 8), 3, 2), first + 2);
        assert_eq!(counts.group((0, 7), 3, 2), first, "the same again");
        for (start, given) in [(10, 1), (11, 2), (10, 4), (12, 8), (11, 16)] {
            grant(counts.at(first, Period::Day, start, 10), &points(given)).unwrap();
        }
        for (start, sum) in [(10, 5), (11, 18), (12, 8), (13, 0)] {
            assert_eq!(counts.at(first, Period::Day, start, 10).points.get(), sum, "{start}");
        }
    }

    #[test]
    fn what_is_over_is_let_go() {
        for (period, days) in [(Period::Day, 1), (Period::Week, 7), (Period::Month, 31), (Period::Year, 366)]
        {
            for (horizon, kept) in [(99 + days, true), (100 + days, false), (101 + days, false)] {
                let mut counts = Counts::default();
                let window = counts.group((0, 1), 0, 1);
                *counts.at(window, period, 100, 0) = points(1);
                counts.at(window, period, 500, horizon);
                assert_eq!(counts.past.contains_key(&(window, 100)), kept, "{period:?} {horizon}");
            }
        }
        assert!(reaches(Period::All, 0, i32::MAX));
    }
}
