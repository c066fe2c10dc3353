//! Group commit: a bounded queue, and writers that commit what waits there in one transaction. A full queue
//! says so at once; a failed transaction is repeated a few times.
//!
//! Knows nothing of what is written: crediting and redeeming bring their own [`Work`].

use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tanhui_domain::time::{Clock, to_micros};
use tanhui_store::{Engine, StoreError};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::retry::retrying;

/// Writers side by side where the database has row locks.
const WRITERS_POSTGRES: usize = 2;

/// What the writers do.
pub(crate) trait Work: Send + Sync + 'static {
    /// One of the things that are written together.
    type Item: Send + Sync + 'static;
    /// What became of it.
    type Answer: Send + 'static;

    /// Most items that wait or are being written.
    const QUEUED_MAX: usize;
    /// Most items in one transaction, beyond the last call that begins within it.
    const BATCH_MAX: usize;

    /// Writes items in one transaction at an instant and answers each in order. An `again` says that an
    /// earlier try at the same instant may have been committed without an answer.
    fn write(
        &self,
        at: DateTime<Utc>,
        again: bool,
        items: &[Self::Item],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send;

    /// The answer of an item that cannot be written while others of its batch were.
    fn refuse(item: &Self::Item, error: StoreError) -> Self::Answer;
}

/// Why the queue gave no answer. What was sent is absent, or found again by its id.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum QueueError {
    /// It is full: come back later.
    #[error("the queue is full")]
    Full,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) struct Queue<W: Work> {
    sender: Arc<std::sync::Mutex<Option<mpsc::UnboundedSender<Job<W>>>>>,
    room: Arc<Semaphore>,
    writers: TaskTracker,
}

impl<W: Work> Clone for Queue<W> {
    fn clone(&self) -> Self {
        let (sender, room) = (Arc::clone(&self.sender), Arc::clone(&self.room));
        Self { sender, room, writers: self.writers.clone() }
    }
}

struct Job<W: Work> {
    items: Vec<W::Item>,
    answer: oneshot::Sender<Result<Vec<W::Answer>, StoreError>>,
    room: OwnedSemaphorePermit,
}

impl<W: Work> Queue<W> {
    /// Starts the writers on the current runtime.
    pub(crate) fn start(engine: Engine, clock: &Arc<dyn Clock>, work: W) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (work, receiver) = (Arc::new(work), Arc::new(Mutex::new(receiver)));
        let writers = TaskTracker::new();
        let count = match engine {
            Engine::Postgres => WRITERS_POSTGRES,
            Engine::Sqlite => 1,
        };
        for _ in 0..count {
            writers.spawn(write(Arc::clone(&work), Arc::clone(clock), Arc::clone(&receiver)));
        }
        writers.close();
        let room = Arc::new(Semaphore::new(W::QUEUED_MAX));
        Self { sender: Arc::new(std::sync::Mutex::new(Some(sender))), room, writers }
    }

    /// Queues items in pieces of one batch and waits for all answers.
    pub(crate) async fn submit(&self, items: Vec<W::Item>) -> Result<Vec<W::Answer>, QueueError> {
        let count = items.len();
        let weight = u32::try_from(count).map_err(|_| QueueError::Full)?;
        let mut room = Arc::clone(&self.room).try_acquire_many_owned(weight).map_err(|_| QueueError::Full)?;
        let mut items = items.into_iter();
        let mut answers = Vec::new();
        loop {
            let piece: Vec<W::Item> = items.by_ref().take(W::BATCH_MAX).collect();
            if piece.is_empty() {
                break;
            }
            let share = room.split(piece.len()).ok_or(QueueError::Full)?;
            let (answer, receiver) = oneshot::channel();
            self.send(Job { items: piece, answer, room: share })?;
            answers.push(receiver);
        }
        let mut results = Vec::with_capacity(count);
        for answer in answers {
            results.extend(answer.await.map_err(|_| QueueError::Stopping)??);
        }
        Ok(results)
    }

    fn send(&self, job: Job<W>) -> Result<(), QueueError> {
        let sender = self.sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sender = sender.as_ref().ok_or(QueueError::Stopping)?;
        sender.send(job).map_err(|_| QueueError::Stopping)
    }

    /// Lets what is queued be written, then stops the writers.
    pub(crate) async fn stop(&self) {
        drop(self.sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
        self.writers.wait().await;
    }
}

/// Takes what waits, up to a batch, writes it, answers each caller; ends when the queue is closed and empty.
async fn write<W: Work>(
    work: Arc<W>,
    clock: Arc<dyn Clock>,
    receiver: Arc<Mutex<mpsc::UnboundedReceiver<Job<W>>>>,
) {
    loop {
        let jobs = gather(&receiver).await;
        if jobs.is_empty() {
            return;
        }
        let sizes: Vec<usize> = jobs.iter().map(|job| job.items.len()).collect();
        let (items, callers): (Vec<Vec<W::Item>>, Vec<_>) =
            jobs.into_iter().map(|job| (job.items, (job.answer, job.room))).unzip();
        let items: Vec<W::Item> = items.into_iter().flatten().collect();
        let outcome = write_batch(Arc::clone(&work), to_micros(clock.now()), items).await;
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
async fn write_batch<W: Work>(
    work: Arc<W>,
    at: DateTime<Utc>,
    items: Vec<W::Item>,
) -> Result<Vec<W::Answer>, StoreError> {
    let batch = tokio::spawn(async move {
        let parts = write_parts(work.as_ref(), at, &items).await;
        together::<W>(&items, parts)
    });
    match batch.await {
        Ok(outcome) => outcome,
        Err(fault) => Err(StoreError::Corrupt(format!("a batch broke off: {fault}"))),
    }
}

/// One for each item, in order.
type Parts<W> = Vec<Result<<W as Work>::Answer, StoreError>>;

/// Halves a batch that cannot be written until the rest is, so that no item fails for its neighbour.
fn write_parts<'a, W: Work>(
    work: &'a W,
    at: DateTime<Utc>,
    items: &'a [W::Item],
) -> Pin<Box<dyn Future<Output = Parts<W>> + Send + 'a>> {
    Box::pin(async move {
        match retrying(|again| work.write(at, again, items)).await {
            Ok(results) => results.into_iter().map(Ok).collect(),
            Err(error) if items.len() > 1 && !error.is_repeatable() => {
                let (first, second) = items.split_at(items.len().div_ceil(2));
                let mut results = write_parts(work, at, first).await;
                results.extend(write_parts(work, at, second).await);
                results
            }
            Err(error) => items.iter().map(|_| Err(error.clone())).collect(),
        }
    })
}

/// When some items were written, the others get their own answer; when none was, it is not their fault.
fn together<W: Work>(items: &[W::Item], results: Parts<W>) -> Result<Vec<W::Answer>, StoreError> {
    let some_written = results.iter().any(Result::is_ok);
    let answer = |(item, result): (&W::Item, Result<W::Answer, StoreError>)| match result {
        Err(error) if some_written && !error.is_repeatable() => {
            tracing::error!(%error, "an item could not be written");
            Ok(W::refuse(item, error))
        }
        result => result,
    };
    items.iter().zip(results).map(answer).collect()
}

async fn gather<W: Work>(receiver: &Mutex<mpsc::UnboundedReceiver<Job<W>>>) -> Vec<Job<W>> {
    let mut receiver = receiver.lock().await;
    let Some(first) = receiver.recv().await else {
        return Vec::new();
    };
    let mut count = first.items.len();
    let mut jobs = vec![first];
    while count < W::BATCH_MAX {
        let Ok(job) = receiver.try_recv() else { break };
        count = count.saturating_add(job.items.len());
        jobs.push(job);
    }
    jobs
}
