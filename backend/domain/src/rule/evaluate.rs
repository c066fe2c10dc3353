//! One act against one action: conditions, reduction, evidence, rounding, caps, in the one fixed order.
//!
//! A cap in points trims points alone. A cap in gCO2e trims grams, and points in the same proportion before
//! their rounding. A cap in input units trims the input and evaluates the formulas anew. A cap in times
//! gives nothing once it is used up. No cap ever raises anything.

use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use chrono_tz::Tz;

use super::action::Action;
use super::cap::{Cap, CapLimit, CapWindow, first_number};
use super::decision::{Credit, Decision, ENGINE_VERSION, Facts, Receipt, Refusal, Usage};
use super::diagnostic::text;
use super::era::{Era, percent_fraction};
use super::input::InputKind;
use super::inputs::slots;
use super::program::Results;
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

/// A decision with all that an explanation shows of its making.
pub(super) struct Assessment<'a> {
    pub(super) era: Option<&'a Era>,
    pub(super) results: Option<Results>,
    pub(super) before_caps: Option<(i64, i64)>,
    pub(super) caps: Vec<CapUse>,
    pub(super) outcome: Result<Granted, (String, Text)>,
}

/// What is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) reduction_mg: i64,
    pub(super) points: i64,
    pub(super) quantity: i64,
    pub(super) capped: bool,
}

pub(super) fn evaluate(action: &Action, zone: Tz, facts: &Facts<'_>, used: &[Usage]) -> Decision {
    let outcome = assess(action, zone, facts, used).outcome;
    let receipt = Receipt {
        engine: ENGINE_VERSION,
        inputs: facts.inputs.clone(),
        occurred_at: facts.occurred_at,
        evidence: facts.evidence,
        used: used.to_vec(),
    };
    match outcome {
        Ok(granted) => Decision::Credited(Credit {
            reduction: ReductionMg::new(granted.reduction_mg),
            points: Points::new(granted.points),
            quantity: granted.quantity,
            capped: granted.capped,
            receipt,
        }),
        Err((code, reason)) => Decision::Refused(Refusal { code, reason, receipt }),
    }
}

pub(super) fn assess<'a>(action: &'a Action, zone: Tz, facts: &Facts<'_>, used: &[Usage]) -> Assessment<'a> {
    let local = facts.occurred_at.with_timezone(&zone);
    let refused = |code: &str, reason: Text| Assessment {
        era: None,
        results: None,
        before_caps: None,
        caps: Vec::new(),
        outcome: Err((code.to_owned(), reason)),
    };
    let mut values = match slots(action, facts.inputs) {
        Ok(values) => values,
        Err(problem) => return refused(problem.code, problem.detail),
    };
    push_event_time(&mut values, local);
    let day = local.date_naive();
    let Some(era) = action.era_on(day) else {
        return refused(
            "no_factor_in_force",
            text!("{day} 当天没有有效的因子", "no factor is in force on {day}"),
        );
    };
    let results = era.program.run(&values);
    let mut assessment = refused("", Text::default());
    assessment.era = Some(era);
    let failed = action.eligible.iter().zip(&era.conditions).find(|(_, register)| !results.holds(**register));
    let share = action.evidence_percent(facts.evidence);
    assessment.outcome = match (failed, share) {
        (Some((condition, _)), _) => Err((condition.code.clone(), condition.reason.clone())),
        (None, None) => Err(("evidence_not_accepted".to_owned(), evidence_refused(facts))),
        (None, Some(percent)) => {
            let mut grant = Grant::new(action, era, percent_fraction(percent), values, &results);
            assessment.before_caps = Some((grant.granted.reduction_mg, grant.granted.points));
            assessment.caps = grant.apply_caps(used, &windows(action, day));
            Ok(grant.granted)
        }
    };
    assessment.results = Some(results);
    assessment
}

fn push_event_time(values: &mut Vec<i64>, local: DateTime<Tz>) {
    values.push(i64::from(local.num_days_from_ce()));
    values.push(i64::from(local.num_seconds_from_midnight()));
}

fn evidence_refused(facts: &Facts<'_>) -> Text {
    let label = facts.evidence.label();
    text!(
        "此行为不接受此类凭证: {zh}",
        "this action does not accept such evidence: {en}",
        zh = label.zh,
        en = label.en
    )
}

/// What the formulas give before caps.
#[derive(Debug, Clone, Copy)]
struct Yield {
    reduction_mg: i64,
    numerator: i128,
    denominator: i128,
}

/// A grant while caps work on it.
struct Grant<'a> {
    action: &'a Action,
    era: &'a Era,
    share: (i128, i128),
    values: Vec<i64>,
    full: Yield,
    granted: Granted,
}

impl<'a> Grant<'a> {
    fn new(
        action: &'a Action,
        era: &'a Era,
        share: (i128, i128),
        values: Vec<i64>,
        results: &Results,
    ) -> Self {
        let full = Yield::of(era, results);
        let quantity = match (first_slot(action), first_number(&action.inputs)) {
            (Some(slot), Some(number)) => {
                values.get(slot).copied().unwrap_or(0).saturating_mul(number.thousandths())
            }
            _ => 0,
        };
        let granted = Granted { reduction_mg: full.reduction_mg, points: i64::MAX, quantity, capped: false };
        let mut grant = Self { action, era, share, values, full, granted };
        grant.granted.points = grant.points();
        grant
    }

    /// Points for the present yield and the part of its grams that is left.
    fn points(&self) -> i64 {
        let Yield { reduction_mg, numerator, denominator } = self.full;
        let kept = if self.granted.reduction_mg < reduction_mg {
            (i128::from(self.granted.reduction_mg), i128::from(reduction_mg))
        } else {
            (1, 1)
        };
        let points = self.era.points.finish(numerator, denominator, [self.share, kept]);
        self.granted.points.min(points.unwrap_or(0).max(0))
    }

    fn apply_caps(&mut self, used: &[Usage], windows: &[CapWindow]) -> Vec<CapUse> {
        let caps = self.action.caps.iter().enumerate();
        let usage = |cap: &Cap| {
            let window = windows.iter().position(|window| Some(window.period) == cap.period);
            window.and_then(|place| used.get(place)).copied().unwrap_or_default()
        };
        caps.map(|(place, cap)| self.apply(place, cap, usage(cap))).collect()
    }

    fn apply(&mut self, place: usize, cap: &Cap, usage: Usage) -> CapUse {
        let before = self.granted;
        let (limit, used_before) = match cap.limit {
            CapLimit::Times(limit) => (limit, usage.events),
            CapLimit::Points(limit) => (limit, usage.points.get()),
            CapLimit::Reduction(limit) => (limit, usage.reduction.get()),
            CapLimit::Input(limit) => (limit, usage.quantity),
        };
        let left = limit.saturating_sub(used_before).max(0);
        match cap.limit {
            CapLimit::Times(_) if left == 0 => self.nothing(),
            CapLimit::Times(_) => {}
            CapLimit::Points(_) => self.granted.points = self.granted.points.min(left),
            CapLimit::Reduction(_) => self.trim_reduction(left),
            CapLimit::Input(_) => self.trim_input(left),
        }
        let taken = match cap.limit {
            CapLimit::Times(_) => i64::from(left > 0),
            CapLimit::Points(_) => self.granted.points,
            CapLimit::Reduction(_) => self.granted.reduction_mg,
            CapLimit::Input(_) => self.granted.quantity,
        };
        let spent = matches!(cap.limit, CapLimit::Times(_)) && left == 0;
        let trimmed = before != self.granted || spent;
        self.granted.capped |= trimmed;
        CapUse { place, used_before, left_after: left.saturating_sub(taken).max(0), trimmed }
    }

    fn nothing(&mut self) {
        self.granted = Granted { reduction_mg: 0, points: 0, quantity: 0, capped: self.granted.capped };
    }

    fn trim_reduction(&mut self, left: i64) {
        if self.granted.reduction_mg > left {
            self.granted.reduction_mg = left;
            self.granted.points = self.points();
        }
    }

    fn trim_input(&mut self, left: i64) {
        if self.granted.quantity <= left {
            return;
        }
        let (Some(slot), Some(number)) = (first_slot(self.action), first_number(&self.action.inputs)) else {
            return;
        };
        let count = left.checked_div(number.thousandths()).unwrap_or(0);
        if count == 0 {
            return self.nothing();
        }
        if let Some(value) = self.values.get_mut(slot) {
            *value = count;
        }
        self.full = Yield::of(self.era, &self.era.program.run(&self.values));
        self.granted.quantity = count.saturating_mul(number.thousandths());
        self.granted.reduction_mg = self.granted.reduction_mg.min(self.full.reduction_mg);
        self.granted.points = self.points();
    }
}

impl Yield {
    fn of(era: &Era, results: &Results) -> Self {
        let reduction_mg =
            era.reduction.map_or(0, |register| i64::try_from(results.get(register)).unwrap_or(0));
        let numerator = results.get(era.points.numerator);
        let denominator = era.points.denominator.map_or(1, |register| results.get(register));
        Self { reduction_mg, numerator, denominator }
    }
}

/// Place of the first numeric input.
pub(super) fn first_slot(action: &Action) -> Option<usize> {
    action.inputs.iter().position(|spec| matches!(spec.kind(), InputKind::Number(_)))
}
