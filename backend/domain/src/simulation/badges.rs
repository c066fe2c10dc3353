//! How many citizens reach each badge. Must agree with what a citizen is told of their days; a badge for
//! points, once reached, stays reached when some of them are given up later.

use super::block::Bare;
use super::counts::{Counts, Owner};
use super::desk::Start;
use super::quick::QuickMap;
use super::shape::Shape;
use super::tally::{Judged, Standing};
use crate::rule::{Badge, Reach, RuleSet};

/// A stretch of days with an act on each, first and last.
type Run = (i32, i32);

/// The badges of one rule set, and who is on the way to them.
pub(super) struct Badges<'r> {
    all: Vec<&'r Badge>,
    /// The places of the badges that acts of each shape count for.
    of_shape: Vec<Vec<usize>>,
    /// What each citizen's acts add up to in the period of each badge.
    counts: Counts,
    /// Days in a row of each citizen and badge.
    runs: QuickMap<(u32, usize), Vec<Run>>,
    /// The badges that each citizen has, the first in the lowest bit.
    reached: Vec<u128>,
    citizens: Vec<u64>,
}

impl<'r> Badges<'r> {
    /// Nobody has one yet.
    pub(super) fn new(rules: &'r RuleSet, shapes: &[Shape]) -> Self {
        let all: Vec<&Badge> = rules.badges().iter().collect();
        let of_shape = |shape: &Shape| {
            let own = all
                .iter()
                .enumerate()
                .filter(|(_, badge)| badge.actions().any(|action| action == shape.action()));
            own.map(|(place, _)| place).collect()
        };
        Self {
            of_shape: shapes.iter().map(of_shape).collect(),
            counts: Counts::new(1),
            runs: QuickMap::default(),
            reached: Vec::new(),
            citizens: vec![0; all.len()],
            all,
        }
    }

    /// Counts an act; nothing that is still to come happened before the day `horizon`.
    pub(super) fn note(&mut self, bare: &Bare, judged: &Judged, start: Start, horizon: i32) {
        let own = self.of_shape.get(usize::from(bare.shape)).map(Vec::as_slice).unwrap_or_default();
        if own.is_empty() || judged.standing != Standing::Credited {
            return;
        }
        let citizen = usize::try_from(bare.citizen).unwrap_or(usize::MAX);
        if self.reached.len() <= citizen {
            self.reached.resize(citizen.saturating_add(1), 0);
        }
        let Some(reached) = self.reached.get_mut(citizen) else { return };
        let first = self.counts.group(Owner::Citizen(bare.citizen), 0, self.all.len());
        for place in own {
            let bit = u32::try_from(*place).ok().and_then(|place| 1_u128.checked_shl(place)).unwrap_or(0);
            let Some(badge) = self.all.get(*place).filter(|_| *reached & bit == 0) else { continue };
            let (amount, least) = match badge.reach() {
                Reach::Points(least) => (judged.promised(), least.get()),
                Reach::Reduction(least) => (judged.reduction_mg, least.get()),
                Reach::Times(least) => (1, least),
                Reach::Streak(days) => {
                    let runs = self.runs.entry((bare.citizen, *place)).or_default();
                    (i64::from(longer(runs, bare.day, horizon)), i64::from(days))
                }
            };
            let sum = if matches!(badge.reach(), Reach::Streak(_)) {
                amount
            } else {
                let cell = first.saturating_add(u32::try_from(*place).unwrap_or(u32::MAX));
                let sum = self.counts.at(cell, badge.period(), start.of(badge.period()), horizon);
                *sum = sum.saturating_add(amount);
                *sum
            };
            if sum >= least {
                *reached |= bit;
                self.runs.remove(&(bare.citizen, *place));
                if let Some(count) = self.citizens.get_mut(*place) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    /// Lets go of periods that nothing still to come falls into.
    pub(super) fn sweep(&mut self, horizon: i32) {
        self.counts.sweep(horizon);
    }

    /// How many citizens have each, in the order of the rules.
    pub(super) fn into_citizens(self) -> Vec<u64> {
        self.citizens
    }
}

/// Adds a day; gives how many days in a row it makes. Runs that no later day can join are let go.
fn longer(runs: &mut Vec<Run>, day: i32, horizon: i32) -> i32 {
    let length = |(from, until): Run| until.saturating_sub(from).saturating_add(1);
    if let Some(run) = runs.iter().find(|(from, until)| (*from..=*until).contains(&day)) {
        return length(*run);
    }
    let mut joined = (day, day);
    runs.retain(|(from, until)| {
        if until.saturating_add(1) == day {
            joined.0 = *from;
        } else if *from == day.saturating_add(1) {
            joined.1 = *until;
        } else {
            return until.saturating_add(1) >= horizon;
        }
        false
    });
    runs.push(joined);
    length(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_join_in_whatever_order_they_come() {
        let mut runs = Vec::new();
        for (day, expected) in [(10, 1), (12, 1), (12, 1), (11, 3), (11, 3), (14, 1), (9, 4), (13, 6)] {
            assert_eq!(longer(&mut runs, day, 0), expected, "{day}");
        }
        assert_eq!(runs, [(9, 14)]);
    }

    #[test]
    fn runs_that_are_over_are_let_go() {
        for (horizon, kept) in [(10, true), (11, true), (12, false)] {
            let mut runs = vec![(5, 10)];
            assert_eq!(longer(&mut runs, 20, horizon), 1);
            assert_eq!(runs.contains(&(5, 10)), kept, "{horizon}");
        }
    }
}
