//! Corrections by two people: proposed, decided once by another, never below zero.

use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::id::{ActivityId, AdjustmentId, CitizenId};
use tanhui_domain::ledger::JournalKind::{Adjust, Credit};
use tanhui_domain::office::{Act, Actor, Adjustment, AdjustmentStatus};
use tanhui_domain::text::Text;
use tanhui_service::adjustment::{
    AdjustmentError, POINTS_MAX, Proposal, REDUCTION_MAX_MG, Verdict, decide, find, page, propose,
};
use tanhui_service::reversal::{ReversalError, reverse};
use tanhui_service::statement;
use tanhui_store::office_log;
use tanhui_tests::{Outcome, Stage, each_database};
use uuid::Uuid;

use crate::shop::Shop;

each_database!(
    an_adjustment_takes_two_people,
    points_down_come_from_lots_and_never_go_below_zero,
    grams_that_an_adjustment_took_are_not_taken_by_a_reversal_too,
    a_proposal_is_decided_once,
    a_refused_proposal_moves_nothing,
    amounts_and_reasons_are_bounded,
);

/// Somebody of the city office.
fn officer(number: u128) -> CitizenId {
    CitizenId::new(Uuid::from_u128(number))
}

fn proposal(citizen: CitizenId, points: i64, reduction_mg: i64) -> Proposal {
    let reason = Text::new("补记", "made up for");
    Proposal { citizen, points: Points::new(points), reduction: ReductionMg::new(reduction_mg), reason }
}

impl Shop {
    async fn propose(&self, proposal: Proposal) -> Result<Adjustment, AdjustmentError> {
        propose(&self.programme.services, &self.programme.city, officer(1), proposal).await
    }

    async fn decide(
        &self,
        id: AdjustmentId,
        by: u128,
        verdict: Verdict,
    ) -> Result<Adjustment, AdjustmentError> {
        decide(&self.programme.services, &self.programme.city, id, officer(by), verdict).await
    }
}

async fn an_adjustment_takes_two_people(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.citizen("card", 30).await?;
    let proposed = shop.propose(proposal(citizen, 25, 7_000)).await?;
    assert_eq!(shop.points(citizen).await?, 30, "a proposal moves nothing");
    let own = shop.decide(proposed.id, 1, Verdict::Approve).await;
    assert!(matches!(own, Err(AdjustmentError::SamePerson)), "{own:?}");
    let approved = shop.decide(proposed.id, 2, Verdict::Approve).await?;
    assert_eq!((approved.status, approved.decided_by), (AdjustmentStatus::Approved, Some(officer(2))));
    let services = &shop.programme.services;
    assert_eq!(find(services, &shop.programme.city, proposed.id).await?, Some(approved));
    let balance = statement::balance(services, citizen).await?;
    assert_eq!((balance.amounts.points.get(), balance.amounts.reduction.get()), (55, 307_000));
    assert_eq!(statement::spendable(&balance).get(), 55);
    assert_eq!(shop.lines(citizen).await?, [(Credit, 30), (Adjust, 25)]);
    let log = office_log::page(&services.database, shop.programme.city.id, None, 10).await?;
    let acts: Vec<Act> = log.iter().map(|(_, deed)| deed.act).collect();
    assert_eq!(acts, [Act::AdjustmentApproved, Act::AdjustmentProposed]);
    shop.programme.stop().await
}

async fn points_down_come_from_lots_and_never_go_below_zero(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.citizen("card", 30).await?;
    let reduction = 300_000;
    for (points, mg, fits) in [(-31, 0, false), (-1, -reduction - 1, false), (-30, -reduction, true)] {
        let id = shop.propose(proposal(citizen, points, mg)).await?.id;
        let decided = shop.decide(id, 2, Verdict::Approve).await;
        assert_eq!(decided.is_ok(), fits, "{points} {mg}: {decided:?}");
        shop.programme.expect_clean_books().await?;
    }
    let balance = statement::balance(&shop.programme.services, citizen).await?;
    assert_eq!((balance.amounts.points.get(), balance.amounts.reduction.get()), (0, 0));
    shop.programme.stop().await
}

async fn grams_that_an_adjustment_took_are_not_taken_by_a_reversal_too(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.programme.enroll("card").await?;
    shop.programme.credit(&[shop.programme.ride("a", "card", 6_000)]).await?;
    let (services, city) = (&shop.programme.services, &shop.programme.city);
    let id = ActivityId::derive(shop.programme.source.id, "a");
    let (actor, reason) = (Actor::Person(officer(3)), Text::new("误报", "sent by mistake"));
    let undo = || reverse(services, city, id, actor, &reason);
    let less = shop.propose(proposal(citizen, 0, -1)).await?.id;
    shop.decide(less, 2, Verdict::Approve).await?;
    let refused = undo().await;
    assert!(matches!(refused, Err(ReversalError::InsufficientReduction)), "{refused:?}");
    assert_eq!(shop.points(citizen).await?, 30, "a refusal moves nothing");
    let more = shop.propose(proposal(citizen, 0, 1)).await?.id;
    shop.decide(more, 2, Verdict::Approve).await?;
    undo().await?;
    assert_eq!(shop.points(citizen).await?, 0);
    shop.programme.stop().await
}

async fn a_proposal_is_decided_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let citizen = shop.citizen("card", 30).await?;
    for _ in 0..3 {
        let before = shop.points(citizen).await?;
        let id = shop.propose(proposal(citizen, 10, 0)).await?.id;
        let deciding = (2..8).map(|by| {
            let shop = if by % 2 == 0 { shop.clone() } else { other.clone() };
            let verdict = if by % 3 == 0 { Verdict::Refuse } else { Verdict::Approve };
            tokio::spawn(async move { shop.decide(id, by, verdict).await })
        });
        let mut decided = Vec::new();
        for outcome in deciding.collect::<Vec<_>>() {
            match outcome.await? {
                Ok(adjustment) => decided.push(adjustment.status),
                Err(AdjustmentError::Decided(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let [status] = decided[..] else { return Err(format!("{decided:?}").into()) };
        let moved = if status == AdjustmentStatus::Approved { 10 } else { 0 };
        assert_eq!(shop.points(citizen).await?, before + moved);
    }
    other.programme.stop().await?;
    shop.programme.stop().await
}

async fn a_refused_proposal_moves_nothing(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.citizen("card", 30).await?;
    let id = shop.propose(proposal(citizen, 10, 0)).await?.id;
    shop.decide(id, 2, Verdict::Refuse).await?;
    let late = shop.decide(id, 3, Verdict::Approve).await;
    assert!(matches!(late, Err(AdjustmentError::Decided(AdjustmentStatus::Refused))), "{late:?}");
    assert_eq!(shop.points(citizen).await?, 30);
    let listed = page(&shop.programme.services, &shop.programme.city, None, 10).await?;
    assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [id]);
    assert_eq!(page(&shop.programme.services, &shop.programme.city, Some(id), 10).await?, []);
    shop.programme.stop().await
}

async fn amounts_and_reasons_are_bounded(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 10, None).await?;
    let citizen = shop.citizen("card", 30).await?;
    for (points, mg, fits) in [
        (0, 0, false),
        (POINTS_MAX, 0, true),
        (POINTS_MAX + 1, 0, false),
        (-POINTS_MAX - 1, 0, false),
        (0, REDUCTION_MAX_MG, true),
        (0, REDUCTION_MAX_MG + 1, false),
        (1, i64::MIN, false),
    ] {
        let proposed = shop.propose(proposal(citizen, points, mg)).await;
        assert_eq!(proposed.is_ok(), fits, "{points} {mg}: {proposed:?}");
    }
    let unsaid = Proposal { reason: Text::new("因", ""), ..proposal(citizen, 1, 0) };
    assert!(matches!(shop.propose(unsaid).await, Err(AdjustmentError::Reason)));
    let stranger = shop.propose(proposal(officer(9), 1, 0)).await;
    assert!(matches!(stranger, Err(AdjustmentError::NoCitizen)), "{stranger:?}");
    shop.programme.stop().await
}
