//! Decides a batch of claims in memory: which are credited, with what, and what that moves in the books.
//!
//! Deciding a batch equals deciding its claims one by one, in order.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use crate::activity::{Activity, ActivityStatus};
use crate::amount::{AmountOverflow, Points};
use crate::id::{ActivityId, CitizenId, RuleSetId, SourceId};
use crate::ledger::{Account, Amounts, LotGrant, Posting, PostingError};
use crate::rule::{Action, CapWindow, Credit, Decision, Evidence, Facts, Inputs, Receipt, RuleSet, Usage};
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
    /// One for each claim, in order.
    pub decided: Vec<Decided>,
    /// Sum of their postings; the programme posts its opposite.
    pub total: Amounts,
    /// Granted per citizen, action and day, summed.
    pub granted: Vec<DayGrant>,
    /// Points per citizen and last day, summed.
    pub lots: Vec<LotGrant>,
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
    recorded_at: DateTime<Utc>,
) -> Result<Outcome, CreditingError> {
    let mut outcome = Outcome::default();
    let mut lots: BTreeMap<(CitizenId, NaiveDate), Points> = BTreeMap::new();
    let mut days: BTreeMap<(CitizenId, String, NaiveDate), Usage> = BTreeMap::new();
    for claim in claims {
        let account = accounts.get_mut(&claim.citizen).ok_or(CreditingError::NoAccount(claim.citizen))?;
        let windows = UsageBook::windows_of(claim);
        let facts = Facts { inputs: claim.inputs, occurred_at: claim.occurred_at, evidence: claim.evidence };
        match claim.rule_set.evaluate(claim.action, &facts, &usage.used(claim, &windows)) {
            Decision::Refused(refusal) => {
                let activity = activity(claim, recorded_at, &refusal.receipt, Some(refusal.code), None);
                outcome.decided.push(Decided { activity, posting: None, reason: Some(refusal.reason) });
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
                        let expires_on = expires_on(claim, recorded_at);
                        let lot = lots.entry((claim.citizen, expires_on)).or_default();
                        *lot = lot.plus(credit.points)?;
                    }
                    outcome.total = outcome.total.plus(posting.amounts)?;
                    let code = credit.capped.then(|| "capped".to_owned());
                    let activity = activity(claim, recorded_at, &credit.receipt, code, Some(&credit));
                    outcome.decided.push(Decided { activity, posting: Some(posting), reason: None });
                }
            },
        }
    }
    outcome.lots = lots
        .into_iter()
        .map(|((citizen, expires_on), points)| LotGrant { citizen, expires_on, points })
        .collect();
    outcome.granted = days
        .into_iter()
        .map(|((citizen, action, day), granted)| DayGrant { citizen, action, day, granted })
        .collect();
    Ok(outcome)
}

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
            points: credit.points,
            reduction: credit.reduction,
            quantity: credit.quantity,
        },
    }
}

fn expires_on(claim: &Claim<'_>, recorded_at: DateTime<Utc>) -> NaiveDate {
    let credited_on = civil_day(recorded_at, claim.rule_set.timezone());
    claim.rule_set.expires_on(credited_on).unwrap_or(NEVER)
}

/// Last day of points that do not expire.
pub const NEVER: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

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
