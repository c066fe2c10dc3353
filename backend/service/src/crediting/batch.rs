//! One batch, one transaction, in phases: resolve, claim, lock and load, decide, write, commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::crediting::{Claim, Decided, UsageBook, decide};
use tanhui_domain::id::{ActivityId, CitizenId, CityId, OwnerId, SourceId};
use tanhui_domain::ledger::Account;
use tanhui_domain::same_act::{ActBook, weeks_near};
use tanhui_domain::text::Text;
use tanhui_store::binding::SubjectHash;
use tanhui_store::usage::UsageWindow;
use tanhui_store::waiting::WaitingEvent;
use tanhui_store::{
    Database, StoreError, Transaction, account, act_span, activity, binding, crediting, hold, usage, waiting,
};

use super::prepare::Prepared;
use super::{EventResult, EventStatus, Subject};

/// Writes a batch of any cities and answers each event in order.
///
/// An `again` says that an earlier try at the same instant may have been committed without an answer: what
/// it wrote is then answered as it was written, and not as a duplicate.
pub(super) async fn write(
    database: &Database,
    recorded_at: DateTime<Utc>,
    again: bool,
    events: &[Prepared],
) -> Result<Vec<EventResult>, StoreError> {
    let transaction = database.begin().await?;

    // 1. Resolve: who did it, and which ids appear twice in this batch.
    let owners = resolve(&transaction, events).await?;
    let mut results: Vec<Option<EventResult>> = vec![None; events.len()];
    let mut seen = HashSet::with_capacity(events.len());
    let mut bound = Vec::new();
    let mut unbound = Vec::new();
    for (place, event) in events.iter().enumerate() {
        if !seen.insert(event.id) {
            put(&mut results, place, answer(event, EventStatus::Duplicate));
        } else if let Some(citizen) = owner_of(event, &owners) {
            bound.push((place, event, citizen));
        } else {
            unbound.push((place, event));
        }
    }

    // 2. Claim: an id that is taken is a duplicate.
    let claims: Vec<(ActivityId, CitizenId)> =
        bound.iter().map(|(_, event, citizen)| (event.id, *citizen)).collect();
    let free = if claims.is_empty() {
        HashSet::new()
    } else {
        activity::claim(&transaction, &claims, recorded_at).await?
    };
    let taken: Vec<ActivityId> = claims.iter().map(|(id, _)| *id).filter(|id| !free.contains(id)).collect();
    let mut own = if again && !taken.is_empty() {
        own_answers(&transaction, &taken, recorded_at).await?
    } else {
        HashMap::new()
    };
    for (place, event, _) in bound.iter().filter(|(_, event, _)| !free.contains(&event.id)) {
        let known = own.remove(&event.id);
        put(&mut results, *place, known.unwrap_or_else(|| answer(event, EventStatus::Duplicate)));
    }
    bound.retain(|(_, event, _)| free.contains(&event.id));

    // 3. Credit what is bound, city by city; keep what is not.
    credit(&transaction, &bound, recorded_at, &mut results).await?;
    keep(&transaction, &unbound, recorded_at, &mut results).await?;
    let waited: Vec<ActivityId> =
        events.iter().filter(|event| event.report.waited).map(|event| event.id).collect();
    if !waited.is_empty() {
        waiting::delete_many(&transaction, &waited).await?;
    }

    // 4. Commit, then answer.
    transaction.commit().await?;
    count(&results);
    results.into_iter().map(|result| result.ok_or_else(unanswered)).collect()
}

type Bound<'a> = (usize, &'a Prepared, CitizenId);

async fn resolve(
    on: &Transaction,
    events: &[Prepared],
) -> Result<HashMap<(SourceId, SubjectHash), CitizenId>, StoreError> {
    let mut subjects: BTreeMap<SourceId, HashSet<SubjectHash>> = BTreeMap::new();
    for event in events {
        if let Subject::Hash(hash) = event.report.subject {
            subjects.entry(event.report.source.id).or_default().insert(hash);
        }
    }
    let mut owners = HashMap::new();
    for (source, hashes) in subjects {
        let hashes: Vec<SubjectHash> = hashes.into_iter().collect();
        let found = binding::owners(on, source, &hashes).await?;
        owners.extend(found.into_iter().map(|(hash, citizen)| ((source, hash), citizen)));
    }
    Ok(owners)
}

fn owner_of(event: &Prepared, owners: &HashMap<(SourceId, SubjectHash), CitizenId>) -> Option<CitizenId> {
    match event.report.subject {
        Subject::Citizen(citizen) => Some(citizen),
        Subject::Hash(hash) => owners.get(&(event.report.source.id, hash)).copied(),
    }
}

async fn own_answers(
    on: &Transaction,
    taken: &[ActivityId],
    recorded_at: DateTime<Utc>,
) -> Result<HashMap<ActivityId, EventResult>, StoreError> {
    let written = activity::written_at(on, taken, recorded_at).await?;
    let answer = |activity: Activity| (activity.id, EventResult::of_activity(activity, None));
    Ok(written.into_iter().map(answer).collect())
}

async fn credit(
    on: &Transaction,
    bound: &[Bound<'_>],
    recorded_at: DateTime<Utc>,
    results: &mut [Option<EventResult>],
) -> Result<(), StoreError> {
    if bound.is_empty() {
        return Ok(());
    }
    let claims: Vec<(usize, Claim<'_>)> = bound.iter().filter_map(claim).collect();
    let mut told_again = Vec::new();
    for (place, verdict) in credit_claims(on, claims, recorded_at).await? {
        let answer = match verdict {
            Verdict::Decided(decided) => EventResult::of_activity(decided.activity, decided.reason),
            Verdict::ToldAgain { claimed, first } => {
                told_again.push(claimed);
                let event = bound.iter().find(|(known, _, _)| *known == place).map(|(_, event, _)| *event);
                EventResult::told_again(event.map(Prepared::external_id).unwrap_or_default(), first)
            }
        };
        put(results, place, answer);
    }
    if !told_again.is_empty() {
        activity::unclaim(on, &told_again).await?;
        waiting::discard(on, &told_again).await?;
    }
    Ok(())
}

/// What became of a claim.
pub(crate) enum Verdict {
    /// It was written.
    Decided(Decided),
    /// It is an act counted before; nothing of it was written.
    ToldAgain {
        /// The id that was claimed for it.
        claimed: ActivityId,
        /// The activity that counts.
        first: Option<ActivityId>,
    },
}

/// Locks the citizens, loads what the decisions look at, decides, writes; each verdict with its place.
pub(crate) async fn credit_claims(
    on: &Transaction,
    claims: Vec<(usize, Claim<'_>)>,
    recorded_at: DateTime<Utc>,
) -> Result<Vec<(usize, Verdict)>, StoreError> {
    let mut accounts = lock(on, &claims).await?;
    let mut usage = load_usage(on, &claims).await?;
    let mut acts = acts_near(on, claims.iter().map(|(_, claim)| claim)).await?;
    let mut by_city: BTreeMap<CityId, Vec<(usize, Claim<'_>)>> = BTreeMap::new();
    for (place, claim) in claims {
        let city = accounts.get(&claim.citizen).map(|account| account.city);
        by_city.entry(city.unwrap_or(CityId::new(0))).or_default().push((place, claim));
    }
    let mut verdicts = Vec::new();
    for (city, claims) in by_city {
        let (places, claims): (Vec<usize>, Vec<Claim<'_>>) = claims.into_iter().unzip();
        let outcome = decide(&claims, &mut accounts, &mut usage, &mut acts, recorded_at).map_err(broken)?;
        crediting::write(on, city, &outcome, recorded_at).await?;
        hold(on, city, &outcome.decided).await?;
        let repeats: HashMap<usize, u64> =
            outcome.repeats.iter().map(|repeat| (repeat.place, repeat.first)).collect();
        let mut decided = outcome.decided.into_iter();
        for (at, (place, claim)) in places.into_iter().zip(&claims).enumerate() {
            let verdict = match repeats.get(&at) {
                None => Verdict::Decided(decided.next().ok_or_else(unanswered)?),
                Some(first) => {
                    let first = act_span::activity(on, claim.citizen, *first).await?;
                    Verdict::ToldAgain { claimed: claim.id, first }
                }
            };
            verdicts.push((place, verdict));
        }
    }
    save_acts(on, acts).await?;
    Ok(verdicts)
}

/// The counted acts that claims may be, where their actions ask for that. The citizens must be locked.
pub(crate) async fn acts_near<'a>(
    on: &Transaction,
    claims: impl Iterator<Item = &'a Claim<'a>>,
) -> Result<ActBook, StoreError> {
    let mut weeks = BTreeSet::new();
    for claim in claims {
        let Some(span) = claim.span() else { continue };
        weeks.extend(weeks_near(&span).into_iter().map(|week| (claim.citizen, span.group.clone(), week)));
    }
    if weeks.is_empty() {
        return Ok(ActBook::default());
    }
    Ok(ActBook::new(act_span::load(on, weeks.iter()).await?))
}

pub(crate) async fn save_acts(on: &Transaction, acts: ActBook) -> Result<(), StoreError> {
    let changed = acts.into_changed();
    if changed.is_empty() { Ok(()) } else { act_span::save(on, &changed).await }
}

async fn hold(on: &Transaction, city: CityId, decided: &[Decided]) -> Result<(), StoreError> {
    let none = Text::default();
    let held: Vec<(&Activity, &Text)> = decided
        .iter()
        .filter(|decided| decided.activity.status == ActivityStatus::Held)
        .map(|decided| (&decided.activity, decided.reason.as_ref().unwrap_or(&none)))
        .collect();
    if held.is_empty() { Ok(()) } else { hold::insert_many(on, city, &held).await }
}

fn claim<'a>(&(place, event, citizen): &Bound<'a>) -> Option<(usize, Claim<'a>)> {
    let claim = Claim {
        id: event.id,
        citizen,
        source: event.report.source.id,
        external_id: &event.report.external_id,
        rule_set: &event.rule_set.rules,
        rule_set_id: event.rule_set.id,
        action: event.action()?,
        inputs: &event.inputs,
        occurred_at: event.report.occurred_at,
        evidence: event.report.source.evidence,
        reviewed: false,
    };
    Some((place, claim))
}

async fn lock(
    on: &Transaction,
    claims: &[(usize, Claim<'_>)],
) -> Result<BTreeMap<CitizenId, Account>, StoreError> {
    let citizens: HashSet<CitizenId> = claims.iter().map(|(_, claim)| claim.citizen).collect();
    let owners: Vec<OwnerId> = citizens.into_iter().map(OwnerId::from).collect();
    let accounts = account::lock_many(on, &owners).await?;
    Ok(accounts.into_iter().map(|account| (CitizenId::new(account.owner.get()), account)).collect())
}

async fn load_usage(on: &Transaction, claims: &[(usize, Claim<'_>)]) -> Result<UsageBook, StoreError> {
    let windows: HashSet<UsageWindow> = claims
        .iter()
        .flat_map(|(_, claim)| {
            UsageBook::windows_of(claim).into_iter().map(|window| UsageWindow {
                citizen: claim.citizen,
                action: claim.action.id().to_owned(),
                range: window.range,
            })
        })
        .collect();
    let windows: Vec<UsageWindow> = windows.into_iter().collect();
    let mut book = UsageBook::default();
    if !windows.is_empty() {
        let sums = usage::sums(on, &windows).await?;
        for (window, used) in windows.iter().zip(sums) {
            book.enter(window.citizen, &window.action, window.range, used);
        }
    }
    Ok(book)
}

async fn keep(
    on: &Transaction,
    unbound: &[(usize, &Prepared)],
    recorded_at: DateTime<Utc>,
    results: &mut [Option<EventResult>],
) -> Result<(), StoreError> {
    if unbound.is_empty() {
        return Ok(());
    }
    let ids: Vec<ActivityId> = unbound.iter().map(|(_, event)| event.id).collect();
    let known = activity::existing(on, &ids).await?;
    let events: Vec<WaitingEvent> = unbound
        .iter()
        .filter(|(_, event)| !known.contains(&event.id))
        .filter_map(|(_, event)| waiting_event(event))
        .collect();
    let new = if events.is_empty() {
        HashSet::new()
    } else {
        waiting::insert_many(on, &events, recorded_at).await?
    };
    for (place, event) in unbound {
        let status = if new.contains(&event.id) { EventStatus::Pending } else { EventStatus::Duplicate };
        put(results, *place, answer(event, status));
    }
    Ok(())
}

fn waiting_event(event: &Prepared) -> Option<WaitingEvent> {
    let Subject::Hash(subject) = event.report.subject else {
        return None;
    };
    Some(WaitingEvent {
        id: event.id,
        source: event.report.source.id,
        subject,
        external_id: event.report.external_id.clone(),
        action: event.report.action.clone(),
        data: serde_json::to_string(&event.report.data).ok()?,
        occurred_at: event.report.occurred_at,
    })
}

fn answer(event: &Prepared, status: EventStatus) -> EventResult {
    EventResult {
        external_id: event.report.external_id.clone(),
        status,
        activity: Some(event.id),
        points: None,
        reduction: None,
        code: None,
        detail: None,
    }
}

fn put(results: &mut [Option<EventResult>], place: usize, result: EventResult) {
    if let Some(slot) = results.get_mut(place) {
        *slot = Some(result);
    }
}

fn count(results: &[Option<EventResult>]) {
    for result in results.iter().flatten() {
        let status = match result.status {
            EventStatus::Credited => "credited",
            EventStatus::Duplicate => "duplicate",
            EventStatus::Pending => "pending",
            EventStatus::Held => "held",
            EventStatus::Rejected => "rejected",
        };
        metrics::counter!("tanhui_events_total", "status" => status).increment(1);
    }
}

fn broken(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

fn unanswered() -> StoreError {
    StoreError::Corrupt("an event of the batch got no answer".to_owned())
}
