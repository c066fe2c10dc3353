//! The bounded queue and its writers. A full queue says so at once; a failed transaction is repeated a few
//! times.

use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tanhui_domain::text::Text;
use tanhui_domain::time::{Clock, to_micros};
use tanhui_store::{Connected, Database, Engine, StoreError};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::prepare::Prepared;
use super::{CreditError, EventResult, batch};
use crate::retry::retrying;

/// Most events that wait or are being written.
const EVENTS_QUEUED_MAX: usize = 50_000;
/// Most events in one transaction.
const EVENTS_PER_BATCH_MAX: usize = 1_000;
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
            writers.spawn(write(database.clone(), Arc::clone(clock), Arc::clone(&receiver)));
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

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("events", &self.events.len()).finish_non_exhaustive()
    }
}

/// Takes what waits, up to a batch, writes it, answers each caller; ends when the queue is closed and empty.
async fn write(
    database: Database,
    clock: Arc<dyn Clock>,
    receiver: Arc<Mutex<mpsc::UnboundedReceiver<Job>>>,
) {
    loop {
        let jobs = gather(&receiver).await;
        if jobs.is_empty() {
            return;
        }
        let sizes: Vec<usize> = jobs.iter().map(|job| job.events.len()).collect();
        let (events, callers): (Vec<Vec<Prepared>>, Vec<_>) =
            jobs.into_iter().map(|job| (job.events, (job.answer, job.room))).unzip();
        let events: Vec<Prepared> = events.into_iter().flatten().collect();
        let outcome = write_batch(database.clone(), to_micros(clock.now()), events).await;
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
) -> Result<Vec<EventResult>, StoreError> {
    let batch = tokio::spawn(async move { write_parts(&database, recorded_at, &events).await });
    match batch.await {
        Ok(outcome) => together(outcome),
        Err(fault) => Err(StoreError::Corrupt(format!("a crediting batch broke off: {fault}"))),
    }
}

/// Halves a batch that cannot be written until the rest is, so that no event fails for its neighbour.
fn write_parts<'a>(
    database: &'a Database,
    recorded_at: DateTime<Utc>,
    events: &'a [Prepared],
) -> Pin<Box<dyn Future<Output = Parts> + Send + 'a>> {
    Box::pin(async move {
        match retrying(|again| batch::write(database, recorded_at, again, events)).await {
            Ok(results) => results.into_iter().map(Ok).collect(),
            Err(error) if events.len() > 1 && !error.is_repeatable() => {
                let (first, second) = events.split_at(events.len().div_ceil(2));
                let mut results = write_parts(database, recorded_at, first).await;
                results.extend(write_parts(database, recorded_at, second).await);
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

async fn gather(receiver: &Mutex<mpsc::UnboundedReceiver<Job>>) -> Vec<Job> {
    let mut receiver = receiver.lock().await;
    let Some(first) = receiver.recv().await else {
        return Vec::new();
    };
    let mut count = first.events.len();
    let mut jobs = vec![first];
    while count < EVENTS_PER_BATCH_MAX {
        let Ok(job) = receiver.try_recv() else { break };
        count = count.saturating_add(job.events.len());
        jobs.push(job);
    }
    jobs
}
