//! A seeded life of a city: what people, sources, shops and the clock do, most of it near a boundary.

mod acts;
mod spree;

use std::collections::VecDeque;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use tanhui_domain::time::day_start;
use tanhui_tests::Dice;

use crate::command::{Act, ActKey, Command, Opening, PROCESSES, SOURCES, Step, Wish};
use crate::law::LAWS;

/// Cards of each source.
const CARDS: u32 = 14;
/// How far a statement goes when nobody sends it back.
const STEPS_OF_A_STATEMENT: [Step; 3] = [Step::Submit, Step::Approve, Step::Pay];
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
        match self.dice.within(1, 122) {
            1..=37 => self.report(),
            38..=51 => self.pass(),
            52..=61 => self.redeem(),
            62..=65 => self.cancel(),
            66..=70 => self.use_voucher(),
            71 | 72 => self.void(),
            73..=75 => self.close(),
            76..=82 => self.settle(),
            83 | 84 => Command::Expire { process: self.process() },
            85..=88 => self.reverse(),
            89 | 90 => self.propose(),
            91 | 92 => self.decide(),
            93..=96 => self.review(),
            97..=100 => self.enrol(),
            101..=104 => self.bind(),
            105 => self.unbind(),
            106 => self.move_house(),
            107..=109 => Command::CreditWaiting { process: self.process() },
            110..=112 => Command::Publish { process: self.process(), law: self.dice.up_to(LAWS) },
            113 | 114 => self.open(),
            115 => Command::End { offer: self.dice.up_to(self.offers.max(1)) },
            116 | 117 => Command::KeepUp { process: self.process() },
            118 | 119 => Command::Restart { process: self.process() },
            120 => Command::EmptyCache,
            _ => self.spree(),
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

    fn open(&mut self) -> Command {
        let opening = self.opening();
        self.offers += 1;
        Command::Open { offer: self.offers, opening }
    }

    fn opening(&mut self) -> Opening {
        let per_person = if self.dice.percent(40) { Some(self.dice.within(1, 4)) } else { None };
        Opening {
            merchant: merchant_of(self.offers + 1),
            price: if self.dice.percent(60) { self.dice.within(1, 8) } else { self.dice.within(9, 30) },
            payout: self.dice.within(0, 900),
            stock: self.dice.within(0, 25),
            per_person,
            days: i32::try_from(self.dice.within(1, 40)).unwrap_or(1),
        }
    }

    /// Now and then the same request comes again, or its key with another one.
    fn redeem(&mut self) -> Command {
        let again = self.last_wish.filter(|wish| wish.key.is_some() && self.dice.clone().percent(40));
        let more = i64::from(self.dice.percent(20));
        let again = again.map(|wish| Wish { quantity: wish.quantity + more, ..wish });
        let wish = again.unwrap_or_else(|| self.wish());
        self.last_wish = Some(wish);
        self.redeem_as(wish)
    }

    fn redeem_as(&mut self, wish: Wish) -> Command {
        let redemption = u32::try_from(self.redemptions.len() + 1).unwrap_or(u32::MAX);
        self.redemptions.push((redemption, wish));
        Command::Redeem { process: self.process(), redemption, wish }
    }

    fn wish(&mut self) -> Wish {
        let quantity = match self.dice.within(1, 20) {
            1 => 0,
            2 => self.dice.within(19, 21),
            3..=7 => self.dice.within(2, 4),
            _ => 1,
        };
        let key = if self.dice.percent(30) { Some(self.dice.up_to(3)) } else { None };
        Wish { citizen: self.citizen(), offer: self.dice.up_to(self.offers + 1), quantity, key }
    }

    fn cancel(&mut self) -> Command {
        let known = self.dice.pick(&self.redemptions).copied();
        let (redemption, citizen) = known.map_or((1, 1), |(redemption, wish)| (redemption, wish.citizen));
        let redemption = if self.dice.percent(15) { self.last_use.1 } else { redemption };
        let citizen = if self.dice.percent(8) { self.citizen() } else { citizen };
        Command::Cancel { process: self.process(), redemption, citizen }
    }

    fn use_voucher(&mut self) -> Command {
        let (merchant, redemption, voucher) = self.voucher(15);
        self.last_use = (merchant, redemption, voucher);
        Command::Use { process: self.process(), merchant, redemption, voucher }
    }

    fn void(&mut self) -> Command {
        let (merchant, redemption, voucher) = self.voucher(80);
        Command::Void { process: self.process(), merchant, redemption, voucher }
    }

    /// By that chance the last that was to be used, else mostly one that was bought lately.
    fn voucher(&mut self, last: i64) -> (usize, u32, usize) {
        if self.dice.percent(last) {
            return self.last_use;
        }
        let latest = self.redemptions.len().saturating_sub(8);
        let among = if self.dice.percent(80) { &self.redemptions[latest..] } else { &self.redemptions[..] };
        let Some((redemption, wish)) = self.dice.pick(among).copied() else { return (0, 1, 0) };
        let merchant = merchant_of(wish.offer + u32::from(self.dice.percent(10)));
        (merchant, redemption, usize::from(self.dice.percent(20)))
    }

    /// Somebody begins to work at one of the statements.
    fn close(&mut self) -> Command {
        self.at_work = (usize::from(self.dice.percent(50)), i64::from(self.dice.up_to(2)), 0);
        Command::Close { process: self.process() }
    }

    /// Mostly the step that is due of the statement that somebody works at.
    fn settle(&mut self) -> Command {
        let (merchant, number, taken) = self.at_work;
        let step = match self.dice.within(1, 20) {
            1 => Step::Return,
            2 => Step::Pay,
            3 => Step::Submit,
            _ => STEPS_OF_A_STATEMENT[taken],
        };
        let other = self.dice.percent(if step == Step::Approve { 85 } else { 15 });
        self.at_work = match taken + 1 {
            next if next < STEPS_OF_A_STATEMENT.len() => (merchant, number, next),
            _ => (merchant, number, 0),
        };
        Command::Settle { process: self.process(), merchant, number, step, other }
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

/// Merchants take turns with their offers.
fn merchant_of(offer: u32) -> usize {
    usize::from(offer.is_multiple_of(2))
}
