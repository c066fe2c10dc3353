//! Boards in this process.

use std::cmp::Reverse;
use std::collections::HashMap;

use tanhui_domain::id::CitizenId;
use tokio::time::Instant;

use super::after;
use super::ranking::Ranking;
use crate::cache::CacheError;
use crate::cache::board::{Board, BoardEntry, BoardPage, Place};

/// Most boards.
const BOARDS_MAX: usize = 4_096;
/// Most entries on all boards together; some 200 bytes each.
const ENTRIES_KEPT_MAX: usize = 5_000_000;

/// Sorts as a board does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    score: Reverse<i64>,
    reached_at_us: i64,
    citizen: CitizenId,
}

#[derive(Default)]
struct Kept {
    ranking: Ranking<Standing>,
    standings: HashMap<CitizenId, Standing>,
    applied: Option<i64>,
    until: Option<Instant>,
}

#[derive(Default)]
pub struct Boards {
    kept: HashMap<String, Kept>,
}

impl Boards {
    pub fn set(&mut self, board: &Board, entries: &[BoardEntry]) -> Result<(), CacheError> {
        let held: usize = self.kept.values().map(|kept| kept.standings.len()).sum();
        if held.saturating_add(entries.len()) > ENTRIES_KEPT_MAX {
            return Err(CacheError::Full);
        }
        let kept = self.writable(board)?;
        for entry in entries {
            kept.place(entry);
        }
        Ok(())
    }

    pub fn mark(&mut self, board: &Board, applied: i64) -> Result<(), CacheError> {
        self.writable(board)?.applied = Some(applied);
        Ok(())
    }

    pub fn state(&self, board: &Board) -> Option<i64> {
        self.live(board)?.applied
    }

    pub fn len(&self, board: &Board) -> u64 {
        self.live(board).map_or(0, |kept| count(kept.standings.len()))
    }

    pub fn page(&self, board: &Board, offset: u64, limit: u32) -> Option<BoardPage> {
        let kept = self.live(board)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let standings = kept.ranking.from(usize::try_from(offset).unwrap_or(usize::MAX)).take(limit);
        let places = standings.zip(offset.saturating_add(1)..).map(|(standing, rank)| standing.place(rank));
        let total = count(kept.standings.len());
        Some(BoardPage { applied: kept.applied?, total, places: places.collect() })
    }

    pub fn rank(&self, board: &Board, citizen: CitizenId) -> Option<Place> {
        let kept = self.live(board)?;
        let standing = kept.standings.get(&citizen)?;
        let before = count(kept.ranking.before(standing)?);
        Some(standing.place(before.saturating_add(1)))
    }

    pub fn clear(&mut self, board: &Board) {
        self.kept.remove(&board.key);
    }

    fn live(&self, board: &Board) -> Option<&Kept> {
        self.kept.get(&board.key).filter(|kept| !kept.over())
    }

    /// The board, made if it is not there, its life begun anew. Boards past their life go first.
    fn writable(&mut self, board: &Board) -> Result<&mut Kept, CacheError> {
        if self.live(board).is_none() {
            self.kept.retain(|_, kept| !kept.over());
            if self.kept.len() >= BOARDS_MAX {
                return Err(CacheError::Full);
            }
        }
        let kept = self.kept.entry(board.key.clone()).or_default();
        kept.until = board.ttl.map(after);
        Ok(kept)
    }
}

impl Kept {
    fn over(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    fn place(&mut self, entry: &BoardEntry) {
        if let Some(old) = self.standings.remove(&entry.citizen) {
            self.ranking.remove(&old);
        }
        if entry.score > 0 {
            let standing = Standing {
                score: Reverse(entry.score),
                reached_at_us: entry.reached_at_us,
                citizen: entry.citizen,
            };
            self.ranking.insert(standing);
            self.standings.insert(entry.citizen, standing);
        }
    }
}

impl Standing {
    fn place(&self, rank: u64) -> Place {
        Place { rank, citizen: self.citizen, score: self.score.0 }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
