//! The cache in this process. Bounded: old codes and counters make room for new ones, boards refuse to grow.

mod boards;
mod fading;
mod ranking;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use self::boards::Boards;
pub use self::fading::FadingMap;
use super::board::{Board, BoardEntry, BoardPage, Place};
use super::{CODE_TRIES_MAX, CacheError, CodeCheck, Quota, RateDecision};
use tanhui_domain::id::CitizenId;

/// Codes kept at least, before the oldest make room.
const CODES_KEPT: usize = 50_000;
/// Counters kept at least, before the oldest make room.
const COUNTERS_KEPT: usize = 100_000;

struct Code {
    hash: Vec<u8>,
    left: u32,
    until: Instant,
}

struct Counter {
    used: u64,
    until: Instant,
}

/// Codes, counters and boards behind short locks.
pub struct Memory {
    codes: Mutex<FadingMap<Code>>,
    counters: Mutex<FadingMap<Counter>>,
    boards: Mutex<Boards>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            codes: Mutex::new(FadingMap::keeping(CODES_KEPT)),
            counters: Mutex::new(FadingMap::keeping(COUNTERS_KEPT)),
            boards: Mutex::default(),
        }
    }
}

/// A cache that panicked in mid-change may be stale, never unsound: go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn after(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).unwrap_or(now)
}

impl Memory {
    pub fn put_code(&self, phone_key: &str, code_hash: &[u8], ttl: Duration) {
        let code = Code { hash: code_hash.to_vec(), left: CODE_TRIES_MAX, until: after(ttl) };
        lock(&self.codes).insert(phone_key.to_owned(), code);
    }

    pub fn drop_code(&self, phone_key: &str) {
        lock(&self.codes).remove(phone_key);
    }

    pub fn take_code(&self, phone_key: &str, code_hash: &[u8]) -> CodeCheck {
        let mut codes = lock(&self.codes);
        let Some(code) = codes.get_mut(phone_key) else { return CodeCheck::Gone };
        let check = if code.until <= Instant::now() {
            CodeCheck::Gone
        } else if code.hash == code_hash {
            CodeCheck::Right
        } else {
            code.left = code.left.saturating_sub(1);
            CodeCheck::Wrong { left: code.left }
        };
        if !matches!(check, CodeCheck::Wrong { left: 1.. }) {
            codes.remove(phone_key);
        }
        check
    }

    pub fn allow(&self, key: &str, quota: Quota) -> RateDecision {
        let now = Instant::now();
        let fresh = || Counter { used: 0, until: after(quota.window) };
        let mut counters = lock(&self.counters);
        let counter = counters.get_or_insert_with(key, fresh);
        if counter.until <= now {
            *counter = fresh();
        }
        counter.used = counter.used.saturating_add(1);
        RateDecision::new(quota, counter.used, counter.until.saturating_duration_since(now))
    }

    pub fn board_set(&self, board: &Board, entries: &[BoardEntry]) -> Result<(), CacheError> {
        lock(&self.boards).set(board, entries)
    }

    pub fn board_mark(&self, board: &Board, applied: i64) -> Result<(), CacheError> {
        lock(&self.boards).mark(board, applied)
    }

    pub fn board_advance(
        &self,
        board: &Board,
        (from, to): (i64, i64),
        entries: &[BoardEntry],
    ) -> Result<bool, CacheError> {
        let mut boards = lock(&self.boards);
        if boards.state(board) != Some(from) {
            return Ok(false);
        }
        boards.set(board, entries)?;
        boards.mark(board, to)?;
        Ok(true)
    }

    pub fn board_state(&self, board: &Board) -> Option<i64> {
        lock(&self.boards).state(board)
    }

    pub fn board_page(&self, board: &Board, offset: u64, limit: u32) -> Option<BoardPage> {
        lock(&self.boards).page(board, offset, limit)
    }

    pub fn board_rank(&self, board: &Board, citizen: CitizenId) -> Option<Place> {
        lock(&self.boards).rank(board, citizen)
    }

    pub fn board_len(&self, board: &Board) -> u64 {
        lock(&self.boards).len(board)
    }

    pub fn board_clear(&self, board: &Board) {
        lock(&self.boards).clear(board);
    }
}
