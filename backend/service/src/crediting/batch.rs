//! One batch, one transaction, in phases: resolve and lock, claim, load, decide, write, commit.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::crediting::{Claim, Decided, card_id, decide};
use tanhui_domain::id::{ActivityId, CitizenId, CityId, SourceId};
use tanhui_domain::ledger::Account;
use tanhui_domain::text::Text;
use tanhui_store::binding::SubjectHash;
use tanhui_store::crediting::{Bound, Owners};
use tanhui_store::waiting::WaitingEvent;
use tanhui_store::{Database, StoreError, Transaction, act_span, activity, crediting, hold, waiting};

use super::prepare::Prepared;
use super::{EventResult, EventStatus, Subject, Writing, background};
use crate::group_commit::Hand;

/// Writes a batch of any cities and answers each event in order.
///
/// An `again` says that an earlier try at the same instant may have been committed without an answer: what
/// it wrote is then answered as it was written, and not as a duplicate.
pub(super) async fn write(
    database: &Database,
    recorded_at: DateTime<Utc>,
    again: bool,
    events: &[Prepared],
    hand: &Hand<Writing>,
) -> Result<Vec<EventResult>, StoreError> {
    let transaction = database.begin().await?;

    // 1. Resolve and lock: who did it, and which ids appear twice in this batch.
    let known = hand.known.as_deref().filter(|_| !again);
    let mut owners = lock_owners(&transaction, events, known).await?;
    let mut results: Vec<Option<EventResult>> = vec![None; events.len()];
    let mut seen = HashSet::with_capacity(events.len());
    let mut bound = Vec::new();
    let mut unbound = Vec::new();
    for (place, event) in events.iter().enumerate() {
        if !seen.insert(event.id) {
            put(&mut results, place, answer(event, EventStatus::Duplicate));
        } else if let Some(citizen) = owner_of(event, &owners.bound) {
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
    credit(&transaction, &bound, &mut owners.accounts, recorded_at, &mut results).await?;
    keep(&transaction, &unbound, (recorded_at, again), &mut results).await?;
    let waited: Vec<ActivityId> =
        events.iter().filter(|event| event.report.waited).map(|event| event.id).collect();
    if !waited.is_empty() {
        waiting::delete_many(&transaction, &waited).await?;
    }

    // 4. Commit, then answer.
    hand.pass();
    transaction.commit().await?;
    count(&results);
    results.into_iter().map(|result| result.ok_or_else(unanswered)).collect()
}

/// An event's place, itself, and who did it.
pub(super) type Owned<'a> = (usize, &'a Prepared, CitizenId);

/// Owners that are known were looked up for a batch that this one is a part of.
async fn lock_owners(
    on: &Transaction,
    events: &[Prepared],
    known: Option<&Bound>,
) -> Result<Owners, StoreError> {
    let mut subjects = HashSet::with_capacity(events.len());
    let mut citizens = HashSet::new();
    for event in events {
        match event.report.subject {
            Subject::Hash(hash) => subjects.insert((event.report.source.id, hash)),
            Subject::Citizen(citizen) => citizens.insert(citizen),
        };
    }
    if let Some(known) = known {
        let own = |subject: (SourceId, SubjectHash)| Some((subject, *known.get(&subject)?));
        return crediting::lock_known(on, subjects.into_iter().filter_map(own).collect(), citizens).await;
    }
    let (subjects, citizens): (Vec<_>, Vec<_>) =
        (subjects.into_iter().collect(), citizens.into_iter().collect());
    crediting::lock_owners(on, &subjects, &citizens).await
}

fn owner_of(event: &Prepared, owners: &Bound) -> Option<CitizenId> {
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
    bound: &[Owned<'_>],
    accounts: &mut BTreeMap<CitizenId, Account>,
    recorded_at: DateTime<Utc>,
    results: &mut [Option<EventResult>],
) -> Result<(), StoreError> {
    if bound.is_empty() {
        return Ok(());
    }
    let districts = background::districts(on, bound).await?;
    let claims: Vec<(usize, Claim<'_>)> = bound.iter().filter_map(|bound| claim(bound, &districts)).collect();
    let mut told_again = Vec::new();
    for (place, verdict) in credit_claims(on, claims, accounts, recorded_at).await? {
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
#[expect(clippy::large_enum_variant, reason = "nearly all are decisions, and each is moved once")]
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

/// Loads what the decisions look at, decides, writes; each verdict with its place. The accounts must be
/// locked.
pub(crate) async fn credit_claims(
    on: &Transaction,
    claims: Vec<(usize, Claim<'_>)>,
    accounts: &mut BTreeMap<CitizenId, Account>,
    recorded_at: DateTime<Utc>,
) -> Result<Vec<(usize, Verdict)>, StoreError> {
    let mut book = background::load(on, claims.iter().map(|(_, claim)| claim)).await?;
    let mut acts = background::acts(on, claims.iter().map(|(_, claim)| claim)).await?;
    let mut by_city: BTreeMap<CityId, Vec<(usize, Claim<'_>)>> = BTreeMap::new();
    for (place, claim) in claims {
        let city = accounts.get(&claim.citizen).map(|account| account.city);
        by_city.entry(city.unwrap_or(CityId::new(0))).or_default().push((place, claim));
    }
    let mut verdicts = Vec::new();
    for (city, claims) in by_city {
        let (places, claims): (Vec<usize>, Vec<Claim<'_>>) = claims.into_iter().unzip();
        let outcome = decide(&claims, accounts, &mut book, &mut acts, recorded_at).map_err(broken)?;
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
    background::save_acts(on, acts).await?;
    Ok(verdicts)
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

fn claim<'a>(
    &(place, event, citizen): &Owned<'a>,
    districts: &'a HashMap<CitizenId, String>,
) -> Option<(usize, Claim<'a>)> {
    let (action, source) = (event.action()?, &event.report.source);
    let subject = event.report.subject.hash().filter(|_| action.counts_cards());
    let claim = Claim {
        id: event.id,
        citizen,
        source: source.id,
        external_id: &event.report.external_id,
        rule_set: &event.rule_set.rules,
        rule_set_id: event.rule_set.id,
        action,
        inputs: &event.inputs,
        occurred_at: event.report.occurred_at,
        evidence: source.evidence,
        city: source.city,
        card: subject.map(|subject| card_id(source.city, source.id, &subject)),
        district: districts.get(&citizen).map(String::as_str),
        reviewed: false,
    };
    Some((place, claim))
}

async fn keep(
    on: &Transaction,
    unbound: &[(usize, &Prepared)],
    (recorded_at, again): (DateTime<Utc>, bool),
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
    let own = if again { waiting::written_at(on, &ids, recorded_at).await? } else { new };
    for (place, event) in unbound {
        let status = if own.contains(&event.id) { EventStatus::Pending } else { EventStatus::Duplicate };
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
    let mut counts: HashMap<EventStatus, u64> = HashMap::new();
    for result in results.iter().flatten() {
        let count = counts.entry(result.status).or_default();
        *count = count.saturating_add(1);
    }
    for (status, count) in counts {
        let status = match status {
            EventStatus::Credited => "credited",
            EventStatus::Duplicate => "duplicate",
            EventStatus::Pending => "pending",
            EventStatus::Held => "held",
            EventStatus::Rejected => "rejected",
        };
        metrics::counter!("tanhui_events_total", "status" => status).increment(count);
    }
}

fn broken(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

fn unanswered() -> StoreError {
    StoreError::Corrupt("an event of the batch got no answer".to_owned())
}
