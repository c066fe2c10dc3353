//! The cache in Redis. Each act is one script, so it happens whole or not at all, in one round trip.
//!
//! Short timeouts; after a failure Redis is left alone for a second, so that a dead one costs a request
//! nothing.

use std::future::Future;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, RedisResult, Script, ScriptInvocation};
use tanhui_domain::id::CitizenId;
use tokio::time::Instant;
use uuid::Uuid;

use super::board::{Board, BoardEntry, BoardPage, Place};
use super::{CODE_TRIES_MAX, CacheError, CodeCheck, Quota};

const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);
const ANSWER_TIMEOUT: Duration = Duration::from_millis(200);
/// Over all: connecting anew and asking.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long Redis is left alone after a failure.
const REST: Duration = Duration::from_secs(1);
const RETRIES: usize = 1;
const PREFIX: &str = "tanhui";

macro_rules! board_script {
    ($file:literal) => {
        LazyLock::new(|| Script::new(concat!(include_str!("lua/board.lua"), include_str!($file))))
    };
}

static COUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/count.lua")));
static PUT_CODE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/put_code.lua")));
static TAKE_CODE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/take_code.lua")));
static BOARD_SET: LazyLock<Script> = board_script!("lua/board_set.lua");
static BOARD_MARK: LazyLock<Script> = board_script!("lua/board_mark.lua");
static BOARD_ADVANCE: LazyLock<Script> = board_script!("lua/board_advance.lua");
static BOARD_STATE: LazyLock<Script> = board_script!("lua/board_state.lua");
static BOARD_PAGE: LazyLock<Script> = board_script!("lua/board_page.lua");
static BOARD_RANK: LazyLock<Script> = board_script!("lua/board_rank.lua");

/// The journal, the length, and members with their scores.
type RawPage = (i64, u64, Vec<(String, String)>);

/// A connection that mends itself.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    resting_until: Arc<Mutex<Option<Instant>>>,
}

impl Redis {
    pub fn new(url: &str) -> Result<Self, CacheError> {
        let client = Client::open(url).map_err(|error| CacheError::Url(error.to_string()))?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT))
            .set_number_of_retries(RETRIES);
        let connection = ConnectionManager::new_lazy_with_config(client, config)
            .map_err(|error| CacheError::Url(error.to_string()))?;
        Ok(Self { connection, resting_until: Arc::default() })
    }

    pub async fn ping(&self) -> bool {
        let mut connection = self.connection.clone();
        let ping = async move { redis::cmd("PING").query_async::<String>(&mut connection).await };
        self.patiently(ping).await.is_ok()
    }

    pub async fn put_code(&self, phone_key: &str, hash: &[u8], ttl: Duration) -> Result<(), CacheError> {
        let mut call = PUT_CODE.key(code_key(phone_key));
        call.arg(hash).arg(CODE_TRIES_MAX).arg(millis(ttl));
        self.run::<i64>(&call).await.map(drop)
    }

    pub async fn take_code(&self, phone_key: &str, hash: &[u8]) -> Result<CodeCheck, CacheError> {
        let mut call = TAKE_CODE.key(code_key(phone_key));
        call.arg(hash);
        Ok(match self.run::<i64>(&call).await? {
            -2 => CodeCheck::Right,
            left => u32::try_from(left).map_or(CodeCheck::Gone, |left| CodeCheck::Wrong { left }),
        })
    }

    /// Counts acts; gives how many there are in this window, and how long it lasts.
    pub async fn count(&self, key: &str, quota: Quota, acts: u32) -> Result<(u64, Duration), CacheError> {
        let mut call = COUNT.key(format!("{PREFIX}:rate:{key}"));
        call.arg(millis(quota.window)).arg(acts);
        let (used, left): (u64, u64) = self.run(&call).await?;
        Ok((used, Duration::from_millis(left)))
    }

    pub async fn board_set(&self, board: &Board, entries: &[BoardEntry]) -> Result<(), CacheError> {
        let mut call = on_board(&BOARD_SET, board);
        call.arg(ttl(board));
        add_entries(&mut call, entries);
        self.run::<i64>(&call).await.map(drop)
    }

    pub async fn board_mark(&self, board: &Board, applied: i64) -> Result<(), CacheError> {
        let mut call = on_board(&BOARD_MARK, board);
        call.arg(ttl(board)).arg(applied);
        self.run::<i64>(&call).await.map(drop)
    }

    pub async fn board_advance(
        &self,
        board: &Board,
        (from, to): (i64, i64),
        entries: &[BoardEntry],
    ) -> Result<bool, CacheError> {
        let mut call = on_board(&BOARD_ADVANCE, board);
        call.arg(ttl(board)).arg(from).arg(to);
        add_entries(&mut call, entries);
        self.run(&call).await
    }

    pub async fn board_state(&self, board: &Board) -> Result<Option<i64>, CacheError> {
        self.run(&on_board(&BOARD_STATE, board)).await
    }

    pub async fn board_page(
        &self,
        board: &Board,
        offset: u64,
        limit: u32,
    ) -> Result<Option<BoardPage>, CacheError> {
        let first = i64::try_from(offset).unwrap_or(i64::MAX);
        let mut call = on_board(&BOARD_PAGE, board);
        // An end before the start gives nothing, which is what a limit of 0 asks for.
        call.arg(first).arg(first.saturating_add(i64::from(limit)).saturating_sub(1));
        let page: Option<RawPage> = self.run(&call).await?;
        let Some((applied, total, members)) = page else { return Ok(None) };
        if limit == 0 {
            return Ok(Some(BoardPage { applied, total, places: Vec::new() }));
        }
        let ranks = offset.saturating_add(1)..;
        let places = members.into_iter().zip(ranks).map(|((member, score), rank)| {
            let citizen = member.get(REACHED_DIGITS..).and_then(|text| Uuid::try_parse(text).ok());
            let citizen = citizen.map(CitizenId::new).ok_or_else(|| foreign(&member))?;
            Ok(Place { rank, citizen, score: total_of(&score)? })
        });
        Ok(Some(BoardPage { applied, total, places: places.collect::<Result<_, CacheError>>()? }))
    }

    pub async fn board_rank(&self, board: &Board, citizen: CitizenId) -> Result<Option<Place>, CacheError> {
        let mut call = on_board(&BOARD_RANK, board);
        call.arg(digits(citizen));
        let place: Option<(u64, String)> = self.run(&call).await?;
        place
            .map(|(before, score)| {
                Ok(Place { rank: before.saturating_add(1), citizen, score: total_of(&score)? })
            })
            .transpose()
    }

    pub async fn board_len(&self, board: &Board) -> Result<u64, CacheError> {
        let mut connection = self.connection.clone();
        let [members, _] = board_keys(board);
        let length = async move { redis::cmd("ZCARD").arg(members).query_async(&mut connection).await };
        self.patiently(length).await
    }

    pub async fn board_clear(&self, board: &Board) -> Result<(), CacheError> {
        let mut connection = self.connection.clone();
        let keys = board_keys(board);
        let clear =
            async move { redis::cmd("UNLINK").arg(&keys[..]).query_async::<i64>(&mut connection).await };
        self.patiently(clear).await.map(drop)
    }

    async fn run<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, CacheError> {
        let mut connection = self.connection.clone();
        self.patiently(async move { call.invoke_async(&mut connection).await }).await
    }

    async fn patiently<T>(&self, act: impl Future<Output = RedisResult<T>>) -> Result<T, CacheError> {
        if self.resting() {
            return Err(CacheError::Unreachable("left alone for a second after a failure".to_owned()));
        }
        let cause = match tokio::time::timeout(PATIENCE, act).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        self.rest(&cause);
        Err(CacheError::Unreachable(cause))
    }

    fn resting(&self) -> bool {
        let until = *self.resting_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn rest(&self, cause: &str) {
        tracing::warn!(cause, "redis failed; going on without it");
        *self.resting_until.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now().checked_add(REST);
    }
}

/// Hex digits of a moment in a member's name.
const REACHED_DIGITS: usize = 16;

/// The braces keep both keys on one node of a Redis cluster.
fn board_keys(board: &Board) -> [String; 2] {
    let key = &board.key;
    [format!("{PREFIX}:board:{{{key}}}:members"), format!("{PREFIX}:board:{{{key}}}:citizens")]
}

fn on_board<'a>(script: &'a Script, board: &Board) -> ScriptInvocation<'a> {
    let [members, citizens] = board_keys(board);
    let mut call = script.key(members);
    call.key(citizens);
    call
}

fn add_entries(call: &mut ScriptInvocation<'_>, entries: &[BoardEntry]) {
    for entry in entries {
        // Flipping the sign bit makes the digits sort as the signed numbers do.
        let reached = entry.reached_at_us.cast_unsigned() ^ (1 << 63);
        let score = if entry.score > 0 { format!("-{}", entry.score) } else { String::new() };
        call.arg(digits(entry.citizen)).arg(format!("{reached:016x}")).arg(score);
    }
}

fn digits(citizen: CitizenId) -> String {
    citizen.get().simple().to_string()
}

/// A total from the score `-total`, which Redis writes as a whole number below 2^53.
fn total_of(score: &str) -> Result<i64, CacheError> {
    score.strip_prefix('-').and_then(|digits| digits.parse().ok()).ok_or_else(|| foreign(score))
}

fn foreign(text: &str) -> CacheError {
    CacheError::Unreachable(format!("{text:?} on a board is not ours"))
}

fn code_key(phone_key: &str) -> String {
    format!("{PREFIX}:code:{phone_key}")
}

fn ttl(board: &Board) -> String {
    board.ttl.map_or_else(String::new, |ttl| millis(ttl).to_string())
}

/// At least one: a life of zero would be an error, or for ever.
fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}
