//! What boards are made of, whichever store keeps them.
//!
//! Order: higher score first; of equals who got there first; then by id. Never an increment: only absolute
//! totals.

use std::time::Duration;

use tanhui_domain::id::CitizenId;

use super::CacheError;

/// Most entries in one atomic step.
pub const ENTRIES_MAX: usize = 1_000;
/// Most places on a page.
pub const PLACES_MAX: u32 = 1_000;
/// Largest score: the largest whole number that a sorted set's double holds exactly, 2^53 - 1.
pub const SCORE_MAX: i64 = (1 << 53) - 1;

/// A board's name, and how long it is kept after it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Names city, scope, metric and period.
    pub key: String,
    /// None: for ever. Boards of a day or a week should go some time after their end.
    pub ttl: Option<Duration>,
}

/// A citizen's total on a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardEntry {
    /// Who.
    pub citizen: CitizenId,
    /// The absolute total; zero or less: off the board.
    pub score: i64,
    /// When this total was reached, in microseconds since 1970. Decides ties.
    pub reached_at_us: i64,
}

/// A citizen's place on a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub rank: u64,
    /// Who.
    pub citizen: CitizenId,
    /// The total.
    pub score: i64,
}

/// Part of a board, all of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardPage {
    /// The journal up to which it is whole.
    pub applied: i64,
    /// Citizens on the board.
    pub total: u64,
    /// The places asked for.
    pub places: Vec<Place>,
}

pub(super) fn check(entries: &[BoardEntry]) -> Result<(), CacheError> {
    if entries.len() > ENTRIES_MAX {
        return Err(CacheError::TooManyEntries(entries.len()));
    }
    match entries.iter().find(|entry| entry.score > SCORE_MAX) {
        Some(entry) => Err(CacheError::ScoreTooLarge(entry.score)),
        None => Ok(()),
    }
}
