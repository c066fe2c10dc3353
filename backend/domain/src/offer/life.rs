//! The life of an offer: who may take which step, and from where.

use super::{Budget, Offer, OfferDraft};
use crate::amount::Fen;
use crate::id::CitizenId;

/// Longest reason for sending an offer back, in bytes.
pub const REASON_BYTES_MAX: usize = 500;

/// Where an offer is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferStatus {
    /// Being written by the merchant.
    Draft,
    /// Waits for the city.
    Submitted,
    /// May be opened by the merchant.
    Approved,
    /// Can be redeemed.
    Live,
    /// Cannot be redeemed for the moment; its vouchers stay good.
    Paused,
    /// Cannot be redeemed any more; its vouchers stay good.
    Ended,
}

impl OfferStatus {
    /// All of them, in the order of life.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Submitted, Self::Approved, Self::Live, Self::Paused, Self::Ended];

    /// The word used in answers and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    /// The status of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// On whose side someone stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// Staff of the merchant.
    Merchant(CitizenId),
    /// Someone of the city office.
    City(CitizenId),
}

impl By {
    /// Who.
    #[must_use]
    pub const fn person(self) -> CitizenId {
        match self {
            Self::Merchant(person) | Self::City(person) => person,
        }
    }
}

/// A step in the life of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferStep {
    /// The merchant hands it to the city.
    Submit,
    /// The city lets it be, with what it sets aside for it.
    Approve(Option<Fen>),
    /// The city sends it back, with a reason.
    Return(String),
    /// The merchant opens what was approved.
    Publish,
    /// The merchant halts it.
    Pause,
    /// The merchant goes on.
    Resume,
    /// Either side ends it for good.
    End,
}

/// Why a step was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferStepError {
    /// It does not begin where the offer is.
    #[error("the offer is {}", .status.word())]
    OutOfOrder {
        /// Where the offer is.
        status: OfferStatus,
    },
    /// It is for the other side to take.
    #[error("this step is for the other side")]
    OtherSide,
    /// Whoever submitted an offer cannot approve it.
    #[error("the submitter cannot approve")]
    SamePerson,
    /// A reason that is empty or too long.
    #[error("a reason has 1 to {REASON_BYTES_MAX} printable bytes")]
    Reason,
    /// A budget below zero, or for a donation.
    #[error("a budget is at least 0 fen, and a donation has none")]
    Budget,
}

impl Offer {
    /// Takes a step, or says why it cannot be taken.
    pub fn step(&mut self, step: OfferStep, by: By) -> Result<(), OfferStepError> {
        use OfferStatus::{Approved, Draft, Ended, Live, Paused, Submitted};
        let status = match (step, by, self.status) {
            (OfferStep::Submit, By::Merchant(person), Draft) => {
                self.submitted_by = Some(person);
                Submitted
            }
            (OfferStep::Approve(_), By::City(person), Submitted) if self.submitted_by == Some(person) => {
                return Err(OfferStepError::SamePerson);
            }
            (OfferStep::Approve(budget), By::City(person), Submitted) => {
                self.budget = self.budget_of(budget)?;
                self.approved_by = Some(person);
                self.note = None;
                Approved
            }
            (OfferStep::Return(reason), By::City(_), Submitted | Approved) => {
                self.note = Some(checked(reason)?);
                (self.submitted_by, self.approved_by, self.budget) = (None, None, None);
                Draft
            }
            (OfferStep::Publish, By::Merchant(_), Approved)
            | (OfferStep::Resume, By::Merchant(_), Paused) => Live,
            (OfferStep::Pause, By::Merchant(_), Live) => Paused,
            (OfferStep::End, _, Approved | Live | Paused) => Ended,
            (OfferStep::Approve(_) | OfferStep::Return(_), By::Merchant(_), _)
            | (
                OfferStep::Submit | OfferStep::Publish | OfferStep::Pause | OfferStep::Resume,
                By::City(_),
                _,
            ) => return Err(OfferStepError::OtherSide),
            (
                OfferStep::Submit
                | OfferStep::Approve(_)
                | OfferStep::Return(_)
                | OfferStep::Publish
                | OfferStep::Pause
                | OfferStep::Resume
                | OfferStep::End,
                By::Merchant(_) | By::City(_),
                status,
            ) => return Err(OfferStepError::OutOfOrder { status }),
        };
        self.status = status;
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// Writes a draft anew: only while it is one.
    pub fn rewrite(&mut self, draft: OfferDraft) -> Result<(), OfferStepError> {
        if self.status != OfferStatus::Draft {
            return Err(OfferStepError::OutOfOrder { status: self.status });
        }
        let new = draft.offer(self.id, self.city, self.merchant, std::mem::take(&mut self.merchant_name));
        *self = Self { version: self.version.saturating_add(1), note: self.note.take(), ..new };
        Ok(())
    }

    fn budget_of(&self, fen: Option<Fen>) -> Result<Option<Budget>, OfferStepError> {
        let Some(all) = fen else { return Ok(None) };
        if all < Fen::ZERO || self.kind.project().is_some() {
            return Err(OfferStepError::Budget);
        }
        Ok(Some(Budget { all, left: all }))
    }
}

fn checked(reason: String) -> Result<String, OfferStepError> {
    let fits = (1..=REASON_BYTES_MAX).contains(&reason.trim().len()) && reason.len() <= REASON_BYTES_MAX;
    if fits && !reason.contains(char::is_control) { Ok(reason) } else { Err(OfferStepError::Reason) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::tests::coupon;
    use super::super::{About, Conditions, OfferKind};
    use super::*;
    use crate::amount::Points;
    use crate::id::ProjectId;
    use crate::text::Text;

    fn person(number: u128) -> CitizenId {
        CitizenId::new(Uuid::from_u128(number))
    }

    fn at(status: OfferStatus) -> Offer {
        Offer { status, submitted_by: Some(person(1)), ..coupon() }
    }

    #[test]
    fn a_draft_lives_until_it_ends() {
        let mut offer = at(OfferStatus::Draft);
        let (shop, city) = (By::Merchant(person(1)), By::City(person(2)));
        let steps = [
            (OfferStep::Submit, shop, OfferStatus::Submitted),
            (OfferStep::Return("no terms".to_owned()), city, OfferStatus::Draft),
            (OfferStep::Submit, shop, OfferStatus::Submitted),
            (OfferStep::Approve(Some(Fen::new(700))), city, OfferStatus::Approved),
            (OfferStep::Publish, shop, OfferStatus::Live),
            (OfferStep::Pause, shop, OfferStatus::Paused),
            (OfferStep::Resume, shop, OfferStatus::Live),
            (OfferStep::End, city, OfferStatus::Ended),
        ];
        for (count, (step, by, status)) in (2..).zip(steps) {
            offer.step(step, by).unwrap();
            assert_eq!((offer.status, offer.version), (status, count));
        }
        assert_eq!(offer.budget, Some(Budget { all: Fen::new(700), left: Fen::new(700) }));
        assert_eq!((offer.approved_by, offer.note), (Some(person(2)), None));
    }

    #[test]
    fn every_step_begins_in_its_own_states_on_its_own_side() {
        use OfferStatus::{Approved, Draft, Live, Paused, Submitted};
        let (shop, city) = (By::Merchant(person(1)), By::City(person(2)));
        let steps = [
            (OfferStep::Submit, vec![Draft], vec![shop]),
            (OfferStep::Approve(None), vec![Submitted], vec![city]),
            (OfferStep::Return("why".to_owned()), vec![Submitted, Approved], vec![city]),
            (OfferStep::Publish, vec![Approved], vec![shop]),
            (OfferStep::Pause, vec![Live], vec![shop]),
            (OfferStep::Resume, vec![Paused], vec![shop]),
            (OfferStep::End, vec![Approved, Live, Paused], vec![shop, city]),
        ];
        for (step, begins, sides) in steps {
            for status in OfferStatus::ALL {
                for by in [shop, city] {
                    let outcome = at(status).step(step.clone(), by);
                    let expected = match (sides.contains(&by), begins.contains(&status)) {
                        (true, true) => Ok(()),
                        (true, false) => Err(OfferStepError::OutOfOrder { status }),
                        (false, _) => Err(OfferStepError::OtherSide),
                    };
                    assert_eq!(outcome, expected, "{step:?} {status:?} {by:?}");
                }
            }
        }
    }

    #[test]
    fn whoever_submitted_does_not_approve() {
        let mut offer = at(OfferStatus::Submitted);
        let refused = offer.step(OfferStep::Approve(None), By::City(person(1)));
        assert_eq!((refused, offer.version), (Err(OfferStepError::SamePerson), 1));
    }

    #[test]
    fn reasons_and_budgets_are_bounded() {
        let city = By::City(person(2));
        for (bytes, fits) in [(0, false), (1, true), (REASON_BYTES_MAX, true), (REASON_BYTES_MAX + 1, false)]
        {
            let step = OfferStep::Return("x".repeat(bytes));
            assert_eq!(at(OfferStatus::Submitted).step(step, city).is_ok(), fits, "{bytes}");
        }
        for (fen, fits) in [(-1, false), (0, true), (1, true)] {
            let step = OfferStep::Approve(Some(Fen::new(fen)));
            assert_eq!(at(OfferStatus::Submitted).step(step, city).is_ok(), fits, "{fen}");
        }
        let kind = OfferKind::Donation(ProjectId::new(Uuid::nil()));
        let mut gift = Offer { kind, ..at(OfferStatus::Submitted) };
        assert_eq!(gift.step(OfferStep::Approve(Some(Fen::new(1))), city), Err(OfferStepError::Budget));
    }

    #[test]
    fn only_a_draft_is_written_anew() {
        let draft = OfferDraft {
            kind: OfferKind::Goods,
            title: Text::new("茶", "Tea"),
            about: About::default(),
            price: Points::new(7),
            payout: Fen::new(9),
            stock: 3,
            per_person: Some(1),
            conditions: Conditions::default(),
            voucher_days: 2,
        };
        for status in OfferStatus::ALL {
            let mut offer = Offer { note: Some("why".to_owned()), ..at(status) };
            let outcome = offer.rewrite(draft.clone());
            if status == OfferStatus::Draft {
                assert_eq!((outcome, offer.stock_left, offer.version), (Ok(()), 3, 2));
                assert_eq!(offer.note.as_deref(), Some("why"), "what was wrong stays in sight");
                assert_eq!(offer.merchant_name, "Corner shop");
            } else {
                assert_eq!(outcome, Err(OfferStepError::OutOfOrder { status }));
            }
        }
    }
}
