//! What was granted per action and civil day, summed over windows, and the scores of boards.

use chrono::{Days, NaiveDate, TimeDelta};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::city::Citizen;
use tanhui_domain::crediting::DayGrant;
use tanhui_domain::id::CitizenId;
use tanhui_domain::rule::Usage;
use tanhui_domain::time::{DayRange, Period};
use tanhui_store::usage::{self, Among, Score, UsageWindow};
use tanhui_store::{Database, citizen};
use tanhui_tests::{Outcome, Stage, Town, each_database};

each_database!(
    sums_hold_the_first_day_and_not_the_last,
    sums_come_in_the_order_asked_for,
    grants_of_one_day_add_up,
    grants_at_once_add_up,
    scores_are_of_those_who_may_be_shown,
);

fn day(offset: u64) -> NaiveDate {
    NaiveDate::default() + Days::new(20_000 + offset)
}

fn used(amount: i64) -> Usage {
    let (points, reduction) = (Points::new(amount * 10), ReductionMg::new(amount * 1000));
    Usage { events: amount, points, reduction, quantity: amount * 7 }
}

fn grant(citizen: CitizenId, action: &str, offset: u64, amount: i64) -> DayGrant {
    DayGrant { citizen, action: action.to_owned(), day: day(offset), granted: used(amount) }
}

fn window(citizen: CitizenId, action: &str, from: u64, until: u64) -> UsageWindow {
    UsageWindow { citizen, action: action.to_owned(), range: DayRange { from: day(from), until: day(until) } }
}

async fn add(database: &Database, stage: &Stage, grants: &[DayGrant]) -> Outcome {
    let on = database.begin().await?;
    usage::add(&on, grants, stage.now()).await?;
    Ok(on.commit().await?)
}

async fn sums_hold_the_first_day_and_not_the_last(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let (one, other) = (town.citizen(0)?, town.citizen(1)?);
    let grants = [
        grant(one, "ride", 0, 1),
        grant(one, "ride", 1, 2),
        grant(one, "ride", 2, 4),
        grant(one, "walk", 1, 8),
        grant(other, "ride", 1, 16),
    ];
    add(&stage.database, &stage, &grants).await?;
    for (from, until, amount) in [(0, 2, 3), (1, 2, 2), (1, 3, 6), (0, 9, 7), (1, 1, 0), (3, 9, 0)] {
        let sums = usage::sums(&stage.database, &[window(one, "ride", from, until)]).await?;
        assert_eq!(sums, [used(amount)], "days {from} to {until}");
    }
    let all = UsageWindow { range: Period::All.range(day(0)), ..window(one, "ride", 0, 0) };
    assert_eq!(usage::sums(&stage.database, &[all]).await?, [used(7)]);
    assert_eq!(usage::sums(&stage.database, &[]).await?, []);
    Ok(())
}

async fn sums_come_in_the_order_asked_for(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 3).await?;
    let grants: Vec<DayGrant> = town
        .citizens
        .iter()
        .zip([1, 2, 4])
        .map(|(citizen, amount)| grant(*citizen, "ride", 0, amount))
        .collect();
    add(&stage.database, &stage, &grants).await?;
    let windows = [
        window(town.citizen(2)?, "ride", 0, 1),
        window(town.citizen(0)?, "walk", 0, 1),
        window(town.citizen(1)?, "ride", 0, 1),
        window(town.citizen(2)?, "ride", 0, 1),
        window(town.citizen(0)?, "ride", 0, 1),
    ];
    assert_eq!(usage::sums(&stage.database, &windows).await?, [4, 0, 2, 4, 1].map(used));
    Ok(())
}

async fn grants_of_one_day_add_up(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let citizen = town.citizen(0)?;
    add(&stage.database, &stage, &[grant(citizen, "ride", 0, 1), grant(citizen, "walk", 0, 1)]).await?;
    add(&stage.database, &stage, &[grant(citizen, "ride", 0, 2)]).await?;
    let sums = usage::sums(&stage.database, &[window(citizen, "ride", 0, 1)]).await?;
    assert_eq!(sums, [used(3)]);
    add(&stage.database, &stage, &[]).await?;
    assert_eq!(stage.raw.number("SELECT COUNT(*) FROM activity_days").await?, 2);
    Ok(())
}

async fn grants_at_once_add_up(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let citizen = town.citizen(0)?;
    let other = stage.another_process().await?;
    for _ in 0..10 {
        let (mine, theirs) = ([grant(citizen, "ride", 0, 1)], [grant(citizen, "ride", 0, 1)]);
        let both = tokio::join!(add(&stage.database, &stage, &mine), add(&other, &stage, &theirs));
        both.0?;
        both.1?;
    }
    let sums = usage::sums(&stage.database, &[window(citizen, "ride", 0, 1)]).await?;
    assert_eq!(sums, [used(20)]);
    other.close().await?;
    Ok(())
}

async fn scores_are_of_those_who_may_be_shown(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 3).await?;
    let abroad = Town::named(&stage, "othercity", 1).await?;
    let (south, north, hidden) = (town.citizen(0)?, town.citizen(1)?, town.citizen(2)?);
    let on = stage.database.begin().await?;
    for (id, district, on_boards) in [(south, "南山", true), (north, "福田", true), (hidden, "南山", false)]
    {
        let citizen = citizen::find(&on, id).await?.ok_or("no citizen")?;
        citizen::update(&on, &Citizen { district: Some(district.to_owned()), on_boards, ..citizen }).await?;
    }
    let everyone = [south, north, hidden, abroad.citizen(0)?];
    let grants: Vec<DayGrant> = everyone.iter().map(|citizen| grant(*citizen, "ride", 0, 1)).collect();
    usage::add(&on, &grants, stage.now()).await?;
    let later = stage.now() + TimeDelta::hours(1);
    usage::add(&on, &[grant(south, "walk", 1, 2), grant(south, "walk", 2, 4)], later).await?;
    on.commit().await?;

    let score = |citizen, amount: i64, reached_at| Score {
        citizen,
        points: Points::new(amount * 10),
        reduction: ReductionMg::new(amount * 1000),
        reached_at,
    };
    let (city, range) = (town.city.id, DayRange { from: day(0), until: day(2) });
    let (of_south, of_north) = (score(south, 3, later), score(north, 1, stage.now()));
    let cases = [
        (Among::City, None, vec![of_south, of_north]),
        (Among::District("南山"), None, vec![of_south]),
        (Among::District("无"), None, vec![]),
        (Among::City, Some(vec![north, hidden, abroad.citizen(0)?]), vec![of_north]),
        (Among::District("南山"), Some(vec![north]), vec![]),
        (Among::City, Some(vec![]), vec![]),
    ];
    for (among, only, expected) in cases {
        let mut scores = usage::scores(&stage.database, city, among, range, only.as_deref()).await?;
        scores.sort_by_key(|score| score.citizen);
        assert_eq!(scores, expected, "{among:?} {only:?}");
    }
    Ok(())
}
