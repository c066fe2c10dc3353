//! One act against one action: conditions, reduction, evidence, rounding, caps, in the one fixed order.
//!
//! A cap in points trims points alone. A cap in gCO2e trims grams, and points in the same proportion before
//! their rounding. A cap in input units trims the input and evaluates the formulas anew. A cap in times
//! gives nothing once it is used up. No cap ever raises anything.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;

use super::action::Action;
use super::cap::{Cap, CapLimit, CapWindow};
use super::decision::{Credit, Decision, ENGINE_VERSION, Facts, Receipt, Refusal, Usage};
use super::diagnostic::text;
use super::era::Era;
use super::evidence::Evidence;
use super::inputs::{InputProblem, slots};
use super::payout::{Payout, Yield};
use super::program::Results;
use super::verdict::{Granted, Reason, Scratch, Slots, Typed, Verdict};
use crate::amount::{Points, ReductionMg};
use crate::text::Text;
use crate::time::Period;

/// The periods that an action's caps count in, the shortest first.
pub(super) fn windows(action: &Action, day: NaiveDate) -> Vec<CapWindow> {
    let mut periods: Vec<Period> = action.caps.iter().filter_map(|cap| cap.period).collect();
    periods.dedup();
    periods.into_iter().map(|period| CapWindow { period, range: period.range(day) }).collect()
}

/// One cap's part in a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CapUse {
    /// Place among the action's caps.
    pub(super) place: usize,
    pub(super) used_before: i64,
    pub(super) left_after: i64,
    pub(super) trimmed: bool,
}

/// Whoever wants to see how a decision is made.
pub(super) trait Witness {
    fn before_caps(&mut self, granted: Granted);
    fn cap(&mut self, cap: impl FnOnce() -> CapUse);
}

/// Nobody looks.
impl Witness for () {
    #[inline]
    fn before_caps(&mut self, _: Granted) {}
    #[inline]
    fn cap(&mut self, _: impl FnOnce() -> CapUse) {}
}

/// A decision with all that an explanation shows of its making.
pub(super) struct Assessment<'a> {
    pub(super) era: Option<&'a Era>,
    pub(super) results: Option<Results>,
    pub(super) before_caps: Option<Granted>,
    pub(super) caps: Vec<CapUse>,
    pub(super) outcome: Result<Granted, (String, Text)>,
}

impl Witness for Assessment<'_> {
    fn before_caps(&mut self, granted: Granted) {
        self.before_caps = Some(granted);
    }

    fn cap(&mut self, cap: impl FnOnce() -> CapUse) {
        self.caps.push(cap());
    }
}

/// The slots of an act.
pub(super) fn slots_of(action: &Action, zone: Tz, facts: &Facts<'_>) -> Result<Slots, InputProblem> {
    let (day, second) = moment(facts.occurred_at, zone);
    let mut all = Slots::at(day, second);
    slots(action, facts.inputs, &mut all)?;
    Ok(all)
}

/// Civil day counted from the common era, and second of the day.
fn moment(instant: DateTime<Utc>, zone: Tz) -> (i64, i64) {
    let local = instant.with_timezone(&zone);
    (i64::from(local.num_days_from_ce()), i64::from(local.num_seconds_from_midnight()))
}

pub(super) fn evaluate(action: &Action, zone: Tz, facts: &Facts<'_>, used: &[Usage]) -> Decision {
    let verdict = match slots_of(action, zone, facts) {
        Ok(slots) => {
            let typed = Typed { slots: slots.as_slice(), evidence: facts.evidence };
            decide(action, typed, used, &mut Scratch::default(), &mut ())
        }
        Err(_) => Verdict::Refused(Reason::Unfit),
    };
    let receipt = Receipt {
        engine: ENGINE_VERSION,
        inputs: facts.inputs.clone(),
        occurred_at: facts.occurred_at,
        evidence: facts.evidence,
        used: used.to_vec(),
    };
    match verdict {
        Verdict::Credited(Granted { reduction, points, quantity, capped }) => {
            Decision::Credited(Credit { reduction, points, quantity, capped, receipt })
        }
        Verdict::Refused(reason) => {
            let (code, reason) = told(reason, action, zone, facts);
            Decision::Refused(Refusal { code, reason, receipt })
        }
    }
}

pub(super) fn assess<'a>(action: &'a Action, zone: Tz, facts: &Facts<'_>, used: &[Usage]) -> Assessment<'a> {
    let nothing = Ok(Granted::default());
    let mut seen =
        Assessment { era: None, results: None, before_caps: None, caps: Vec::new(), outcome: nothing };
    let verdict = match slots_of(action, zone, facts) {
        Ok(slots) => {
            let slots = slots.as_slice();
            seen.era = slots.first().and_then(|day| action.era_on(*day));
            seen.results = seen.era.map(|era| era.program.run(slots));
            let typed = Typed { slots, evidence: facts.evidence };
            decide(action, typed, used, &mut Scratch::default(), &mut seen)
        }
        Err(_) => Verdict::Refused(Reason::Unfit),
    };
    seen.outcome = match verdict {
        Verdict::Credited(granted) => Ok(granted),
        Verdict::Refused(reason) => Err(told(reason, action, zone, facts)),
    };
    seen
}

/// Code and sentence of a refusal.
fn told(reason: Reason, action: &Action, zone: Tz, facts: &Facts<'_>) -> (String, Text) {
    match reason {
        Reason::Unfit => match slots_of(action, zone, facts) {
            Err(problem) => (problem.code.to_owned(), problem.detail),
            Ok(_) => {
                ("invalid_value".to_owned(), text!("输入不合此行为", "the inputs do not fit this action"))
            }
        },
        Reason::NoFactor => {
            let day = facts.occurred_at.with_timezone(&zone).date_naive();
            let found = text!("{day} 当天没有有效的因子", "no factor is in force on {day}");
            ("no_factor_in_force".to_owned(), found)
        }
        Reason::Condition(place) => action
            .eligible
            .get(place)
            .map_or_else(Default::default, |condition| (condition.code.clone(), condition.reason.clone())),
        Reason::Evidence => ("evidence_not_accepted".to_owned(), evidence_refused(facts.evidence)),
    }
}

fn evidence_refused(evidence: Evidence) -> Text {
    let label = evidence.label();
    text!(
        "此行为不接受此类凭证: {zh}",
        "this action does not accept such evidence: {en}",
        zh = label.zh,
        en = label.en
    )
}

/// Decides one act. Allocates nothing.
pub(super) fn decide<W: Witness>(
    action: &Action,
    typed: Typed<'_>,
    used: &[Usage],
    scratch: &mut Scratch,
    witness: &mut W,
) -> Verdict {
    let era = typed.slots.first().and_then(|day| action.era_on(*day));
    let Some(era) = era else { return Verdict::Refused(Reason::NoFactor) };
    if !era.takes(typed.slots) {
        return Verdict::Refused(Reason::Unfit);
    }
    let yielded = era.run(typed.slots, scratch);
    settle(action, era, typed, yielded, used, scratch, witness)
}

#[inline]
/// Decides one act of which the formulas' yield is known.
pub(super) fn settle<W: Witness>(
    action: &Action,
    era: &Era,
    typed: Typed<'_>,
    full: Yield,
    used: &[Usage],
    scratch: &mut Scratch,
    witness: &mut W,
) -> Verdict {
    if let Some(place) = full.failed {
        return Verdict::Refused(Reason::Condition(place));
    }
    let Some(payout) = era.payout(typed.evidence) else { return Verdict::Refused(Reason::Evidence) };
    let quantity = era.measure.map_or(0, |(slot, thousandths)| {
        typed.slots.get(slot).map_or(0, |value| value.saturating_mul(thousandths))
    });
    let granted = Granted {
        reduction: ReductionMg::new(full.reduction_mg),
        points: Points::new(payout.points(full, None)),
        quantity,
        capped: false,
    };
    witness.before_caps(granted);
    let mut grant = Grant { era, payout, typed, full, granted };
    for (place, cap) in action.caps.iter().enumerate() {
        let usage = cap.window.and_then(|window| used.get(window));
        let (limit, used_before) = cap.against(usage.unwrap_or(&Usage::NONE));
        let left = limit.saturating_sub(used_before).max(0);
        let trimmed = grant.trim(cap.limit, left, scratch);
        grant.granted.capped |= trimmed;
        witness.cap(|| {
            let left_after = left.saturating_sub(grant.taken(cap.limit, left)).max(0);
            CapUse { place, used_before, left_after, trimmed }
        });
    }
    Verdict::Credited(grant.granted)
}

impl Cap {
    /// The limit, and what of it is used.
    #[inline]
    fn against(&self, usage: &Usage) -> (i64, i64) {
        match self.limit {
            CapLimit::Times(limit) => (limit, usage.events),
            CapLimit::Points(limit) => (limit, usage.points.get()),
            CapLimit::Reduction(limit) => (limit, usage.reduction.get()),
            CapLimit::Input(limit) => (limit, usage.quantity),
        }
    }
}

/// A grant while caps work on it.
struct Grant<'a> {
    era: &'a Era,
    payout: &'a Payout,
    typed: Typed<'a>,
    full: Yield,
    granted: Granted,
}

impl Grant<'_> {
    /// Trims to what is left of a limit; tells whether there was anything to trim.
    #[inline]
    fn trim(&mut self, limit: CapLimit, left: i64, scratch: &mut Scratch) -> bool {
        match limit {
            CapLimit::Times(_) => {
                let over = left == 0;
                if over {
                    self.nothing();
                }
                over
            }
            CapLimit::Points(_) => {
                let over = self.granted.points.get() > left;
                self.granted.points = self.granted.points.min(Points::new(left));
                over
            }
            CapLimit::Reduction(_) => {
                let over = self.granted.reduction.get() > left;
                if over {
                    self.trim_reduction(left);
                }
                over
            }
            CapLimit::Input(_) => {
                let over = self.granted.quantity > left;
                if over {
                    self.trim_input(left, scratch);
                }
                over
            }
        }
    }

    fn taken(&self, limit: CapLimit, left: i64) -> i64 {
        match limit {
            CapLimit::Times(_) => i64::from(left > 0),
            CapLimit::Points(_) => self.granted.points.get(),
            CapLimit::Reduction(_) => self.granted.reduction.get(),
            CapLimit::Input(_) => self.granted.quantity,
        }
    }

    fn nothing(&mut self) {
        self.granted = Granted { capped: self.granted.capped, ..Granted::default() };
    }

    /// Points for the present yield and the part of its grams that is left; never more than before.
    fn points(&self) -> Points {
        let (left, full) = (self.granted.reduction.get(), self.full.reduction_mg);
        let points = self.payout.points(self.full, (left < full).then_some((left, full)));
        self.granted.points.min(Points::new(points))
    }

    #[cold]
    fn trim_reduction(&mut self, left: i64) {
        self.granted.reduction = ReductionMg::new(left);
        self.granted.points = self.points();
    }

    #[cold]
    fn trim_input(&mut self, left: i64, scratch: &mut Scratch) {
        let Some((slot, thousandths)) = self.era.measure else { return };
        let count = left.checked_div(thousandths).unwrap_or(0);
        if count == 0 {
            return self.nothing();
        }
        let trimmed = Slots::with(self.typed.slots, slot, count);
        self.full = self.era.run_again(trimmed.as_slice(), scratch);
        self.granted.quantity = count.saturating_mul(thousandths);
        self.granted.reduction = self.granted.reduction.min(ReductionMg::new(self.full.reduction_mg));
        self.granted.points = self.points();
    }
}
