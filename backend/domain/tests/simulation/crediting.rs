//! Crediting one by one, with payouts on each new day: what a simulation must agree with.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tanhui_domain::activity::ActivityStatus;
use tanhui_domain::amount::Points;
use tanhui_domain::crediting::{Claim, CountOf, Needs, Outcome, UsageBook, WHENEVER, WaitingPoints, decide};
use tanhui_domain::id::{ActivityId, CitizenId, CityId, OwnerId, RuleSetId, SharedId, SourceId};
use tanhui_domain::ledger::{Account, Amounts, Debt, OwnerKind};
use tanhui_domain::rule::{
    Action, Budget, DayTotal, Decision, Evidence, Facts, Inputs, RuleSet, Usage, pay_queue, prorate,
};
use tanhui_domain::same_act::ActBook;
use tanhui_domain::simulation::Count;
use tanhui_domain::time::{DayRange, civil_day};

use super::DISTRICTS;

const SOURCE: SourceId = SourceId::new(1);
const CITY: CityId = CityId::new(1);

#[derive(Debug, Clone)]
pub struct Event {
    pub citizen: u32,
    pub action: &'static str,
    pub data: Vec<(&'static str, String)>,
    pub occurred_at: DateTime<Utc>,
    pub evidence: Evidence,
    pub reviewed: bool,
    /// From the act to its report.
    pub late: TimeDelta,
}

pub fn event(seed: [u32; 6]) -> Event {
    let [citizen, kind, number, more, minutes, grade] = seed;
    let start: DateTime<Utc> = "2026-09-14T00:00:00Z".parse().unwrap();
    let named = |of: &str, number: u32| format!("\"{of}{number}\"");
    let (action, data) = match kind % 4 {
        0 | 1 => {
            let ticket =
                if more % 3 == 0 { ("ticket", named("t", more % 40)) } else { ("gate", String::new()) };
            let gate = ("gate", named("g", number % 3));
            let minutes = ("minutes_min", (1 + more % 50).to_string());
            let distance = ("distance_km", format!("{}.{}", 1 + number % 40, more % 10));
            let all = vec![distance, minutes, gate, ticket];
            ("metro_ride", all.into_iter().filter(|(_, value)| !value.is_empty()).collect())
        }
        2 => ("walk", vec![("steps_walked_step", (number % 30_000).to_string())]),
        _ => ("home_saving", vec![("used_kWh", format!("{}.{}", number % 20, more % 10))]),
    };
    let occurred_at = start + TimeDelta::seconds(i64::from(minutes % (60 * 60 * 24 * 20)));
    let evidence = Evidence::ALL[[0, 0, 2, 2, 2, 1][(grade % 6) as usize]];
    let days = [0, 0, 0, 0, 1, 3, 8, 40, 61][(grade / 11 % 9) as usize];
    let late = TimeDelta::days(days) + TimeDelta::seconds(i64::from(more % 3));
    Event { citizen: citizen % 5, action, data, occurred_at, evidence, reviewed: grade % 11 == 0, late }
}

fn citizen_id(citizen: u32) -> CitizenId {
    CitizenId::new(uuid::Uuid::from_u128(u128::from(citizen) + 1))
}

fn account(citizen: CitizenId) -> Account {
    let owner = OwnerId::new(citizen.get());
    let kind = OwnerKind::Citizen;
    Account { owner, city: CITY, kind, version: 0, balance: Amounts::default(), debt: Debt::default() }
}

/// Everyone has a card of their own; the fifth has none.
pub fn card(citizen: u32) -> Option<String> {
    (citizen < 4).then(|| format!("card-{citizen}"))
}

/// Where they live; the third tells nobody.
pub fn district(citizen: u32) -> Option<usize> {
    [Some(0), Some(1), Some(1), None, Some(0)][citizen as usize]
}

/// What is written of counts, by whose, name and day.
type Store = BTreeMap<(CountOf, String, NaiveDate), Usage>;

fn add(store: &mut Store, key: (CountOf, String, NaiveDate), added: Usage) {
    let own = store.entry(key).or_default();
    own.events += added.events;
    own.points = own.points.plus(added.points).unwrap();
    own.reduction = own.reduction.plus(added.reduction).unwrap();
    own.quantity += added.quantity;
}

/// Crediting, event by event.
struct Crediting<'r> {
    rules: &'r RuleSet,
    store: Store,
    acts: ActBook,
    accounts: BTreeMap<CitizenId, Account>,
    count: Count,
    waiting: Vec<Wait>,
    /// When the last report came.
    now: DateTime<Utc>,
    today: Option<NaiveDate>,
}

/// Points of one act that wait, and the counts that they are in.
struct Wait {
    points: WaitingPoints,
    counted: Vec<(CountOf, String, NaiveDate)>,
}

/// What came of all events.
#[derive(Debug, PartialEq, Eq)]
pub struct Credited {
    pub count: Count,
    /// How many citizens have each badge.
    pub badges: BTreeMap<String, u64>,
}

impl<'r> Crediting<'r> {
    fn new(rules: &'r RuleSet) -> Self {
        let accounts = (0..5).map(|citizen| (citizen_id(citizen), account(citizen_id(citizen)))).collect();
        let (acts, count, waiting, now) =
            (ActBook::default(), Count::default(), Vec::new(), DateTime::UNIX_EPOCH);
        Self { rules, store: Store::new(), acts, accounts, count, waiting, now, today: None }
    }

    fn read(&self, event: &Event) -> Option<(&'r Action, Inputs)> {
        let action = self.rules.action(event.action)?;
        let data = event.data.iter().map(|(name, value)| (*name, value.as_str()));
        Some((action, self.rules.read_inputs(action, data).ok()?))
    }

    /// What is refused before it is kept, as crediting does.
    fn turns_away(&self, action: &Action, inputs: &Inputs, event: &Event) -> bool {
        let facts = Facts::new(inputs, event.occurred_at, event.evidence);
        match self.rules.evaluate(action, &facts, &[]) {
            Decision::Refused(refusal) => {
                ["no_factor_in_force", "evidence_not_accepted"].contains(&refusal.code.as_str())
            }
            Decision::Credited(_) | Decision::Held(_) => false,
        }
    }

    fn credit(&mut self, place: usize, event: &Event) {
        self.turn_clock(event.occurred_at + event.late);
        let read = self.read(event).filter(|(action, inputs)| {
            let accept = self.rules.accept_of(action);
            let timely = accept.late.is_none_or(|late| event.late <= late);
            timely && !self.turns_away(action, inputs, event)
        });
        let Some((action, inputs)) = read else {
            self.count.refused += 1;
            return;
        };
        let external_id = place.to_string();
        let claim = Claim {
            id: ActivityId::derive(SOURCE, &external_id),
            citizen: citizen_id(event.citizen),
            source: SOURCE,
            external_id: &external_id,
            rule_set: self.rules,
            rule_set_id: RuleSetId::new(1),
            action,
            inputs: &inputs,
            occurred_at: event.occurred_at,
            evidence: event.evidence,
            city: CITY,
            card: card(event.citizen)
                .map(|_| SharedId::new(uuid::Uuid::from_u128(u128::from(event.citizen) + 1_000))),
            district: district(event.citizen).map(|place| DISTRICTS[place]),
            reviewed: event.reviewed,
        };
        let mut book = UsageBook::default();
        for (counter, range) in Needs::of(&claim).all() {
            let mut sum = Store::new();
            for ((of, name, day), usage) in &self.store {
                if *of == counter.of && name == counter.name && range.contains(*day) {
                    add(&mut sum, (*of, String::new(), NaiveDate::default()), *usage);
                }
            }
            book.enter(counter, range, sum.into_values().next().unwrap_or_default());
        }
        let now = event.occurred_at + event.late;
        let outcome = decide(&[claim], &mut self.accounts, &mut book, &mut self.acts, now).unwrap();
        self.note(&outcome, event, &claim);
    }

    fn note(&mut self, outcome: &Outcome, event: &Event, claim: &Claim<'_>) {
        for grant in &outcome.granted {
            add(
                &mut self.store,
                (CountOf::Granted(grant.citizen), grant.action.clone(), grant.day),
                grant.granted,
            );
        }
        for tally in &outcome.tallies {
            add(&mut self.store, (tally.of, tally.name.clone(), tally.day), tally.added);
        }
        // A review does not read an act again; these came as they are.
        if let (true, Some(quantity)) = (event.reviewed, claim.action.reading(claim.inputs)) {
            let key = (CountOf::Read(claim.citizen), claim.action.id().to_owned(), claim.day());
            add(&mut self.store, key, Usage { events: 1, quantity, ..Usage::NONE });
        }
        self.count.told_again += outcome.repeats.len() as u64;
        let Some(decided) = outcome.decided.first() else { return };
        let activity = &decided.activity;
        match activity.status {
            ActivityStatus::Credited => self.count.credited += 1,
            ActivityStatus::Held => self.count.held += 1,
            ActivityStatus::Rejected | ActivityStatus::Reversed => self.count.refused += 1,
        }
        self.count.points += i128::from(activity.points.get());
        self.count.reduction_mg += i128::from(activity.reduction.get());
        let granted = outcome.granted.iter().map(|of| (CountOf::Granted(of.citizen), &of.action, of.day));
        let shared = outcome.tallies.iter().filter(|of| matches!(of.of, CountOf::Shared(_)));
        let counted = granted.chain(shared.map(|of| (of.of, &of.name, of.day)));
        let counted: Vec<_> = counted.map(|(of, name, day)| (of, name.clone(), day)).collect();
        for points in &outcome.waiting {
            self.count.queued_points += i128::from(points.promised.get());
            self.waiting.push(Wait { points: points.clone(), counted: counted.clone() });
        }
    }

    /// On each new day, what waits is paid first.
    fn turn_clock(&mut self, came: DateTime<Utc>) {
        self.now = self.now.max(came);
        let today = civil_day(self.now, self.rules.timezone());
        if self.today == Some(today) {
            return;
        }
        self.today = Some(today);
        for budget in self.rules.budgets() {
            self.share(budget, Some(today));
            self.pay_queue(budget, today);
        }
    }

    fn left(&self, budget: &Budget, days: DayRange) -> Points {
        let of_budget = self.store.iter().filter(|((of, name, day), _)| {
            *of == CountOf::Issued(CITY) && name == budget.id() && days.contains(*day)
        });
        let issued: i64 = of_budget.map(|(_, usage)| usage.points.get()).sum();
        Points::new(budget.limit().get() - issued)
    }

    /// Those whose days are over; all of them without a day.
    fn share(&mut self, budget: &Budget, today: Option<NaiveDate>) {
        let mine = |wait: &Wait| wait.points.budget == budget.id();
        let over = |days: DayRange| today.is_none_or(|today| days.until <= today);
        let mut periods: Vec<DayRange> = self
            .waiting
            .iter()
            .filter(|wait| mine(wait))
            .filter_map(|wait| wait.points.shares.filter(|days| over(*days)))
            .collect();
        periods.sort_by_key(|days| days.from);
        periods.dedup();
        for days in periods {
            let all = std::mem::take(&mut self.waiting);
            let (claims, others) =
                all.into_iter().partition::<Vec<_>, _>(|wait| mine(wait) && wait.points.shares == Some(days));
            self.waiting = others;
            let wanted: Vec<Points> = claims.iter().map(|wait| wait.points.promised).collect();
            let shares = prorate(self.left(budget, days), &wanted);
            for (mut wait, paid) in claims.into_iter().zip(shares) {
                wait.points.given_up = wait.points.promised.minus(paid).unwrap();
                self.pay(&mut wait, paid, days.until.pred_opt().unwrap());
            }
        }
    }

    fn pay_queue(&mut self, budget: &Budget, today: NaiveDate) {
        let left = self.left(budget, budget.period().range(today));
        let queued = |wait: &Wait| wait.points.budget == budget.id() && wait.points.shares.is_none();
        let all = std::mem::take(&mut self.waiting);
        let (mut queue, others) = all.into_iter().partition::<Vec<_>, _>(queued);
        let wanted: Vec<Points> = queue.iter().map(|wait| wait.points.left().unwrap()).collect();
        for (wait, paid) in queue.iter_mut().zip(pay_queue(left, &wanted)) {
            self.pay(wait, paid, today);
        }
        queue.retain(|wait| wait.points.left().unwrap() > Points::ZERO);
        self.waiting = queue.into_iter().chain(others).collect();
    }

    fn pay(&mut self, wait: &mut Wait, paid: Points, day: NaiveDate) {
        let (budget, given_up) = (wait.points.budget.clone(), wait.points.given_up);
        wait.points.paid = wait.points.paid.plus(paid).unwrap();
        let of_points = |points| Usage { points, ..Usage::NONE };
        let gone = paid.plus(given_up).unwrap().negated().unwrap();
        add(&mut self.store, (CountOf::Issued(CITY), budget.clone(), day), of_points(paid));
        add(&mut self.store, (CountOf::Waiting(CITY), budget, WHENEVER), of_points(gone));
        for key in &wait.counted {
            add(&mut self.store, key.clone(), of_points(given_up.negated().unwrap()));
        }
        self.count.paid_later_points += i128::from(paid.get());
        self.count.given_up_points += i128::from(given_up.get());
    }

    fn badges(&self) -> BTreeMap<String, u64> {
        let none = self.rules.badges().iter().map(|badge| (badge.id().to_owned(), 0));
        let mut badges: BTreeMap<String, u64> = none.collect();
        for citizen in (0..5).map(citizen_id) {
            let own = self.store.iter().filter(|((of, ..), _)| *of == CountOf::Granted(citizen));
            let days: Vec<DayTotal<'_>> = own
                .map(|((_, action, day), granted)| DayTotal { day: *day, action, granted: *granted })
                .collect();
            for earned in self.rules.badges_earned(&days) {
                *badges.get_mut(earned.badge.id()).unwrap() += 1;
            }
        }
        badges
    }
}

pub fn credited(rules: &RuleSet, events: &[Event]) -> Credited {
    let mut crediting = Crediting::new(rules);
    for (place, event) in events.iter().enumerate() {
        crediting.credit(place, event);
    }
    for budget in rules.budgets() {
        crediting.share(budget, None);
    }
    Credited { badges: crediting.badges(), count: crediting.count }
}
