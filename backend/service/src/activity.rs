//! A citizen's own activities: listed, explained from their receipts, and declared by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::city::Citizen;
use tanhui_domain::crediting::WaitingPoints;
use tanhui_domain::id::{ActivityId, CitizenId};
use tanhui_domain::rule::{Action, Evidence, Explanation, Outcome, Receipt};
use tanhui_domain::text::Text;
use tanhui_domain::time::to_micros;
pub use tanhui_store::activity::ActivityCursor;
use tanhui_store::{StoreError, activity, hold, office_log, waiting_points};

use crate::Services;
use crate::crediting::{CreditError, EventResult, EventStatus, Report, Subject};
use crate::office;
use crate::random::Random;
use crate::rule_book::PublishedRuleSet;

/// An activity with what its rule set calls it.
#[derive(Debug, Clone)]
pub struct Named {
    /// The activity.
    pub activity: Activity,
    /// The action's name; none where its rule set has none of that id.
    pub name: Option<Text>,
    /// URI of the source that reported it.
    pub source: String,
    /// Why a person must look at it, or why a person undid or refused it.
    pub reason: Option<Text>,
    /// What of its points had to wait for a budget.
    pub waiting: Option<WaitingPoints>,
}

/// A citizen's own word about an act.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Action of the rule file.
    pub action: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The action's inputs as JSON text.
    pub inputs: BTreeMap<String, Box<RawValue>>,
    /// The client's `Idempotency-Key`.
    pub key: Option<String>,
}

/// What became of a declaration.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The answer, now or of the first time.
    pub result: EventResult,
    /// Whether the same key declared the same before.
    pub replayed: bool,
}

/// Why a declaration was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeclareError {
    /// The key belongs to another declaration.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// It could not be credited now.
    #[error(transparent)]
    Credit(#[from] CreditError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A citizen's activities, the last recorded first.
pub async fn page(
    services: &Services,
    citizen: CitizenId,
    after: Option<ActivityCursor>,
    limit: i64,
) -> Result<Vec<Named>, StoreError> {
    named(services, activity::page(&services.database, citizen, after, limit).await?).await
}

/// One activity of a citizen; none for someone else's.
pub async fn find(
    services: &Services,
    citizen: CitizenId,
    id: ActivityId,
) -> Result<Option<Named>, StoreError> {
    let found = activity::find(&services.database, id).await?;
    let own = found.filter(|activity| activity.citizen == citizen);
    Ok(named(services, own.into_iter().collect()).await?.pop())
}

async fn named(services: &Services, activities: Vec<Activity>) -> Result<Vec<Named>, StoreError> {
    if activities.is_empty() {
        return Ok(Vec::new());
    }
    let sources = office::sources(services).await?;
    let reasons = reasons(services, &activities).await?;
    let mut waiting = waiting(services, &activities).await?;
    let mut all = Vec::with_capacity(activities.len());
    for activity in activities {
        let rule_set = rule_set(services, &activity).await?;
        let name = rule_set.rules.action(&activity.action).map(|action| action.name().clone());
        let source = sources.iter().find(|source| source.id == activity.source);
        let source = source.map(|source| source.uri.clone()).unwrap_or_default();
        let reason = reasons.get(&activity.id).cloned();
        let waiting = waiting.remove(&activity.id);
        all.push(Named { activity, name, source, reason, waiting });
    }
    Ok(all)
}

/// What of the points of these activities had to wait for a budget.
async fn waiting(
    services: &Services,
    activities: &[Activity],
) -> Result<BTreeMap<ActivityId, WaitingPoints>, StoreError> {
    let queued = activities.iter().filter(|activity| activity.code.as_deref() == Some("queued"));
    let ids: Vec<ActivityId> = queued.map(|activity| activity.id).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = waiting_points::of_activities(&services.database, &ids).await?;
    Ok(rows.into_iter().map(|row| (row.activity, row)).collect())
}

/// What people said, or have yet to say, of those activities that rules alone did not decide.
async fn reasons(
    services: &Services,
    activities: &[Activity],
) -> Result<BTreeMap<ActivityId, Text>, StoreError> {
    let of = |status: ActivityStatus| {
        let those = activities.iter().filter(move |activity| activity.status == status);
        those.map(|activity| activity.id).collect::<Vec<_>>()
    };
    let mut reasons = BTreeMap::new();
    let held = of(ActivityStatus::Held);
    if !held.is_empty() {
        reasons.extend(hold::reasons(&services.database, &held).await?);
    }
    let decided = [of(ActivityStatus::Reversed), of(ActivityStatus::Rejected)].concat();
    if !decided.is_empty() {
        reasons.extend(office_log::reasons(&services.database, &decided).await?);
    }
    Ok(reasons)
}

pub(crate) async fn rule_set(
    services: &Services,
    activity: &Activity,
) -> Result<Arc<PublishedRuleSet>, StoreError> {
    if let Some(known) = services.rules.by_id(activity.rule_set) {
        return Ok(known);
    }
    // Another process published it just now.
    services.rules.refresh(&services.database).await?;
    let found = services.rules.by_id(activity.rule_set);
    found.ok_or_else(|| StoreError::Corrupt(format!("no rule set {}", activity.rule_set)))
}

/// Computes a decision again from its receipt and the rule set that made it, and tells how it came about and
/// what has become of points that had to wait.
pub async fn explain(
    services: &Services,
    citizen: CitizenId,
    id: ActivityId,
) -> Result<Option<(Explanation, Option<WaitingPoints>)>, StoreError> {
    let found = activity::find(&services.database, id).await?;
    let Some(activity) = found.filter(|activity| activity.citizen == citizen) else {
        return Ok(None);
    };
    let rule_set = rule_set(services, &activity).await?;
    let action = rule_set.rules.action(&activity.action);
    let action = action.ok_or_else(|| StoreError::Corrupt(format!("activity {id}: no such action")))?;
    let explanation = rule_set.rules.explain(action, &receipt(action, &activity)?);
    let waiting = waiting(services, std::slice::from_ref(&activity)).await?.remove(&id);
    Ok(Some((explanation, waiting)))
}

pub(crate) fn receipt(action: &Action, activity: &Activity) -> Result<Receipt, StoreError> {
    Receipt::from_bytes(action, activity.occurred_at, &activity.receipt)
        .map_err(|error| StoreError::Corrupt(format!("receipt of activity {}: {error}", activity.id)))
}

/// Credits what a citizen declares, at the worth that the rules give to a citizen's own word.
pub async fn declare(
    services: &Services,
    citizen: &Citizen,
    declaration: Declaration,
) -> Result<Declared, DeclareError> {
    let city = services.city(citizen.city).await?;
    let uri = format!("urn:tanhui:self:{}", city.code);
    let source =
        office::ensure_source(services, city.id, &uri, "自行申报 / own declarations", Evidence::SelfDeclared);
    let report = Report {
        source: source.await?,
        external_id: external_id(services, citizen.id, declaration.key.as_deref()),
        action: declaration.action.clone(),
        subject: Subject::Citizen(citizen.id),
        occurred_at: to_micros(declaration.occurred_at),
        data: declaration.inputs.clone(),
        waited: false,
    };
    let results = services.crediting.credit(vec![report]).await?;
    let result = results.into_iter().next();
    let result = result.ok_or_else(|| StoreError::Corrupt("a declaration got no answer".to_owned()))?;
    match (result.status, result.activity) {
        (EventStatus::Duplicate, Some(id)) => replay(services, citizen.id, id, &declaration).await,
        (
            EventStatus::Credited
            | EventStatus::Duplicate
            | EventStatus::Pending
            | EventStatus::Held
            | EventStatus::Rejected,
            _,
        ) => Ok(Declared { result, replayed: false }),
    }
}

/// One source serves a whole city, so each citizen's keys have their own room in it.
fn external_id(services: &Services, citizen: CitizenId, key: Option<&str>) -> String {
    match key {
        Some(key) => format!("{citizen}:{}", hex::encode(Sha256::digest(key))),
        None => format!("{citizen}:{}", services.random.uuid_at(services.clock.now())),
    }
}

/// The answer that the same declaration had before.
async fn replay(
    services: &Services,
    citizen: CitizenId,
    id: ActivityId,
    declaration: &Declaration,
) -> Result<Declared, DeclareError> {
    let found = activity::find(&services.database, id).await?;
    let Some(activity) = found.filter(|activity| activity.citizen == citizen) else {
        return Err(StoreError::Corrupt(format!("activity {id} is claimed and not there")).into());
    };
    let rule_set = rule_set(services, &activity).await?;
    let Some(action) = rule_set.rules.action(&activity.action) else {
        return Err(StoreError::Corrupt(format!("activity {id}: no such action")).into());
    };
    let receipt = receipt(action, &activity)?;
    let data = declaration.inputs.iter().map(|(name, value)| (name.as_str(), value.get()));
    let same = activity.action == declaration.action
        && activity.occurred_at == to_micros(declaration.occurred_at)
        && rule_set.rules.read_inputs(action, data).is_ok_and(|inputs| inputs == receipt.inputs);
    if !same {
        return Err(DeclareError::KeyReused);
    }
    let reason = match rule_set.rules.explain(action, &receipt).outcome {
        Outcome::Refused { reason, .. } | Outcome::Held { reason, .. } => Some(reason),
        Outcome::Credited { .. } => None,
    };
    Ok(Declared { result: EventResult::of_activity(activity, reason), replayed: true })
}
