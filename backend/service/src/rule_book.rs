//! The published rule sets, compiled once and shared.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use tanhui_domain::id::{CityId, RuleSetId};
use tanhui_domain::rule::RuleSet;
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
