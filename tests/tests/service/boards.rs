//! Boards: whatever the cache does, they say what the ledger says.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use chrono::TimeDelta;
use tanhui_domain::id::CitizenId;
use tanhui_domain::leaderboard::{Metric, Scope};
use tanhui_domain::time::{Period, civil_day};
use tanhui_service::board::{self, BoardQuery, BoardView, Part};
use tanhui_service::cache::Cache;
use tanhui_tests::{Outcome, Programme, Ride, Slow, Stage, each_database};

each_database!(
    boards_in_memory_follow_the_books,
    boards_in_redis_follow_the_books,
    boards_follow_when_redis_is_emptied,
    boards_follow_when_redis_is_away,
    boards_follow_when_redis_is_slow,
    two_processes_with_one_redis_agree,
    who_was_there_first_is_ahead,
);

/// What the rides of each citizen come to.
type Scores = BTreeMap<CitizenId, (i64, i64)>;

struct Race {
    programme: Programme,
    runners: Vec<(String, CitizenId)>,
    scores: Scores,
    rounds: u32,
}

impl Race {
    async fn start(stage: &Stage, cache: Cache) -> Outcome<Self> {
        let programme = Programme::start_with(stage, "testcity", cache, 1).await?;
        let mut runners = Vec::new();
        for number in 0..12 {
            let card = format!("card{number}");
            let citizen = programme.enroll(&card).await?;
            runners.push((card, citizen));
        }
        Ok(Self { programme, runners, scores: Scores::new(), rounds: 0 })
    }

    /// Every other runner rides, each another distance.
    async fn run(&mut self) -> Outcome {
        self.rounds += 1;
        let rides: Vec<Ride> = (1..)
            .zip(&self.runners)
            .filter(|(number, _)| (number + self.rounds).is_multiple_of(2))
            .map(|(number, (card, _))| {
                let metres = 600 + (number * 7 + self.rounds * 3) % 11 * 200;
                self.programme.ride(&format!("{card}-{}", self.rounds), card, metres)
            })
            .collect();
        let results = self.programme.credit(&rides).await?;
        for (ride, result) in rides.iter().zip(results) {
            let (_, citizen) = self.runners.iter().find(|(card, _)| *card == ride.card).ok_or("no runner")?;
            let score = self.scores.entry(*citizen).or_default();
            score.0 += result.points.ok_or("no points")?.get();
            score.1 += result.reduction.ok_or("no grams")?.get();
        }
        Ok(())
    }

    /// Both boards of each period equal what was added up here.
    async fn expect_boards(&self, stage: &Stage, period: Period) -> Outcome {
        for metric in [Metric::Points, Metric::Reduction] {
            let me = self.runners.first().map(|(_, citizen)| *citizen);
            let view = read(&self.programme, stage, period, metric, me).await?;
            let mut expected: Vec<i64> = self
                .scores
                .values()
                .map(|score| if metric == Metric::Points { score.0 } else { score.1 })
                .collect();
            expected.sort_unstable_by(|one, other| other.cmp(one));
            let shown: Vec<i64> = view.places.iter().map(|place| place.score).collect();
            assert_eq!(shown, expected, "{period:?} {metric:?} after {} rounds", self.rounds);
            assert_eq!(view.total, u64::try_from(expected.len())?);
            assert!((1..).zip(&view.places).all(|(rank, place)| place.rank == rank));
            for place in &view.places {
                let score = self.scores.get(&place.citizen).ok_or("a stranger on the board")?;
                assert_eq!(place.score, if metric == Metric::Points { score.0 } else { score.1 });
            }
            let mine = view.places.iter().find(|place| Some(place.citizen) == me).copied();
            assert_eq!(view.me, mine);
        }
        Ok(())
    }
}

async fn read(
    programme: &Programme,
    stage: &Stage,
    period: Period,
    metric: Metric,
    me: Option<CitizenId>,
) -> Outcome<BoardView> {
    let city = programme.city.clone();
    let on = civil_day(stage.now(), city.timezone);
    let query = BoardQuery { city, period, on, scope: Scope::City, metric };
    Ok(board::read(&programme.services, &query, Part::Page { offset: 0, limit: 100 }, me).await?)
}

/// A cache in a numbered database of the test server, emptied; none where there is no server.
fn redis(number: u8) -> Outcome<Option<Cache>> {
    let Ok(url) = std::env::var("TANHUI_TEST_REDIS_URL") else {
        println!("skipped: no Redis server; `cargo xtask test` starts one");
        return Ok(None);
    };
    empty(number)?;
    Ok(Some(Cache::connect(&format!("{url}/{number}"))?))
}

/// Throws away all that a numbered database of the test server holds.
fn empty(number: u8) -> Outcome {
    let url = std::env::var("TANHUI_TEST_REDIS_URL")?;
    let mut server = TcpStream::connect(url.trim_start_matches("redis://"))?;
    server.write_all(format!("SELECT {number}\r\nFLUSHDB\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    if answer.matches("+OK").count() < 2 {
        return Err(format!("Redis says {answer:?}").into());
    }
    Ok(())
}

/// A database of Redis for each test, so that they do not meet.
fn database_of(stage: &Stage, first: u8) -> u8 {
    match stage.engine {
        tanhui_tests::Engine::Postgres => first,
        tanhui_tests::Engine::Sqlite => first + 1,
    }
}

async fn follow(stage: &Stage, cache: Cache) -> Outcome {
    let mut race = Race::start(stage, cache).await?;
    for period in [Period::Day, Period::Week, Period::Month, Period::All] {
        race.expect_boards(stage, period).await?;
        race.run().await?;
        race.expect_boards(stage, period).await?;
        race.run().await?;
        race.expect_boards(stage, period).await?;
    }
    race.programme.stop().await
}

async fn boards_in_memory_follow_the_books(stage: Stage) -> Outcome {
    follow(&stage, Cache::memory()).await
}

async fn boards_in_redis_follow_the_books(stage: Stage) -> Outcome {
    match redis(database_of(&stage, 2))? {
        Some(cache) => follow(&stage, cache).await,
        None => Ok(()),
    }
}

async fn boards_follow_when_redis_is_emptied(stage: Stage) -> Outcome {
    let number = database_of(&stage, 4);
    let Some(cache) = redis(number)? else { return Ok(()) };
    let mut race = Race::start(&stage, cache).await?;
    for _ in 0..4 {
        race.run().await?;
        race.expect_boards(&stage, Period::Week).await?;
        empty(number)?;
        race.expect_boards(&stage, Period::Week).await?;
    }
    race.programme.stop().await
}

async fn boards_follow_when_redis_is_away(stage: Stage) -> Outcome {
    let mut race = Race::start(&stage, Cache::connect("redis://127.0.0.1:1")?).await?;
    race.run().await?;
    race.expect_boards(&stage, Period::Week).await?;
    race.programme.stop().await
}

/// Slower than is waited for, then quick again, then slow while it is being read.
async fn boards_follow_when_redis_is_slow(stage: Stage) -> Outcome {
    let number = database_of(&stage, 10);
    if redis(number)?.is_none() {
        return Ok(());
    }
    let slow = Slow::lay(&std::env::var("TANHUI_TEST_REDIS_URL")?).await?;
    let cache = Cache::connect(&format!("{}/{number}", slow.address()))?;
    let mut race = Race::start(&stage, cache).await?;
    for late in [0, 1_000, 0, 150, 1_000] {
        slow.delay(Duration::from_millis(late));
        race.run().await?;
        race.expect_boards(&stage, Period::Week).await?;
    }
    race.programme.stop().await
}

async fn two_processes_with_one_redis_agree(stage: Stage) -> Outcome {
    let number = database_of(&stage, 6);
    let Some(cache) = redis(number)? else { return Ok(()) };
    let mut race = Race::start(&stage, cache).await?;
    let url = std::env::var("TANHUI_TEST_REDIS_URL")?;
    let shared = Cache::connect(&format!("{url}/{number}"))?;
    let other = Programme::start_with(&stage, "testcity", shared, 2).await?;
    for _ in 0..4 {
        race.run().await?;
        let here = read(&race.programme, &stage, Period::Week, Metric::Points, None);
        let there = read(&other, &stage, Period::Week, Metric::Points, None);
        let (here, there) = tokio::join!(here, there);
        assert_eq!(here?.places, there?.places);
        race.expect_boards(&stage, Period::Week).await?;
    }
    other.stop().await?;
    race.programme.stop().await
}

async fn who_was_there_first_is_ahead(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let mut order = Vec::new();
    for card in ["c", "a", "b"] {
        let citizen = programme.enroll(card).await?;
        stage.clock.advance(TimeDelta::seconds(1));
        programme.credit(&[programme.ride(card, card, 1_000)]).await?;
        order.push(citizen);
    }
    let view = read(&programme, &stage, Period::Day, Metric::Points, None).await?;
    assert_eq!(view.places.iter().map(|place| place.citizen).collect::<Vec<_>>(), order);
    programme.stop().await
}
