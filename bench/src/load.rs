//! Drives callers side by side: in a closed loop each calls again as soon as it is answered; in an open loop
//! calls are due at a fixed rate, and a late start counts as latency.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::BenchError;
use crate::histogram::Histogram;

/// Something that credits events call by call.
pub trait Caller: Send + 'static {
    /// How many events the next call will carry.
    fn events_per_call(&self) -> u64;
    /// Makes the next call ready; not part of the latency.
    fn prepare(&mut self);
    /// Calls and waits for the answer.
    fn call(&mut self) -> impl Future<Output = Result<Answer, BenchError>> + Send;
}

/// What came of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// All of its events were credited.
    Credited,
    /// None was taken: the server was full and said so.
    Shed,
}

/// When calls are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pace {
    /// As soon as the last one is answered.
    Closed,
    /// So many calls a second, whatever the answers do.
    Open(u64),
}

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Load before measuring.
    pub warm_up: Duration,
    /// Measured time; none: until the events are used up.
    pub time: Option<Duration>,
    /// Most events, warm-up included.
    pub events_max: u64,
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Tally {
    /// Latencies of calls that ended in the measured time.
    pub latencies: Histogram,
    /// Their events.
    pub events: u64,
    /// Calls that the server shed in the measured time.
    pub shed: u64,
    /// All events that were ever acknowledged, warm-up included.
    pub acknowledged: u64,
    /// The measured time.
    pub time: Duration,
}

struct Schedule {
    begun: Instant,
    from: Instant,
    until: Option<Instant>,
    pace: Pace,
    tickets: AtomicU64,
    events: AtomicU64,
    events_max: u64,
}

impl Schedule {
    /// When the next call is due; none when the load is over.
    fn next(&self, events: u64) -> Option<Instant> {
        let now = Instant::now();
        let due = match self.pace {
            Pace::Closed => now,
            Pace::Open(per_second) => {
                let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
                let nanos =
                    u128::from(ticket).saturating_mul(1_000_000_000).checked_div(per_second.into())?;
                self.begun.checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))?
            }
        };
        if self.until.is_some_and(|until| due.max(now) >= until) {
            return None;
        }
        let used = self.events.fetch_add(events, Ordering::Relaxed);
        (used.saturating_add(events) <= self.events_max).then_some(due)
    }
}

/// Runs all callers to the end of the bounds. The first failure ends the whole.
pub async fn drive<C: Caller>(callers: Vec<C>, pace: Pace, bounds: Bounds) -> Result<Tally, BenchError> {
    let begun = Instant::now();
    let from = begun.checked_add(bounds.warm_up).unwrap_or(begun);
    let schedule = Arc::new(Schedule {
        begun,
        from,
        until: bounds.time.and_then(|time| from.checked_add(time)),
        pace,
        tickets: AtomicU64::new(0),
        events: AtomicU64::new(0),
        events_max: bounds.events_max,
    });
    let mut running: JoinSet<Result<Tally, BenchError>> =
        callers.into_iter().map(|caller| keep_calling(caller, Arc::clone(&schedule))).collect();
    let mut sum = Tally::default();
    while let Some(ended) = running.join_next().await {
        let tally = ended.map_err(std::io::Error::other)??;
        sum.latencies.merge(&tally.latencies);
        sum.events = sum.events.saturating_add(tally.events);
        sum.shed = sum.shed.saturating_add(tally.shed);
        sum.acknowledged = sum.acknowledged.saturating_add(tally.acknowledged);
    }
    let end = schedule.until.map_or_else(Instant::now, |until| until.min(Instant::now()));
    sum.time = end.saturating_duration_since(from);
    Ok(sum)
}

async fn keep_calling<C: Caller>(mut caller: C, schedule: Arc<Schedule>) -> Result<Tally, BenchError> {
    let mut tally = Tally::default();
    caller.prepare();
    while let Some(due) = schedule.next(caller.events_per_call()) {
        if schedule.pace != Pace::Closed {
            tokio::time::sleep_until(due).await;
        }
        let answer = caller.call().await?;
        let end = Instant::now();
        let counts = end >= schedule.from && schedule.until.is_none_or(|until| end <= until);
        match answer {
            Answer::Credited => {
                tally.acknowledged = tally.acknowledged.saturating_add(caller.events_per_call());
                if counts {
                    tally.latencies.add(end.saturating_duration_since(due));
                    tally.events = tally.events.saturating_add(caller.events_per_call());
                }
            }
            Answer::Shed => tally.shed = tally.shed.saturating_add(u64::from(counts)),
        }
        caller.prepare();
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting {
        calls: Arc<AtomicU64>,
        shed_every: u64,
    }

    impl Caller for Counting {
        fn events_per_call(&self) -> u64 {
            10
        }

        fn prepare(&mut self) {}

        async fn call(&mut self) -> Result<Answer, BenchError> {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(if call.is_multiple_of(self.shed_every) { Answer::Shed } else { Answer::Credited })
        }
    }

    fn callers(shed_every: u64) -> (Arc<AtomicU64>, Vec<Counting>) {
        let calls = Arc::new(AtomicU64::new(0));
        let callers = (0..4).map(|_| Counting { calls: Arc::clone(&calls), shed_every }).collect();
        (calls, callers)
    }

    #[tokio::test]
    async fn events_are_never_more_than_allowed() {
        for (events_max, expected) in [(9, 0), (10, 1), (11, 1), (1_000, 100)] {
            let (calls, callers) = callers(u64::MAX);
            let bounds = Bounds { warm_up: Duration::ZERO, time: None, events_max };
            let tally = drive(callers, Pace::Closed, bounds).await.unwrap();
            assert_eq!(calls.load(Ordering::Relaxed), expected, "{events_max}");
            // The very first call of all is shed: 0 is a multiple of everything.
            assert_eq!(tally.acknowledged, u64::saturating_mul(expected, 10).saturating_sub(10));
            assert_eq!(tally.shed, expected.min(1));
        }
    }

    #[test]
    fn calls_of_an_open_loop_are_due_at_their_rate() {
        let begun = Instant::now();
        let schedule = |millis| Schedule {
            begun,
            from: begun,
            until: begun.checked_add(Duration::from_millis(millis)),
            pace: Pace::Open(4),
            tickets: AtomicU64::new(0),
            events: AtomicU64::new(0),
            events_max: u64::MAX,
        };
        let due = |schedule: &Schedule| schedule.next(1).map(|due| (due - begun).as_millis());
        let hour = schedule(3_600_000);
        assert_eq!([due(&hour), due(&hour), due(&hour)], [Some(0), Some(250), Some(500)]);
        let over = schedule(0);
        assert_eq!([due(&over), due(&over)], [None, None]);
    }
}
