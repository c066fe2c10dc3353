//! Events at the corners of what an action takes, to show where a formula goes wrong. Finding none proves
//! nothing.

use super::check::{Checker, Value};
use super::diagnostic::text;
use super::expression::value_text;
use super::program::{Op, Range};
use crate::text::Text;

/// Most inputs that are turned from their least to their greatest.
const TURNED_MAX: usize = 10;

/// An event for which a value is below zero, and that value, as far as the corners show one.
pub(super) fn below_zero(checker: &Checker<'_>, value: &Value) -> Option<Text> {
    let loads: Vec<(u16, Range)> = checker
        .program
        .ops()
        .iter()
        .zip(0_u16..)
        .filter_map(|(op, register)| match op {
            Op::Load(slot) => Some((*slot, checker.program.range(register))),
            _ => None,
        })
        .collect();
    let slots = loads.iter().map(|(slot, _)| usize::from(*slot).saturating_add(1)).max()?;
    let turned: Vec<&(u16, Range)> = loads.iter().filter(|(_, range)| !range.is_constant()).collect();
    let turned = turned.get(turned.len().saturating_sub(TURNED_MAX)..)?;
    let worst = (0_usize..1_usize.checked_shl(u32::try_from(turned.len()).ok()?)?)
        .map(|corner| {
            let mut values = vec![0_i64; slots];
            for (slot, range) in &loads {
                set(&mut values, *slot, range.low);
            }
            for (place, (slot, range)) in turned.iter().enumerate() {
                let high = corner.checked_shr(u32::try_from(place).unwrap_or(0)).unwrap_or(0) % 2 == 1;
                set(&mut values, *slot, if high { range.high } else { range.low });
            }
            (checker.program.run(&values).get(value.register), values)
        })
        .filter(|(result, _)| *result < 0)
        .min()?;
    let (result, values) = worst;
    let event = named(checker, &values);
    if event.is_empty() {
        return None;
    }
    let given =
        if value.divisor.is_none() { value_text(result, &value.kind, value.step) } else { "< 0".to_owned() };
    Some(text!("当 {event} 时为 {given}", "with {event} it is {given}"))
}

fn set(values: &mut [i64], slot: u16, value: i128) {
    if let (Some(place), Ok(value)) = (values.get_mut(usize::from(slot)), i64::try_from(value)) {
        *place = value;
    }
}

/// The inputs of an event in words; the day and the time of it are left out.
fn named(checker: &Checker<'_>, values: &[i64]) -> String {
    let shown = checker.scope.names.iter().filter_map(|(name, value)| {
        let Op::Load(slot) = checker.program.ops().get(usize::from(value.register))? else { return None };
        let content = i128::from(*values.get(usize::from(*slot))?);
        let input = !["date", "time"].contains(&name.as_str());
        input.then(|| format!("{name} = {}", value_text(content, &value.kind, value.step)))
    });
    shown.collect::<Vec<_>>().join(", ")
}
