//! The bounded queue and its writers. A full queue says so at once; a failed transaction is repeated a few
//! times.
//!
//! Writers take turns. One with a small batch passes its turn on when it commits: what came meanwhile is the
//! next batch, instead of many batches of one event that each cost as much. Many events of several calls are
//! written as two transactions side by side, each citizen's in one of them, and the next need not wait.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tanhui_domain::id::CitizenId;
use tanhui_domain::text::Text;
use tanhui_domain::time::{Clock, to_micros};
use tanhui_store::crediting::Bound;
use tanhui_store::{Connected, Database, Engine, StoreError, crediting};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::prepare::Prepared;
use super::{CreditError, EventResult, Subject, batch};
use crate::retry::retrying;

/// Most events that wait or are being written.
const EVENTS_QUEUED_MAX: usize = 50_000;
/// Most events of one call in one transaction.
const EVENTS_PER_BATCH_MAX: usize = 1_000;
/// A writer takes no further call once it has so many events.
const EVENTS_GATHERED: usize = 2_000;
/// From so many events on those of several calls are written as two transactions.
const EVENTS_HALVED: usize = 128;
/// Longest that a writer keeps its turn: what holds one batch up must not hold up all.
const TURN_MAX: Duration = Duration::from_millis(100);
/// Writers side by side where the database has row locks.
const WRITERS_POSTGRES: usize = 2;

#[derive(Debug, Clone)]
pub(super) struct Queue {
    sender: Arc<std::sync::Mutex<Option<mpsc::UnboundedSender<Job>>>>,
    room: Arc<Semaphore>,
    writers: TaskTracker,
}

struct Job {
    events: Vec<Prepared>,
    answer: oneshot::Sender<Result<Vec<EventResult>, StoreError>>,
    room: OwnedSemaphorePermit,
}

impl Queue {
    pub(super) fn start(database: &Database, clock: &Arc<dyn Clock>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let writers = TaskTracker::new();
        let count = match database.engine() {
            Engine::Postgres => WRITERS_POSTGRES,
            Engine::Sqlite => 1,
        };
        for _ in 0..count {
            writers.spawn(write(database.for_batches(), Arc::clone(clock), Arc::clone(&receiver)));
        }
        writers.close();
        let room = Arc::new(Semaphore::new(EVENTS_QUEUED_MAX));
        Self { sender: Arc::new(std::sync::Mutex::new(Some(sender))), room, writers }
    }

    /// Queues events in pieces of one batch and waits for all answers.
    pub(super) async fn submit(&self, events: Vec<Prepared>) -> Result<Vec<EventResult>, CreditError> {
        let count = events.len();
        let weight = u32::try_from(count).map_err(|_| CreditError::TooMany(count))?;
        let mut room =
            Arc::clone(&self.room).try_acquire_many_owned(weight).map_err(|_| CreditError::Busy)?;
        let mut events = events.into_iter();
        let mut answers = Vec::new();
        loop {
            let piece: Vec<Prepared> = events.by_ref().take(EVENTS_PER_BATCH_MAX).collect();
            if piece.is_empty() {
                break;
            }
            let share = room.split(piece.len()).ok_or(CreditError::Busy)?;
            let (answer, receiver) = oneshot::channel();
            self.send(Job { events: piece, answer, room: share })?;
            answers.push(receiver);
        }
        let mut results = Vec::with_capacity(count);
        for answer in answers {
            results.extend(answer.await.map_err(|_| CreditError::Stopping)??);
        }
        Ok(results)
    }

    fn send(&self, job: Job) -> Result<(), CreditError> {
        let sender = self.sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sender = sender.as_ref().ok_or(CreditError::Stopping)?;
        sender.send(job).map_err(|_| CreditError::Stopping)
    }

    pub(super) async fn stop(&self) {
        drop(self.sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
        self.writers.wait().await;
    }
}

type Waiting = mpsc::UnboundedReceiver<Job>;

/// What a writer holds while it writes a batch.
pub(super) struct Hand {
    /// The right to take the next batch, until it is passed on.
    turn: std::sync::Mutex<Option<OwnedMutexGuard<Waiting>>>,
    /// Whose events they are, where somebody has looked.
    pub(super) known: Option<Bound>,
}

impl Hand {
    /// Lets the next writer take what waits.
    pub(super) fn pass(&self) {
        drop(self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("events", &self.events.len()).finish_non_exhaustive()
    }
}

/// Takes what waits, up to a batch, writes it, answers each caller; ends when the queue is closed and empty.
async fn write(database: Database, clock: Arc<dyn Clock>, waiting: Arc<Mutex<Waiting>>) {
    loop {
        let mut turn = Arc::clone(&waiting).lock_owned().await;
        let jobs = gather(&mut turn).await;
        if jobs.is_empty() {
            return;
        }
        let sizes: Vec<usize> = jobs.iter().map(|job| job.events.len()).collect();
        let (events, callers): (Vec<Vec<Prepared>>, Vec<_>) =
            jobs.into_iter().map(|job| (job.events, (job.answer, job.room))).unzip();
        let events: Vec<Prepared> = events.into_iter().flatten().collect();
        let is_large = events.len() >= EVENTS_HALVED;
        let turn = (!is_large).then_some(turn);
        let known = if is_large && callers.len() > 1 { owners(&database, &events).await } else { None };
        let hand = Hand { turn: std::sync::Mutex::new(turn), known };
        let outcome = write_batch(database.clone(), to_micros(clock.now()), events, hand).await;
        let mut results = outcome.map(Vec::into_iter);
        for ((answer, _room), size) in callers.into_iter().zip(sizes) {
            let share = match &mut results {
                Ok(results) => Ok(results.by_ref().take(size).collect()),
                Err(error) => Err(error.clone()),
            };
            if answer.send(share).is_err() {
                tracing::debug!("a caller went away before its answer");
            }
        }
    }
}

/// Writes in a task of its own, so that a panic fails this batch only and the writer goes on.
async fn write_batch(
    database: Database,
    recorded_at: DateTime<Utc>,
    events: Vec<Prepared>,
    hand: Hand,
) -> Result<Vec<EventResult>, StoreError> {
    let hand = Arc::new(hand);
    let held = Arc::clone(&hand);
    let mut batch = tokio::spawn(async move {
        match &held.known {
            None => write_parts(&database, recorded_at, &events, &held).await,
            Some(known) => {
                let sides = events.iter().map(|event| is_right(event, known)).collect();
                write_halves(&database, recorded_at, (events, sides), &held).await
            }
        }
    });
    let outcome = match tokio::time::timeout(TURN_MAX, &mut batch).await {
        Ok(outcome) => outcome,
        Err(_) => {
            hand.pass();
            batch.await
        }
    };
    match outcome {
        Ok(outcome) => together(outcome),
        Err(fault) => Err(StoreError::Corrupt(format!("a crediting batch broke off: {fault}"))),
    }
}

/// Whose events these are; none where there is one transaction at a time, or where nobody can tell: then the
/// writing itself says what is wrong.
async fn owners(database: &Database, events: &[Prepared]) -> Option<Bound> {
    if database.engine() == Engine::Sqlite {
        return None;
    }
    let subject = |event: &Prepared| Some((event.report.source.id, event.report.subject.hash()?));
    let subjects: HashSet<_> = events.iter().filter_map(subject).collect();
    crediting::owners(database, &subjects.into_iter().collect::<Vec<_>>()).await.ok()
}

/// In which half of a large batch an event is written: all of one citizen in the same.
fn is_right(event: &Prepared, known: &Bound) -> bool {
    let is_odd = |citizen: &CitizenId| citizen.get().as_u128() & 1 == 1;
    match event.report.subject {
        Subject::Citizen(citizen) => is_odd(&citizen),
        Subject::Hash(hash) => known.get(&(event.report.source.id, hash)).is_some_and(is_odd),
    }
}

/// Writes a large batch as two transactions, so that two processors of the database work on it.
async fn write_halves(
    database: &Database,
    recorded_at: DateTime<Utc>,
    (events, sides): (Vec<Prepared>, Vec<bool>),
    hand: &Hand,
) -> Parts {
    if !(sides.contains(&true) && sides.contains(&false)) {
        return write_parts(database, recorded_at, &events, hand).await;
    }
    let (right, left): (Vec<_>, Vec<_>) = events.into_iter().zip(&sides).partition(|(_, side)| **side);
    let alone = |half: Vec<(Prepared, _)>| half.into_iter().map(|(event, _)| event).collect::<Vec<_>>();
    let (right, left) = (alone(right), alone(left));
    let (right, left) = tokio::join!(
        write_parts(database, recorded_at, &right, hand),
        write_parts(database, recorded_at, &left, hand)
    );
    let (mut right, mut left) = (right.into_iter(), left.into_iter());
    sides.into_iter().filter_map(|side| if side { right.next() } else { left.next() }).collect()
}

/// Halves a batch that cannot be written until the rest is, so that no event fails for its neighbour.
fn write_parts<'a>(
    database: &'a Database,
    recorded_at: DateTime<Utc>,
    events: &'a [Prepared],
    hand: &'a Hand,
) -> Pin<Box<dyn Future<Output = Parts> + Send + 'a>> {
    Box::pin(async move {
        match retrying(|again| batch::write(database, recorded_at, again, events, hand)).await {
            Ok(results) => results.into_iter().map(Ok).collect(),
            Err(error) if events.len() > 1 && !error.is_repeatable() => {
                let (first, second) = events.split_at(events.len().div_ceil(2));
                let mut results = write_parts(database, recorded_at, first, hand).await;
                results.extend(write_parts(database, recorded_at, second, hand).await);
                results
            }
            Err(error) => {
                let unwritten =
                    |event: &Prepared| Unwritten { id: event.external_id(), error: error.clone() };
                events.iter().map(|event| Err(unwritten(event))).collect()
            }
        }
    })
}

/// One for each event, in order.
type Parts = Vec<Result<EventResult, Unwritten>>;

/// An event that could not be written.
struct Unwritten {
    id: String,
    error: StoreError,
}

/// When some events were written, the others get their own answer; when none was, it is not their fault.
fn together(results: Parts) -> Result<Vec<EventResult>, StoreError> {
    let some_written = results.iter().any(Result::is_ok);
    let answer = |result: Result<EventResult, Unwritten>| match result {
        Err(unwritten) if some_written && !unwritten.error.is_repeatable() => {
            tracing::error!(error = %unwritten.error, "an event could not be written");
            let detail = Text::new(
                "本条未能入账，未计入任何数据；请联系平台",
                "this event could not be written and nothing was credited for it; please tell the platform",
            );
            Ok(EventResult::rejected(&unwritten.id, "not_written", detail))
        }
        result => result.map_err(|unwritten| unwritten.error),
    };
    results.into_iter().map(answer).collect()
}

async fn gather(waiting: &mut Waiting) -> Vec<Job> {
    let Some(first) = waiting.recv().await else {
        return Vec::new();
    };
    let mut count = first.events.len();
    let mut jobs = vec![first];
    while count < EVENTS_GATHERED {
        let Ok(job) = waiting.try_recv() else { break };
        count = count.saturating_add(job.events.len());
        jobs.push(job);
    }
    jobs
}
