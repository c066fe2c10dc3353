//! A seeded life of a city: what people, sources, shops and the clock do, most of it near a boundary.

mod acts;
mod races;
mod shop;
mod spree;

use std::collections::VecDeque;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use tanhui_domain::time::day_start;
use tanhui_tests::Dice;

use crate::command::{Act, ActKey, Command, PROCESSES, SOURCES, Wish};
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
    redemptions: Vec<(u32, Wish)>,
    adjustments: u32,
    acts: Vec<Act>,
    /// Those that somebody will want to look at.
    doubtful: Vec<ActKey>,
    next_act: u32,
    /// That were to be bound.
    cards: Vec<(usize, u32)>,
    last_wish: Option<Wish>,
    /// Merchant, redemption, voucher.
    last_use: (usize, u32, usize),
    /// The same, and when it was scanned.
    last_scan: ((usize, u32, usize), DateTime<Utc>),
    last_reversed: ActKey,
    /// Merchant, number of the statement, steps tried.
    at_work: (usize, i64, usize),
    /// What the clock has shown.
    instants: Vec<DateTime<Utc>>,
    /// What people have in mind, done bit by bit.
    ahead: VecDeque<Command>,
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
        doubtful: Vec::new(),
        next_act: 0,
        cards: Vec::new(),
        last_wish: None,
        last_use: (0, 1, 0),
        last_scan: ((0, 1, 0), start),
        last_reversed: (0, 1),
        at_work: (0, 1, 0),
        instants: vec![start],
        ahead: VecDeque::new(),
    };
    let mut commands: Vec<Command> = (0..8).map(|_| life.enrol()).collect();
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
        if self.dice.percent(30)
            && let Some(command) = self.ahead.pop_front()
        {
            return command;
        }
        match self.dice.within(1, 152) {
            1..=37 => self.report(),
            38..=51 => self.pass(),
            52..=62 => self.redeem(),
            63..=66 => self.cancel(),
            67..=71 => self.use_voucher(),
            72 | 73 => self.void(),
            74..=76 => self.scan(),
            77..=79 => self.close(),
            80..=86 => self.settle(),
            87..=89 => Command::Expire { process: self.process() },
            90..=93 => self.reverse(),
            94 | 95 => self.propose(),
            96 | 97 => self.decide(),
            98..=101 => self.review(),
            102..=105 => self.enrol(),
            106..=109 => self.bind(),
            110 => self.unbind(),
            111 | 112 => self.move_house(),
            113..=115 => Command::CreditWaiting { process: self.process() },
            116..=118 => Command::Publish { process: self.process(), law: self.dice.up_to(LAWS) },
            119..=123 => self.open(),
            124 | 125 => self.turn(),
            126 | 127 => self.rein(),
            128 | 129 => Command::KeepUp { process: self.process() },
            130 | 131 => Command::Restart { process: self.process() },
            132..=136 => Command::Pay { process: self.process() },
            137 => Command::EmptyCache,
            138..=140 => self.spree(),
            _ => self.race(),
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
        let (source, card) = self.new_card();
        Command::Enrol { citizen: self.citizens, source, card }
    }

    fn new_card(&mut self) -> (usize, u32) {
        let card = (self.source(), self.dice.up_to(CARDS));
        self.cards.push(card);
        card
    }

    fn bind(&mut self) -> Command {
        let (source, card) = self.new_card();
        Command::Bind { citizen: self.citizen(), source, card }
    }

    fn unbind(&mut self) -> Command {
        Command::Unbind { citizen: self.citizen(), source: self.source(), card: self.dice.up_to(CARDS) }
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
            19 => self.earlier(TimeDelta::seconds(self.dice.clone().within(1, 7_200))),
            _ => self.earlier(TimeDelta::hours(self.dice.clone().within(2, 30))),
        };
        let by = until - self.now;
        self.now = until;
        self.instants.push(until);
        Command::Pass(by)
    }

    /// Clocks are never put back by more than a day in all.
    fn earlier(&self, by: TimeDelta) -> DateTime<Utc> {
        let latest = self.instants.iter().max().copied().unwrap_or(self.now);
        (self.now - by).max(latest - TimeDelta::days(1))
    }

    /// Now and then what was undone before, or is held.
    fn reverse(&mut self) -> Command {
        let act = match self.dice.within(1, 20) {
            1..=3 => self.last_reversed,
            4 => self.dice.pick(&self.doubtful).copied().unwrap_or((0, 1)),
            _ => self.late_act(),
        };
        self.last_reversed = act;
        Command::Reverse { process: self.process(), act }
    }

    fn review(&mut self) -> Command {
        let doubtful = self.dice.pick(&self.doubtful).copied().filter(|_| self.dice.clone().percent(90));
        let act = doubtful.unwrap_or_else(|| self.late_act());
        Command::Review { process: self.process(), act, release: self.dice.percent(65) }
    }

    fn late_act(&mut self) -> ActKey {
        let latest = self.acts.len().saturating_sub(25);
        self.dice.pick(&self.acts[latest..]).map_or((0, 1), Act::key)
    }

    fn move_house(&mut self) -> Command {
        Command::Move { process: self.process(), citizen: self.citizen(), south: self.dice.percent(60) }
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
