//! What sources report: acts near the edges of caps, days, bodies and deadlines.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use tanhui_domain::time::{civil_day, day_start};

use super::{CARDS, Life, MOMENT};
use crate::command::{Act, Command, Deed};
use crate::law::SPEED_MAX;

const GATES: u32 = 3;
const TICKETS: u32 = 6;

impl Life {
    pub(super) fn report(&mut self) -> Command {
        let count = if self.dice.percent(10) { self.dice.up_to(60) } else { self.dice.up_to(10) };
        let acts = (0..count).map(|_| self.act()).collect();
        Command::Report { process: self.process(), acts }
    }

    pub(super) fn act(&mut self) -> Act {
        if self.dice.percent(20)
            && let Some(known) = self.dice.pick(&self.acts).copied()
        {
            return self.again(known);
        }
        let deed = match self.dice.within(1, 66) {
            1..=19 => Deed::Ride,
            20..=29 => Deed::Trip,
            30..=33 => Deed::Cycle,
            34..=38 => Deed::Walk,
            39..=44 => Deed::Sorting,
            45..=52 => Deed::Gate,
            53..=59 => Deed::Meter,
            60..=65 => Deed::Swim,
            _ => Deed::Flight,
        };
        let (source, card) = self.subject();
        let at = self.moment();
        let minutes = if self.dice.percent(70) { self.dice.within(3, 40) } else { self.dice.within(1, 180) };
        let size = self.size(deed, minutes);
        let mark = match deed {
            Deed::Gate => self.dice.up_to(GATES),
            Deed::Trip if self.dice.percent(60) => self.dice.up_to(TICKETS),
            _ => 0,
        };
        self.new_act(Act { source, id: 0, card, deed, size, minutes, mark, at })
    }

    /// Gives it a name of its own.
    pub(super) fn new_act(&mut self, act: Act) -> Act {
        self.next_act += 1;
        let act = Act { id: self.next_act, ..act };
        if act.deed.takes_time() && act.size > act.minutes * SPEED_MAX {
            self.doubtful.push(act.key());
        }
        self.acts.push(act);
        act
    }

    /// Mostly a card that somebody had bound.
    fn subject(&mut self) -> (usize, u32) {
        let bound = self.dice.pick(&self.cards).copied();
        let any = (self.source(), self.dice.up_to(CARDS));
        bound.filter(|_| self.dice.percent(60)).unwrap_or(any)
    }

    fn size(&mut self, deed: Deed, minutes: i64) -> i64 {
        if deed == Deed::Meter {
            return if self.dice.percent(8) {
                self.dice.within(999, 1_001)
            } else {
                self.dice.within(0, 250)
            };
        }
        if deed.takes_time() {
            return match self.dice.within(1, 20) {
                1..=3 => minutes * SPEED_MAX + self.dice.within(-1, 1),
                4 => minutes * SPEED_MAX * 2,
                _ => minutes * self.dice.within(90, 900),
            };
        }
        match self.dice.within(1, 20) {
            1 => self.dice.within(299, 301),
            2 => self.dice.within(499, 501),
            3 => self.dice.within(79_999, 80_001),
            4..=9 => self.dice.within(500, 1_500),
            _ => self.dice.within(1_500, 12_000),
        }
    }

    /// The same event, perhaps changed, perhaps of another source or card, or told under another name.
    pub(super) fn again(&mut self, known: Act) -> Act {
        if known.deed.takes_time() {
            return self.told_again(known);
        }
        match self.dice.within(1, 5) {
            1 => Act { size: known.size + 1_000, ..known },
            2 => Act { source: self.source(), ..known },
            3 => Act { card: self.dice.up_to(CARDS), at: self.moment(), ..known },
            _ => known,
        }
    }

    /// A body's act once more: by another clock, before or after it, for longer, with another ticket.
    fn told_again(&mut self, known: Act) -> Act {
        let minutes = TimeDelta::minutes;
        let seconds = TimeDelta::seconds(self.dice.within(-1, 1));
        let at = match self.dice.within(1, 6) {
            1 => known.at,
            2 => known.at + minutes(known.minutes) + seconds,
            3 => known.at + minutes(known.minutes) - minutes([1, 5, 20, 60][self.place(4)]) + seconds,
            4 => known.at - minutes(known.minutes) + seconds,
            5 => known.at + TimeDelta::days(self.dice.within(-2, 2)) + seconds,
            _ => known.at + minutes(self.dice.within(-30, 30)),
        };
        let mark = match known.deed {
            Deed::Trip if self.dice.percent(50) => self.dice.up_to(TICKETS),
            _ => known.mark,
        };
        match self.dice.within(1, 6) {
            1 => known,
            2 => Act { at, ..known },
            3 => {
                let (card, source) = (self.dice.up_to(CARDS), self.source());
                self.new_act(Act { source, card, mark, at, ..known })
            }
            _ => {
                let act = self.new_act(Act { mark, at, ..known });
                // Perhaps of another ticket at the same time.
                self.doubtful.push(act.key());
                act
            }
        }
    }

    fn place(&mut self, of: i64) -> usize {
        usize::try_from(self.dice.within(0, of - 1)).unwrap_or(0)
    }

    /// When an act happened: now, lately, late, too late, too early, or near a civil boundary.
    fn moment(&mut self) -> DateTime<Utc> {
        let tick = MOMENT * i32::try_from(self.dice.within(-1, 1)).unwrap_or(0);
        match self.dice.within(1, 20) {
            1..=8 => self.now - TimeDelta::seconds(self.dice.within(0, 7_200)),
            9..=11 => self.now - TimeDelta::seconds(self.dice.within(0, 86_400 * 5)),
            12 => self.now - TimeDelta::days(90) + tick,
            13 => self.now + TimeDelta::minutes(10) + tick,
            14 => self.now - TimeDelta::days(self.dice.within(5, 95)),
            15..=17 => self.midnight(self.dice.clone().within(0, 8)) + tick,
            18 => self.first_of(|today| today.with_day(1)) + tick,
            19 => self.first_of(|today| today.with_day(1)?.with_month(1)) + tick,
            _ => self.now,
        }
    }

    pub(super) fn today(&self) -> NaiveDate {
        civil_day(self.now, self.zone)
    }

    fn midnight(&mut self, days_ago: i64) -> DateTime<Utc> {
        let _thrown = self.dice.percent(50);
        day_start(self.today() - Days::new(days_ago.unsigned_abs()), self.zone)
    }

    fn first_of(&self, first: impl Fn(NaiveDate) -> Option<NaiveDate>) -> DateTime<Utc> {
        day_start(first(self.today()).unwrap_or(self.today()), self.zone)
    }
}
