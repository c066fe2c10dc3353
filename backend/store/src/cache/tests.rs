//! One suite, run on the cache in process and, when `TANHUI_TEST_REDIS_URL` is set, on Redis.

use std::future::Future;
use std::time::Duration;

use uuid::Uuid;

use super::*;

const HOUR: Duration = Duration::from_hours(1);

/// Runs a check on every store there is, under keys that no other run uses.
async fn on_each<F: Future<Output = ()>>(check: impl Fn(Cache, String) -> F) {
    check(Cache::memory(), "test".to_owned()).await;
    match std::env::var("TANHUI_TEST_REDIS_URL") {
        Ok(url) => check(Cache::connect(&url).unwrap(), Uuid::new_v4().to_string()).await,
        Err(_) => println!("skipped on Redis: TANHUI_TEST_REDIS_URL is not set"),
    }
}

/// Waits until the check holds, for a few seconds at most.
async fn until<F: Future<Output = bool>>(check: impl Fn() -> F) {
    let patience = tokio::time::timeout(Duration::from_secs(5), async {
        while !check().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    patience.await.expect("it never came true");
}

fn citizen(number: u128) -> CitizenId {
    CitizenId::new(Uuid::from_u128(number))
}

fn entry(number: u128, score: i64, reached_at_us: i64) -> BoardEntry {
    BoardEntry { citizen: citizen(number), score, reached_at_us }
}

fn board(key: &str) -> Board {
    Board { key: key.to_owned(), ttl: Some(HOUR) }
}

fn who(page: &BoardPage) -> Vec<(u64, u128, i64)> {
    page.places.iter().map(|place| (place.rank, place.citizen.get().as_u128(), place.score)).collect()
}

#[tokio::test]
async fn a_code_is_right_once() {
    on_each(|cache, key| async move {
        cache.put_code(&key, b"one", HOUR).await;
        assert_eq!(cache.take_code("another phone", b"one").await, CodeCheck::Gone);
        assert_eq!(cache.take_code(&key, b"one").await, CodeCheck::Right);
        assert_eq!(cache.take_code(&key, b"one").await, CodeCheck::Gone);
    })
    .await;
}

#[tokio::test]
async fn a_code_outlives_four_wrong_tries_and_not_five() {
    on_each(|cache, key| async move {
        cache.put_code(&key, b"one", HOUR).await;
        for left in [4, 3, 2, 1] {
            assert_eq!(cache.take_code(&key, b"two").await, CodeCheck::Wrong { left });
        }
        assert_eq!(cache.take_code(&key, b"one").await, CodeCheck::Right);
        cache.put_code(&key, b"one", HOUR).await;
        for left in [4, 3, 2, 1, 0] {
            assert_eq!(cache.take_code(&key, b"two").await, CodeCheck::Wrong { left });
        }
        assert_eq!(cache.take_code(&key, b"one").await, CodeCheck::Gone);
    })
    .await;
}

#[tokio::test]
async fn a_later_code_replaces_an_earlier_one_and_its_tries() {
    on_each(|cache, key| async move {
        cache.put_code(&key, b"one", HOUR).await;
        assert_eq!(cache.take_code(&key, b"two").await, CodeCheck::Wrong { left: 4 });
        cache.put_code(&key, b"two", HOUR).await;
        assert_eq!(cache.take_code(&key, b"one").await, CodeCheck::Wrong { left: 4 });
        assert_eq!(cache.take_code(&key, b"two").await, CodeCheck::Right);
    })
    .await;
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_code() {
    on_each(|cache, key| async move {
        cache.put_code(&key, b"one", HOUR).await;
        let tries: Vec<_> = (0..16)
            .map(|_| {
                let (cache, key) = (cache.clone(), key.clone());
                tokio::spawn(async move { cache.take_code(&key, b"one").await })
            })
            .collect();
        let mut right = 0;
        for attempt in tries {
            match attempt.await.unwrap() {
                CodeCheck::Right => right += 1,
                other => assert_eq!(other, CodeCheck::Gone),
            }
        }
        assert_eq!(right, 1);
    })
    .await;
}

#[tokio::test]
async fn codes_and_boards_end_with_their_time() {
    on_each(|cache, key| async move {
        let (cache, key) = (&cache, &key);
        let brief = Board { key: key.clone(), ttl: Some(Duration::from_millis(30)) };
        cache.board_set(&brief, &[entry(1, 5, 0)]).await.unwrap();
        cache.board_mark(&brief, 1).await.unwrap();
        until(|| async { cache.board_len(&brief).await.unwrap() == 0 }).await;
        assert_eq!(cache.board_state(&brief).await.unwrap(), None);
        cache.put_code(key, b"one", Duration::from_millis(30)).await;
        // A wrong try each time would use the code up by itself: look only after it must be over.
        let quota = Quota { limit: 1, window: Duration::from_millis(60) };
        cache.allow(key, quota).await;
        until(|| async { cache.allow(key, quota).await.allowed }).await;
        assert_eq!(cache.take_code(key, b"one").await, CodeCheck::Gone);
    })
    .await;
}

#[tokio::test]
async fn a_quota_is_held_and_comes_back() {
    on_each(|cache, key| async move {
        let quota = Quota { limit: 3, window: HOUR };
        for remaining in [2, 1, 0] {
            let decision = cache.allow(&key, quota).await;
            assert!(decision.allowed && decision.remaining == remaining && decision.limit == 3);
            assert!((3599..=3600).contains(&decision.reset_seconds), "{decision:?}");
        }
        let refused = cache.allow(&key, quota).await;
        assert!(!refused.allowed && refused.remaining == 0);
        assert!(cache.allow(&format!("{key} other"), quota).await.allowed);
        let (cache, brief) = (&cache, &format!("{key} brief"));
        let quota = Quota { limit: 1, window: Duration::from_millis(20) };
        assert!(cache.allow(brief, quota).await.allowed);
        until(|| async { cache.allow(brief, quota).await.allowed }).await;
    })
    .await;
}

#[tokio::test]
async fn a_quota_of_nothing_lets_nothing_through() {
    on_each(|cache, key| async move {
        assert!(!cache.allow(&key, Quota { limit: 0, window: HOUR }).await.allowed);
    })
    .await;
}

#[tokio::test]
async fn a_board_goes_by_score_then_by_who_was_first_then_by_id() {
    on_each(|cache, key| async move {
        let board = board(&key);
        let entries = [
            entry(1, 10, 300),
            entry(2, 10, -300),
            entry(3, 900_720, 5),
            entry(4, 10, 300),
            entry(5, SCORE_MAX, 9),
            entry(6, SCORE_MAX - 1, 1),
        ];
        cache.board_set(&board, &entries).await.unwrap();
        assert_eq!(cache.board_page(&board, 0, 10).await.unwrap(), None, "not whole before it is marked");
        cache.board_mark(&board, 7).await.unwrap();
        let page = cache.board_page(&board, 0, 10).await.unwrap().unwrap();
        assert_eq!((page.applied, page.total), (7, 6));
        let order =
            [(1, 5, SCORE_MAX), (2, 6, SCORE_MAX - 1), (3, 3, 900_720), (4, 2, 10), (5, 1, 10), (6, 4, 10)];
        assert_eq!(who(&page), order);
        for (rank, number, score) in order {
            let place = cache.board_rank(&board, citizen(number)).await.unwrap();
            assert_eq!(place, Some(Place { rank, citizen: citizen(number), score }));
        }
        assert_eq!(cache.board_rank(&board, citizen(99)).await.unwrap(), None);
        for (offset, limit, shown) in
            [(0, 0, 0), (0, 2, 2), (4, 2, 2), (5, 2, 1), (6, 2, 0), (u64::MAX, 1, 0)]
        {
            let page = cache.board_page(&board, offset, limit).await.unwrap().unwrap();
            assert_eq!(page.places.len(), shown, "{limit} from {offset}");
            assert!(page.places.first().is_none_or(|place| place.rank == offset + 1));
        }
    })
    .await;
}

#[tokio::test]
async fn totals_are_absolute_and_nothing_takes_off() {
    on_each(|cache, key| async move {
        let board = board(&key);
        cache.board_mark(&board, 1).await.unwrap();
        for _ in 0..2 {
            cache.board_set(&board, &[entry(1, 5, 1), entry(2, 5, 2), entry(3, 9, 3)]).await.unwrap();
        }
        cache.board_set(&board, &[entry(2, 12, 4), entry(3, 0, 5), entry(4, -1, 5)]).await.unwrap();
        let page = cache.board_page(&board, 0, 10).await.unwrap().unwrap();
        assert_eq!(who(&page), [(1, 2, 12), (2, 1, 5)]);
        // The same moment with another score, and the same score at another moment.
        cache.board_set(&board, &[entry(2, 5, 4), entry(1, 5, 9)]).await.unwrap();
        let page = cache.board_page(&board, 0, 10).await.unwrap().unwrap();
        assert_eq!((who(&page), page.total), (vec![(1, 2, 5), (2, 1, 5)], 2));
        assert_eq!(cache.board_len(&board).await.unwrap(), 2);
        cache.board_clear(&board).await.unwrap();
        assert_eq!(cache.board_len(&board).await.unwrap(), 0);
        assert_eq!(cache.board_state(&board).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_board_advances_only_from_where_it_is() {
    on_each(|cache, key| async move {
        let board = board(&key);
        assert!(!cache.board_advance(&board, (0, 5), &[entry(1, 5, 1)]).await.unwrap());
        cache.board_mark(&board, 0).await.unwrap();
        assert!(cache.board_advance(&board, (0, 5), &[entry(1, 5, 1)]).await.unwrap());
        assert!(!cache.board_advance(&board, (0, 4), &[entry(1, 4, 1)]).await.unwrap(), "a late writer");
        assert!(cache.board_advance(&board, (5, 9), &[]).await.unwrap());
        let page = cache.board_page(&board, 0, 1).await.unwrap().unwrap();
        assert_eq!((page.applied, who(&page)), (9, vec![(1, 1, 5)]));
    })
    .await;
}

#[tokio::test]
async fn what_a_board_cannot_hold_is_refused_whole() {
    on_each(|cache, key| async move {
        let board = board(&key);
        let too_large = [entry(1, 1, 0), entry(2, SCORE_MAX + 1, 0)];
        let refused = cache.board_set(&board, &too_large).await.unwrap_err();
        assert!(matches!(refused, CacheError::ScoreTooLarge(_)), "{refused}");
        let most: Vec<_> = (1..=1_001).map(|number| entry(number, 1, 0)).collect();
        let refused = cache.board_set(&board, &most).await.unwrap_err();
        assert!(matches!(refused, CacheError::TooManyEntries(1_001)), "{refused}");
        assert_eq!(cache.board_len(&board).await.unwrap(), 0);
        cache.board_set(&board, &most[..ENTRIES_MAX]).await.unwrap();
        cache.board_mark(&board, 1).await.unwrap();
        assert_eq!(cache.board_len(&board).await.unwrap(), 1_000);
        let page = cache.board_page(&board, 0, u32::MAX).await.unwrap().unwrap();
        assert_eq!(page.places.len(), 1_000);
    })
    .await;
}

#[tokio::test]
async fn both_stores_agree_on_a_long_walk() {
    let Ok(url) = std::env::var("TANHUI_TEST_REDIS_URL") else {
        println!("skipped: TANHUI_TEST_REDIS_URL is not set");
        return;
    };
    let board = board(&Uuid::new_v4().to_string());
    let (local, shared) = (Cache::memory(), Cache::connect(&url).unwrap());
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for applied in 0..40 {
        let entries: Vec<_> = (0..50)
            .map(|_| {
                let score = i64::try_from(draw(6)).unwrap() - 1;
                entry(u128::from(draw(200)), score, i64::try_from(draw(4)).unwrap() - 2)
            })
            .collect();
        for cache in [&local, &shared] {
            cache.board_set(&board, &entries).await.unwrap();
            cache.board_mark(&board, applied).await.unwrap();
        }
        let page = local.board_page(&board, 0, PLACES_MAX).await.unwrap();
        assert_eq!(page, shared.board_page(&board, 0, PLACES_MAX).await.unwrap());
        for place in page.unwrap().places {
            assert_eq!(local.board_rank(&board, place.citizen).await.unwrap(), Some(place));
            assert_eq!(shared.board_rank(&board, place.citizen).await.unwrap(), Some(place));
        }
    }
    shared.board_clear(&board).await.unwrap();
}

#[tokio::test]
async fn a_board_that_lost_a_part_is_not_read_as_whole() {
    let Ok(url) = std::env::var("TANHUI_TEST_REDIS_URL") else {
        println!("skipped: TANHUI_TEST_REDIS_URL is not set");
        return;
    };
    let cache = Cache::connect(&url).unwrap();
    let mut raw = ::redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    for lost in ["members", "citizens"] {
        let key = Uuid::new_v4().to_string();
        let board = board(&key);
        cache.board_set(&board, &[entry(1, 5, 0)]).await.unwrap();
        cache.board_mark(&board, 1).await.unwrap();
        assert_eq!(cache.board_state(&board).await.unwrap(), Some(1));
        let name = format!("tanhui:board:{{{key}}}:{lost}");
        let deleted: u32 = ::redis::cmd("DEL").arg(name).query_async(&mut raw).await.unwrap();
        assert_eq!(deleted, 1);
        assert_eq!(cache.board_state(&board).await.unwrap(), None);
        assert_eq!(cache.board_page(&board, 0, 10).await.unwrap(), None);
        assert!(!cache.board_advance(&board, (1, 2), &[]).await.unwrap());
    }
}

#[tokio::test]
async fn without_redis_codes_and_limits_go_on_and_boards_say_so() {
    // A port that nothing listens on: bound to learn its number, then given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cache = Cache::connect(&format!("redis://127.0.0.1:{port}")).unwrap();
    assert_eq!(cache.health().await, CacheHealth::RedisUnreachable);
    cache.put_code("phone", b"one", HOUR).await;
    assert_eq!(cache.take_code("phone", b"two").await, CodeCheck::Wrong { left: 4 });
    assert_eq!(cache.take_code("phone", b"one").await, CodeCheck::Right);
    assert_eq!(cache.take_code("phone", b"one").await, CodeCheck::Gone);
    let quota = Quota { limit: 1, window: HOUR };
    assert!(cache.allow("key", quota).await.allowed && !cache.allow("key", quota).await.allowed);
    let refused = cache.board_state(&board("key")).await.unwrap_err();
    assert!(matches!(refused, CacheError::Unreachable(_)), "{refused}");
}

#[tokio::test]
async fn a_redis_that_hangs_costs_no_more_than_its_patience() {
    let hung = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cache = Cache::connect(&format!("redis://{}", hung.local_addr().unwrap())).unwrap();
    let quota = Quota { limit: 1_000, window: HOUR };
    let began = std::time::Instant::now();
    for _ in 0..100 {
        assert!(cache.allow("key", quota).await.allowed);
    }
    assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_url_that_is_not_redis_is_refused_at_once() {
    for url in ["", "http://localhost", "redis://:secret@host:notaport"] {
        let refused = Cache::connect(url).map(drop).unwrap_err();
        assert!(
            matches!(refused, CacheError::Url(_)) && !refused.to_string().contains("secret"),
            "{refused}"
        );
    }
}
