//! What must be true, kept in plain maps. Written from the ledger's rules, not from the program: it shares
//! with it no more than ids and days. Loud: whatever surprises it ends the test.

mod credit;
mod fund;
mod grant;
mod life;
mod merchant;
mod offer;
mod person;
mod spend;
mod till;
mod travel;
mod view;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use tanhui_domain::id::{ActivityId, CitizenId, SourceId};

use crate::command::{Act, ActKey, Command};
use crate::law::Law;

use fund::{Drawn, Shared};
use life::Adjustment;
use merchant::Merchant;
use offer::Offer;
use person::{Granted, LotDays};
pub use person::{Person, Span};
use spend::{Key, Redemption};
use till::{Scan, VoucherKey};
use waiting::Promise;

/// How long a repeated key is known.
const KEYS_KEPT: TimeDelta = TimeDelta::days(7);
/// How long it is known what tills told of late.
const SCANS_KEPT: TimeDelta = TimeDelta::days(90);

/// An activity as it was decided.
#[derive(Debug, Clone)]
pub struct Decided {
    pub granted: Granted,
    pub status: Status,
    whose: u32,
    act: Act,
    /// By which it is decided, also when somebody looks at it later.
    law: Law,
    drawn: Drawn,
    /// What of its points did not wait.
    pub paid: i64,
    /// Where those went.
    lot: LotDays,
}

impl Decided {
    fn new(whose: u32, act: Act, law: &Law, status: Status) -> Self {
        let lot = (NaiveDate::MIN, None);
        Self { granted: Granted::default(), status, whose, act, law: *law, drawn: Drawn::new(), paid: 0, lot }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Credited,
    Held,
    Rejected,
    Reversed,
}

/// One simulated city.
#[derive(Debug, Clone)]
pub struct Oracle {
    pub zone: Tz,
    pub now: DateTime<Utc>,
    /// Ids of the sources, which the order of waiting events depends on.
    pub sources: Vec<SourceId>,
    /// Ids of citizens, which settle what is equal on a board.
    pub ids: BTreeMap<u32, CitizenId>,
    /// By when they begin, then by when they were published.
    laws: BTreeMap<(DateTime<Utc>, usize), Law>,
    citizens: BTreeMap<u32, Person>,
    bindings: BTreeMap<(usize, u32), u32>,
    decided: BTreeMap<ActKey, Decided>,
    waiting: BTreeMap<ActKey, Act>,
    /// In the order in which they were made.
    promises: Vec<Promise>,
    shared: Shared,
    offers: BTreeMap<u32, Offer>,
    redemptions: BTreeMap<u32, Redemption>,
    scans: BTreeMap<(VoucherKey, DateTime<Utc>), Scan>,
    /// Points given to the project.
    given: i64,
    keys: BTreeMap<(u32, u32), Key>,
    merchants: [Merchant; 2],
    adjustments: BTreeMap<u32, Adjustment>,
    expired_until: Option<NaiveDate>,
}

impl Oracle {
    pub fn new(zone: Tz, now: DateTime<Utc>, law: &Law, sources: Vec<SourceId>) -> Self {
        Self {
            zone,
            now,
            sources,
            ids: BTreeMap::new(),
            laws: BTreeMap::from([((now, 0), *law)]),
            citizens: BTreeMap::new(),
            bindings: BTreeMap::new(),
            decided: BTreeMap::new(),
            waiting: BTreeMap::new(),
            promises: Vec::new(),
            shared: Shared::default(),
            offers: BTreeMap::new(),
            redemptions: BTreeMap::new(),
            scans: BTreeMap::new(),
            given: 0,
            keys: BTreeMap::new(),
            merchants: Default::default(),
            adjustments: BTreeMap::new(),
            expired_until: None,
        }
    }

    /// What the answer to a command must be.
    pub fn perform(&mut self, command: &Command) -> Vec<String> {
        match command {
            Command::Pass(by) => self.now += *by,
            Command::Publish { law, .. } => self.publish(&Law::of(*law)),
            Command::Enrol { citizen, source, card } => return vec![self.enrol(*citizen, *source, *card)],
            Command::Bind { citizen, source, card } => return vec![self.bind(*citizen, *source, *card)],
            Command::Unbind { citizen, source, card } => return vec![self.unbind(*citizen, *source, *card)],
            Command::Move { citizen, south, .. } => return vec![self.move_house(*citizen, *south)],
            Command::Report { acts, .. } => return self.report_all(acts),
            Command::Review { act, release, .. } => return vec![self.review(*act, *release)],
            Command::CreditWaiting { .. } => self.credit_waiting(),
            Command::Open { offer, opening } => {
                self.offers.insert(*offer, Offer::new(*opening));
            }
            Command::Turn { offer, turn, .. } => return vec![self.turn(*offer, *turn)],
            Command::Rein { merchant, rein, .. } => return vec![self.rein(*merchant, *rein)],
            Command::Redeem { redemption, wish, .. } => return vec![self.redeem(*redemption, *wish)],
            Command::Cancel { redemption, citizen, .. } => return vec![self.cancel(*redemption, *citizen)],
            Command::Use { merchant, redemption, voucher, .. } => {
                return vec![self.use_voucher(*merchant, (*redemption, *voucher))];
            }
            Command::Void { merchant, redemption, voucher, .. } => {
                return vec![self.void(*merchant, (*redemption, *voucher))];
            }
            Command::Scan { merchant, redemption, voucher, scanned_at, .. } => {
                return vec![self.scan(*merchant, (*redemption, *voucher), *scanned_at)];
            }
            Command::Close { .. } => return vec![format!("closed {}", self.close(self.now))],
            Command::Settle { merchant, number, step, other, .. } => {
                return vec![self.take_step(*merchant, *number, *step, *other)];
            }
            Command::Pay { .. } => self.pay(),
            Command::Expire { .. } => {
                self.expire();
                self.end_vouchers();
            }
            Command::Reverse { act, .. } => return vec![self.reverse(*act)],
            Command::Propose { adjustment, citizen, points, milligrams } => {
                return vec![self.propose(*adjustment, *citizen, (*points, *milligrams))];
            }
            Command::Decide { adjustment, approve, other, .. } => {
                return vec![self.decide_adjustment(*adjustment, *approve, *other)];
            }
            Command::KeepUp { .. } => {
                let oldest = self.now - KEYS_KEPT;
                self.keys.retain(|_, key| key.made_at >= oldest);
                let oldest = self.now - SCANS_KEPT;
                self.scans.retain(|_, scan| scan.arrived_at >= oldest);
                self.close_months();
            }
            Command::AtOnce(both) => return both.iter().flat_map(|command| self.perform(command)).collect(),
            Command::Restart { .. } | Command::EmptyCache => {}
            Command::Look { day, from, until, .. } => return self.look(*day, *from, *until),
        }
        Vec::new()
    }

    /// Fails when the model contradicts itself.
    pub fn check(&self) {
        self.citizens.values().for_each(Person::check);
        self.shared.check();
        self.offers.values().for_each(Offer::check);
        self.check_promises();
    }

    pub fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.zone).date_naive()
    }

    /// A law that was published before stays where it was.
    fn publish(&mut self, law: &Law) {
        if !self.laws.values().any(|known| known == law) {
            self.laws.insert((self.now, self.laws.len()), *law);
        }
    }

    /// The youngest that had begun; before all of them the first.
    fn law_at(&self, at: DateTime<Utc>) -> Law {
        let begun = self.laws.iter().rev().find(|((from, _), _)| *from <= at);
        *begun.or(self.laws.iter().next()).expect("a city has a law").1
    }

    fn enrol(&mut self, citizen: u32, source: usize, card: u32) -> String {
        if self.bindings.contains_key(&(source, card)) {
            return "enrolled 0".to_owned();
        }
        self.citizens.insert(citizen, Person::default());
        self.bindings.insert((source, card), citizen);
        "enrolled 1".to_owned()
    }

    fn bind(&mut self, citizen: u32, source: usize, card: u32) -> String {
        if !self.citizens.contains_key(&citizen) {
            return "nobody".to_owned();
        }
        let owner = *self.bindings.entry((source, card)).or_insert(citizen);
        if owner == citizen { "bound" } else { "taken" }.to_owned()
    }

    fn unbind(&mut self, citizen: u32, source: usize, card: u32) -> String {
        if self.bindings.get(&(source, card)) == Some(&citizen) {
            self.bindings.remove(&(source, card));
            return "unbound".to_owned();
        }
        "not bound".to_owned()
    }

    fn move_house(&mut self, citizen: u32, south: bool) -> String {
        let Some(person) = self.citizens.get_mut(&citizen) else { return "nobody".to_owned() };
        person.in_south = Some(south);
        "moved".to_owned()
    }

    /// In the order of what happened first, then of the activities' ids.
    fn credit_waiting(&mut self) {
        let mut ready: Vec<ActKey> = self.waiting.keys().copied().collect();
        ready.retain(|key| {
            self.waiting.get(key).is_some_and(|act| self.bindings.contains_key(&(act.source, act.card)))
        });
        ready.sort_by_key(|key| (self.waiting[key].at, self.activity_id(*key)));
        for key in &ready {
            let act = self.waiting[key];
            let owner = self.bindings[&(act.source, act.card)];
            if !self.decided.contains_key(key) {
                self.decide(owner, act);
            }
            self.waiting.remove(key);
        }
    }

    pub fn activity_id(&self, (source, id): ActKey) -> ActivityId {
        ActivityId::derive(self.sources[source], &external_id(id))
    }

    /// Activities that are known, for a look at them.
    pub fn activities(&self) -> BTreeSet<ActKey> {
        self.decided.keys().copied().collect()
    }
}

/// How a source names its event.
pub fn external_id(id: u32) -> String {
    format!("event-{id}")
}
