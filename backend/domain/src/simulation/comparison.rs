//! Both sides over the same events, and what differs. One comparison sees whole citizens; several are joined.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use super::report::{Difference, Report};
use super::row::Row;
use super::shape::Schema;
use super::side::{Side, SideError};
use super::tally::Pair;
use crate::rule::{Granted, RuleSet, Usage, Verdict};

/// Differences that are kept with all that explains them.
const DIFFERENCES_MAX: usize = 20;

/// Points of one citizen on both sides, and whether any cap trimmed them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing {
    pub(super) in_force: i64,
    pub(super) draft: i64,
    pub(super) capped: (bool, bool),
}

/// What two rule sets make of the same events.
pub struct Comparison<'r> {
    schema: &'r Schema,
    sides: [Side<'r>; 2],
    found: Found,
    citizens: HashMap<u32, Standing>,
}

/// What a comparison has found so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) all: Pair,
    pub(super) by_shape: BTreeMap<u16, Pair>,
    pub(super) by_district: BTreeMap<u16, Pair>,
    pub(super) by_day: BTreeMap<i32, Pair>,
    /// Points of each citizen on both sides.
    pub(super) standings: Vec<(i64, i64)>,
    pub(super) newly_capped: u64,
    pub(super) no_longer_capped: u64,
    largest: BinaryHeap<Reverse<Candidate>>,
}

/// An event that both sides judge differently. The greatest difference is the greatest; among equals the
/// earliest event.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    by: u64,
    order: Reverse<u64>,
    row: Row,
    seen: [Vec<Usage>; 2],
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.by, self.order).cmp(&(other.by, other.order))
    }
}

fn points(verdict: &Verdict) -> i64 {
    match verdict {
        Verdict::Credited(Granted { points, .. }) => points.get(),
        Verdict::Refused(_) | Verdict::Held(_) => 0,
    }
}

fn capped(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Credited(granted) => granted.capped,
        Verdict::Refused(_) | Verdict::Held(_) => false,
    }
}

impl<'r> Comparison<'r> {
    /// Begins with nothing granted.
    #[must_use]
    pub fn new(in_force: &'r RuleSet, draft: &'r RuleSet, schema: &'r Schema) -> Self {
        let sides = [Side::new(in_force, schema), Side::new(draft, schema)];
        Self { schema, sides, found: Found::default(), citizens: HashMap::new() }
    }

    /// Plays the next event; `order` is its place among all events.
    pub fn play(&mut self, row: &Row, order: u64) -> Result<(), SideError> {
        let [in_force, draft] = &mut self.sides;
        let (old, new) = (in_force.judge(row)?, draft.judge(row)?);
        let found = &mut self.found;
        found.all.add(&old, &new);
        found.by_shape.entry(row.shape).or_default().add(&old, &new);
        found.by_district.entry(row.district).or_default().add(&old, &new);
        found.by_day.entry(row.day).or_default().add(&old, &new);
        let standing = self.citizens.entry(row.citizen).or_default();
        standing.in_force = standing.in_force.saturating_add(points(&old));
        standing.draft = standing.draft.saturating_add(points(&new));
        standing.capped.0 |= capped(&old);
        standing.capped.1 |= capped(&new);
        let by = points(&old).abs_diff(points(&new));
        if by > 0 && found.takes(by, order) {
            let seen = [in_force.seen().to_vec(), draft.seen().to_vec()];
            found.keep(Candidate { by, order: Reverse(order), row: *row, seen });
        }
        Ok(())
    }

    /// All events of these citizens have been played; others come.
    pub fn turn(&mut self) {
        self.sides.iter_mut().for_each(Side::forget);
        for (_, standing) in self.citizens.drain() {
            self.found.standings.push((standing.in_force, standing.draft));
            let (before, after) = standing.capped;
            let count = |count: &mut u64, one: bool| *count = count.saturating_add(u64::from(one));
            count(&mut self.found.newly_capped, after && !before);
            count(&mut self.found.no_longer_capped, before && !after);
        }
    }

    /// Takes over what another comparison of other citizens found.
    pub fn join(&mut self, mut other: Self) {
        other.turn();
        self.turn();
        let (own, other) = (&mut self.found, other.found);
        own.all.join(&other.all);
        for (shape, pair) in &other.by_shape {
            own.by_shape.entry(*shape).or_default().join(pair);
        }
        for (district, pair) in &other.by_district {
            own.by_district.entry(*district).or_default().join(pair);
        }
        for (day, pair) in &other.by_day {
            own.by_day.entry(*day).or_default().join(pair);
        }
        own.standings.extend(other.standings);
        own.newly_capped = own.newly_capped.saturating_add(other.newly_capped);
        own.no_longer_capped = own.no_longer_capped.saturating_add(other.no_longer_capped);
        for Reverse(candidate) in other.largest {
            own.keep(candidate);
        }
    }

    /// What was found, told.
    #[must_use]
    pub fn report(mut self) -> Report {
        self.turn();
        let mut largest = std::mem::take(&mut self.found.largest).into_vec();
        largest.sort_unstable();
        let differences = largest.iter().map(|Reverse(candidate)| self.difference(candidate)).collect();
        Report::new(self.schema, self.found, differences)
    }

    fn difference(&self, candidate: &Candidate) -> Difference {
        let Candidate { order: Reverse(order), row, seen: [old, new], .. } = candidate;
        let [in_force, draft] = &self.sides;
        Difference::new(*order, row, self.schema, [(in_force, old), (draft, new)])
    }
}

impl Found {
    fn takes(&self, by: u64, order: u64) -> bool {
        self.largest.len() < DIFFERENCES_MAX
            || self
                .largest
                .peek()
                .is_some_and(|Reverse(least)| (least.by, least.order) < (by, Reverse(order)))
    }

    fn keep(&mut self, candidate: Candidate) {
        self.largest.push(Reverse(candidate));
        if self.largest.len() > DIFFERENCES_MAX {
            self.largest.pop();
        }
    }
}
