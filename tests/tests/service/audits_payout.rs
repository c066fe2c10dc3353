//! Invariants of counts, points that wait and prizes, each broken on purpose in books in which all of them
//! happened.

use tanhui_service::{audit, payout, prize};
use tanhui_tests::{Outcome, Stage, each_database};

use crate::paying::{act, start};

each_database!(
    counts_that_acts_did_not_make,
    points_that_do_not_wait_as_promised,
    a_prize_that_was_not_given
);

/// Breaks rows of a scene in which everything was counted, and demands that these invariants name it.
async fn break_and_expect(stage: Stage, breaks: &[(&str, &[&str], &str)]) -> Outcome {
    let programme = start(&stage, 1).await?;
    programme.enroll("card").await?;
    for (id, action) in [
        ("a", "walk"),
        ("b", "walk"),
        ("c", "walk"),
        ("d", "walk"),
        ("s", "swim"),
        ("m", "meter"),
        ("n", "meter"),
    ] {
        act(&programme, id, "card", action).await?;
    }
    stage.clock.set("2026-04-01T02:00:00Z".parse()?);
    act(&programme, "e", "card", "walk").await?;
    act(&programme, "f", "card", "walk").await?;
    payout::pay(&programme.services).await?;
    prize::give(&programme.services).await?;
    programme.expect_clean_books().await?;
    stage.raw.stop_checking_references().await?;
    for (sql, invariants, named) in breaks {
        let undo = sql.replace(" + 1", " - 1");
        assert_ne!(stage.raw.execute(sql).await?, 0, "nothing broken by: {sql}");
        let found = audit::run(&programme.services.database, |_| {}).await?;
        assert_eq!(found.broken.keys().copied().collect::<Vec<_>>(), *invariants, "{sql} {found:?}");
        let told = |invariant: &str| {
            found.violations.iter().any(|one| one.invariant == invariant && one.detail.contains(named))
        };
        assert!(invariants.iter().any(|invariant| told(invariant)), "{named} is not named in {found:?}");
        stage.raw.execute(&undo).await?;
    }
    programme.stop().await
}

async fn counts_that_acts_did_not_make(stage: Stage) -> Outcome {
    let breaks: [(&str, &[&str], &str); 5] = [
        (
            "UPDATE tallies SET quantity = quantity + 1 WHERE kind = 1",
            &["readings_are_what_acts_said"],
            "meter",
        ),
        (
            "UPDATE tallies SET events = events + 1 WHERE kind = 2 AND name = 'walk' AND day < 20540",
            &["card_usage_is_what_was_granted"],
            "walk on 2026-03-02",
        ),
        (
            "UPDATE tallies SET points = points + 1 WHERE kind = 3 AND name = 'walks' AND day > 20540",
            &["budget_used_is_points_granted"],
            "walks on 2026-04-01",
        ),
        (
            "UPDATE tallies SET points = points + 1 WHERE kind = 3 AND name = 'swims'",
            &["budget_used_is_points_granted"],
            "swims on 2026-03-31",
        ),
        (
            "UPDATE tallies SET points = points + 1 WHERE kind = 4 AND name = 'walks'",
            &["waiting_sum_is_what_waits"],
            "walks",
        ),
    ];
    break_and_expect(stage, &breaks).await
}

async fn points_that_do_not_wait_as_promised(stage: Stage) -> Outcome {
    let breaks: [(&str, &[&str], &str); 3] = [
        (
            "UPDATE waiting_points SET points_promised = points_promised + 1
          WHERE budget = 'walks' AND points_paid + points_given_up < points_promised",
            &["cap_usage_is_what_was_granted", "points_wait_as_promised", "waiting_sum_is_what_waits"],
            "walks",
        ),
        (
            "UPDATE waiting_points SET credited_at_us = credited_at_us + 1 WHERE budget = 'swims'",
            &["waiting_points_have_their_activity"],
            "0 pt wait",
        ),
        (
            "UPDATE waiting_points SET points_paid = points_paid + 1, points_promised = points_promised + 1
          WHERE budget = 'walks' AND points_paid > 0",
            &[
                "cap_usage_is_what_was_granted",
                "points_wait_as_promised",
                "waiting_points_are_paid_as_posted",
            ],
            "paid",
        ),
    ];
    break_and_expect(stage, &breaks).await
}

async fn a_prize_that_was_not_given(stage: Stage) -> Outcome {
    let breaks: [(&str, &[&str], &str); 1] = [(
        "UPDATE prize_awards SET points = points + 1 WHERE board_rank = 1",
        &["prize_is_given_once"],
        "101 pt, 1 postings",
    )];
    break_and_expect(stage, &breaks).await
}
