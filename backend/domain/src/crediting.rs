//! Decides a batch of claims in memory: which are credited, with what, and what that moves in the books.
//!
//! Deciding a batch equals deciding its claims one by one, in order.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use crate::activity::{Activity, ActivityStatus};
use crate::amount::{AmountOverflow, Points};
use crate::id::{ActivityId, CitizenId, RuleSetId, SourceId};
use crate::ledger::{Account, Amounts, LotGrant, LotKey, NEVER, Posting, PostingError};
use crate::rule::{
    ActSpan, Action, CapWindow, Credit, Decision, Evidence, Facts, Hold, Inputs, Receipt, RuleSet, Usage,
};
use crate::same_act::{ActBook, Seen};
use crate::text::Text;
use crate::time::{DayRange, civil_day};

/// An event whose inputs are read, whose citizen is known and whose id is claimed.
#[derive(Debug, Clone)]
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
    /// A person has looked at it: nothing holds it again.
    pub reviewed: bool,
}

impl Claim<'_> {
    /// What the rules may know of it.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        let facts = Facts::new(self.inputs, self.occurred_at, self.evidence);
        Facts { reviewed: self.reviewed, ..facts }
    }

    /// The stretch of time that it takes from other acts of its group; none where it takes none.
    #[must_use]
    pub fn span(&self) -> Option<ActSpan> {
        self.action.same_act()?;
        self.rule_set.span(self.action, &self.facts())
    }
}

/// What was granted so far, in the windows that the claims' caps look at.
#[derive(Debug, Default)]
pub struct UsageBook(HashMap<(CitizenId, String), Vec<(DayRange, Usage)>>);

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

impl UsageBook {
    /// The windows that a claim's caps look at.
    #[must_use]
    pub fn windows_of(claim: &Claim<'_>) -> Vec<CapWindow> {
        claim.rule_set.cap_windows(claim.action, civil_day(claim.occurred_at, claim.rule_set.timezone()))
    }

    /// Enters what the store says about a window.
    pub fn enter(&mut self, citizen: CitizenId, action: &str, range: DayRange, usage: Usage) {
        let windows = self.0.entry((citizen, action.to_owned())).or_default();
        if !windows.iter().any(|(known, _)| *known == range) {
            windows.push((range, usage));
        }
    }

    fn used(&self, claim: &Claim<'_>, windows: &[CapWindow]) -> Vec<Usage> {
        let key = (claim.citizen, claim.action.id().to_owned());
        let known = self.0.get(&key).map(Vec::as_slice).unwrap_or_default();
        let used = |range| known.iter().find(|(known, _)| *known == range).map(|(_, usage)| *usage);
        windows.iter().map(|window| used(window.range).unwrap_or_default()).collect()
    }

    fn grant(&mut self, granted: &DayGrant) -> Result<(), AmountOverflow> {
        let windows = self.0.get_mut(&(granted.citizen, granted.action.clone()));
        for (range, usage) in windows.into_iter().flatten() {
            if range.contains(granted.day) {
                *usage = sum(usage, &granted.granted)?;
            }
        }
        Ok(())
    }
}

/// Decides claims in order. Accounts and usage are changed as if each claim had been written before the next.
pub fn decide(
    claims: &[Claim<'_>],
    accounts: &mut BTreeMap<CitizenId, Account>,
    usage: &mut UsageBook,
    acts: &mut ActBook,
    recorded_at: DateTime<Utc>,
) -> Result<Outcome, CreditingError> {
    let mut outcome = Outcome::default();
    let mut lots: BTreeMap<(CitizenId, LotKey), Points> = BTreeMap::new();
    let mut days: BTreeMap<(CitizenId, String, NaiveDate), Usage> = BTreeMap::new();
    for (place, claim) in claims.iter().enumerate() {
        let span = claim.span();
        let seen = span.as_ref().map_or(Seen::New, |span| acts.look(claim.citizen, claim.id, span));
        if let Seen::Again(first) = seen {
            outcome.repeats.push(Repeat { place, first });
            continue;
        }
        let account = accounts.get_mut(&claim.citizen).ok_or(CreditingError::NoAccount(claim.citizen))?;
        let windows = UsageBook::windows_of(claim);
        let decision = claim.rule_set.evaluate(claim.action, &claim.facts(), &usage.used(claim, &windows));
        match looked_at(decision, seen == Seen::Elsewhere && !claim.reviewed) {
            Decision::Refused(refusal) => {
                let activity = activity(claim, recorded_at, &refusal.receipt, Some(refusal.code), None);
                outcome.decided.push(Decided { activity, posting: None, reason: Some(refusal.reason) });
            }
            Decision::Held(hold) => {
                let mut waiting = activity(claim, recorded_at, &hold.receipt, Some(hold.code), None);
                waiting.status = ActivityStatus::Held;
                outcome.decided.push(Decided { activity: waiting, posting: None, reason: Some(hold.reason) });
            }
            Decision::Credited(credit) => match post(claim, account, &credit) {
                Err(PostingError::Overflow(_) | PostingError::BelowZero) => {
                    let code = Some("amount_overflow".to_owned());
                    let activity = activity(claim, recorded_at, &credit.receipt, code, None);
                    let reason = Text::new("数额超出账户可记范围", "the amount does not fit the account");
                    outcome.decided.push(Decided { activity, posting: None, reason: Some(reason) });
                }
                Ok(posting) => {
                    let granted = granted(claim, &credit);
                    usage.grant(&granted)?;
                    let key = (granted.citizen, granted.action, granted.day);
                    let day = days.entry(key).or_default();
                    *day = sum(day, &granted.granted)?;
                    if credit.points > Points::ZERO {
                        let key = lot_key(claim.rule_set, claim.action, recorded_at);
                        let lot = lots.entry((claim.citizen, key)).or_default();
                        *lot = lot.plus(credit.points)?;
                    }
                    outcome.total = outcome.total.plus(posting.amounts)?;
                    let code = credit.code().map(str::to_owned);
                    let activity = activity(claim, recorded_at, &credit.receipt, code, Some(&credit));
                    outcome.decided.push(Decided { activity, posting: Some(posting), reason: None });
                }
            },
        }
        let counts = outcome.decided.last().is_some_and(|last| last.activity.status.counts());
        if let Some(span) = span.filter(|_| counts) {
            acts.count(claim.citizen, claim.id, &span);
        }
    }
    outcome.lots =
        lots.into_iter().map(|((citizen, key), points)| LotGrant { citizen, key, points }).collect();
    outcome.granted = days
        .into_iter()
        .map(|((citizen, action, day), granted)| DayGrant { citizen, action, day, granted })
        .collect();
    Ok(outcome)
}

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

/// Code of an act that is held since one body cannot be in two places.
pub const IN_TWO_PLACES: &str = "in_two_places";

fn sum(one: &Usage, other: &Usage) -> Result<Usage, AmountOverflow> {
    let count = |one: i64, other: i64| one.checked_add(other).ok_or(AmountOverflow);
    Ok(Usage {
        events: count(one.events, other.events)?,
        points: one.points.plus(other.points)?,
        reduction: one.reduction.plus(other.reduction)?,
        quantity: count(one.quantity, other.quantity)?,
    })
}

fn post(claim: &Claim<'_>, account: &mut Account, credit: &Credit) -> Result<Posting, PostingError> {
    account.post(Amounts::credit(credit.points, credit.reduction), Some(claim.id.get()))
}

fn granted(claim: &Claim<'_>, credit: &Credit) -> DayGrant {
    DayGrant {
        citizen: claim.citizen,
        action: claim.action.id().to_owned(),
        day: civil_day(claim.occurred_at, claim.rule_set.timezone()),
        granted: Usage {
            events: 1,
            points: credit.points.plus(credit.queued).unwrap_or(credit.points),
            reduction: credit.reduction,
            quantity: credit.quantity,
        },
    }
}

/// The lot that points credited at an instant go into.
#[must_use]
pub fn lot_key(rule_set: &RuleSet, action: &Action, credited_at: DateTime<Utc>) -> LotKey {
    let credited_on = civil_day(credited_at, rule_set.timezone());
    let expires_on = rule_set.expires_on(credited_on).unwrap_or(NEVER);
    let spendable_from = action.spendable_on(credited_on);
    if spendable_from == credited_on {
        LotKey::until(expires_on)
    } else {
        LotKey { expires_on, spendable_from }
    }
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
