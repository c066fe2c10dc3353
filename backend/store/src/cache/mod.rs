//! One-time codes, rate limits and boards: only what SQL can rebuild or a person can ask for again.
//!
//! Lives in Redis when one is configured and in this process otherwise, with the same behaviour. A Redis that
//! is down, slow or emptied never fails a request: codes and rate limits go on in process, boards answer an
//! error or nothing and the caller reads SQL. Nothing here is ever the only copy of a fact.

mod board;
mod memory;
mod permits;
mod redis;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tanhui_domain::id::CitizenId;

pub use self::board::{Board, BoardEntry, BoardPage, ENTRIES_MAX, PLACES_MAX, Place, SCORE_MAX};
use self::memory::Memory;
use self::permits::Permits;
use self::redis::Redis;
use tokio::time::Instant;

/// Wrong tries that a one-time code outlives, plus one.
pub const CODE_TRIES_MAX: u32 = 5;

/// So many acts in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Acts in one window.
    pub limit: u32,
    /// The window, begun by its first act. Counted in milliseconds, at least one.
    pub window: Duration,
}

/// Whether one more act is within its quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether it is.
    pub allowed: bool,
    /// The quota's limit.
    pub limit: u32,
    /// Acts left in this window.
    pub remaining: u32,
    /// Seconds until the window ends, rounded up.
    pub reset_seconds: u64,
}

impl RateDecision {
    fn new(quota: Quota, used: u64, left: Duration) -> Self {
        let limit = u64::from(quota.limit);
        let remaining = u32::try_from(limit.saturating_sub(used)).unwrap_or(u32::MAX);
        let reset_seconds = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).div_ceil(1000);
        Self { allowed: used <= limit, limit: quota.limit, remaining, reset_seconds }
    }
}

/// What came of trying a one-time code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeCheck {
    /// It was right, and is used up now.
    Right,
    /// It was wrong; so many tries are left before the code is gone.
    Wrong {
        /// Tries left.
        left: u32,
    },
    /// There is none: never sent, too old, used, or tried too often.
    Gone,
}

/// What the cache runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheHealth {
    /// In this process, by choice.
    InProcess,
    /// In Redis.
    Redis,
    /// Redis is configured and does not answer.
    RedisUnreachable,
}

/// Why the cache did not do it. The caller goes on without it.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The URL is not one of a Redis.
    #[error("not a Redis URL: {0}")]
    Url(String),
    /// Redis does not answer, or not in time.
    #[error("Redis: {0}")]
    Unreachable(String),
    /// A score that a sorted set cannot hold exactly.
    #[error("score {0} is beyond 2^53")]
    ScoreTooLarge(i64),
    /// More entries at once than one atomic step takes.
    #[error("{0} entries at once; at most {ENTRIES_MAX}")]
    TooManyEntries(usize),
    /// This process holds as many boards or entries as it may.
    #[error("the in-process boards are full")]
    Full,
}

/// The cache. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Cache {
    local: Arc<Memory>,
    shared: Option<Redis>,
    permits: Arc<Permits>,
}

impl Cache {
    /// A cache in this process: right for one process, and bounded.
    #[must_use]
    pub fn memory() -> Self {
        Self { local: Arc::default(), shared: None, permits: Arc::default() }
    }

    /// A cache in Redis, `redis://[[user]:password@]host[:port][/database]`.
    ///
    /// Connects at first use, so a Redis that is away does not keep the server from starting; only a
    /// malformed URL is an error. Must be called inside a Tokio runtime.
    pub fn connect(url: &str) -> Result<Self, CacheError> {
        Ok(Self { local: Arc::default(), shared: Some(Redis::new(url)?), permits: Arc::default() })
    }

    /// What the cache runs on just now.
    pub async fn health(&self) -> CacheHealth {
        match &self.shared {
            None => CacheHealth::InProcess,
            Some(redis) if redis.ping().await => CacheHealth::Redis,
            Some(_) => CacheHealth::RedisUnreachable,
        }
    }

    /// Keeps a one-time code (as a keyed hash, never the code) for a phone, instead of any earlier one.
    ///
    /// Without Redis the code is kept in this process: it works for sign-ins that come back to it.
    pub async fn put_code(&self, phone_key: &str, code_hash: &[u8], ttl: Duration) {
        if let Some(redis) = &self.shared
            && redis.put_code(phone_key, code_hash, ttl).await.is_ok()
        {
            self.local.drop_code(phone_key);
            return;
        }
        self.local.put_code(phone_key, code_hash, ttl);
    }

    /// Tries a one-time code: right only once, and gone after five wrong tries.
    ///
    /// A code that Redis lost is `Gone`: the person asks for another.
    pub async fn take_code(&self, phone_key: &str, code_hash: &[u8]) -> CodeCheck {
        let shared = match &self.shared {
            Some(redis) => redis.take_code(phone_key, code_hash).await.unwrap_or(CodeCheck::Gone),
            None => CodeCheck::Gone,
        };
        if shared == CodeCheck::Right {
            return shared;
        }
        // The code may have been sent while Redis was away.
        match self.local.take_code(phone_key, code_hash) {
            CodeCheck::Gone => shared,
            local @ (CodeCheck::Right | CodeCheck::Wrong { .. }) => local,
        }
    }

    /// Counts one act under a key and says whether it is within its quota. A process takes up to a hundredth
    /// of a quota ahead, at most 64, and others may be refused while it still holds some of that.
    ///
    /// Without Redis each process counts for itself, so the limit loosens to one quota a process.
    pub async fn allow(&self, key: &str, quota: Quota) -> RateDecision {
        if let Some(redis) = &self.shared {
            let held = self.permits.of(key);
            let mut held = held.lock().await;
            if let Some(decision) = held.take(quota) {
                return decision;
            }
            let asked = (Instant::now(), permits::ahead(quota));
            if let Ok(counted) = redis.count(key, quota, asked.1).await {
                return held.fill(quota, asked, counted);
            }
        }
        self.local.allow(key, quota)
    }

    /// Sets totals on a board: absolute, so doing it twice changes nothing. At most `ENTRIES_MAX` at once,
    /// all or none of them. A total of zero or less takes the citizen off the board.
    ///
    /// On an error the caller goes on; readers see the old `applied` and the next write catches up.
    pub async fn board_set(&self, board: &Board, entries: &[BoardEntry]) -> Result<(), CacheError> {
        board::check(entries)?;
        match &self.shared {
            Some(redis) => redis.board_set(board, entries).await,
            None => self.local.board_set(board, entries),
        }
    }

    /// Notes that the board holds all journals up to `applied`. Until then readers take it as not there.
    ///
    /// On an error the caller goes on: the board is built again later.
    pub async fn board_mark(&self, board: &Board, applied: i64) -> Result<(), CacheError> {
        match &self.shared {
            Some(redis) => redis.board_mark(board, applied).await,
            None => self.local.board_mark(board, applied),
        }
    }

    /// Brings a whole board from journal `from` to journal `to` in one atomic step: for several processes
    /// that keep one board. False, and nothing changed, when the board is not at `from` or has lost a part.
    ///
    /// On false the caller reads `board_state` and starts from there, or builds the board again.
    pub async fn board_advance(
        &self,
        board: &Board,
        (from, to): (i64, i64),
        entries: &[BoardEntry],
    ) -> Result<bool, CacheError> {
        board::check(entries)?;
        match &self.shared {
            Some(redis) => redis.board_advance(board, (from, to), entries).await,
            None => self.local.board_advance(board, (from, to), entries),
        }
    }

    /// The journal up to which the board is whole; none when it is not there, or lost a part to eviction.
    ///
    /// On none or an error the caller reads SQL, and builds the board again.
    pub async fn board_state(&self, board: &Board) -> Result<Option<i64>, CacheError> {
        match &self.shared {
            Some(redis) => redis.board_state(board).await,
            None => Ok(self.local.board_state(board)),
        }
    }

    /// Places from `offset` on, at most `PLACES_MAX`, with the board's state and length as of the same
    /// moment.
    ///
    /// On none (the board is not whole) or an error the caller reads SQL.
    pub async fn board_page(
        &self,
        board: &Board,
        offset: u64,
        limit: u32,
    ) -> Result<Option<BoardPage>, CacheError> {
        let limit = limit.min(PLACES_MAX);
        match &self.shared {
            Some(redis) => redis.board_page(board, offset, limit).await,
            None => Ok(self.local.board_page(board, offset, limit)),
        }
    }

    /// One citizen's place; none when the citizen, or the board, is not there.
    ///
    /// On an error the caller reads SQL.
    pub async fn board_rank(&self, board: &Board, citizen: CitizenId) -> Result<Option<Place>, CacheError> {
        match &self.shared {
            Some(redis) => redis.board_rank(board, citizen).await,
            None => Ok(self.local.board_rank(board, citizen)),
        }
    }

    /// How many citizens stand on a board.
    ///
    /// On an error the caller reads SQL.
    pub async fn board_len(&self, board: &Board) -> Result<u64, CacheError> {
        match &self.shared {
            Some(redis) => redis.board_len(board).await,
            None => Ok(self.local.board_len(board)),
        }
    }

    /// Forgets a board.
    ///
    /// On an error the caller must not write to the board as if it were new.
    pub async fn board_clear(&self, board: &Board) -> Result<(), CacheError> {
        if let Some(redis) = &self.shared {
            return redis.board_clear(board).await;
        }
        self.local.board_clear(board);
        Ok(())
    }
}
