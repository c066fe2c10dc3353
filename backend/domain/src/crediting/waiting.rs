//! Points that an act was promised and that wait for a budget, until they are paid or given up.
//!
//! Promised = paid + given up + left. Must never pay a point itself.

use chrono::{DateTime, NaiveDate, Utc};

use super::Claim;
use crate::amount::{AmountOverflow, Points};
use crate::id::{ActivityId, CitizenId, CityId, RuleSetId};
use crate::ledger::{AT_ONCE, LotKey, NEVER};
use crate::rule::{Action, Budget, Credit, RuleSet, WhenExhausted};
use crate::text::Text;
use crate::time::{DayRange, civil_day};

/// Points of one act that wait, or waited, for a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPoints {
    /// Its place in the queue, which grows; zero before it is written.
    pub place: i64,
    /// The act.
    pub activity: ActivityId,
    /// Who did it.
    pub citizen: CitizenId,
    /// In which city.
    pub city: CityId,
    /// The budget's id.
    pub budget: String,
    /// The rule set that promised them.
    pub rule_set: RuleSetId,
    /// Action of the rule file.
    pub action: String,
    /// When the act was credited.
    pub credited_at: DateTime<Utc>,
    /// The days whose budget they share once those are over; none in a queue.
    pub shares: Option<DayRange>,
    /// All that was promised.
    pub promised: Points,
    /// What they get of a shared budget, once that is settled.
    pub due: Option<Points>,
    /// What was paid so far.
    pub paid: Points,
    /// What never will be.
    pub given_up: Points,
}

impl WaitingPoints {
    /// What a credit lets wait; none where all of it was paid.
    pub(super) fn of(claim: &Claim<'_>, credit: &Credit, credited_at: DateTime<Utc>) -> Option<Self> {
        let budget = waiting_budget(claim.action).filter(|_| credit.queued > Points::ZERO)?;
        let shares = match budget.when_exhausted() {
            WhenExhausted::Prorate => Some(budget.period().range(claim.day())),
            WhenExhausted::Stop | WhenExhausted::Queue => None,
        };
        Some(Self {
            place: 0,
            activity: claim.id,
            citizen: claim.citizen,
            city: claim.city,
            budget: budget.id().to_owned(),
            rule_set: claim.rule_set_id,
            action: claim.action.id().to_owned(),
            credited_at,
            shares,
            promised: credit.queued,
            due: None,
            paid: Points::ZERO,
            given_up: Points::ZERO,
        })
    }

    /// What still waits.
    pub fn left(&self) -> Result<Points, AmountOverflow> {
        self.promised.minus(self.paid)?.minus(self.given_up)
    }

    /// The civil day under which a payment counts as issued: that of the payment in a queue, the last of the
    /// shared days otherwise.
    #[must_use]
    pub fn issued_on(&self, paid_on: NaiveDate) -> NaiveDate {
        self.shares.and_then(|days| days.until.pred_opt()).unwrap_or(paid_on)
    }

    /// How they stand, in words.
    #[must_use]
    pub fn told(&self) -> Text {
        let Self { budget, promised, paid, given_up, .. } = self;
        let left = self.left().unwrap_or_default();
        let (zh, en) = match *given_up {
            Points::ZERO => (String::new(), String::new()),
            lost => (format!(", 不再发放 {lost} pt"), format!(", {lost} pt will not be given")),
        };
        Text::new(
            format!("等待预算 {budget} 的 {promised} pt: 已补发 {paid} pt, 仍待 {left} pt{zh}"),
            format!(
                "Of {promised} pt that waited for budget {budget}, {paid} pt are paid and {left} pt wait{en}"
            ),
        )
    }
}

/// The one budget that lets an action's points wait.
pub(super) fn waiting_budget(action: &Action) -> Option<&Budget> {
    action.budgets().find(|budget| budget.when_exhausted() != WhenExhausted::Stop)
}

/// The lot that points credited at an instant go into.
#[must_use]
pub fn lot_key(rule_set: &RuleSet, action: &Action, credited_at: DateTime<Utc>) -> LotKey {
    payout_lot(rule_set, action, credited_at, credited_at)
}

/// The lot that points of an act go into that are paid later than it was credited: they end counted from the
/// day of the payment, and the act need not settle twice.
#[must_use]
pub fn payout_lot(
    rule_set: &RuleSet,
    action: &Action,
    credited_at: DateTime<Utc>,
    paid_at: DateTime<Utc>,
) -> LotKey {
    let paid_on = civil_day(paid_at, rule_set.timezone());
    let expires_on = rule_set.expires_on(paid_on).unwrap_or(NEVER);
    let settled_on = action.spendable_on(civil_day(credited_at, rule_set.timezone()));
    let spendable_from = settled_on.filter(|settled_on| *settled_on > paid_on).unwrap_or(AT_ONCE);
    LotKey { expires_on, spendable_from }
}
