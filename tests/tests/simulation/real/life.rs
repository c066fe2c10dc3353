//! The officers' hands: looking at held acts, undoing credits, correcting balances.

use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::id::{AdjustmentId, CitizenId};
use tanhui_domain::office::Actor;
use tanhui_domain::text::Text;
use tanhui_service::adjustment::{self, AdjustmentError, Proposal, Verdict};
use tanhui_service::reversal::{self, ReversalError};
use tanhui_service::review::{self, ReviewError};
use tanhui_tests::{Outcome, id};
use uuid::Uuid;

use super::{OFFICERS, Real};
use crate::command::ActKey;

impl Real {
    pub(super) async fn review(&self, process: usize, act: ActKey, release: bool) -> Outcome<String> {
        let (services, city) = (self.services(process), self.city(process));
        let by = CitizenId::new(id(OFFICERS[0]));
        let verdict = if release { review::Verdict::Release } else { review::Verdict::Reject };
        let id = self.activity_id(act);
        Ok(match review::decide(services, city, id, by, (verdict, &reason())).await {
            Ok(decided) => {
                format!("{:?} {} pt {} mg", decided.status, decided.points, decided.reduction)
            }
            Err(ReviewError::NoActivity) => "no activity".to_owned(),
            Err(ReviewError::NotHeld(status)) => format!("was {status:?}"),
            Err(ReviewError::ToldAgain(first)) => {
                format!("told again {:?}", self.name_of(first.ok_or("nothing was counted before")?)?)
            }
            Err(error) => return Err(error.into()),
        })
    }

    pub(super) async fn reverse(&self, process: usize, act: ActKey) -> Outcome<String> {
        let (services, city) = (self.services(process), self.city(process));
        let actor = Actor::Person(CitizenId::new(id(OFFICERS[0])));
        let undone = reversal::reverse(services, city, self.activity_id(act), actor, &reason()).await;
        Ok(match undone {
            Ok(_) => "reversed".to_owned(),
            Err(ReversalError::NoActivity) => "no activity".to_owned(),
            Err(ReversalError::AlreadyReversed) => "reversed before".to_owned(),
            Err(ReversalError::InsufficientReduction) => "too few grams".to_owned(),
            Err(ReversalError::NotCredited(status)) => format!("was {}", status.word()),
            Err(error) => return Err(error.into()),
        })
    }

    pub(super) async fn propose(
        &mut self,
        number: u32,
        citizen: u32,
        (points, milligrams): (i64, i64),
    ) -> Outcome<String> {
        let Some(citizen) = self.citizens.get(&citizen).copied() else { return Ok("nobody".to_owned()) };
        let (points, reduction) = (Points::new(points), ReductionMg::new(milligrams));
        let proposal = Proposal { citizen, points, reduction, reason: reason() };
        let by = CitizenId::new(id(OFFICERS[0]));
        let proposed = adjustment::propose(self.services(0), &self.processes[0].city, by, proposal).await;
        Ok(match proposed {
            Ok(proposed) => {
                self.adjustments.insert(number, proposed.id);
                "proposed".to_owned()
            }
            Err(AdjustmentError::Amount) => "amount".to_owned(),
            Err(error) => return Err(error.into()),
        })
    }

    pub(super) async fn decide(
        &self,
        process: usize,
        number: u32,
        (approve, other): (bool, bool),
    ) -> Outcome<String> {
        let known = self.adjustments.get(&number).copied();
        let by = CitizenId::new(id(OFFICERS[usize::from(other)]));
        let verdict = if approve { Verdict::Approve } else { Verdict::Refuse };
        let (services, city) = (self.services(process), self.city(process));
        let adjustment = known.unwrap_or(AdjustmentId::new(Uuid::nil()));
        Ok(match adjustment::decide(services, city, adjustment, by, verdict).await {
            Ok(decided) => decided.status.word().to_owned(),
            Err(AdjustmentError::NoAdjustment) => "no adjustment".to_owned(),
            Err(AdjustmentError::SamePerson) => "same person".to_owned(),
            Err(AdjustmentError::Decided(status)) => format!("{} before", status.word()),
            Err(AdjustmentError::InsufficientPoints(short)) => {
                format!("points {} of {}", short.available, short.wanted)
            }
            Err(AdjustmentError::InsufficientReduction) => "too few grams".to_owned(),
            Err(error) => return Err(error.into()),
        })
    }
}

fn reason() -> Text {
    Text::new("复核", "Review")
}
