//! Prizes go to the first ranks of a board once its period is over, once.

use chrono::TimeDelta;
use tanhui_domain::amount::Points;
use tanhui_service::examination::{TIME_MAX, examine};
use tanhui_service::office::{self, OfficeError};
use tanhui_service::prize::{self, Given};
use tanhui_service::statement;
use tanhui_tests::{Outcome, Programme, Stage, each_database, rules_from};

use crate::paying::{RULES, act, start};

each_database!(
    the_first_ranks_win_once_whoever_gives,
    a_period_without_acts_has_no_winner,
    a_prize_for_teams_is_refused_at_publishing,
);

async fn the_first_ranks_win_once_whoever_gives(stage: Stage) -> Outcome {
    let [one, other] = [start(&stage, 1).await?, start(&stage, 2).await?];
    let people =
        [one.enroll("a").await?, one.enroll("b").await?, one.enroll("c").await?, one.enroll("d").await?];
    // Twenty points each: who got there first stands first.
    for card in ["b", "a", "d", "c"] {
        act(&one, card, card, "walk").await?;
        stage.clock.advance(TimeDelta::minutes(1));
    }
    stage.clock.set("2026-03-31T15:59:59Z".parse()?);
    assert_eq!(prize::give(&one.services).await?, Given::default(), "March is not over");
    stage.clock.set("2026-03-31T16:00:00Z".parse()?);
    let (first, second) = tokio::join!(prize::give(&one.services), prize::give(&other.services));
    let (first, second) = (first?, second?);
    assert_eq!((first.prizes + second.prizes, first.points.plus(second.points)?.get()), (3, 100));
    act(&one, "late", "c", "walk").await?;
    assert_eq!(prize::give(&one.services).await?, Given::default());
    let mut won = Vec::new();
    for citizen in &people {
        for won_by in prize::page(&one.services, *citizen, None, 9).await? {
            let (award, reason) = (won_by.award, won_by.reason);
            assert!(award.paid_at.is_some());
            won.push((*citizen, award.prize, award.rank, award.points.get(), reason.en));
        }
    }
    let days = "on the board from 2026-03-01 to 2026-03-31, with 20 pt";
    let second = |rank: u32| format!("Second of the month: rank {rank} {days}");
    let [a, b, _, d] = people;
    let first = format!("First of the month: rank 1 {days}");
    assert_eq!(
        won,
        [
            (a, "second".to_owned(), 2, 0, second(2)),
            (b, "first".to_owned(), 1, 100, first),
            (d, "second".to_owned(), 3, 0, second(3)),
        ]
    );
    let balance = statement::balance(&one.services, b).await?;
    assert_eq!(balance.amounts.points, Points::new(120));
    let ends: Vec<String> = balance.lots.iter().map(|lot| lot.key.expires_on.to_string()).collect();
    assert_eq!(ends, ["2027-03-31", "2027-04-30"], "given in April");
    other.services.stop().await?;
    one.stop().await
}

async fn a_period_without_acts_has_no_winner(stage: Stage) -> Outcome {
    let programme = start(&stage, 1).await?;
    programme.enroll("a").await?;
    stage.clock.set("2026-05-15T00:00:00Z".parse()?);
    assert_eq!(prize::give(&programme.services).await?, Given::default());
    act(&programme, "may", "a", "walk").await?;
    // Two months were missed; only May has a winner.
    stage.clock.set("2026-07-02T00:00:00Z".parse()?);
    let given = prize::give(&programme.services).await?;
    assert_eq!((given.prizes, given.points.get()), (1, 100));
    programme.stop().await
}

async fn a_prize_for_teams_is_refused_at_publishing(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let teams = RULES.replace("board: city", "board: team");
    let rules = examine(rules_from("testcity", &teams)?, Vec::new(), TIME_MAX).await?;
    let refused = office::publish(&programme.services, &rules).await;
    assert!(matches!(refused, Err(OfficeError::NotKept(_))), "{refused:?}");
    programme.stop().await
}
