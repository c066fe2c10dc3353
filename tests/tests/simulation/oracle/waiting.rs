//! Points that wait: in a queue for something left of a week's budget, or for the end of a week whose budget
//! they share.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tanhui_domain::time::day_start;

use super::Oracle;
use super::fund::Drawn;
use super::person::{LotDays, Span};
use crate::command::{ActKey, Deed};
use crate::law::Law;

/// Pays gates and sorting.
const QUEUE: &str = "queue_week";
/// Is shared by swims.
const SHARED: &str = "shared_week";

/// First day inside, first day after.
type Days = (NaiveDate, NaiveDate);

/// Points of one act that wait, or waited.
#[derive(Debug, Clone)]
pub struct Promise {
    act: ActKey,
    whose: u32,
    deed: Deed,
    day: NaiveDate,
    law: Law,
    /// None in the queue.
    shares: Option<Days>,
    promised: i64,
    given_up: i64,
    paid: Vec<(DateTime<Utc>, i64)>,
}

impl Promise {
    fn left(&self) -> i64 {
        self.promised - self.given_up - self.paid.iter().map(|(_, points)| points).sum::<i64>()
    }

    fn budget(&self) -> &'static str {
        if self.shares.is_some() { SHARED } else { QUEUE }
    }
}

/// What is decided about an act's points.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    pub now: i64,
    pub later: i64,
}

impl Oracle {
    /// What of an act's points is paid now: who waits in the queue is paid first.
    pub(super) fn ready(
        &self,
        deed: Deed,
        law: &Law,
        day: NaiveDate,
        points: i64,
        drawn: &mut Drawn,
    ) -> Ready {
        let now = match deed {
            Deed::Swim => 0,
            Deed::Sorting | Deed::Gate => {
                let promised: i64 =
                    self.promises.iter().filter(|row| row.shares.is_none()).map(Promise::left).sum();
                let now = points
                    .min((self.left_of(QUEUE, law.queue_week, Span::Week.around(day)) - promised).max(0));
                drawn.push((QUEUE, now));
                now
            }
            Deed::Ride | Deed::Trip | Deed::Cycle | Deed::Walk | Deed::Meter | Deed::Flight => points,
        };
        Ready { now, later: points - now }
    }

    /// Lets points wait.
    pub(super) fn promise(
        &mut self,
        (act, whose): (ActKey, u32),
        deed: Deed,
        law: &Law,
        day: NaiveDate,
        later: i64,
    ) {
        if later > 0 {
            let shares = (deed == Deed::Swim).then(|| Span::Week.around(day));
            let (promised, given_up, paid) = (later, 0, Vec::new());
            self.promises.push(Promise {
                act,
                whose,
                deed,
                day,
                law: *law,
                shares,
                promised,
                given_up,
                paid,
            });
        }
    }

    /// What waits for a citizen.
    pub(super) fn waits_for(&self, citizen: u32) -> i64 {
        self.promises.iter().filter(|row| row.whose == citizen).map(Promise::left).sum()
    }

    /// Shares of weeks that are over, the earliest first; then the queue.
    pub(super) fn pay(&mut self) {
        let today = self.today();
        let open = |row: &Promise| row.shares.filter(|(_, until)| *until <= today && row.left() > 0);
        while let Some(days) =
            self.promises.iter().filter_map(open).min_by_key(|(from, until)| (*until, *from))
        {
            self.share(days);
        }
        let law = self.law_at(self.now);
        let mut left = self.left_of(QUEUE, law.queue_week, Span::Week.around(today));
        for place in 0..self.promises.len() {
            let row = &self.promises[place];
            let points = row.left().min(left);
            if row.shares.is_none() && points > 0 {
                left -= points;
                self.pay_one(place, points, today);
            }
        }
    }

    /// All of it where it reaches; else by size, what is left over to the greatest remainders.
    fn share(&mut self, days: Days) {
        let law = self.law_at(day_start(days.1, self.zone) - TimeDelta::microseconds(1));
        let free = self.left_of(SHARED, law.shared_week, days).max(0);
        let open = |row: &Promise| row.shares == Some(days) && row.left() > 0;
        let places: Vec<usize> =
            (0..self.promises.len()).filter(|place| open(&self.promises[*place])).collect();
        let sizes: Vec<i64> = places.iter().map(|place| self.promises[*place].left()).collect();
        let all: i64 = sizes.iter().sum();
        let mut shares: Vec<i64> =
            sizes.iter().map(|size| if all <= free { *size } else { free * size / all }).collect();
        let mut by_rest: Vec<usize> = (0..sizes.len()).collect();
        by_rest.sort_by_key(|place| (-(free * sizes[*place] % all), *place));
        let spare = free.min(all) - shares.iter().sum::<i64>();
        by_rest
            .iter()
            .take(usize::try_from(spare).expect("never too much"))
            .for_each(|place| shares[*place] += 1);
        for (place, share) in places.into_iter().zip(shares) {
            let last_day = days.1.pred_opt().expect("a day before");
            self.pay_one(place, share, last_day);
            let now = self.now;
            let row = &mut self.promises[place];
            let lost = row.left();
            row.given_up += lost;
            let person = self.citizens.get_mut(&row.whose).expect("acts are of citizens");
            person.lose(row.deed, row.day, lost, now);
        }
    }

    /// Pays points that waited; they count as issued on a day.
    fn pay_one(&mut self, place: usize, points: i64, issued_on: NaiveDate) {
        if points == 0 {
            return;
        }
        let (now, today) = (self.now, self.today());
        let row = &mut self.promises[place];
        row.paid.push((now, points));
        let budget = row.budget();
        let person = self.citizens.get_mut(&row.whose).expect("acts are of citizens");
        person.grant(lot_of(&row.law, today), points);
        person.post(now, points, 0);
        self.shared.issue(&vec![(budget, points)], issued_on, 1);
    }

    fn left_of(&self, budget: &'static str, limit: i64, days: Days) -> i64 {
        limit - self.shared.issued(budget, days)
    }

    /// An act is undone: what waits is given up, budgets get back what was paid later. Gives what was paid
    /// into which lots, and what was given up before.
    pub(super) fn withdraw(&mut self, act: ActKey) -> (Vec<(LotDays, i64)>, i64) {
        let zone = self.zone;
        let Some(row) = self.promises.iter_mut().find(|row| row.act == act) else { return (Vec::new(), 0) };
        let lost_before = row.given_up;
        row.given_up += row.left();
        let (budget, paid) = (row.budget(), row.paid.clone());
        let last = row.shares.map(|(_, until)| until.pred_opt().expect("a day before"));
        let law = row.law;
        let mut parts = Vec::new();
        for (at, points) in paid {
            let day = at.with_timezone(&zone).date_naive();
            self.shared.issue(&vec![(budget, points)], last.unwrap_or(day), -1);
            parts.push((lot_of(&law, day), points));
        }
        (parts, lost_before)
    }

    /// Nothing that waits is less than nothing.
    pub(super) fn check_promises(&self) {
        assert!(self.promises.iter().all(|row| row.left() >= 0), "paid more than was promised");
    }
}

fn lot_of(law: &Law, paid_on: NaiveDate) -> LotDays {
    (law.last_day(paid_on).expect("a day of the calendar"), None)
}
