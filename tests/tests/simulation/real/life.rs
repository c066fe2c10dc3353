//! The officers' hands: undoing credits, correcting balances.

use tanhui_domain::activity::ActivityStatus;
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::id::{ActivityId, AdjustmentId, CitizenId};
use tanhui_domain::office::Actor;
use tanhui_domain::text::Text;
use tanhui_service::adjustment::{self, AdjustmentError, Proposal, Verdict};
use tanhui_service::reversal::{self, ReversalError};
use tanhui_tests::{Outcome, id};
use uuid::Uuid;

use super::Real;
use crate::oracle::external_id;

/// Who proposes.
const PROPOSER: u64 = 1;
/// Who decides.
const DECIDER: u64 = 2;

impl Real {
    pub(super) async fn reverse(&self, process: usize, (source, number): (usize, u32)) -> Outcome<String> {
        let id_of_activity = ActivityId::derive(self.sources[source].id, &external_id(number));
        let (services, city) = (self.services(process), &self.processes[process].city);
        let actor = Actor::Person(CitizenId::new(id(PROPOSER)));
        let undone = reversal::reverse(services, city, id_of_activity, actor, &reason()).await;
        Ok(match undone {
            Ok(_) => "reversed".to_owned(),
            Err(ReversalError::NoActivity) => "no activity".to_owned(),
            Err(ReversalError::AlreadyReversed) => "reversed before".to_owned(),
            Err(ReversalError::NotCredited(ActivityStatus::Rejected)) => "was rejected".to_owned(),
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
        let by = CitizenId::new(id(PROPOSER));
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
        let by = CitizenId::new(id(if other { DECIDER } else { PROPOSER }));
        let verdict = if approve { Verdict::Approve } else { Verdict::Refuse };
        let (services, city) = (self.services(process), &self.processes[process].city);
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
