//! Holds what is counted for look backs, cards, budgets and their queues against the acts that it was counted
//! for, each decided again from its receipt.
//!
//! Memory stays bounded: both sides are added up in buckets by a hash of what is counted, and only the counts
//! of buckets that differ are then looked at one by one.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::NaiveDate;
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::amount::Points;
use tanhui_domain::city::City;
use tanhui_domain::crediting::{CountOf, Tally, WHENEVER, WaitingPoints, counted};
use tanhui_domain::id::ActivityId;
use tanhui_domain::rule::Usage;
use tanhui_domain::time::civil_day;
use tanhui_store::audit::{VIOLATIONS_NAMED_MAX, Violation};
use tanhui_store::{Database, StoreError, Transaction, activity, city, tally, waiting_points};
use uuid::Uuid;

use super::recompute::after;
use super::{Audit, Progress};
use crate::activity::receipt;
use crate::draft::overflow;
use crate::review::claim;
use crate::rule_book::RuleBook;

const PAGE: i64 = 1_000;
const BUCKETS: u64 = 1 << 16;
/// Most buckets that are looked into.
const LOOKED_INTO_MAX: usize = 64;
const NAME: &str = "counts_are_what_acts_counted_for";
const PROMISED: &str = "points_wait_as_promised";

/// Events, points, milligrams, quantity.
type Sum = [i128; 4];
type Key = (CountOf, String, NaiveDate);

fn invariant(of: CountOf) -> &'static str {
    match of {
        CountOf::Read(_) => "readings_are_what_acts_said",
        CountOf::Granted(_) | CountOf::Shared(_) => "card_usage_is_what_was_granted",
        CountOf::Issued(_) => "budget_used_is_points_granted",
        CountOf::Waiting(_) => "waiting_sum_is_what_waits",
    }
}

/// Checks all counts and adds what is wrong to an audit. In a snapshot of its own: that of the invariants has
/// the database plan for whole tables, here it looks activities up.
pub(super) async fn check(
    database: &Database,
    audit: &mut Audit,
    progress: &mut impl FnMut(Progress),
) -> Result<(), StoreError> {
    let rules = RuleBook::default();
    rules.refresh(database).await?;
    let snapshot = database.snapshot().await?;
    let cities = city::list(&snapshot).await?;
    let books = Books { on: &snapshot, rules, cities };
    let mut sums: Vec<Sum> = vec![[0; 4]; usize::try_from(BUCKETS).unwrap_or(0)];
    let mut broken = Vec::new();
    let mut add = |tally: &Tally, sign: i128| {
        if let Some(sum) = sums.get_mut(bucket(tally)) {
            join(sum, &tally.added, sign);
        }
    };
    books.each_count(&mut add, &mut broken, progress).await?;
    for detail in broken {
        enter(audit, PROMISED, detail);
    }
    let mut wrong: Vec<usize> =
        (0..).zip(&sums).filter(|(_, sum)| **sum != [0; 4]).map(|(bucket, _)| bucket).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.truncate(LOOKED_INTO_MAX);
    let mut counts: BTreeMap<Key, Sum> = BTreeMap::new();
    let mut look = |tally: &Tally, sign: i128| {
        if wrong.binary_search(&bucket(tally)).is_ok() {
            let key = (tally.of, tally.name.clone(), tally.day);
            join(counts.entry(key).or_default(), &tally.added, sign);
        }
    };
    books.each_count(&mut look, &mut Vec::new(), progress).await?;
    for ((of, name, day), sum) in counts.into_iter().filter(|(_, sum)| *sum != [0; 4]) {
        enter(audit, invariant(of), told((of, &name, day), sum));
    }
    Ok(())
}

fn enter(audit: &mut Audit, invariant: &'static str, detail: String) {
    let count = audit.broken.entry(invariant).or_default();
    *count = count.saturating_add(1);
    if *count <= u64::try_from(VIOLATIONS_NAMED_MAX).unwrap_or(0) {
        audit.violations.push(Violation { invariant, detail });
    }
}

fn told((of, name, day): (CountOf, &str, NaiveDate), [events, points, mg, quantity]: Sum) -> String {
    let whose = match of {
        CountOf::Granted(citizen) | CountOf::Read(citizen) => format!("citizen {citizen}"),
        CountOf::Shared(shared) => format!("card or device {shared}"),
        CountOf::Issued(city) | CountOf::Waiting(city) => format!("city {city}"),
    };
    format!("{whose} {name} on {day}: counted too much by {events} events {points} pt {mg} mg {quantity}")
}

fn bucket(tally: &Tally) -> usize {
    let mut hasher = DefaultHasher::new();
    (tally.of, &tally.name, tally.day).hash(&mut hasher);
    usize::try_from(hasher.finish().checked_rem(BUCKETS).unwrap_or(0)).unwrap_or(0)
}

fn join(sum: &mut Sum, added: &Usage, sign: i128) {
    let amounts: [i64; 4] = <(i64, i64, i64, i64)>::from(*added).into();
    for (sum, amount) in sum.iter_mut().zip(amounts) {
        *sum = sum.saturating_add(sign.saturating_mul(i128::from(amount)));
    }
}

/// The books of one snapshot.
struct Books<'a> {
    on: &'a Transaction,
    rules: RuleBook,
    cities: Vec<City>,
}

impl Books<'_> {
    /// Tells each count that stands with a plus, each that acts add up to with a minus; and whose points do
    /// not wait as their receipt promised.
    async fn each_count(
        &self,
        tell: &mut impl FnMut(&Tally, i128),
        broken: &mut Vec<String>,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), StoreError> {
        let mut last: Option<Tally> = None;
        loop {
            let page = tally::page(self.on, last.as_ref(), PAGE).await?;
            for tally in &page {
                tell(tally, 1);
            }
            let Some(end) = page.into_iter().last() else { break };
            last = Some(end);
        }
        if last.is_none() && !self.rules.any_tallied() {
            return Ok(());
        }
        let (mut from, mut done) = (ActivityId::new(Uuid::nil()), 0_usize);
        loop {
            progress(Progress { name: NAME, done, of: None });
            let page = activity::from_id(self.on, from, PAGE).await?;
            let Some(end) = page.last() else { return Ok(()) };
            from = after(end.id);
            done = done.saturating_add(page.len());
            let queued = Queued::load(self.on, &page).await?;
            for activity in &page {
                self.act(activity, &queued, tell, broken)?;
            }
        }
    }

    fn act(
        &self,
        activity: &Activity,
        queued: &Queued,
        tell: &mut impl FnMut(&Tally, i128),
        broken: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let Some(rules) = self.rules.by_id(activity.rule_set) else { return Ok(()) };
        let action = rules.rules.action(&activity.action).filter(|action| action.is_tallied());
        let city = self.cities.iter().find(|city| city.code == rules.rules.city());
        let (Some(action), Some(city)) = (action, city) else { return Ok(()) };
        // What cannot be read is told by computing credits again.
        let Ok(receipt) = receipt(action, activity) else { return Ok(()) };
        let claim = claim(city, activity, &rules, action, &receipt);
        if let Some(quantity) = action.reading(&receipt.inputs) {
            let of = CountOf::Read(activity.citizen);
            let added = Usage { events: 1, quantity, ..Usage::NONE };
            tell(&Tally { of, name: activity.action.clone(), day: claim.day(), added }, -1);
        }
        if activity.status != ActivityStatus::Credited {
            return Ok(());
        }
        let row = queued.rows.get(&activity.id);
        let given_up = row.map(|row| row.given_up).unwrap_or_default();
        let Some(counted) = counted(&claim, &receipt, given_up).map_err(overflow)? else { return Ok(()) };
        for tally in &counted.tallies {
            tell(tally, -1);
        }
        let promised = row.map(|row| row.promised).unwrap_or_default();
        if promised != counted.queued {
            broken.push(format!("activity {}: {promised} pt, receipt {}", activity.id, counted.queued));
        }
        if let Some(row) = row {
            queued.tell(row, city, tell)?;
        }
        Ok(())
    }
}

/// What of some activities had to wait, and its payments.
struct Queued {
    rows: HashMap<ActivityId, WaitingPoints>,
    payments: Vec<(ActivityId, chrono::DateTime<chrono::Utc>, Points)>,
}

impl Queued {
    async fn load(on: &Transaction, page: &[Activity]) -> Result<Self, StoreError> {
        let waited = page.iter().filter(|activity| activity.code.as_deref() == Some("queued"));
        let ids: Vec<ActivityId> = waited.map(|activity| activity.id).collect();
        if ids.is_empty() {
            return Ok(Self { rows: HashMap::new(), payments: Vec::new() });
        }
        let rows = waiting_points::of_activities(on, &ids).await?;
        let rows = rows.into_iter().map(|row| (row.activity, row)).collect();
        Ok(Self { rows, payments: waiting_points::payments(on, &ids).await? })
    }

    fn tell(
        &self,
        row: &WaitingPoints,
        city: &City,
        tell: &mut impl FnMut(&Tally, i128),
    ) -> Result<(), StoreError> {
        let tally = |of, day, points| Tally {
            of,
            name: row.budget.clone(),
            day,
            added: Usage { points, ..Usage::NONE },
        };
        let left = row.left().map_err(overflow)?;
        tell(&tally(CountOf::Waiting(row.city), WHENEVER, left), -1);
        for (_, at, points) in self.payments.iter().filter(|(id, ..)| *id == row.activity) {
            let day = row.issued_on(civil_day(*at, city.timezone));
            tell(&tally(CountOf::Issued(row.city), day, *points), -1);
        }
        Ok(())
    }
}
