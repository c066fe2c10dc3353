//! Boards: a cached ranking that follows the city's books, or the same ranking from SQL when there is no
//! cache.
//!
//! A reader brings the board up to date first, so what any process or command wrote is seen at once.

use std::time::Duration;

use chrono::NaiveDate;
use tanhui_domain::city::City;
use tanhui_domain::id::CitizenId;
use tanhui_domain::leaderboard::{Metric, Scope, period_word};
use tanhui_domain::time::{DayRange, Period};
use tanhui_store::cache::{Board, BoardEntry, BoardPage, CacheError, ENTRIES_MAX, Place, Quota};
use tanhui_store::city::BoardVersion;
use tanhui_store::usage::{Among, Score};
use tanhui_store::{Connected, StoreError, account, city, usage};

use crate::Services;

/// Boards of ended periods are kept this long after they were last built.
const KEPT: Duration = Duration::from_hours(24);
/// One process at a time builds a board.
const BUILD_QUOTA: Quota = Quota { limit: 1, window: Duration::from_secs(10) };

/// Which board.
#[derive(Debug, Clone)]
pub struct BoardQuery {
    /// Of which city.
    pub city: City,
    /// Over which kind of period.
    pub period: Period,
    /// A day inside the period.
    pub on: NaiveDate,
    /// Among whom.
    pub scope: Scope,
    /// By what.
    pub metric: Metric,
}

/// A part of a board, all of one moment.
#[derive(Debug, Clone)]
pub struct BoardView {
    /// Civil days that count.
    pub range: DayRange,
    /// Citizens on the board.
    pub total: u64,
    /// The places asked for.
    pub places: Vec<Place>,
    /// The asker's own place.
    pub me: Option<Place>,
}

/// Which part of a board.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// So many places from an offset.
    Page {
        /// Places to pass over.
        offset: u64,
        /// Places to give.
        limit: u32,
    },
    /// The asker with so many neighbours on each side.
    Around {
        /// Places on each side.
        neighbours: u32,
    },
}

/// Reads a part of a board.
pub async fn read(
    services: &Services,
    query: &BoardQuery,
    part: Part,
    me: Option<CitizenId>,
) -> Result<BoardView, StoreError> {
    let version = city::board_version(&services.database, query.city.id).await?;
    let board = board(query, version);
    match cached(services, query, &board, version, part, me).await {
        Ok(Some(view)) => Ok(view),
        Ok(None) => from_sql(services, query, part, me).await,
        Err(BoardFault::Store(error)) => Err(error),
        Err(BoardFault::Cache(error)) => {
            tracing::warn!(%error, "board read from SQL");
            from_sql(services, query, part, me).await
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum BoardFault {
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) fn board(query: &BoardQuery, version: BoardVersion) -> Board {
    let scope = match &query.scope {
        Scope::City => "city".to_owned(),
        Scope::District(name) => format!("district:{name}"),
    };
    let range = query.period.range(query.on);
    Board {
        key: format!(
            "{}:{}:{}:{}:{}:{scope}",
            query.city.id,
            version.epoch,
            period_word(query.period),
            range.from,
            query.metric.word()
        ),
        ttl: Some(KEPT),
    }
}

/// None when the cache has no whole board and another process is building it.
async fn cached(
    services: &Services,
    query: &BoardQuery,
    board: &Board,
    version: BoardVersion,
    part: Part,
    me: Option<CitizenId>,
) -> Result<Option<BoardView>, BoardFault> {
    let current = match services.cache.board_state(board).await? {
        Some(applied) if applied >= version.books => true,
        Some(applied) => advance(services, query, board, applied).await?,
        None => build(services, query, board).await?,
    };
    if !current {
        return Ok(None);
    }
    let me = match me {
        Some(me) => services.cache.board_rank(board, me).await?,
        None => None,
    };
    let Some((offset, limit)) = window(part, me) else {
        let total = services.cache.board_len(board).await?;
        return Ok(Some(BoardView { range: query.period.range(query.on), total, places: Vec::new(), me }));
    };
    let page: Option<BoardPage> = services.cache.board_page(board, offset, limit).await?;
    Ok(page.map(|page| BoardView {
        range: query.period.range(query.on),
        total: page.total,
        places: page.places,
        me,
    }))
}

/// Offset and limit of a part; none when the asker is not on the board.
fn window(part: Part, me: Option<Place>) -> Option<(u64, u32)> {
    match part {
        Part::Page { offset, limit } => Some((offset, limit)),
        Part::Around { neighbours } => {
            let rank = me?.rank;
            let first = rank.saturating_sub(u64::from(neighbours)).max(1);
            let last = rank.saturating_add(u64::from(neighbours));
            let count = last.saturating_sub(first).saturating_add(1);
            Some((first.saturating_sub(1), u32::try_from(count).unwrap_or(u32::MAX)))
        }
    }
}

/// Sets anew the totals of those whose accounts moved since the board was last whole.
async fn advance(
    services: &Services,
    query: &BoardQuery,
    board: &Board,
    applied: i64,
) -> Result<bool, BoardFault> {
    let snapshot = services.database.snapshot().await?;
    let now = city::board_version(&snapshot, query.city.id).await?;
    let many = i64::try_from(ENTRIES_MAX).unwrap_or(i64::MAX).saturating_add(1);
    let moved = account::moved_since(&snapshot, query.city.id, applied, many).await?;
    if moved.len() > ENTRIES_MAX {
        drop(snapshot);
        return build(services, query, board).await;
    }
    let citizens: Vec<CitizenId> = moved.into_iter().map(|owner| CitizenId::new(owner.get())).collect();
    let scores = scores(&snapshot, query, Some(&citizens)).await?;
    let entries: Vec<BoardEntry> = scores.iter().map(|score| entry(query.metric, score)).collect();
    if services.cache.board_advance(board, (applied, now.books), &entries).await? {
        return Ok(true);
    }
    let state = services.cache.board_state(board).await?;
    Ok(state.is_some_and(|state| state >= now.books))
}

/// Builds the board anew from SQL; false when another process is doing that.
async fn build(services: &Services, query: &BoardQuery, board: &Board) -> Result<bool, BoardFault> {
    if !services.cache.allow(&format!("build:{}", board.key), BUILD_QUOTA).await.allowed {
        return Ok(false);
    }
    let snapshot = services.database.snapshot().await?;
    let now = city::board_version(&snapshot, query.city.id).await?;
    let scores = scores(&snapshot, query, None).await?;
    services.cache.board_clear(board).await?;
    let entries: Vec<BoardEntry> = scores.iter().map(|score| entry(query.metric, score)).collect();
    for part in entries.chunks(ENTRIES_MAX) {
        services.cache.board_set(board, part).await?;
    }
    services.cache.board_mark(board, now.books).await?;
    Ok(true)
}

pub(crate) async fn scores<C: Connected>(
    on: &C,
    query: &BoardQuery,
    only: Option<&[CitizenId]>,
) -> Result<Vec<Score>, StoreError> {
    let among = match &query.scope {
        Scope::City => Among::City,
        Scope::District(name) => Among::District(name),
    };
    usage::scores(on, query.city.id, among, query.period.range(query.on), only).await
}

pub(crate) fn entry(metric: Metric, score: &Score) -> BoardEntry {
    BoardEntry {
        citizen: score.citizen,
        score: metric.score(score.points, score.reduction),
        reached_at_us: score.reached_at.timestamp_micros(),
    }
}

/// Everybody with something on a board, in order: among equals those first who got there first.
pub(crate) async fn ranking<C: Connected>(on: &C, query: &BoardQuery) -> Result<Vec<BoardEntry>, StoreError> {
    let scores = scores(on, query, None).await?;
    let mut entries: Vec<BoardEntry> =
        scores.iter().map(|score| entry(query.metric, score)).filter(|entry| entry.score > 0).collect();
    entries.sort_by_key(|entry| (std::cmp::Reverse(entry.score), entry.reached_at_us, entry.citizen));
    Ok(entries)
}

/// The same part, ranked here from SQL.
async fn from_sql(
    services: &Services,
    query: &BoardQuery,
    part: Part,
    me: Option<CitizenId>,
) -> Result<BoardView, StoreError> {
    let entries = ranking(&services.database, query).await?;
    let places: Vec<Place> = (1..)
        .zip(&entries)
        .map(|(rank, entry)| Place { rank, citizen: entry.citizen, score: entry.score })
        .collect();
    let me = me.and_then(|me| places.iter().find(|place| place.citizen == me).copied());
    let total = u64::try_from(places.len()).unwrap_or(u64::MAX);
    let shown = window(part, me).map(|(offset, limit)| {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        places.iter().skip(offset).take(usize::try_from(limit).unwrap_or(usize::MAX)).copied().collect()
    });
    Ok(BoardView { range: query.period.range(query.on), total, places: shown.unwrap_or_default(), me })
}
