//! The ends of an action's formulas: whole milligrams, and points with all that is taken before their one
//! rounding.

use super::action::Action;
use super::cap::CapLimit;
use super::check::{Checker, Type, Value, expected_type, require_same, too_large};
use super::diagnostic::{Finding, text};
use super::exact::{Decimal, Ratio, Rounding, power_of_ten};
use super::multiplier::Stacking;
use super::program::{Register, TooLarge};
use super::same_act::LASTS_SECONDS_MAX;
use super::syntax::{Tree, TreeKind};
use super::unit::Unit;

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
    pub(super) fn finish(
        &self,
        numerator: i128,
        denominator: i128,
        shares: [(i128, i128); 3],
    ) -> Option<i64> {
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
pub(super) fn percent_fraction(percent: Decimal) -> (i128, i128) {
    (percent.mantissa, power_of_ten(percent.decimals.saturating_add(2)).unwrap_or(i128::MAX))
}

fn not_negative(checker: &Checker<'_>, value: &Value, zero: &str, at: usize) -> Result<(), Finding> {
    if checker.program.range(value.register).low >= 0 {
        return Ok(());
    }
    let found = text!("结果可能小于零", "the result may be below zero");
    Err(Finding::new(found).help(text!("请写 `max({zero}, ...)`", "write `max({zero}, ...)`")).at(at))
}

/// The reduction in whole milligrams, half to even.
pub(super) fn reduction(checker: &mut Checker<'_>, tree: &Tree) -> Result<Value, Finding> {
    let value = checker.check(tree)?;
    let Type::Number(unit) = value.kind else {
        return Err(expected_type(("以 gCO2e 计的数", "a number in gCO2e"), &value.kind, tree.at));
    };
    if !unit.same_dimension(Unit::carbon()) {
        return Err(expected_type(("以 gCO2e 计的数", "a number in gCO2e"), &value.kind, tree.at));
    }
    not_negative(checker, &value, "0 gCO2e", tree.at)?;
    let milligram = Ratio::new(1, 1000).ok_or_else(|| too_large(TooLarge, tree.at))?;
    let value = checker.round_to(&value, Rounding::HalfEven, milligram, Unit::carbon(), tree.at)?;
    if checker.program.range(value.register).high > i128::from(i64::MAX) {
        return Err(too_large(TooLarge, tree.at));
    }
    Ok(value)
}

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
    require_same(unit, Unit::points(), ("作为积分", "taken as points"), at)?;
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
    let ratios = multipliers.chain(campaigns).map(|times| times.ratio);
    if action.stacking == Some(Stacking::Multiply) {
        return ratios.fold(Some((1, 1)), |product, ratio| {
            let (above, below): (i128, i128) = product?;
            Some((above.checked_mul(ratio.numerator())?, below.checked_mul(ratio.denominator())?))
        });
    }
    Some(ratios.fold((1, 1), |(above, below), ratio| {
        (above.max(ratio.numerator()), below.max(ratio.denominator()))
    }))
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

/// A duration above zero in whole seconds, a started one counting in full.
pub(super) fn seconds(checker: &mut Checker<'_>, tree: &Tree) -> Result<Register, Finding> {
    let value = checker.check(tree)?;
    let second = Unit::simple("s").unwrap_or_default();
    let Type::Number(unit) = value.kind else {
        return Err(expected_type(("时长", "a duration"), &value.kind, tree.at));
    };
    if !unit.same_dimension(second) {
        return Err(expected_type(("时长", "a duration"), &value.kind, tree.at));
    }
    let value = checker.round_to(&value, Rounding::Up, Ratio::ONE, second, tree.at)?;
    let range = checker.program.range(value.register);
    let most = i128::from(LASTS_SECONDS_MAX);
    if range.low > 0 && range.high <= most {
        return Ok(value.register);
    }
    let found = text!("持续时间应大于零, 至多两天", "an act lasts more than no time and two days at most");
    let help = text!("请调整输入的 min 与 max", "mind the input's `min` and `max`");
    Err(Finding::new(found).help(help).at(tree.at))
}
