//! What was counted before a batch, and what its claims add: the sums behind caps, look backs and budgets.
//! Must never count by itself.

use std::collections::HashMap;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::{Claim, sum};
use crate::amount::{AmountOverflow, Points};
use crate::id::{CitizenId, CityId, SharedId, SourceId};
use crate::ledger::AT_ONCE;
use crate::rule::{Action, Budget, BudgetWindow, Campaign, CapScope, Readings, Usage, WhenExhausted};
use crate::time::{DayRange, Period, civil_day};

/// Whose acts are counted, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CountOf {
    /// What a citizen was granted for an action.
    Granted(CitizenId),
    /// What a citizen's acts of an action said, whether they counted or not.
    Read(CitizenId),
    /// What the acts of one card or device were granted for an action, whoever did them.
    Shared(SharedId),
    /// What was issued in a city under a budget.
    Issued(CityId),
    /// What was promised in a city and waits for a budget; one sum, kept under [`WHENEVER`].
    Waiting(CityId),
}

/// The day under which counts stand that belong to none.
pub const WHENEVER: NaiveDate = AT_ONCE;

/// One count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter<'a> {
    /// Whose.
    pub of: CountOf,
    /// Id of the action or budget.
    pub name: &'a str,
}

/// What a batch adds to a count that is not a citizen's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Whose count.
    pub of: CountOf,
    /// Id of the action or budget.
    pub name: String,
    /// The civil day of the acts.
    pub day: NaiveDate,
    /// How much.
    pub added: Usage,
}

/// The counts that a decision asks for, each over a range of civil days.
#[derive(Debug, Default)]
pub struct Needs<'a> {
    /// For its caps, aligned with `RuleSet::cap_windows`.
    pub caps: Vec<(Counter<'a>, DayRange)>,
    /// For its look backs, aligned with `RuleSet::history_windows`.
    pub history: Vec<(Counter<'a>, DayRange)>,
    /// For its budgets, aligned with `RuleSet::budget_windows`.
    pub budgets: Vec<(Counter<'a>, DayRange)>,
    /// What waits under those of its budgets that have a queue, with their places: who waits is paid first.
    pub queues: Vec<(usize, (Counter<'a>, DayRange))>,
}

impl<'a> Needs<'a> {
    /// What one claim needs.
    #[must_use]
    pub fn of(claim: &Claim<'a>) -> Self {
        let Claim { rule_set, action, citizen, city, .. } = *claim;
        let day = civil_day(claim.occurred_at, rule_set.timezone());
        let own = |of| Counter { of, name: action.id() };
        let caps = rule_set.cap_windows(action, day).into_iter();
        let history = rule_set.history_windows(action, day).into_iter();
        let budgets = rule_set.budget_windows(action, day).into_iter();
        let budget = |window: BudgetWindow| {
            let name = budget_name(action, &window.id);
            (Counter { of: CountOf::Issued(city), name }, window.range)
        };
        let budgets: Vec<_> = budgets.map(budget).collect();
        let queues = budgets.iter().enumerate().filter(|(_, (counter, _))| has_queue(action, counter.name));
        let waiting = |name| (Counter { of: CountOf::Waiting(city), name }, Period::Day.range(WHENEVER));
        Self {
            queues: queues.map(|(place, (counter, _))| (place, waiting(counter.name))).collect(),
            caps: caps.map(|window| (own(counted_by(claim, window.scope)), window.range)).collect(),
            history: history.map(|range| (own(CountOf::Read(citizen)), range)).collect(),
            budgets,
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (Counter<'a>, DayRange)> {
        let queues = self.queues.iter().map(|(_, need)| need);
        self.caps.iter().chain(&self.history).chain(&self.budgets).chain(queues).copied()
    }

    /// The counts of cards and devices among those of the caps, each once.
    pub(super) fn shared(&self) -> impl Iterator<Item = Counter<'a>> {
        let mut shared: Vec<Counter<'a>> = self.caps.iter().map(|(counter, _)| *counter).collect();
        shared.retain(|counter| matches!(counter.of, CountOf::Shared(_)));
        shared.sort_unstable();
        shared.dedup();
        shared.into_iter()
    }
}

/// A budget's id as the rule set holds it.
fn budget_name<'a>(action: &'a Action, id: &str) -> &'a str {
    let ids = action.campaigns().map(Campaign::id);
    ids.chain(action.budgets().map(Budget::id)).find(|known| *known == id).unwrap_or_default()
}

fn has_queue(action: &Action, id: &str) -> bool {
    action.budgets().any(|budget| budget.id() == id && budget.when_exhausted() == WhenExhausted::Queue)
}

/// Where an act tells neither card nor device, the citizen's own count stands in.
fn counted_by(claim: &Claim<'_>, scope: CapScope) -> CountOf {
    let shared = match scope {
        CapScope::Citizen => None,
        CapScope::Binding => claim.card,
        CapScope::Input(place) => {
            let key = claim.action.scope_key(scope, claim.inputs);
            key.map(|key| shared_id(claim.city, 0, i16::from(place).saturating_add(1), key.as_bytes()))
        }
    };
    shared.map_or(CountOf::Granted(claim.citizen), CountOf::Shared)
}

/// The card, meter or account under whose caps acts of a source count, from the keyed hash that stands for
/// it.
#[must_use]
pub fn card_id(city: CityId, source: SourceId, subject: &[u8; 32]) -> SharedId {
    shared_id(city, source.get(), 0, subject)
}

fn shared_id(city: CityId, source: i64, place: i16, key: &[u8]) -> SharedId {
    let mut hash = Sha256::new();
    hash.update(city.get().to_be_bytes());
    hash.update(source.to_be_bytes());
    hash.update(place.to_be_bytes());
    hash.update(key);
    let digest: [u8; 32] = hash.finalize().into();
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(digest.split_at(16).0);
    SharedId::new(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// The counts that the claims of a batch ask for.
#[derive(Debug, Default)]
pub struct UsageBook<'a>(HashMap<Counter<'a>, Vec<(DayRange, Usage)>>);

impl<'a> UsageBook<'a> {
    /// Enters what the store says about a range of days.
    pub fn enter(&mut self, counter: Counter<'a>, range: DayRange, usage: Usage) {
        let ranges = self.0.entry(counter).or_default();
        if !ranges.iter().any(|(known, _)| *known == range) {
            ranges.push((range, usage));
        }
    }

    /// What is counted over a range of days.
    pub(super) fn look(&self, (counter, range): &(Counter<'a>, DayRange)) -> Usage {
        let ranges = self.0.get(counter).map(Vec::as_slice).unwrap_or_default();
        ranges.iter().find(|(known, _)| known == range).map(|(_, usage)| *usage).unwrap_or_default()
    }

    pub(super) fn used(&self, needs: &Needs<'a>) -> Vec<Usage> {
        needs.caps.iter().map(|need| self.look(need)).collect()
    }

    pub(super) fn history(&self, needs: &Needs<'a>) -> Vec<Readings> {
        let readings = |usage: Usage| Readings { count: usage.events, sum: usage.quantity };
        needs.history.iter().map(|need| readings(self.look(need))).collect()
    }

    pub(super) fn issued(&self, needs: &Needs<'a>) -> Vec<Points> {
        let mut issued: Vec<Points> = needs.budgets.iter().map(|need| self.look(need).points).collect();
        for (place, need) in &needs.queues {
            if let Some(issued) = issued.get_mut(*place) {
                *issued = Points::new(issued.get().saturating_add(self.look(need).points.get()));
            }
        }
        issued
    }

    /// Adds to a count, as if it had been written.
    pub(super) fn add(
        &mut self,
        counter: Counter<'a>,
        day: NaiveDate,
        added: &Usage,
    ) -> Result<(), AmountOverflow> {
        for (range, usage) in self.0.get_mut(&counter).into_iter().flatten() {
            if range.contains(day) {
                *usage = sum(usage, added)?;
            }
        }
        Ok(())
    }
}
