//! Decides a batch of claims in memory: which are credited, with what, and what that moves in the books.
//!
//! Deciding a batch equals deciding its claims one by one, in order.

mod book;
mod counted;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]
mod tests;
mod waiting;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::activity::{Activity, ActivityStatus};
use crate::amount::{AmountOverflow, Points};
use crate::id::{ActivityId, CitizenId, CityId, RuleSetId, SharedId, SourceId};
use crate::ledger::{Account, Amounts, LotGrant, LotKey, Posting, PostingError};
use crate::rule::{
    Action, Credit, Decision, Evidence, Facts, Hold, Inputs, Receipt, Refusal, RuleSet, Usage,
};
use crate::same_act::{ActBook, Seen};
use crate::text::Text;
use crate::time::civil_day;
pub use book::{CountOf, Counter, Needs, Tally, UsageBook, WHENEVER, card_id};
pub use counted::{Counted, added_up, counted, give_up, undo};
use counted::{counts, sum};
use waiting::waiting_budget;
pub use waiting::{WaitingPoints, lot_key, payout_lot};

/// An event whose inputs are read, whose citizen is known and whose id is claimed.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The activity it becomes.
    pub id: ActivityId,
    /// Who did it.
    pub citizen: CitizenId,
    /// Who reported it.
    pub source: SourceId,
    /// The source's own id.
    pub external_id: &'a str,
    /// The rule set in force when it happened.
    pub rule_set: &'a RuleSet,
    /// That rule set's row.
    pub rule_set_id: RuleSetId,
    /// The action within that rule set.
    pub action: &'a Action,
    /// Its inputs.
    pub inputs: &'a Inputs,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What the source's word is worth.
    pub evidence: Evidence,
    /// The city whose books it goes into.
    pub city: CityId,
    /// The card, meter or account, where a cap counts its acts; none where citizens reported it themselves.
    pub card: Option<SharedId>,
    /// The citizen's district, where the rules ask for it.
    pub district: Option<&'a str>,
    /// Whether a person has looked at it.
    pub reviewed: bool,
}

impl Claim<'_> {
    /// The civil day on which it happened.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        civil_day(self.occurred_at, self.rule_set.timezone())
    }
}

/// What was granted for one action on one civil day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayGrant {
    /// Whose.
    pub citizen: CitizenId,
    /// For which action.
    pub action: String,
    /// On which civil day it happened.
    pub day: NaiveDate,
    /// How much.
    pub granted: Usage,
}

/// A decided claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The activity as it is written.
    pub activity: Activity,
    /// What it moves on the citizen's account; none where it was refused.
    pub posting: Option<Posting>,
    /// Why it was refused.
    pub reason: Option<Text>,
}

/// Everything that a batch writes.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One for each claim that is not another one told again, in order.
    pub decided: Vec<Decided>,
    /// Claims that are acts counted before, told again: nothing of them is written.
    pub repeats: Vec<Repeat>,
    /// Sum of their postings; the programme posts its opposite.
    pub total: Amounts,
    /// Granted per citizen, action and day, summed.
    pub granted: Vec<DayGrant>,
    /// Points per citizen and lot, summed.
    pub lots: Vec<LotGrant>,
    /// What is added to other counts than the citizens' own.
    pub tallies: Vec<Tally>,
    /// Points that wait for a budget, in the order in which they were promised.
    pub waiting: Vec<WaitingPoints>,
}

/// A claim that is an act counted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// Its place among the claims.
    pub place: usize,
    /// The first eight bytes of the id of the activity that was counted.
    pub first: u64,
}

/// The batch cannot be decided at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreditingError {
    /// A citizen without an account.
    #[error("citizen {0} has no account")]
    NoAccount(CitizenId),
    /// A sum left `i64`.
    #[error(transparent)]
    Overflow(#[from] AmountOverflow),
}

/// Decides claims in order. Accounts, counts and acts are changed as if each claim had been written before
/// the next.
pub fn decide<'a>(
    claims: &[Claim<'a>],
    accounts: &mut BTreeMap<CitizenId, Account>,
    book: &mut UsageBook<'a>,
    acts: &mut ActBook,
    recorded_at: DateTime<Utc>,
) -> Result<Outcome, CreditingError> {
    let mut batch = Batch {
        book,
        acts,
        recorded_at,
        outcome: Outcome::default(),
        lots: BTreeMap::new(),
        counts: BTreeMap::new(),
    };
    for (place, claim) in claims.iter().enumerate() {
        let account = accounts.get_mut(&claim.citizen).ok_or(CreditingError::NoAccount(claim.citizen))?;
        batch.decide(place, claim, account)?;
    }
    Ok(batch.close())
}

/// A batch while it is decided.
struct Batch<'a, 'b> {
    book: &'b mut UsageBook<'a>,
    acts: &'b mut ActBook,
    recorded_at: DateTime<Utc>,
    outcome: Outcome,
    lots: BTreeMap<(CitizenId, LotKey), Points>,
    counts: BTreeMap<(Counter<'a>, NaiveDate), Usage>,
}

impl<'a> Batch<'a, '_> {
    fn decide(
        &mut self,
        place: usize,
        claim: &Claim<'a>,
        account: &mut Account,
    ) -> Result<(), AmountOverflow> {
        let needs = Needs::of(claim);
        let used = self.book.used(&needs);
        let (history, issued) = (self.book.history(&needs), self.book.issued(&needs));
        let facts = Facts {
            district: claim.district,
            history: &history,
            issued: &issued,
            card: claim.card,
            reviewed: claim.reviewed,
            ..Facts::new(claim.inputs, claim.occurred_at, claim.evidence)
        };
        let span = claim.rule_set.span(claim.action, &facts);
        let seen = span.as_ref().map_or(Seen::New, |span| self.acts.look(claim.citizen, claim.id, span));
        if let Seen::Again(first) = seen {
            self.outcome.repeats.push(Repeat { place, first });
            return Ok(());
        }
        let decision = claim.rule_set.evaluate(claim.action, &facts, &used);
        let decision = looked_at(decision, seen == Seen::Elsewhere && !claim.reviewed);
        self.read(claim)?;
        match decision {
            Decision::Refused(Refusal { code, reason, receipt }) => {
                self.turn_away(claim, ActivityStatus::Rejected, &receipt, code, reason);
            }
            Decision::Held(Hold { code, reason, receipt }) => {
                self.turn_away(claim, ActivityStatus::Held, &receipt, code, reason);
            }
            Decision::Credited(credit) => match post(claim, account, &credit) {
                Err(PostingError::Overflow(_) | PostingError::BelowZero) => {
                    let reason = Text::new("数额超出账户可记范围", "the amount does not fit the account");
                    let code = "amount_overflow".to_owned();
                    self.turn_away(claim, ActivityStatus::Rejected, &credit.receipt, code, reason);
                }
                Ok(posting) => self.credit(claim, &needs, &credit, posting)?,
            },
        }
        let counts = self.outcome.decided.last().is_some_and(|last| last.activity.status.counts());
        if let Some(span) = span.filter(|_| counts) {
            self.acts.count(claim.citizen, claim.id, &span);
        }
        Ok(())
    }

    /// What the act said counts as a reading whatever becomes of it, once.
    fn read(&mut self, claim: &Claim<'a>) -> Result<(), AmountOverflow> {
        match claim.action.reading(claim.inputs) {
            Some(quantity) if !claim.reviewed => {
                let counter = Counter { of: CountOf::Read(claim.citizen), name: claim.action.id() };
                self.count(counter, claim.day(), &Usage { events: 1, quantity, ..Usage::NONE })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn turn_away(
        &mut self,
        claim: &Claim<'_>,
        status: ActivityStatus,
        receipt: &Receipt,
        code: String,
        reason: Text,
    ) {
        let activity = Activity { status, ..activity(claim, self.recorded_at, receipt, Some(code), None) };
        self.outcome.decided.push(Decided { activity, posting: None, reason: Some(reason) });
    }

    fn credit(
        &mut self,
        claim: &Claim<'a>,
        needs: &Needs<'a>,
        credit: &Credit,
        posting: Posting,
    ) -> Result<(), AmountOverflow> {
        for (counter, day, added) in counts(claim, needs, credit)? {
            self.count(counter, day, &added)?;
        }
        self.outcome.waiting.extend(WaitingPoints::of(claim, credit, self.recorded_at));
        if credit.points > Points::ZERO {
            let key = lot_key(claim.rule_set, claim.action, self.recorded_at);
            let lot = self.lots.entry((claim.citizen, key)).or_default();
            *lot = lot.plus(credit.points)?;
        }
        self.outcome.total = self.outcome.total.plus(posting.amounts)?;
        let code = credit.code().map(str::to_owned);
        let activity = activity(claim, self.recorded_at, &credit.receipt, code, Some(credit));
        self.outcome.decided.push(Decided { activity, posting: Some(posting), reason: None });
        Ok(())
    }

    fn count(&mut self, counter: Counter<'a>, day: NaiveDate, added: &Usage) -> Result<(), AmountOverflow> {
        self.book.add(counter, day, added)?;
        let count = self.counts.entry((counter, day)).or_default();
        *count = sum(count, added)?;
        Ok(())
    }

    fn close(self) -> Outcome {
        let mut outcome = self.outcome;
        let lots = self.lots.into_iter();
        outcome.lots = lots.map(|((citizen, key), points)| LotGrant { citizen, key, points }).collect();
        for ((Counter { of, name }, day), added) in self.counts {
            let name = name.to_owned();
            match of {
                CountOf::Granted(citizen) => {
                    outcome.granted.push(DayGrant { citizen, action: name, day, granted: added });
                }
                CountOf::Read(_) | CountOf::Shared(_) | CountOf::Issued(_) | CountOf::Waiting(_) => {
                    outcome.tallies.push(Tally { of, name, day, added });
                }
            }
        }
        outcome
    }
}

/// Code of an act that is held since one body cannot be in two places.
pub const IN_TWO_PLACES: &str = "in_two_places";

/// What would count is held where the same body was elsewhere at that time.
fn looked_at(decision: Decision, elsewhere: bool) -> Decision {
    match decision {
        Decision::Credited(Credit { receipt, .. }) if elsewhere => {
            let reason = Text::new(
                "与另一次出行时间重叠而行程不同，待人工核对",
                "it overlaps another trip that is not this one; a person must look at both",
            );
            Decision::Held(Hold { code: IN_TWO_PLACES.to_owned(), reason, receipt })
        }
        decision @ (Decision::Credited(_) | Decision::Refused(_) | Decision::Held(_)) => decision,
    }
}

fn post(claim: &Claim<'_>, account: &mut Account, credit: &Credit) -> Result<Posting, PostingError> {
    account.post(Amounts::credit(credit.points, credit.reduction), Some(claim.id.get()))
}

fn activity(
    claim: &Claim<'_>,
    recorded_at: DateTime<Utc>,
    receipt: &Receipt,
    code: Option<String>,
    credit: Option<&Credit>,
) -> Activity {
    Activity {
        id: claim.id,
        citizen: claim.citizen,
        source: claim.source,
        external_id: claim.external_id.to_owned(),
        action: claim.action.id().to_owned(),
        status: if credit.is_some() { ActivityStatus::Credited } else { ActivityStatus::Rejected },
        rule_set: claim.rule_set_id,
        occurred_at: claim.occurred_at,
        recorded_at,
        points: credit.map(|credit| credit.points).unwrap_or_default(),
        reduction: credit.map(|credit| credit.reduction).unwrap_or_default(),
        code,
        receipt: receipt.to_bytes(claim.action),
    }
}
