//! Points that wait for a budget, and their payment: those in a queue from what a later period has left, the
//! earliest first; those that share a budget once its days are over. Must pay what the product pays.

use std::collections::{BTreeMap, VecDeque};

use chrono::NaiveDate;

use super::funds::{Fund, Funds, Purse};
use crate::amount::{AmountOverflow, Points};
use crate::rule::{Budget, prorate_by_size};
use crate::time::Period;

/// Where an act is counted: its civil day, shape and district.
pub(super) type Place = (i32, u16, u16);

/// An act whose points wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiter {
    pub(super) place: Place,
    pub(super) citizen: u32,
    /// The first cell of each owner whose caps counted it.
    pub(super) cells: Box<[u32]>,
}

/// What became of points that waited.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) place: Place,
    pub(super) paid: Points,
    /// What will not be given, and by whose act it was promised; none where all of it was.
    pub(super) lost: Option<(Points, Waiter)>,
}

/// Those who wait for one budget, whatever its period: who waits is paid first.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) id: String,
    period: Period,
    limit: Points,
    pub(super) waiting: Points,
    /// Points one after another, with the purse that they were promised under.
    runs: VecDeque<(usize, Place, Points)>,
}

impl Queue {
    pub(super) fn of(budget: &Budget) -> Self {
        let (id, period, limit) = (budget.id().to_owned(), budget.period(), budget.limit());
        Self { id, period, limit, waiting: Points::ZERO, runs: VecDeque::new() }
    }
}

/// A sum of what stays within a budget.
fn plus(one: Points, other: Points) -> Points {
    Points::new(one.get().saturating_add(other.get()))
}

fn minus(one: Points, other: Points) -> Points {
    Points::new(one.get().saturating_sub(other.get()))
}

impl Funds {
    /// Lets points of an act wait under the last of its budgets.
    pub(super) fn wait(&mut self, fund: Fund, points: Points, waiter: Waiter) -> Result<(), AmountOverflow> {
        let Some(place) = self.last_of(fund) else { return Ok(()) };
        let Some(purse) = self.purses.get_mut(place) else { return Ok(()) };
        purse.waiting = purse.waiting.plus(points)?;
        let Some(queue) = purse.queue.and_then(|queue| self.queues.get_mut(queue)) else {
            purse.claims.push((waiter, points));
            return Ok(());
        };
        queue.waiting = queue.waiting.plus(points)?;
        match queue.runs.back_mut().filter(|(last, of, _)| (*last, *of) == (place, waiter.place)) {
            Some((_, _, run)) => *run = run.plus(points)?,
            None => queue.runs.push_back((place, waiter.place, points)),
        }
        Ok(())
    }

    /// Pays what can be paid on a day.
    pub(super) fn pay(&mut self, today: NaiveDate, at: i64) -> Vec<Settled> {
        let mut settled = self.share(|purse| purse.range.until <= today, at);
        for queue in 0..self.queues.len() {
            self.pay_queue(queue, today, at, &mut settled);
        }
        settled
    }

    /// Shares out the budgets that are chosen.
    pub(super) fn share(&mut self, chosen: impl Fn(&Purse) -> bool, at: i64) -> Vec<Settled> {
        let purses = self.purses.iter_mut().filter(|purse| !purse.claims.is_empty() && chosen(purse));
        purses.flat_map(|purse| purse.share(at)).collect()
    }

    fn pay_queue(&mut self, queue: usize, today: NaiveDate, at: i64, settled: &mut Vec<Settled>) {
        let Some(Queue { id, period, limit, .. }) =
            self.queues.get(queue).filter(|queue| queue.waiting > Points::ZERO)
        else {
            return;
        };
        let (id, range, limit) = (id.clone(), period.range(today), *limit);
        let payer = self.purse(id, range, limit, Some(queue));
        let (Some(queue), Some(purse)) = (self.queues.get_mut(queue), self.purses.get_mut(payer)) else {
            return;
        };
        let mut rest = queue.waiting.min(minus(limit, purse.issued)).max(Points::ZERO);
        purse.issue(rest, at);
        queue.waiting = minus(queue.waiting, rest);
        while rest > Points::ZERO
            && let Some((under, place, run)) = queue.runs.front_mut()
        {
            let paid = rest.min(*run);
            rest = minus(rest, paid);
            *run = minus(*run, paid);
            if let Some(purse) = self.purses.get_mut(*under) {
                purse.waiting = minus(purse.waiting, paid);
                purse.paid_later = plus(purse.paid_later, paid);
            }
            settled.push(Settled { place: *place, paid, lost: None });
            if *run == Points::ZERO {
                queue.runs.pop_front();
            }
        }
    }
}

impl Purse {
    /// Counts points as issued, and notes when they were the last.
    pub(super) fn issue(&mut self, points: Points, at: i64) {
        let after = plus(self.issued, points);
        if self.issued < self.limit && after >= self.limit {
            self.ended_at = Some(at);
        }
        self.issued = after;
    }

    /// Shares what is left among all that wait.
    fn share(&mut self, at: i64) -> Vec<Settled> {
        let claims = std::mem::take(&mut self.claims);
        let mut sizes: BTreeMap<Points, i64> = BTreeMap::new();
        for (_, claim) in &claims {
            let count = sizes.entry(*claim).or_default();
            *count = count.saturating_add(1);
        }
        let sizes: Vec<(Points, i64)> = sizes.into_iter().collect();
        let mut shares = prorate_by_size(minus(self.limit, self.issued), &sizes);
        let settle = |(waiter, claim): (Waiter, Points)| {
            let paid = shares.next(claim);
            let lost = minus(claim, paid);
            self.issue(paid, at);
            self.waiting = minus(self.waiting, claim);
            self.paid_later = plus(self.paid_later, paid);
            self.given_up = plus(self.given_up, lost);
            let place = waiter.place;
            Settled { place, paid, lost: (lost > Points::ZERO).then_some((lost, waiter)) }
        };
        claims.into_iter().map(settle).collect()
    }
}
