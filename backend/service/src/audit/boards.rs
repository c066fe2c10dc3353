//! Holds cached boards against the ledger: the same citizens, scores and order.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use tanhui_domain::city::City;
use tanhui_domain::id::CitizenId;
use tanhui_domain::leaderboard::{Metric, Scope, period_word};
use tanhui_domain::time::{Period, civil_day};
use tanhui_store::audit::Violation;
use tanhui_store::cache::{Board, CacheError, ENTRIES_MAX, PLACES_MAX};
use tanhui_store::{Database, StoreError, account, city};

use super::name;
use crate::board::{BoardQuery, board, ranking};
use crate::cache::Cache;

const INVARIANT: &str = "cached_board_is_what_the_ledger_says";
/// How often a board is looked at that others advance meanwhile.
const TRIES_MAX: u32 = 5;
const PERIODS: [Period; 5] = [Period::Day, Period::Week, Period::Month, Period::Year, Period::All];

/// What looking at the cache showed.
#[derive(Debug, Clone, Default)]
pub struct Boards {
    /// Boards that the cache holds and that were compared.
    pub compared: u64,
    /// Those that it does not hold whole, or that moved on too fast: nothing to compare.
    pub skipped: u64,
    /// Places that are not what the ledger says.
    pub wrong: u64,
    /// The first of them.
    pub named: Vec<Violation>,
}

/// Why boards could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum BoardsError {
    /// The cache failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compares the cached boards of every city for the periods around an instant. Changes nothing.
pub async fn boards(database: &Database, cache: &Cache, now: DateTime<Utc>) -> Result<Boards, BoardsError> {
    let mut boards = Boards::default();
    for city in city::list(database).await? {
        let on = civil_day(now, city.timezone);
        for period in PERIODS {
            for metric in [Metric::Points, Metric::Reduction] {
                let query = BoardQuery { city: city.clone(), period, on, scope: Scope::City, metric };
                look(database, cache, &query, &mut boards).await?;
            }
        }
    }
    Ok(boards)
}

async fn look(
    database: &Database,
    cache: &Cache,
    query: &BoardQuery,
    boards: &mut Boards,
) -> Result<(), BoardsError> {
    for _ in 0..TRIES_MAX {
        if let Some(wrong) = compare(database, cache, query).await? {
            boards.compared = boards.compared.saturating_add(1);
            for detail in wrong {
                boards.wrong = boards.wrong.saturating_add(1);
                name(&mut boards.named, INVARIANT, format!("{} {detail}", title(&query.city, query)));
            }
            return Ok(());
        }
    }
    boards.skipped = boards.skipped.saturating_add(1);
    Ok(())
}

fn title(city: &City, query: &BoardQuery) -> String {
    format!("{} {} {}:", city.code, period_word(query.period), query.metric.word())
}

/// What is wrong with a board; none where the cache has no whole one or moved on while it was read.
async fn compare(
    database: &Database,
    cache: &Cache,
    query: &BoardQuery,
) -> Result<Option<Vec<String>>, BoardsError> {
    let version = city::board_version(database, query.city.id).await?;
    let cached = board(query, version);
    let Some(applied) = cache.board_state(&cached).await? else { return Ok(None) };
    let snapshot = database.snapshot().await?;
    let books = city::board_version(&snapshot, query.city.id).await?.books;
    // Whoever moved since the board was whole is set anew by its next reader.
    let many = i64::try_from(ENTRIES_MAX).unwrap_or(i64::MAX);
    let moved = account::moved_since(&snapshot, query.city.id, applied, many).await?;
    if applied > books || moved.len() >= ENTRIES_MAX {
        return Ok(None);
    }
    let moved: HashSet<CitizenId> = moved.into_iter().map(|owner| CitizenId::new(owner.get())).collect();
    let mut entries = ranking(&snapshot, query).await?;
    entries.retain(|entry| !moved.contains(&entry.citizen));
    let due: Vec<(CitizenId, i64)> = entries.iter().map(|entry| (entry.citizen, entry.score)).collect();
    let Some(shown) = all_places(cache, &cached, applied).await? else { return Ok(None) };
    let shown: Vec<(CitizenId, i64)> =
        shown.into_iter().filter(|(citizen, _)| !moved.contains(citizen)).collect();
    Ok(Some(differences(&due, &shown)))
}

/// Every place of a cached board, as long as it stands at one version.
async fn all_places(
    cache: &Cache,
    board: &Board,
    applied: i64,
) -> Result<Option<Vec<(CitizenId, i64)>>, CacheError> {
    let mut places = Vec::new();
    loop {
        let offset = u64::try_from(places.len()).unwrap_or(u64::MAX);
        let Some(page) = cache.board_page(board, offset, PLACES_MAX).await? else { return Ok(None) };
        if page.applied != applied {
            return Ok(None);
        }
        if page.places.is_empty() {
            return Ok(Some(places));
        }
        places.extend(page.places.iter().map(|place| (place.citizen, place.score)));
    }
}

/// Scores that differ; where none does, the first place that is out of order.
fn differences(due: &[(CitizenId, i64)], shown: &[(CitizenId, i64)]) -> Vec<String> {
    let (right, there): (HashMap<_, _>, HashMap<_, _>) =
        (due.iter().copied().collect(), shown.iter().copied().collect());
    let mut wrong: Vec<String> = due
        .iter()
        .filter(|(citizen, score)| there.get(citizen) != Some(score))
        .map(|(citizen, score)| format!("citizen {citizen} has {score}, shown {:?}", there.get(citizen)))
        .collect();
    let strangers = shown.iter().filter(|(citizen, _)| !right.contains_key(citizen));
    wrong.extend(strangers.map(|(citizen, score)| format!("citizen {citizen} has nothing, shown {score}")));
    if wrong.is_empty() {
        let misplaced = due.iter().zip(shown).find(|(due, shown)| due != shown);
        wrong.extend(misplaced.map(|((due, _), (shown, _))| format!("citizen {shown} stands before {due}")));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_missing_strange_and_misplaced_citizens_are_told() {
        let [one, two, three] = [1, 2, 3].map(|id| CitizenId::new(uuid::Uuid::from_u128(id)));
        let due = [(one, 9), (two, 9), (three, 4)];
        assert_eq!(differences(&due, &due), Vec::<String>::new());
        assert_eq!(differences(&due, &[(one, 9), (two, 8), (three, 4)]).len(), 1);
        assert_eq!(differences(&due, &[(one, 9), (two, 9)]).len(), 1);
        assert_eq!(differences(&due[..2], &due).len(), 1);
        let misplaced = differences(&due, &[(two, 9), (one, 9), (three, 4)]);
        assert!(misplaced[0].ends_with(&format!("{two} stands before {one}")), "{misplaced:?}");
    }
}
