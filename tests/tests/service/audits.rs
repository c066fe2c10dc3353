//! What an audit sees beyond the rows themselves: credits that come out otherwise, boards that say otherwise.

use tanhui_domain::id::ActivityId;
use tanhui_domain::leaderboard::{Metric, Scope};
use tanhui_domain::time::{Period, civil_day};
use tanhui_service::audit::{self, Sample};
use tanhui_service::board::{self, BoardQuery, Part};
use tanhui_service::worker;
use tanhui_store::cache::{Board, BoardEntry};
use tanhui_store::city;
use tanhui_tests::{Outcome, Programme, Ride, Stage, each_database, id};

each_database!(
    credits_come_out_as_they_stand,
    a_credit_that_differs_is_named,
    a_sample_goes_round_the_end,
    a_cached_board_that_lies_is_named,
);

/// A programme in which rides were credited, capped and refused.
async fn busy(stage: &Stage) -> Outcome<Programme> {
    let programme = Programme::start(stage).await?;
    for card in ["a", "b"] {
        programme.enroll(card).await?;
    }
    let metres = [1_000, 400, 79_000, 2_345, 9_000, 9_000, 9_000, 9_000, 9_000, 9_000, 501];
    let rides: Vec<Ride> = (0..22_u32)
        .zip(metres.into_iter().cycle())
        .map(|(number, metres)| {
            programme.ride(&format!("r{number}"), if number < 11 { "a" } else { "b" }, metres)
        })
        .collect();
    programme.credit(&rides).await?;
    Ok(programme)
}

async fn all(programme: &Programme) -> Outcome<audit::Recomputed> {
    let (database, rules) = (&programme.services.database, &programme.services.rules);
    Ok(audit::recompute(database, rules, Sample::All, |_| {}).await?)
}

async fn credits_come_out_as_they_stand(stage: Stage) -> Outcome {
    let programme = busy(&stage).await?;
    let done = all(&programme).await?;
    assert_eq!((done.checked, done.differing, done.named), (22, 0, Vec::new()));
    programme.stop().await
}

async fn a_credit_that_differs_is_named(stage: Stage) -> Outcome {
    let programme = busy(&stage).await?;
    for (number, spoilt) in
        [(0, "points = points + 1"), (3, "reduction_mg = reduction_mg - 1"), (1, "code = 'x'")]
    {
        let sql = format!("UPDATE activities SET {spoilt} WHERE external_id = 'r{number}'");
        assert_eq!(stage.raw.execute(&sql).await?, 1);
        let activity = ActivityId::derive(programme.source.id, &format!("r{number}"));
        let done = all(&programme).await?;
        assert!(done.named.iter().any(|found| found.detail.contains(&activity.to_string())), "{done:?}");
    }
    let done = worker::recompute_sample(&programme.services, 22).await?;
    assert_eq!((done.checked, done.differing, done.named.len()), (22, 3, 3));
    Ok(programme.services.stop().await?)
}

async fn a_sample_goes_round_the_end(stage: Stage) -> Outcome {
    let programme = busy(&stage).await?;
    let (database, rules) = (&programme.services.database, &programme.services.rules);
    let middle = ActivityId::derive(programme.source.id, "r7");
    for start in [ActivityId::new(id(0)), middle, ActivityId::new(uuid::Uuid::max())] {
        for (count, checked) in [(0, 0), (1, 1), (21, 21), (22, 22), (23, 22)] {
            let done = audit::recompute(database, rules, Sample::From { start, count }, |_| {}).await?;
            assert_eq!((done.checked, done.differing), (checked, 0), "{count} from {start}");
        }
    }
    programme.stop().await
}

async fn a_cached_board_that_lies_is_named(stage: Stage) -> Outcome {
    let programme = busy(&stage).await?;
    let (city, services) = (programme.city.clone(), &programme.services);
    let on = civil_day(stage.now(), city.timezone);
    let query = BoardQuery {
        city: city.clone(),
        period: Period::Week,
        on,
        scope: Scope::City,
        metric: Metric::Points,
    };
    let view = board::read(services, &query, Part::Page { offset: 0, limit: 10 }, None).await?;
    let first = view.places.first().ok_or("an empty board")?.citizen;
    let look = async || audit::boards(&services.database, &services.cache, stage.now()).await;
    let honest = look().await?;
    assert_eq!((honest.compared, honest.wrong, honest.skipped), (1, 0, 9));
    let epoch = city::board_version(&services.database, city.id).await?.epoch;
    let key = format!("{}:{epoch}:week:{}:points:city", city.id, view.range.from);
    let lie = BoardEntry { citizen: first, score: 7_777, reached_at_us: 1 };
    services.cache.board_set(&Board { key, ttl: None }, &[lie]).await?;
    let lying = look().await?;
    assert_eq!((lying.compared, lying.wrong), (1, 1));
    assert!(lying.named.iter().all(|found| found.detail.contains(&first.to_string())), "{lying:?}");
    programme.stop().await
}
