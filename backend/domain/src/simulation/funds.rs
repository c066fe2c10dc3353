//! What was issued under budgets and campaigns, and when each was used up. Decides nothing.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::quick::QuickMap;
use crate::amount::{AmountOverflow, Points};
use crate::rule::{Action, Budget, Drawn, RuleSet, WhenExhausted};
use crate::time::DayRange;

/// A budget or campaign in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Purse {
    pub(super) id: String,
    pub(super) range: DayRange,
    pub(super) limit: Points,
    pub(super) issued: Points,
    /// Points promised under it that could not be paid at once.
    pub(super) waiting: Points,
    /// The place of its queue; none where nobody queues for it.
    queue: Option<usize>,
    /// The second of the act that took the last of it.
    pub(super) ended_at: Option<i64>,
}

/// The purses that acts of one action and day may draw on, by their number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fund(usize);

/// All purses of one rule set.
#[derive(Default)]
pub(super) struct Funds {
    purses: Vec<Purse>,
    by_name: HashMap<(String, NaiveDate), usize>,
    /// Of each action and day, its place among the openings.
    by_day: QuickMap<(u16, i32), Fund>,
    /// The purses that acts of one action and day may draw on.
    openings: Vec<Vec<usize>>,
    /// What waits under each budget that has a queue, whatever its period: who waits is paid first.
    queues: Vec<(String, Points)>,
}

impl Funds {
    /// The purses that an action's acts of a day may draw on.
    #[inline]
    pub(super) fn open(&mut self, rules: &RuleSet, action: &Action, number: u16, day: i32) -> Fund {
        match self.by_day.get(&(number, day)) {
            Some(fund) => *fund,
            None => self.open_first(rules, action, (number, day)),
        }
    }

    #[cold]
    fn open_first(&mut self, rules: &RuleSet, action: &Action, (number, day): (u16, i32)) -> Fund {
        let date = NaiveDate::from_num_days_from_ce_opt(day).unwrap_or_default();
        let mut places = Vec::new();
        for window in rules.budget_windows(action, date) {
            let next = self.purses.len();
            let place = *self.by_name.entry((window.id.clone(), window.range.from)).or_insert(next);
            if place == next {
                let queue = self.queue_of(action, &window.id);
                self.purses.push(Purse {
                    id: window.id,
                    range: window.range,
                    limit: window.limit,
                    issued: Points::ZERO,
                    waiting: Points::ZERO,
                    queue,
                    ended_at: None,
                });
            }
            places.push(place);
        }
        let fund = Fund(self.openings.len());
        self.openings.push(places);
        self.by_day.insert((number, day), fund);
        fund
    }

    fn queue_of(&mut self, action: &Action, id: &str) -> Option<usize> {
        let queued = |budget: &Budget| budget.id() == id && budget.when_exhausted() == WhenExhausted::Queue;
        if !action.budgets().any(queued) {
            return None;
        }
        let known = self.queues.iter().position(|(name, _)| name == id);
        Some(known.unwrap_or_else(|| {
            self.queues.push((id.to_owned(), Points::ZERO));
            self.queues.len().saturating_sub(1)
        }))
    }

    /// Appends what was issued under each, and promised to those who wait in its queue.
    pub(super) fn issued(&self, fund: Fund, into: &mut Vec<Points>) {
        let places = self.openings.get(fund.0).into_iter().flatten();
        into.extend(places.filter_map(|place| self.purses.get(*place)).map(|purse| {
            let queue = purse.queue.and_then(|queue| self.queues.get(queue));
            let waiting = queue.map_or(0, |(_, waiting)| waiting.get());
            Points::new(purse.issued.get().saturating_add(waiting))
        }));
    }

    /// Takes what an act draws; points that wait do so under the last.
    pub(super) fn draw(
        &mut self,
        fund: Fund,
        drawn: &Drawn,
        queued: Points,
        at: i64,
    ) -> Result<(), AmountOverflow> {
        let Some(places) = self.openings.get(fund.0) else { return Ok(()) };
        for (nth, place) in places.iter().enumerate() {
            let Some(purse) = self.purses.get_mut(*place) else { continue };
            let before = purse.issued;
            purse.issued = before.plus(Points::new(drawn.at(nth)))?;
            if before < purse.limit && purse.issued >= purse.limit {
                purse.ended_at = Some(at);
            }
            if nth.saturating_add(1) == places.len() {
                purse.waiting = purse.waiting.plus(queued)?;
                if let Some((_, waiting)) = purse.queue.and_then(|queue| self.queues.get_mut(queue)) {
                    *waiting = waiting.plus(queued)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn into_purses(self) -> Vec<Purse> {
        self.purses
    }
}
