//! Group commit: a bounded queue, and writers that commit what waits there in one transaction. A full queue
//! says so at once; a failed transaction is repeated a few times.
//!
//! Writers take turns. One passes its turn on when it commits: what came meanwhile is the next batch, instead
//! of many batches of one item that each cost as much. Many items are parted among lanes by whose they are
//! and written as one transaction a lane, side by side: what waits for the same lock waits in the same lane,
//! and no transaction stands in another's way. The first of them that commits passes the turn on.
//!
//! Knows nothing of what is written: crediting and redeeming bring their own [`Work`].

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use tanhui_domain::time::{Clock, to_micros};
use tanhui_store::{Engine, StoreError};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::retry::retrying;

/// Longest that a writer keeps its turn: what holds one batch up must not hold up all.
const TURN_MAX: Duration = Duration::from_millis(100);
/// Writers side by side where the database has row locks.
const WRITERS_POSTGRES: usize = 2;
/// Lanes of large batches.
const LANES: usize = 3;

/// What the writers do.
pub(crate) trait Work: Sized + Send + Sync + 'static {
    /// One of the things that are written together.
    type Item: Send + Sync + 'static;
    /// What became of it.
    type Answer: Send + 'static;
    /// What is looked up before a large batch is parted.
    type Known: Send + Sync + 'static;

    /// Most items that wait or are being written.
    const QUEUED_MAX: usize;
    /// Most items of one call in one transaction.
    const BATCH_MAX: usize;
    /// A writer takes no further call once it has so many items.
    const GATHERED: usize;
    /// From so many items on they are parted among the lanes.
    const PARTED: usize;

    /// Writes items in one transaction at an instant and answers each in order. An `again` says that an
    /// earlier try at the same instant may have been committed without an answer. The hand is to be passed
    /// when nothing but the commit is left.
    fn write(
        &self,
        at: DateTime<Utc>,
        again: bool,
        items: &[Self::Item],
        hand: &Hand<Self>,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send;

    /// Looks up what parts a large batch; none where it is not to be parted.
    fn look(&self, _items: &[Self::Item]) -> impl Future<Output = Option<Self::Known>> + Send {
        std::future::ready(None)
    }

    /// Whose an item is: what waits for the same lock has the same number.
    fn owner(_item: &Self::Item, _known: &Self::Known) -> u128 {
        0
    }

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
        let lanes: Arc<[Arc<Mutex<()>>]> = std::iter::repeat_with(Arc::default)
            .take(std::env::var("LANES").ok().and_then(|l| l.parse().ok()).unwrap_or(LANES))
            .collect();
        for _ in 0..count {
            let desk = Desk { work: Arc::clone(&work), clock: Arc::clone(clock), lanes: Arc::clone(&lanes) };
            writers.spawn(desk.serve(Arc::clone(&receiver)));
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

type Waiting<W> = mpsc::UnboundedReceiver<Job<W>>;

/// What a transaction holds while it is being written.
pub(crate) struct Hand<W: Work> {
    /// The right to take the next batch, which all parts of this one hold together.
    turn: Arc<Held>,
    /// The right to write in a lane, of a part.
    lane: Held,
    /// What parted the batch, where it was parted.
    pub(crate) known: Option<Arc<W::Known>>,
}

type Guard = Box<dyn Send>;
/// A right that is let go once.
type Held = std::sync::Mutex<Option<Guard>>;

impl<W: Work> Hand<W> {
    /// Lets the next writer take what waits, and the next part write in this lane.
    pub(crate) fn pass(&self) {
        for held in [self.turn.as_ref(), &self.lane] {
            drop(held.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
        }
    }
}

/// What a writer works with.
struct Desk<W: Work> {
    work: Arc<W>,
    clock: Arc<dyn Clock>,
    lanes: Arc<[Arc<Mutex<()>>]>,
}

impl<W: Work> Desk<W> {
    /// Takes what waits, up to a batch, writes it, answers each caller; ends when the queue is closed and
    /// empty.
    async fn serve(self, waiting: Arc<Mutex<Waiting<W>>>) {
        loop {
            let mut turn = Arc::clone(&waiting).lock_owned().await;
            let jobs = gather(&mut turn).await;
            if jobs.is_empty() {
                return;
            }
            let sizes: Vec<usize> = jobs.iter().map(|job| job.items.len()).collect();
            let (items, callers): (Vec<Vec<W::Item>>, Vec<_>) =
                jobs.into_iter().map(|job| (job.items, (job.answer, job.room))).unzip();
            let items: Vec<W::Item> = items.into_iter().flatten().collect();
            let outcome = self.write(items, Box::new(turn)).await;
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

    async fn write(&self, items: Vec<W::Item>, turn: Guard) -> Result<Vec<W::Answer>, StoreError> {
        let at = to_micros(self.clock.now());
        let turn = Arc::new(Held::new(Some(turn)));
        let known = if items.len() >= W::PARTED { self.work.look(&items).await } else { None };
        let parts = if let Some(known) = known {
            self.write_in_lanes(at, items, &turn, known).await?
        } else {
            let hand = Hand { turn, lane: Held::default(), known: None };
            self.write_alone(at, items, hand).await?
        };
        together::<W>(parts)
    }

    /// Writes items in one transaction for each lane that has some.
    async fn write_in_lanes(
        &self,
        at: DateTime<Utc>,
        items: Vec<W::Item>,
        turn: &Arc<Held>,
        known: W::Known,
    ) -> Result<Parts<W>, StoreError> {
        let (known, count) = (Arc::new(known), items.len());
        let mut parts: Vec<(Vec<usize>, Vec<W::Item>)> = Vec::new();
        parts.resize_with(self.lanes.len(), Default::default);
        for (place, item) in items.into_iter().enumerate() {
            let lane = lane_of(W::owner(&item, &known), parts.len());
            if let Some((places, items)) = parts.get_mut(lane) {
                places.push(place);
                items.push(item);
            }
        }
        let written = self.lanes.iter().zip(parts).filter(|(_, (places, _))| !places.is_empty());
        let written = written.map(|(lane, (places, items))| {
            let (lane, turn, known) = (Arc::clone(lane), Arc::clone(turn), Arc::clone(&known));
            async move {
                let lane: Guard = Box::new(lane.lock_owned().await);
                let hand = Hand { turn, lane: Held::new(Some(lane)), known: Some(known) };
                let results = self.write_alone(at, items, hand).await?;
                Ok::<_, StoreError>(places.into_iter().zip(results).collect::<Vec<_>>())
            }
        });
        let mut results = Vec::with_capacity(count);
        for part in join_all(written).await {
            results.extend(part?);
        }
        results.sort_unstable_by_key(|(place, _)| *place);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    /// Writes in a task of its own, so that a panic fails these items only and the writer goes on.
    async fn write_alone(
        &self,
        at: DateTime<Utc>,
        items: Vec<W::Item>,
        hand: Hand<W>,
    ) -> Result<Parts<W>, StoreError> {
        let hand = Arc::new(hand);
        let (work, held) = (Arc::clone(&self.work), Arc::clone(&hand));
        let mut written = tokio::spawn(async move { write_parts(work.as_ref(), at, &items, &held).await });
        let outcome = if let Ok(outcome) = tokio::time::timeout(TURN_MAX, &mut written).await {
            outcome
        } else {
            hand.pass();
            written.await
        };
        outcome.map_err(|fault| StoreError::Corrupt(format!("a batch broke off: {fault}")))
    }
}

/// The lane of an owner; ids are random in their last bits.
fn lane_of(owner: u128, lanes: usize) -> usize {
    let lanes = u128::try_from(lanes).unwrap_or(1);
    owner.checked_rem(lanes).and_then(|lane| usize::try_from(lane).ok()).unwrap_or(0)
}

/// An item that could not be written.
struct Unwritten<A> {
    /// Its answer while others of its batch were written.
    alone: A,
    error: StoreError,
}

/// One for each item, in order.
type Parts<W> = Vec<Result<<W as Work>::Answer, Unwritten<<W as Work>::Answer>>>;

/// Halves a batch that cannot be written until the rest is, so that no item fails for its neighbour.
fn write_parts<'a, W: Work>(
    work: &'a W,
    at: DateTime<Utc>,
    items: &'a [W::Item],
    hand: &'a Hand<W>,
) -> Pin<Box<dyn Future<Output = Parts<W>> + Send + 'a>> {
    Box::pin(async move {
        match retrying(|again| work.write(at, again, items, hand)).await {
            Ok(results) => results.into_iter().map(Ok).collect(),
            Err(error) if items.len() > 1 && !error.is_repeatable() => {
                let (first, second) = items.split_at(items.len().div_ceil(2));
                let mut results = write_parts(work, at, first, hand).await;
                results.extend(write_parts(work, at, second, hand).await);
                results
            }
            Err(error) => {
                let unwritten =
                    |item| Unwritten { alone: W::refuse(item, error.clone()), error: error.clone() };
                items.iter().map(|item| Err(unwritten(item))).collect()
            }
        }
    })
}

/// When some items were written, the others get their own answer; when none was, it is not their fault.
fn together<W: Work>(results: Parts<W>) -> Result<Vec<W::Answer>, StoreError> {
    let some_written = results.iter().any(Result::is_ok);
    let answer = |result: Result<W::Answer, Unwritten<W::Answer>>| match result {
        Err(unwritten) if some_written && !unwritten.error.is_repeatable() => {
            tracing::error!(error = %unwritten.error, "an item could not be written");
            Ok(unwritten.alone)
        }
        result => result.map_err(|unwritten| unwritten.error),
    };
    results.into_iter().map(answer).collect()
}

async fn gather<W: Work>(waiting: &mut Waiting<W>) -> Vec<Job<W>> {
    let Some(first) = waiting.recv().await else {
        return Vec::new();
    };
    let mut count = first.items.len();
    let mut jobs = vec![first];
    while count < W::GATHERED {
        let Ok(job) = waiting.try_recv() else { break };
        count = count.saturating_add(job.items.len());
        jobs.push(job);
    }
    jobs
}
