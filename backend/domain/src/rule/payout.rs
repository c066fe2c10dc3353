//! From a run's yield to whole points, for each grade of evidence. Must never round twice.

use super::action::Action;
use super::cap::CapLimit;
use super::check::{Checker, Type, expected_type, require_same, too_large};
use super::code::{Divisor, Outputs};
use super::diagnostic::{Finding, text};
use super::era::Era;
use super::evidence::Evidence;
use super::exact::{Decimal, Ratio, Rounding, power_of_ten};
use super::factor::Factor;
use super::final_value::not_negative;
use super::multiplier::Stacking;
use super::program::{Program, Range, Register, TooLarge};
use super::syntax::{Tree, TreeKind};
use super::unit::Unit;
use crate::amount::Points;

/// Points before the share of evidence: `numerator * multiplier / (denominator * divisor)`, then rounded to
/// `granule`s.
#[derive(Debug, Clone, Copy)]
pub(super) struct PointsPlan {
    pub(super) numerator: Register,
    pub(super) denominator: Option<Register>,
    pub(super) multiplier: i128,
    pub(super) divisor: i128,
    pub(super) mode: Rounding,
    pub(super) granule: i64,
}

impl PointsPlan {
    /// Points for a share of evidence, for the part of the reduction that was kept and for a factor, all as
    /// fractions.
    fn finish(&self, numerator: i128, denominator: i128, shares: [(i128, i128); 3]) -> Option<i64> {
        let (mut up, mut down) =
            (numerator.checked_mul(self.multiplier)?, denominator.checked_mul(self.divisor)?);
        for (above, below) in shares {
            (up, down) = (up.checked_mul(above)?, down.checked_mul(below)?);
        }
        let granules = self.mode.divide(up, down)?;
        i64::try_from(granules.checked_mul(i128::from(self.granule))?).ok()
    }
}

/// A percentage as a fraction.
fn percent_fraction(percent: Decimal) -> (i128, i128) {
    (percent.mantissa, power_of_ten(percent.decimals.saturating_add(2)).unwrap_or(i128::MAX))
}

/// What the formulas give before caps, in the integers that they ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Yield<N> {
    /// Place of the first condition that does not hold.
    pub(super) failed: Option<usize>,
    /// Place of the first reason to hold the act.
    pub(super) held: Option<usize>,
    /// The multipliers that count, the first in the lowest bit.
    pub(super) multipliers: u16,
    /// Seconds that the act lasts.
    pub(super) lasts: i64,
    pub(super) reduction_mg: i64,
    pub(super) numerator: N,
    /// None for one.
    pub(super) denominator: Option<N>,
}

/// Milligrams, and what points are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worth {
    pub(super) reduction_mg: i64,
    pub(super) numerator: i128,
    pub(super) denominator: i128,
}

impl<N: Copy + Default + PartialEq + Into<i128>> Yield<N> {
    #[inline]
    pub(super) fn read<R: Copy>(outputs: &Outputs<R>, at: impl Fn(R) -> N) -> Self {
        let holds = |register: &R| at(*register) != N::default();
        let narrow = |register: Option<R>| register.map_or(0, |register| narrow(at(register)).unwrap_or(0));
        Self {
            failed: outputs.conditions.iter().position(|register| !holds(register)),
            held: outputs.holds.iter().position(holds),
            multipliers: bits(outputs.multipliers.iter().map(holds)),
            lasts: narrow(outputs.lasts),
            reduction_mg: narrow(outputs.reduction),
            numerator: at(outputs.numerator),
            denominator: outputs.denominator.map(&at),
        }
    }

    pub(super) fn worth(&self) -> Worth {
        let (numerator, denominator) = (self.numerator.into(), self.denominator.map_or(1, Into::into));
        Worth { reduction_mg: self.reduction_mg, numerator, denominator }
    }

    /// What points are made of, where that is one number of 64 bits.
    #[inline]
    pub(super) fn whole(&self) -> Option<i64> {
        if self.denominator.is_none() { narrow(self.numerator) } else { None }
    }
}

#[inline]
fn narrow<N: Into<i128>>(number: N) -> Option<i64> {
    i64::try_from(number.into()).ok()
}

/// The bits of what holds, the first in the lowest.
#[inline]
fn bits(all: impl Iterator<Item = bool>) -> u16 {
    all.zip(0_u32..16).fold(0, |bits, (holds, place)| bits | u16::from(holds).wrapping_shl(place))
}

/// How a grade of evidence pays.
#[derive(Debug, Clone)]
pub(super) struct Payout {
    plan: PointsPlan,
    share: (i128, i128),
    /// By the places of the action's prepared factors; none where 64 bits do not do.
    ways: Vec<Option<Quick>>,
}

/// Points for one factor as one multiplication and one division in 64 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quick {
    times: i64,
    divisor: Divisor,
    granule: i64,
}

impl Quick {
    #[inline]
    pub(super) fn points(&self, numerator: i64) -> i64 {
        // Proven to fit when it was made.
        let granules = self.divisor.divide(numerator.wrapping_mul(self.times));
        granules.saturating_mul(self.granule).max(0)
    }
}

/// The payouts of all grades that an action accepts, at the grade's place in [`Evidence::ALL`].
pub(super) type Payouts = [Option<Payout>; Evidence::ALL.len()];

pub(super) fn payouts(program: &Program, plan: PointsPlan, action: &Action) -> Payouts {
    Evidence::ALL.map(|grade| {
        let share = percent_fraction(action.evidence_percent(grade)?);
        let way = |factor: &Option<Ratio>| quick(program, plan, share, *factor);
        Some(Payout { plan, share, ways: action.factors.prepared().iter().map(way).collect() })
    })
}

impl Payout {
    /// The short way to points for a factor.
    #[inline]
    pub(super) fn quick(&self, factor: Factor) -> Option<&Quick> {
        self.ways.get(factor.place())?.as_ref()
    }

    /// Points for the whole act with a factor; what it is worth, and the factor as a fraction, are asked for
    /// where 64 bits do not do.
    #[inline]
    pub(super) fn points(
        &self,
        whole: Option<i64>,
        factor: Factor,
        closely: impl FnOnce() -> (Worth, Option<Ratio>),
    ) -> Points {
        if let Some((quick, numerator)) = self.quick(factor).zip(whole) {
            return Points::new(quick.points(numerator));
        }
        let (worth, factor) = closely();
        self.points_of_part(worth, (1, 1), factor)
    }

    /// The same for the part of the grams that is kept, as a fraction.
    #[cold]
    pub(super) fn points_of_part(
        &self,
        of: Worth,
        (above, below): (i64, i64),
        factor: Option<Ratio>,
    ) -> Points {
        let factor = factor.map_or((1, 1), |ratio| (ratio.numerator(), ratio.denominator()));
        let kept = (i128::from(above), i128::from(below));
        let points = self.plan.finish(of.numerator, of.denominator, [self.share, kept, factor]);
        Points::new(points.unwrap_or(0).max(0))
    }
}

impl Era {
    /// Least and most points of one event before caps, by ranges; none where they are not known.
    pub(super) fn points_reach(&self) -> Option<(i64, i64)> {
        let up = self.program.range(self.outputs.numerator);
        let down =
            self.outputs.denominator.map_or(Range::constant(1), |register| self.program.range(register));
        let paid = |payout: &Payout, numerator: i128, denominator: i128| {
            payout.plan.finish(numerator, denominator, [payout.share, (1, 1), (1, 1)])
        };
        let reaches = self.payouts.iter().flatten();
        let reaches =
            reaches.map(|payout| Some((paid(payout, up.low, down.high)?, paid(payout, up.high, down.low)?)));
        reaches.reduce(|one, other| {
            let ((low, high), (least, most)) = (one?, other?);
            Some((low.min(least), high.max(most)))
        })?
    }

    /// Least and most milligrams of one event before caps, by ranges.
    pub(super) fn reduction_reach(&self) -> Option<(i64, i64)> {
        let range = self.program.range(self.outputs.reduction?);
        Some((i64::try_from(range.low).ok()?, i64::try_from(range.high).ok()?))
    }
}

fn quick(program: &Program, plan: PointsPlan, share: (i128, i128), factor: Option<Ratio>) -> Option<Quick> {
    if plan.denominator.is_some() {
        return None;
    }
    let (above, below) = factor.map_or((1, 1), |ratio| (ratio.numerator(), ratio.denominator()));
    let up = plan.multiplier.checked_mul(share.0)?.checked_mul(above)?;
    let down = plan.divisor.checked_mul(share.1)?.checked_mul(below)?;
    let (up, down) = match Ratio::new(up, down) {
        Some(ratio) => (ratio.numerator(), ratio.denominator()),
        None if up == 0 => (0, 1),
        None => return None,
    };
    let range = program.range(plan.numerator);
    let range = Range { low: range.low.checked_mul(up)?, high: range.high.checked_mul(up)? };
    let divisor = Divisor::new(plan.mode, down, range)?;
    Some(Quick { times: i64::try_from(up).ok()?, divisor, granule: plan.granule })
}

/// Reads how points are rounded, and proves it for every grade of evidence.
pub(super) fn points(
    checker: &mut Checker<'_>,
    tree: &Tree,
    action: &Action,
    reduction: Option<Register>,
) -> Result<PointsPlan, Finding> {
    let at = tree.at;
    let (value, mode, granule) = if let TreeKind::Rounded(inner, mode, to) = &tree.kind {
        let (value, granule, _) = checker.unrounded(inner, to)?;
        (value, Some(*mode), granule)
    } else {
        (checker.check(tree)?, None, Ratio::ONE)
    };
    let Type::Number(unit) = value.kind else {
        return Err(expected_type(("以 pt 计的数", "a number in pt"), &value.kind, at));
    };
    require_same(unit, Unit::points(), ("作为积分", "taken as points"), at).map_err(|found| {
        let help =
            text!("请除以每分的价, 如 10 {unit}/pt", "divide by the price of a point, as in 10 {unit}/pt");
        found.help(help)
    })?;
    not_negative(checker, &value, "0 pt", at)?;
    let whole = granule.whole_multiple_of(Ratio::ONE).and_then(|count| i64::try_from(count).ok());
    let granule_points = whole.ok_or_else(|| {
        Finding::new(text!("积分应取整到整数 pt", "points must be rounded to whole pt")).at(at)
    })?;
    let share = value.step.over(granule).ok_or_else(|| too_large(TooLarge, at))?;
    let plan = PointsPlan {
        numerator: value.register,
        denominator: value.divisor,
        multiplier: share.numerator(),
        divisor: share.denominator(),
        mode: mode.unwrap_or(Rounding::Down),
        granule: granule_points,
    };
    prove(checker, &plan, action, reduction, at)?;
    if mode.is_none() {
        whole_without_rounding(checker, &plan, action, at)?;
    }
    Ok(plan)
}

/// The factors that can multiply an action's points: parts above, and parts below.
fn factors(action: &Action) -> Option<(i128, i128)> {
    let multipliers = action.multipliers.iter().map(|multiplier| multiplier.times);
    let campaigns = action.campaigns.iter().map(|campaign| campaign.times);
    let mut ratios = multipliers.chain(campaigns).map(|times| times.ratio);
    if action.stacking == Some(Stacking::Multiply) {
        return ratios.try_fold((1_i128, 1_i128), |(above, below), ratio| {
            Some((above.checked_mul(ratio.numerator())?, below.checked_mul(ratio.denominator())?))
        });
    }
    Some(
        ratios.fold((1, 1), |(above, below), ratio| {
            (above.max(ratio.numerator()), below.max(ratio.denominator()))
        }),
    )
}

/// Proves that the last steps of points stay within the machine for every grade of evidence, every factor
/// and every trimming.
fn prove(
    checker: &Checker<'_>,
    plan: &PointsPlan,
    action: &Action,
    reduction: Option<Register>,
    at: usize,
) -> Result<(), Finding> {
    let most = |register: Register| checker.program.range(register).magnitude();
    let trims = action.caps.iter().any(|cap| matches!(cap.limit, CapLimit::Reduction(_)));
    let kept = if trims { reduction.and_then(most).unwrap_or(1).max(1) } else { 1 };
    let divisor = plan.denominator.map_or(Some(1), most);
    let fits = |factor: (i128, i128)| {
        action.evidence.iter().all(|(_, percent)| {
            let share = percent_fraction(*percent);
            let ends = most(plan.numerator).zip(divisor);
            ends.is_some_and(|(up, down)| plan.finish(up, down, [share, (kept, kept), factor]).is_some())
                && ends.is_some_and(|(up, _)| plan.finish(up, 1, [share, (1, 1), (factor.0, 1)]).is_some())
        })
    };
    if factors(action).is_some_and(fits) { Ok(()) } else { Err(too_large(TooLarge, at)) }
}

/// Without a rounding, points must come out whole for every grade of evidence.
fn whole_without_rounding(
    checker: &Checker<'_>,
    plan: &PointsPlan,
    action: &Action,
    at: usize,
) -> Result<(), Finding> {
    let range = checker.program.range(plan.numerator);
    let whole = action.evidence.iter().all(|(_, percent)| {
        let (above, below) = percent_fraction(*percent);
        let value = if range.is_constant() { range.low } else { 1 };
        let up = value.checked_mul(plan.multiplier).and_then(|up| up.checked_mul(above));
        let down = plan.divisor.checked_mul(below);
        up.zip(down).is_some_and(|(up, down)| up.checked_rem(down) == Some(0))
    });
    let scaled = action.caps.iter().any(|cap| matches!(cap.limit, CapLimit::Reduction(_)));
    let parted = factors(action).is_none_or(|(_, below)| below != 1);
    if whole && !scaled && !parted {
        return Ok(());
    }
    let found = text!("积分可能不是整数", "the points may not come out whole");
    let help = text!("请在公式后写 `, rounded down to 1 pt`", "add `, rounded down to 1 pt` to the formula");
    Err(Finding::new(found).help(help).at(at))
}
