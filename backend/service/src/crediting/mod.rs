//! From reported events to credited activities: read, queue, decide, write, answer.
//!
//! Single events and batches take the same road: [`Crediting::credit`] reads each event against the rule
//! file, hands what is readable to a bounded queue, and a writer commits what waits there in one transaction
//! (group commit).

mod background;
mod batch;
mod prepare;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::city::Source;
use tanhui_domain::event::{CloudEvent, EventProblem};
use tanhui_domain::id::{ActivityId, CitizenId};
use tanhui_domain::rule::Action;
use tanhui_domain::text::Text;
use tanhui_domain::time::Clock;
use tanhui_store::binding::SubjectHash;
use tanhui_store::crediting::Bound;
use tanhui_store::{Connected as _, Database, Engine, StoreError};

use crate::group_commit::{Hand, Queue, QueueError, Work};
use crate::rule_book::RuleBook;
pub(crate) use background::{acts, save_acts};
pub(crate) use batch::{Verdict, credit_claims};
use prepare::Prepared;

/// Most events in one call.
pub const EVENTS_PER_CALL_MAX: usize = 10_000;

/// One event on its way to the ledger.
#[derive(Debug, Clone)]
pub struct Report {
    /// Who reports.
    pub source: Arc<Source>,
    /// The source's own id.
    pub external_id: String,
    /// Action of the rule file.
    pub action: String,
    /// Who did it.
    pub subject: Subject,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The action's inputs as JSON text.
    pub data: BTreeMap<String, Box<RawValue>>,
    /// Whether it waited for its subject to be bound until now.
    pub waited: bool,
}

impl Report {
    /// A partner's or importer's event, checked for everything that needs no rule file.
    pub fn from_event(
        source: &Arc<Source>,
        subject: SubjectHash,
        event: CloudEvent,
    ) -> Result<Self, EventProblem> {
        event.check()?;
        if event.source != source.uri {
            return Err(EventProblem {
                code: "foreign_source",
                pointer: "/source".to_owned(),
                detail: format!("source is {:?}; this sender speaks for {:?}", event.source, source.uri),
            });
        }
        Ok(Self {
            source: Arc::clone(source),
            action: event.action()?.to_owned(),
            occurred_at: event.occurred_at()?,
            external_id: event.id,
            subject: Subject::Hash(subject),
            data: event.data,
            waited: false,
        })
    }
}

/// Who did it, as far as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A card, meter or account, by keyed hash.
    Hash(SubjectHash),
    /// A citizen who reports for themselves.
    Citizen(CitizenId),
}

impl Subject {
    /// The keyed hash of a card, meter or account.
    #[must_use]
    pub fn hash(self) -> Option<SubjectHash> {
        match self {
            Self::Hash(hash) => Some(hash),
            Self::Citizen(_) => None,
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventStatus {
    /// Posted to the ledger.
    Credited,
    /// Known already, nothing was done.
    Duplicate,
    /// Kept until its subject is bound.
    Pending,
    /// Kept for a person to decide.
    Held,
    /// Refused; the code says why.
    Rejected,
}

/// The answer to one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventResult {
    /// The source's own id.
    pub external_id: String,
    /// What became of it.
    pub status: EventStatus,
    /// The activity, unless it was refused unread.
    pub activity: Option<ActivityId>,
    /// Points granted, when credited.
    pub points: Option<Points>,
    /// CO2e avoided, when credited.
    pub reduction: Option<ReductionMg>,
    /// Why it was refused, or `capped`.
    pub code: Option<String>,
    /// The same for a person.
    pub detail: Option<Text>,
}

impl EventResult {
    /// An event with a member that does not fit.
    #[must_use]
    pub fn of_problem(external_id: &str, problem: EventProblem) -> Self {
        let EventProblem { code, pointer, detail } = problem;
        let detail = Text::new(format!("{pointer} 不合要求：{detail}"), format!("{pointer}: {detail}"));
        Self::rejected(external_id, code, detail)
    }

    /// The answer that a decided activity stands for.
    #[must_use]
    pub fn of_activity(activity: Activity, reason: Option<Text>) -> Self {
        let status = match activity.status {
            // Undone later: it was credited when it was answered.
            ActivityStatus::Credited | ActivityStatus::Reversed => EventStatus::Credited,
            ActivityStatus::Held => EventStatus::Held,
            ActivityStatus::Rejected => EventStatus::Rejected,
        };
        let credited = status == EventStatus::Credited;
        let trimmed = activity.code.as_deref().filter(|_| credited).map(trimmed);
        let detail = reason.or(trimmed);
        Self {
            external_id: activity.external_id,
            status,
            activity: Some(activity.id),
            points: credited.then_some(activity.points),
            reduction: credited.then_some(activity.reduction),
            code: activity.code,
            detail,
        }
    }

    /// An act that was counted before, from whatever source: the answer names the activity that counts.
    #[must_use]
    pub fn told_again(external_id: String, first: Option<ActivityId>) -> Self {
        let detail = Text::new(
            "与已计入的行为是同一次，不再重复计入",
            "this is an act that was counted before; it counts once",
        );
        Self {
            external_id,
            status: EventStatus::Duplicate,
            activity: first,
            points: None,
            reduction: None,
            code: Some("same_act".to_owned()),
            detail: Some(detail),
        }
    }

    /// An event that could not be read.
    #[must_use]
    pub fn rejected(external_id: &str, code: &str, detail: Text) -> Self {
        Self {
            external_id: external_id.to_owned(),
            status: EventStatus::Rejected,
            activity: None,
            points: None,
            reduction: None,
            code: Some(code.to_owned()),
            detail: Some(detail),
        }
    }
}

/// What a credit's code says to a person.
fn trimmed(code: &str) -> Text {
    match code {
        "queued" => Text::new("预算已用完，其余积分等待预算", "the rest waits for the programme's budget"),
        "budget_exhausted" => Text::new("预算已用完", "the budget was used up and trimmed this"),
        _ => Text::new("已达上限，按上限计", "a cap was reached and trimmed this"),
    }
}

/// Why a call could not be answered. What it sent is absent, or found again by its id.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CreditError {
    /// The queue is full: come back later.
    #[error("the crediting queue is full")]
    Busy,
    /// More than [`EVENTS_PER_CALL_MAX`] events.
    #[error("{0} events in one call")]
    TooMany(usize),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The way into the ledger for everything that earns.
#[derive(Clone)]
pub struct Crediting {
    rules: Arc<RuleBook>,
    clock: Arc<dyn Clock>,
    queue: Queue<Writing>,
}

/// Writes batches of events.
struct Writing {
    database: Database,
}

impl Work for Writing {
    type Item = Prepared;
    type Answer = EventResult;
    type Known = Bound;

    const QUEUED_MAX: usize = 50_000;
    const BATCH_MAX: usize = 1_000;
    const GATHERED: usize = 2_000;
    const PARTED: usize = 128;

    async fn write(
        &self,
        at: DateTime<Utc>,
        again: bool,
        events: &[Prepared],
        hand: &Hand<Self>,
    ) -> Result<Vec<EventResult>, StoreError> {
        batch::write(&self.database, at, again, events, hand).await
    }

    /// Whose events these are; none where there is one transaction at a time, where citizens' events count
    /// together, so that their order says who gets the last of a budget, or where nobody can tell: then the
    /// writing itself says what is wrong.
    async fn look(&self, events: &[Prepared]) -> Option<Bound> {
        let shares = |event: &Prepared| event.action().is_some_and(Action::shares_counts);
        if self.database.engine() == Engine::Sqlite || events.iter().any(shares) {
            return None;
        }
        let subject = |event: &Prepared| Some((event.report.source.id, event.report.subject.hash()?));
        let subjects: HashSet<_> = events.iter().filter_map(subject).collect();
        tanhui_store::crediting::owners(&self.database, &subjects.into_iter().collect::<Vec<_>>()).await.ok()
    }

    fn owner(event: &Prepared, known: &Bound) -> u128 {
        let citizen = match event.report.subject {
            Subject::Citizen(citizen) => Some(citizen),
            Subject::Hash(hash) => known.get(&(event.report.source.id, hash)).copied(),
        };
        citizen.map_or(0, |citizen| citizen.get().as_u128())
    }

    fn refuse(event: &Prepared, _: StoreError) -> EventResult {
        let detail = Text::new(
            "本条未能入账，未计入任何数据；请联系平台",
            "this event could not be written and nothing was credited for it; please tell the platform",
        );
        EventResult::rejected(&event.external_id(), "not_written", detail)
    }
}

impl From<QueueError> for CreditError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Full => Self::Busy,
            QueueError::Stopping => Self::Stopping,
            QueueError::Store(error) => Self::Store(error),
        }
    }
}

impl Crediting {
    /// Starts the writers on the current runtime.
    #[must_use]
    pub fn start(database: &Database, rules: Arc<RuleBook>, clock: Arc<dyn Clock>) -> Self {
        let queue = Queue::start(database.engine(), &clock, Writing { database: database.for_batches() });
        Self { rules, clock, queue }
    }

    /// Credits events and answers each, in the order given.
    pub async fn credit(&self, reports: Vec<Report>) -> Result<Vec<EventResult>, CreditError> {
        if reports.len() > EVENTS_PER_CALL_MAX {
            return Err(CreditError::TooMany(reports.len()));
        }
        let now = self.clock.now();
        let read: Vec<_> =
            reports.into_iter().map(|report| prepare::prepare(&self.rules, report, now)).collect();
        let (ready, refused): (Vec<_>, Vec<_>) =
            read.into_iter().enumerate().partition(|(_, read)| read.is_ok());
        let (places, ready): (Vec<usize>, Vec<_>) =
            ready.into_iter().filter_map(|(place, read)| Some((place, read.ok()?))).unzip();
        let decided = self.queue.submit(ready).await?;
        let mut results: Vec<(usize, EventResult)> = places.into_iter().zip(decided).collect();
        results.extend(refused.into_iter().filter_map(|(place, read)| Some((place, *read.err()?))));
        results.sort_by_key(|(place, _)| *place);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    /// What events would give on empty caps, without writing anything or looking for duplicates.
    #[must_use]
    pub fn preview(&self, reports: Vec<Report>) -> Vec<EventResult> {
        let now = self.clock.now();
        let answer = |report| match prepare::prepare(&self.rules, report, now) {
            Ok(prepared) => prepared.preview(),
            Err(refused) => *refused,
        };
        reports.into_iter().map(answer).collect()
    }

    /// Lets what is queued be written, then stops the writers.
    pub async fn stop(&self) {
        self.queue.stop().await;
    }
}
