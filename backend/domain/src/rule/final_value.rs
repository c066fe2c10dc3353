//! What a formula must come to: whole milligrams, whole seconds, nothing below zero.

use super::check::{Checker, Type, Value, expected_type, too_large};
use super::counterexample::below_zero;
use super::diagnostic::{Finding, text};
use super::exact::{Ratio, Rounding};
use super::program::{Register, TooLarge};
use super::same_act::LASTS_SECONDS_MAX;
use super::syntax::Tree;
use super::unit::Unit;

pub(super) fn not_negative(
    checker: &Checker<'_>,
    value: &Value,
    zero: &str,
    at: usize,
) -> Result<(), Finding> {
    if checker.program.range(value.register).low >= 0 {
        return Ok(());
    }
    let found = below_zero(checker, value).map_or_else(
        || text!("结果可能小于零", "the result may be below zero"),
        |event| {
            let (zh, en) = (event.zh, event.en);
            text!("结果可能小于零: {zh}", "the result may be below zero: {en}")
        },
    );
    Err(Finding::new(found).help(text!("请写 `max({zero}, ...)`", "write `max({zero}, ...)`")).at(at))
}

fn not_grams(kind: &Type, at: usize) -> Finding {
    let help = text!(
        "请乘以结果以 gCO2e 计的因子; 因子自己要带单位, 如 gCO2e/km",
        "multiply by a factor that gives gCO2e; it needs a unit of its own, as in gCO2e/km"
    );
    expected_type(("以 gCO2e 计的数", "a number in gCO2e"), kind, at).help(help)
}

/// The reduction in whole milligrams, half to even.
pub(super) fn reduction(checker: &mut Checker<'_>, tree: &Tree) -> Result<Value, Finding> {
    let value = checker.check(tree)?;
    let Type::Number(unit) = value.kind else { return Err(not_grams(&value.kind, tree.at)) };
    if !unit.same_dimension(Unit::carbon()) {
        return Err(not_grams(&value.kind, tree.at));
    }
    not_negative(checker, &value, "0 gCO2e", tree.at)?;
    let milligram = Ratio::new(1, 1000).ok_or_else(|| too_large(TooLarge, tree.at))?;
    let value = checker.round_to(&value, Rounding::HalfEven, milligram, Unit::carbon(), tree.at)?;
    if checker.program.range(value.register).high > i128::from(i64::MAX) {
        return Err(too_large(TooLarge, tree.at));
    }
    Ok(value)
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
    if range.low > 0 && range.high <= i128::from(LASTS_SECONDS_MAX) {
        return Ok(value.register);
    }
    let found = text!("持续时间应大于零, 至多两天", "an act lasts more than no time and two days at most");
    let help = text!("请调整输入的 min 与 max", "mind the input's `min` and `max`");
    Err(Finding::new(found).help(help).at(tree.at))
}
