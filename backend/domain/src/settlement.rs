//! Settling with merchants: a statement is an unbroken run of lines on the merchant's account.
//!
//! Lines are numbered without gaps, so each use is in exactly one statement, and a void that comes late lands
//! in the next. Nothing here moves money by itself: paying is a journal like any other.

use chrono::{DateTime, TimeDelta, Utc};

use crate::amount::{AmountOverflow, Fen};
use crate::id::{CitizenId, CityId, MerchantId, StatementId};
use crate::ledger::JournalKind;

/// How long after its use a merchant may void it.
pub const VOID_WITHIN: TimeDelta = TimeDelta::hours(24);
/// Longest reason of a return and longest reference of a payment, in bytes.
pub const NOTE_BYTES_MAX: usize = 500;

/// Where a statement is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatementStatus {
    /// Its lines are fixed.
    Closed,
    /// Waits for a second person.
    Submitted,
    /// May be paid.
    Approved,
    /// Was paid; it changes no more.
    Paid,
}

impl StatementStatus {
    /// All, in the order of a statement's life.
    pub const ALL: [Self; 4] = [Self::Closed, Self::Submitted, Self::Approved, Self::Paid];

    /// The word used in answers and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Paid => "paid",
        }
    }

    /// The status of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// What a city office does with a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Checked by one person and handed to another.
    Submit,
    /// Approved by that other person.
    Approve,
    /// Sent back to be checked again, with the reason.
    Return(String),
    /// Paid, with the bank's reference.
    Pay(String),
}

/// Why a step cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The statement is not where the step begins.
    #[error("the statement is {}", status.word())]
    OutOfOrder {
        /// Where it is.
        status: StatementStatus,
    },
    /// The one who submitted cannot approve.
    #[error("the one who submitted a statement cannot approve it")]
    SamePerson,
    /// The reason or reference is missing or too long.
    #[error("a note of 1 to {NOTE_BYTES_MAX} bytes is needed")]
    Note,
}

/// What a statement's lines come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// Vouchers used.
    pub uses: i64,
    /// Uses undone by the merchant.
    pub voids: i64,
    /// Corrections by the city.
    pub adjustments: i64,
    /// What the city owes for all of them; below zero when voids outweigh uses.
    pub fen: Fen,
}

impl Due {
    /// Counts lines of one kind in. What the city paid earlier is a line of the account, not a due.
    pub fn add(self, kind: JournalKind, lines: i64, fen: Fen) -> Result<Self, AmountOverflow> {
        let grown = |count: i64| count.checked_add(lines).ok_or(AmountOverflow);
        let due = match kind {
            JournalKind::Use => Self { uses: grown(self.uses)?, ..self },
            JournalKind::Void => Self { voids: grown(self.voids)?, ..self },
            JournalKind::Adjust | JournalKind::Reverse => {
                Self { adjustments: grown(self.adjustments)?, ..self }
            }
            JournalKind::Credit
            | JournalKind::Redeem
            | JournalKind::Cancel
            | JournalKind::Expire
            | JournalKind::Settle
            | JournalKind::Payout
            | JournalKind::Prize => return Ok(self),
        };
        Ok(Self { fen: due.fen.plus(fen)?, ..due })
    }
}

/// A merchant's statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantStatement {
    /// Its id.
    pub id: StatementId,
    /// Whose books.
    pub city: CityId,
    /// Whose statement.
    pub merchant: MerchantId,
    /// Its number among the merchant's statements, from 1 without gaps.
    pub number: i64,
    /// Number of the account's line before its first.
    pub after_line: i64,
    /// Number of its last line.
    pub last_line: i64,
    /// What its lines come to.
    pub due: Due,
    /// Where it is.
    pub status: StatementStatus,
    /// When its lines were fixed.
    pub closed_at: DateTime<Utc>,
    /// Who submitted it.
    pub submitted_by: Option<CitizenId>,
    /// Who approved it.
    pub approved_by: Option<CitizenId>,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// The bank's reference when paid, else why it was sent back last.
    pub note: Option<String>,
}

impl MerchantStatement {
    /// Takes a step, or says why it cannot be taken.
    pub fn step(&mut self, step: Step, by: CitizenId, now: DateTime<Utc>) -> Result<(), StepError> {
        use StatementStatus::{Approved, Closed, Paid, Submitted};
        match (step, self.status) {
            (Step::Submit, Closed) => {
                self.submitted_by = Some(by);
                self.status = Submitted;
            }
            (Step::Approve, Submitted) if self.submitted_by == Some(by) => return Err(StepError::SamePerson),
            (Step::Approve, Submitted) => {
                self.approved_by = Some(by);
                self.note = None;
                self.status = Approved;
            }
            (Step::Return(reason), Submitted | Approved) => {
                self.note = Some(note(reason)?);
                self.submitted_by = None;
                self.approved_by = None;
                self.status = Closed;
            }
            (Step::Pay(reference), Approved) => {
                self.note = Some(note(reference)?);
                self.paid_at = Some(now);
                self.status = Paid;
            }
            (Step::Submit | Step::Approve | Step::Return(_) | Step::Pay(_), status) => {
                return Err(StepError::OutOfOrder { status });
            }
        }
        Ok(())
    }
}

fn note(text: String) -> Result<String, StepError> {
    let fits = (1..=NOTE_BYTES_MAX).contains(&text.trim().len()) && !text.contains(char::is_control);
    if fits { Ok(text) } else { Err(StepError::Note) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn person(number: u128) -> CitizenId {
        CitizenId::new(Uuid::from_u128(number))
    }

    fn statement(status: StatementStatus) -> MerchantStatement {
        MerchantStatement {
            id: StatementId::new(Uuid::nil()),
            city: CityId::new(1),
            merchant: MerchantId::new(Uuid::nil()),
            number: 1,
            after_line: 0,
            last_line: 2,
            due: Due::default(),
            status,
            closed_at: DateTime::UNIX_EPOCH,
            submitted_by: (status != StatementStatus::Closed).then(|| person(1)),
            approved_by: None,
            paid_at: None,
            note: None,
        }
    }

    #[test]
    fn every_status_has_a_word_of_its_own() {
        let words = StatementStatus::ALL.map(StatementStatus::word);
        assert_eq!(words, ["closed", "submitted", "approved", "paid"]);
        assert_eq!(words.map(StatementStatus::from_word), StatementStatus::ALL.map(Some));
        assert_eq!(StatementStatus::from_word("open"), None);
    }

    #[test]
    fn two_people_take_a_statement_to_its_payment() {
        let mut one = statement(StatementStatus::Closed);
        let now = DateTime::UNIX_EPOCH;
        one.step(Step::Submit, person(1), now).unwrap();
        assert_eq!(one.step(Step::Approve, person(1), now), Err(StepError::SamePerson));
        one.step(Step::Approve, person(2), now).unwrap();
        one.step(Step::Pay("bank 42".to_owned()), person(1), now).unwrap();
        assert_eq!((one.status, one.paid_at), (StatementStatus::Paid, Some(now)));
        assert_eq!(one.note.as_deref(), Some("bank 42"));
    }

    #[test]
    fn every_step_begins_in_its_own_states_only() {
        use StatementStatus::{Approved, Closed, Paid, Submitted};
        let steps = [
            (Step::Submit, vec![Closed]),
            (Step::Approve, vec![Submitted]),
            (Step::Return("why".to_owned()), vec![Submitted, Approved]),
            (Step::Pay("bank".to_owned()), vec![Approved]),
        ];
        for (step, begins) in steps {
            for status in [Closed, Submitted, Approved, Paid] {
                let mut one = statement(status);
                let outcome = one.step(step.clone(), person(2), DateTime::UNIX_EPOCH);
                let refused = Err(StepError::OutOfOrder { status });
                assert_eq!(outcome, if begins.contains(&status) { Ok(()) } else { refused }, "{step:?}");
            }
        }
    }

    #[test]
    fn a_statement_sent_back_needs_both_people_again() {
        let mut one = statement(StatementStatus::Submitted);
        one.step(Step::Return("line 3".to_owned()), person(2), DateTime::UNIX_EPOCH).unwrap();
        assert_eq!((one.status, one.submitted_by), (StatementStatus::Closed, None));
        assert_eq!(one.note.as_deref(), Some("line 3"));
    }

    #[test]
    fn notes_are_there_and_bounded() {
        for (length, fits) in [(0, false), (1, true), (NOTE_BYTES_MAX, true), (NOTE_BYTES_MAX + 1, false)] {
            let mut one = statement(StatementStatus::Approved);
            let outcome = one.step(Step::Pay("x".repeat(length)), person(1), DateTime::UNIX_EPOCH);
            assert_eq!(outcome.is_ok(), fits, "{length}");
        }
        let mut one = statement(StatementStatus::Approved);
        let hidden = Step::Pay("a\u{7}b".to_owned());
        assert_eq!(one.step(hidden, person(1), DateTime::UNIX_EPOCH), Err(StepError::Note));
    }

    #[test]
    fn voids_and_corrections_count_and_payments_do_not() {
        let due = [
            (JournalKind::Use, 3, 1_500),
            (JournalKind::Void, 1, -500),
            (JournalKind::Adjust, 1, 20),
            (JournalKind::Settle, 1, -9_999),
        ];
        let due = due
            .into_iter()
            .try_fold(Due::default(), |due, (kind, lines, fen)| due.add(kind, lines, Fen::new(fen)));
        assert_eq!(due, Ok(Due { uses: 3, voids: 1, adjustments: 1, fen: Fen::new(1_020) }));
    }
}
