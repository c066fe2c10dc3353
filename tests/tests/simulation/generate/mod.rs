//! A seeded life of a city: what people, sources, shops and the clock do, most of it near a boundary.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use tanhui_domain::time::{civil_day, day_start};

use crate::command::{Act, Command, Deed, Opening, PROCESSES, SOURCES, Wish};
use crate::dice::Dice;
use crate::law::LAWS;

/// Cards of each source.
const CARDS: u32 = 14;
/// Least commands between two looks.
const STEPS_BETWEEN_LOOKS: usize = 20;
const MOMENT: TimeDelta = TimeDelta::microseconds(1);

struct Life {
    dice: Dice,
    zone: Tz,
    now: DateTime<Utc>,
    citizens: u32,
    offers: u32,
    redemptions: Vec<(u32, u32)>,
    adjustments: u32,
    acts: Vec<Act>,
    next_act: u32,
    /// What the clock has shown.
    instants: Vec<DateTime<Utc>>,
}

/// So many commands from a seed, with a look at the end.
pub fn life(seed: u64, zone: Tz, start: DateTime<Utc>, steps: usize) -> Vec<Command> {
    let mut life = Life {
        dice: Dice::new(seed),
        zone,
        now: start,
        citizens: 0,
        offers: 0,
        redemptions: Vec::new(),
        adjustments: 0,
        acts: Vec::new(),
        next_act: 0,
        instants: vec![start],
    };
    let mut commands: Vec<Command> = (0..5).map(|_| life.enrol()).collect();
    commands.extend((0..2).map(|_| life.open()));
    let mut looked = 0;
    while commands.len() < steps {
        commands.push(life.next());
        if commands.len() >= looked + STEPS_BETWEEN_LOOKS && life.dice.percent(20) {
            looked = commands.len();
            commands.push(life.look());
        }
    }
    commands.push(life.look());
    commands
}

impl Life {
    fn next(&mut self) -> Command {
        match self.dice.within(1, 100) {
            1..=35 => self.report(),
            36..=50 => self.pass(),
            51..=60 => self.redeem(),
            61..=65 => self.cancel(),
            66..=70 => self.use_voucher(),
            71 | 72 => Command::Expire { process: self.process() },
            73..=76 => self.reverse(),
            77 | 78 => self.propose(),
            79 | 80 => self.decide(),
            81..=84 => self.enrol(),
            85..=88 => self.bind(),
            89 => self.unbind(),
            90..=92 => Command::CreditWaiting { process: self.process() },
            93 | 94 => Command::Publish { process: self.process(), law: self.dice.up_to(LAWS) },
            95 | 96 => self.open(),
            97 => Command::End { offer: self.dice.up_to(self.offers.max(1)) },
            98 => Command::KeepUp { process: self.process() },
            99 => Command::Restart { process: self.process() },
            _ => Command::EmptyCache,
        }
    }

    fn process(&mut self) -> usize {
        usize::from(self.dice.percent(40)).min(PROCESSES - 1)
    }

    fn source(&mut self) -> usize {
        [0, 0, 0, 0, 1, 1, 2][usize::try_from(self.dice.within(0, 6)).unwrap_or(0)].min(SOURCES - 1)
    }

    fn citizen(&mut self) -> u32 {
        self.dice.up_to(self.citizens.max(1) + 1)
    }

    fn enrol(&mut self) -> Command {
        self.citizens += 1;
        Command::Enrol { citizen: self.citizens, source: self.source(), card: self.dice.up_to(CARDS) }
    }

    fn bind(&mut self) -> Command {
        Command::Bind { citizen: self.citizen(), source: self.source(), card: self.dice.up_to(CARDS) }
    }

    fn unbind(&mut self) -> Command {
        Command::Unbind { citizen: self.citizen(), source: self.source(), card: self.dice.up_to(CARDS) }
    }

    fn report(&mut self) -> Command {
        let count = if self.dice.percent(10) { self.dice.up_to(60) } else { self.dice.up_to(10) };
        let acts = (0..count).map(|_| self.act()).collect();
        Command::Report { process: self.process(), acts }
    }

    fn act(&mut self) -> Act {
        if self.dice.percent(15)
            && let Some(known) = self.dice.pick(&self.acts).copied()
        {
            return self.again(known);
        }
        self.next_act += 1;
        let deed = match self.dice.within(1, 40) {
            1..=24 => Deed::Ride,
            25..=32 => Deed::Walk,
            33..=39 => Deed::Sorting,
            _ => Deed::Flight,
        };
        let metres = match self.dice.within(1, 20) {
            1 => self.dice.within(299, 301),
            2 => self.dice.within(499, 501),
            3 => self.dice.within(79_999, 80_001),
            4..=9 => self.dice.within(500, 1_500),
            _ => self.dice.within(1_500, 12_000),
        };
        let (source, card) = (self.source(), self.dice.up_to(CARDS));
        let act = Act { source, id: self.next_act, card, deed, metres, at: self.moment() };
        self.acts.push(act);
        act
    }

    /// The same event, perhaps changed, perhaps of another source or card.
    fn again(&mut self, known: Act) -> Act {
        match self.dice.within(1, 5) {
            1 => Act { metres: known.metres + 1_000, ..known },
            2 => Act { source: self.source(), ..known },
            3 => Act { card: self.dice.up_to(CARDS), at: self.moment(), ..known },
            _ => known,
        }
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

    fn today(&self) -> NaiveDate {
        civil_day(self.now, self.zone)
    }

    fn midnight(&mut self, days_ago: i64) -> DateTime<Utc> {
        let _thrown = self.dice.percent(50);
        day_start(self.today() - Days::new(days_ago.unsigned_abs()), self.zone)
    }

    fn first_of(&self, first: impl Fn(NaiveDate) -> Option<NaiveDate>) -> DateTime<Utc> {
        day_start(first(self.today()).unwrap_or(self.today()), self.zone)
    }

    fn pass(&mut self) -> Command {
        let tick = MOMENT * i32::try_from(self.dice.within(-1, 1)).unwrap_or(0);
        let today = self.today();
        let until = match self.dice.within(1, 20) {
            1..=7 => self.now + TimeDelta::seconds(self.dice.within(1, 36_000)),
            8..=10 => day_start(today + Days::new(1), self.zone) + tick,
            11 => day_start(today.with_day(1).unwrap_or(today) + Months::new(1), self.zone) + tick,
            12 => {
                let next_year = NaiveDate::from_ymd_opt(today.year() + 1, 1, 1).unwrap_or(today);
                if self.dice.percent(40) { day_start(next_year, self.zone) + tick } else { self.now }
            }
            13..=16 => self.now + TimeDelta::hours(self.dice.within(10, 24 * 9)),
            17 => self.now + TimeDelta::days(self.dice.within(20, 100)),
            18 => self.now + TimeDelta::days(7) + tick,
            // The clock is put right.
            _ => self.now - TimeDelta::seconds(self.dice.within(1, 7_200)),
        };
        let by = until - self.now;
        self.now = until;
        self.instants.push(until);
        Command::Pass(by)
    }

    fn open(&mut self) -> Command {
        self.offers += 1;
        let per_person = if self.dice.percent(40) { Some(self.dice.within(1, 4)) } else { None };
        let opening = Opening {
            merchant: usize::from(self.dice.percent(50)),
            price: self.dice.within(1, 30),
            payout: self.dice.within(0, 900),
            stock: self.dice.within(0, 25),
            per_person,
            days: i32::try_from(self.dice.within(1, 40)).unwrap_or(1),
        };
        Command::Open { offer: self.offers, opening }
    }

    fn redeem(&mut self) -> Command {
        let redemption = u32::try_from(self.redemptions.len() + 1).unwrap_or(u32::MAX);
        let citizen = self.citizen();
        self.redemptions.push((redemption, citizen));
        let quantity = match self.dice.within(1, 20) {
            1 => 0,
            2 => self.dice.within(19, 21),
            3..=7 => self.dice.within(2, 4),
            _ => 1,
        };
        let key = if self.dice.percent(30) { Some(self.dice.up_to(3)) } else { None };
        let wish = Wish { citizen, offer: self.dice.up_to(self.offers + 1), quantity, key };
        Command::Redeem { process: self.process(), redemption, wish }
    }

    fn cancel(&mut self) -> Command {
        let known = self.dice.pick(&self.redemptions).copied();
        let (redemption, citizen) = known.unwrap_or((1, 1));
        let citizen = if self.dice.percent(8) { self.citizen() } else { citizen };
        Command::Cancel { process: self.process(), redemption, citizen }
    }

    fn use_voucher(&mut self) -> Command {
        let (redemption, _) = self.dice.pick(&self.redemptions).copied().unwrap_or((1, 1));
        let merchant = usize::from(self.dice.percent(50));
        let voucher = usize::from(self.dice.percent(20));
        Command::Use { process: self.process(), merchant, redemption, voucher }
    }

    fn reverse(&mut self) -> Command {
        let latest = self.acts.len().saturating_sub(25);
        let known = self.dice.pick(&self.acts[latest..]).copied();
        let (source, id) = known.map_or((0, 1), |act| (act.source, act.id));
        Command::Reverse { process: self.process(), source, id }
    }

    fn propose(&mut self) -> Command {
        self.adjustments += 1;
        let points = if self.dice.percent(70) { self.dice.within(-30, 60) } else { 0 };
        let milligrams = if self.dice.percent(50) { self.dice.within(-300_000, 300_000) } else { 0 };
        Command::Propose { adjustment: self.adjustments, citizen: self.citizen(), points, milligrams }
    }

    fn decide(&mut self) -> Command {
        let adjustment = self.dice.up_to(self.adjustments.max(1));
        let (approve, other) = (self.dice.percent(75), self.dice.percent(85));
        Command::Decide { process: self.process(), adjustment, approve, other }
    }

    fn look(&mut self) -> Command {
        let day = self.today() - Days::new(self.dice.within(0, 3).unsigned_abs());
        let mut cuts = [self.cut(), self.cut()];
        cuts.sort_unstable();
        let [from, until] = cuts;
        Command::Look { process: self.process(), day, from, until }
    }

    /// Where a statement begins or ends: mostly at an instant at which something was written.
    fn cut(&mut self) -> DateTime<Utc> {
        let latest = self.instants.len().saturating_sub(12);
        let among = if self.dice.percent(60) { &self.instants[latest..] } else { &self.instants[..] };
        let known = self.dice.pick(among).copied().unwrap_or(self.now);
        known + MOMENT * i32::try_from(self.dice.within(0, 1)).unwrap_or(0)
    }
}
