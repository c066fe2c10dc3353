//! What was issued under budgets and campaigns, and when each was used up. Decides nothing.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::quick::QuickMap;
use super::waiting::{Queue, Waiter};
use crate::amount::Points;
use crate::rule::{Action, Budget, Drawn, RuleSet, WhenExhausted};
use crate::time::DayRange;

/// A budget or campaign in one period.
#[derive(Debug)]
pub(super) struct Purse {
    pub(super) id: String,
    pub(super) range: DayRange,
    pub(super) limit: Points,
    pub(super) issued: Points,
    /// Points promised under it that still wait.
    pub(super) waiting: Points,
    /// Points promised under it that were paid after waiting.
    pub(super) paid_later: Points,
    /// Points promised under it that will not be given.
    pub(super) given_up: Points,
    /// Acts that share it once its days are over.
    pub(super) claims: Vec<(Waiter, Points)>,
    /// The place of its queue; none where nobody queues for it.
    pub(super) queue: Option<usize>,
    /// The second of the act that took the last of it.
    pub(super) ended_at: Option<i64>,
}

/// The purses that acts of one action and day may draw on, by their number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fund(usize);

/// All purses of one rule set.
#[derive(Default)]
pub(super) struct Funds {
    pub(super) purses: Vec<Purse>,
    by_name: HashMap<(String, NaiveDate), usize>,
    /// Of each action and day, its place among the openings.
    by_day: QuickMap<(u16, i32), Fund>,
    /// The purses that acts of one action and day may draw on.
    openings: Vec<Vec<usize>>,
    /// Of each budget that has one.
    pub(super) queues: Vec<Queue>,
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
            let queue = self.queue_of(action, &window.id);
            places.push(self.purse(window.id, window.range, window.limit, queue));
        }
        let fund = Fund(self.openings.len());
        self.openings.push(places);
        self.by_day.insert((number, day), fund);
        fund
    }

    /// The place of the purse of a period.
    pub(super) fn purse(
        &mut self,
        id: String,
        range: DayRange,
        limit: Points,
        queue: Option<usize>,
    ) -> usize {
        let next = self.purses.len();
        let place = *self.by_name.entry((id.clone(), range.from)).or_insert(next);
        if place == next {
            let (issued, waiting, paid_later, given_up) =
                (Points::ZERO, Points::ZERO, Points::ZERO, Points::ZERO);
            let (claims, ended_at) = (Vec::new(), None);
            let purse =
                Purse { id, range, limit, issued, waiting, paid_later, given_up, claims, queue, ended_at };
            self.purses.push(purse);
        }
        place
    }

    fn queue_of(&mut self, action: &Action, id: &str) -> Option<usize> {
        let queued = |budget: &&Budget| budget.id() == id && budget.when_exhausted() == WhenExhausted::Queue;
        let budget = action.budgets().find(queued)?;
        let known = self.queues.iter().position(|queue| queue.id == id);
        Some(known.unwrap_or_else(|| {
            self.queues.push(Queue::of(budget));
            self.queues.len().saturating_sub(1)
        }))
    }

    /// The place of the last purse that acts may draw on: where points wait, they do so there.
    pub(super) fn last_of(&self, fund: Fund) -> Option<usize> {
        self.openings.get(fund.0)?.last().copied()
    }

    /// Appends what was issued under each, and promised to those who wait in its queue.
    pub(super) fn issued(&self, fund: Fund, into: &mut Vec<Points>) {
        let places = self.openings.get(fund.0).into_iter().flatten();
        into.extend(places.filter_map(|place| self.purses.get(*place)).map(|purse| {
            let queue = purse.queue.and_then(|queue| self.queues.get(queue));
            let waiting = queue.map_or(0, |queue| queue.waiting.get());
            Points::new(purse.issued.get().saturating_add(waiting))
        }));
    }

    /// Takes what an act draws.
    pub(super) fn draw(&mut self, fund: Fund, drawn: &Drawn, at: i64) {
        for (nth, place) in self.openings.get(fund.0).into_iter().flatten().enumerate() {
            if let Some(purse) = self.purses.get_mut(*place) {
                purse.issue(Points::new(drawn.at(nth)), at);
            }
        }
    }

    pub(super) fn into_purses(self) -> Vec<Purse> {
        self.purses
    }
}
