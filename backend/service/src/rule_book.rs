//! The published rule sets, compiled once and shared.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use tanhui_domain::id::{CityId, RuleSetId};
use tanhui_domain::rule::{Action, Budget, RuleSet};
use tanhui_store::{Database, StoreError, rule_set};

/// A rule set that is or was in force.
#[derive(Debug)]
pub struct PublishedRuleSet {
    /// Its row.
    pub id: RuleSetId,
    /// From when it decides.
    pub effective_from: DateTime<Utc>,
    /// What it says.
    pub rules: RuleSet,
}

/// All published rule sets.
#[derive(Debug, Default)]
pub struct RuleBook(RwLock<Arc<Published>>);

#[derive(Debug, Default)]
struct Published {
    newest: i64,
    by_city: HashMap<CityId, Vec<Arc<PublishedRuleSet>>>,
    by_id: HashMap<RuleSetId, Arc<PublishedRuleSet>>,
}

impl RuleBook {
    /// Reads what was published since the last time, by whichever process.
    pub async fn refresh(&self, database: &Database) -> Result<(), StoreError> {
        let newest = rule_set::newest(database).await?;
        if newest == self.published().newest {
            return Ok(());
        }
        let mut published = Published { newest, ..Published::default() };
        for stored in rule_set::list(database).await? {
            let rules = RuleSet::from_bundle(&stored.bundle).map_err(|diagnostics| {
                let first = diagnostics.first().map(ToString::to_string).unwrap_or_default();
                StoreError::Corrupt(format!("rule set {}: {first}", stored.id))
            })?;
            let rule_set =
                Arc::new(PublishedRuleSet { id: stored.id, effective_from: stored.effective_from, rules });
            published.by_city.entry(stored.city).or_default().push(Arc::clone(&rule_set));
            published.by_id.insert(stored.id, rule_set);
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(published);
        Ok(())
    }

    /// The rule set of a city in force at an instant. A city's first one also covers all earlier events.
    #[must_use]
    pub fn in_force(&self, city: CityId, at: DateTime<Utc>) -> Option<Arc<PublishedRuleSet>> {
        let published = self.published();
        let of_city = published.by_city.get(&city)?;
        of_city.iter().rev().find(|rule_set| rule_set.effective_from <= at).or(of_city.first()).cloned()
    }

    /// All rule sets that a city ever published, the oldest first.
    #[must_use]
    pub fn of_city(&self, city: CityId) -> Vec<Arc<PublishedRuleSet>> {
        self.published().by_city.get(&city).cloned().unwrap_or_default()
    }

    /// The instant before which no act is taken any more that may be one told again; none where there is no
    /// such instant.
    #[must_use]
    pub fn acts_taken_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let published = self.published();
        let since = |(place, rule_set): (usize, &Arc<PublishedRuleSet>)| {
            let rules = &rule_set.rules;
            // The first one of a city takes all acts before it, too.
            let begins = if place == 0 { DateTime::<Utc>::MIN_UTC } else { rule_set.effective_from };
            let watched = rules.actions().filter(|action| action.same_act().is_some());
            let earliest = watched.map(|action| match rules.accept_of(action).late {
                None => DateTime::<Utc>::MIN_UTC,
                Some(late) => now.checked_sub_signed(late).unwrap_or(DateTime::<Utc>::MIN_UTC),
            });
            earliest.min().map(|earliest| earliest.max(begins))
        };
        let cities = published.by_city.values();
        let earliest = cities.filter_map(|sets| sets.iter().enumerate().filter_map(since).min()).min();
        earliest.filter(|earliest| *earliest > DateTime::<Utc>::MIN_UTC)
    }

    /// The newest rule set of a city that came into force by an instant and names a budget: one that later
    /// rules leave out goes on paying what was promised under it.
    #[must_use]
    pub fn naming_budget(&self, city: CityId, at: DateTime<Utc>, budget: &str) -> Option<Budget> {
        let published = self.published();
        let of_city = published.by_city.get(&city)?;
        let named = |rule_set: &Arc<PublishedRuleSet>| {
            rule_set.rules.budgets().find(|known| known.id() == budget).cloned()
        };
        let by_then = of_city.iter().rev().filter(|rule_set| rule_set.effective_from <= at);
        // A city's first rule set also covers what lies before it.
        by_then.chain(of_city.iter().take(1)).find_map(named)
    }

    /// When the first rules of a city came into force.
    #[must_use]
    pub fn first_in_force(&self, city: CityId) -> Option<DateTime<Utc>> {
        self.published().by_city.get(&city)?.first().map(|rule_set| rule_set.effective_from)
    }

    /// Whether some acts count for anything but their citizen's own caps.
    #[must_use]
    pub fn any_tallied(&self) -> bool {
        let published = self.published();
        let tallied = |rule_set: &Arc<PublishedRuleSet>| rule_set.rules.actions().any(Action::is_tallied);
        published.by_id.values().any(tallied)
    }

    /// Whether nothing is published yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.published().by_id.is_empty()
    }

    /// The rule set of a row.
    #[must_use]
    pub fn by_id(&self, id: RuleSetId) -> Option<Arc<PublishedRuleSet>> {
        self.published().by_id.get(&id).cloned()
    }

    fn published(&self) -> Arc<Published> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
