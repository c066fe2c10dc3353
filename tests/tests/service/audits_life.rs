//! Invariants of expiry, reversals and adjustments, each broken on purpose in books in which all of them
//! happened.

use chrono::TimeDelta;
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::id::{ActivityId, AdjustmentId, CitizenId};
use tanhui_domain::office::Actor;
use tanhui_domain::text::Text;
use tanhui_service::adjustment::{self, Proposal, Verdict};
use tanhui_service::{audit, expiry, reversal};
use tanhui_tests::{Engine, Outcome, Programme, Stage, each_database, id};
use uuid::Uuid;

each_database!(
    points_that_ended_and_were_not_posted,
    a_reversal_that_was_not_posted,
    a_reversal_that_nobody_logged,
    a_log_of_a_reversal_that_was_not,
    an_adjustment_that_was_not_posted,
    an_adjustment_that_was_refused_and_posted,
    a_posted_adjustment_that_nobody_proposed,
);

struct Scene {
    stage: Stage,
    programme: Programme,
    citizen: CitizenId,
    reversed: ActivityId,
    adjustment: AdjustmentId,
}

impl Scene {
    async fn set(stage: Stage) -> Outcome<Self> {
        let programme = Programme::start(&stage).await?;
        let citizen = programme.enroll("card").await?;
        programme.credit(&[programme.ride("old", "card", 4_000)]).await?;
        stage.clock.advance(TimeDelta::days(400));
        programme.credit(&[programme.ride("new", "card", 2_000)]).await?;
        let (services, city) = (&programme.services, &programme.city);
        expiry::expire(services).await?;
        let reversed = ActivityId::derive(programme.source.id, "new");
        let [one, other] = [1, 2].map(|number| CitizenId::new(id(number)));
        let reason = Text::new("复核", "Review");
        reversal::reverse(services, city, reversed, Actor::Person(one), &reason).await?;
        let proposal = Proposal { citizen, points: Points::new(7), reduction: ReductionMg::new(9), reason };
        let adjustment = adjustment::propose(services, city, one, proposal).await?.id;
        adjustment::decide(services, city, adjustment, other, Verdict::Approve).await?;
        programme.expect_clean_books().await?;
        Ok(Self { stage, programme, citizen, reversed, adjustment })
    }

    /// Breaks one row and demands that one invariant, and no other, names whose it is.
    async fn break_and_expect(self, sql: &str, whose: Uuid, invariant: &str) -> Outcome {
        let literal = |id: Uuid| match self.stage.engine {
            Engine::Postgres => format!("'{id}'"),
            Engine::Sqlite => format!("x'{}'", id.simple()),
        };
        self.stage.raw.stop_checking_references().await?;
        assert_ne!(self.stage.raw.execute(&sql.replace("{id}", &literal(whose))).await?, 0, "{sql}");
        let found = audit::run(&self.programme.services.database, |_| {}).await?;
        assert_eq!(found.broken.keys().copied().collect::<Vec<_>>(), [invariant], "{found:?}");
        let named =
            |detail: &str| detail.replace('-', "").to_lowercase().contains(&whose.simple().to_string());
        assert!(found.violations.iter().any(|violation| named(&violation.detail)), "{found:?}");
        Ok(self.programme.services.stop().await?)
    }
}

async fn points_that_ended_and_were_not_posted(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let sql = "UPDATE lots SET points_expired = points_expired + 1, points_granted = points_granted + 1
               WHERE citizen_id = {id} AND points_expired > 0";
    let whose = scene.citizen.get();
    scene.break_and_expect(sql, whose, "expired_is_what_lots_lost").await
}

async fn a_reversal_that_was_not_posted(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let whose = scene.citizen.get();
    let sql = "UPDATE accounts SET points_owed = 3 WHERE owner_id = {id}";
    scene.break_and_expect(sql, whose, "reversals_undo_what_was_credited").await
}

async fn a_reversal_that_nobody_logged(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let whose = scene.reversed.get();
    let sql = "DELETE FROM office_log WHERE act = 1 AND subject_id = {id}";
    scene.break_and_expect(sql, whose, "reversal_is_logged_once").await
}

async fn a_log_of_a_reversal_that_was_not(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let whose = ActivityId::derive(scene.programme.source.id, "old").get();
    let sql = "UPDATE office_log SET act = 1, subject_id = {id} WHERE act = 2";
    scene.break_and_expect(sql, whose, "reversal_is_logged_once").await
}

async fn an_adjustment_that_was_not_posted(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let whose = scene.adjustment.get();
    let sql = "UPDATE adjustments SET points = points + 1 WHERE id = {id}";
    scene.break_and_expect(sql, whose, "adjustment_is_posted_once_by_two").await
}

async fn an_adjustment_that_was_refused_and_posted(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let whose = scene.adjustment.get();
    let sql = "UPDATE adjustments SET status = 3 WHERE id = {id}";
    scene.break_and_expect(sql, whose, "adjustment_is_posted_once_by_two").await
}

async fn a_posted_adjustment_that_nobody_proposed(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let whose = scene.adjustment.get();
    let sql = "DELETE FROM adjustments WHERE id = {id}";
    scene.break_and_expect(sql, whose, "adjustment_is_posted_once_by_two").await
}
