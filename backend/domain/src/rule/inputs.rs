//! The values of an event as an action's inputs. JSON numbers are read as their decimal text, never through
//! a float.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use super::action::Action;
use super::diagnostic::{did_you_mean, text};
use super::exact::Decimal;
use super::input::{InputKind, InputSpec, NumberSpec};
use super::input_value::{InputValue, Inputs};
use super::section::Quantity;
use super::unit::Unit;
use super::verdict::Slots;
use crate::text::Text;

/// Longest value of one input, in bytes.
pub const VALUE_BYTES_MAX: usize = 200;
/// Longest identifier, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// Why an event's data does not fit its action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputProblem {
    /// `unknown_input`, `missing_input`, `unit_missing`, `wrong_unit`, `out_of_range`, `too_many_decimals`
    /// or `invalid_value`.
    pub code: &'static str,
    /// The member of `data` at fault, or the input that is missing.
    pub input: String,
    /// What is wrong and how to mend it.
    pub detail: Text,
}

impl InputProblem {
    fn new(code: &'static str, input: &str, detail: Text) -> Self {
        Self { code, input: input.chars().take(VALUE_BYTES_MAX).collect(), detail }
    }

    /// There is too little before the act.
    pub(super) fn too_short(name: &str, detail: Text) -> Self {
        Self::new("history_too_short", name, detail)
    }
}

/// Reads an event's data, given as member names and the raw JSON of their values.
pub(super) fn read<'a>(
    action: &Action,
    data: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Inputs, Vec<InputProblem>> {
    let mut values: Vec<(Arc<str>, InputValue)> = Vec::with_capacity(action.inputs().len());
    let (mut problems, mut faulty) = (Vec::new(), Vec::new());
    let is_known =
        |values: &[(Arc<str>, InputValue)], name: &str| values.iter().any(|(known, _)| **known == *name);
    for (member, json) in data {
        match read_member(action, member, json) {
            Ok((spec, _)) if is_known(&values, spec.name()) => {
                let name = spec.name();
                let detail = text!("`{name}` 给了两次", "`{name}` is given twice");
                problems.push(InputProblem::new("invalid_value", member, detail));
            }
            Ok((spec, value)) => values.push((Arc::clone(&spec.name), value)),
            Err(problem) => {
                faulty.extend(spec_of(action, member).map(|(spec, _)| spec.name()));
                problems.push(problem);
            }
        }
    }
    for spec in action.inputs() {
        let name = spec.name();
        if is_known(&values, name) || faulty.contains(&name) {
            continue;
        }
        match spec.default() {
            Some(value) => values.push((Arc::clone(&spec.name), value.clone())),
            None => problems.push(InputProblem::new("missing_input", name, missing(spec))),
        }
    }
    if problems.is_empty() { Ok(values.into_iter().collect()) } else { Err(problems) }
}

fn missing(spec: &InputSpec) -> Text {
    let name = spec.name();
    let form = match spec.kind() {
        InputKind::Number(number) if number.unit == Unit::PERCENT => format!("\"{name}\": \"10%\""),
        InputKind::Number(number) => format!("\"{name}\": \"1 {unit}\"", unit = number.unit),
        InputKind::YesNo => format!("\"{name}\": true"),
        InputKind::Choice(options) => {
            format!("\"{name}\": \"{}\"", options.first().map_or("", String::as_str))
        }
        InputKind::Id => format!("\"{name}\": \"A-123\""),
    };
    text!("缺少 `{name}`; 例如 {form}", "`{name}` is missing; send, for example, {form}")
}

/// The input that a member speaks of, and what follows its name.
fn spec_of<'s, 'm>(action: &'s Action, member: &'m str) -> Option<(&'s InputSpec, Option<&'m str>)> {
    let specs = action.inputs().iter();
    let named = specs.clone().find(|spec| spec.name() == member).map(|spec| (spec, None));
    named.or_else(|| {
        specs
            .filter(|spec| matches!(spec.kind(), InputKind::Number(_)))
            .filter_map(|spec| Some((spec, member.strip_prefix(spec.name())?.strip_prefix('_')?)))
            .max_by_key(|(spec, _)| spec.name().len())
            .map(|(spec, unit)| (spec, Some(unit)))
    })
}

fn read_member<'s>(
    action: &'s Action,
    member: &str,
    json: &str,
) -> Result<(&'s InputSpec, InputValue), InputProblem> {
    let Some((spec, unit)) = spec_of(action, member) else {
        return Err(InputProblem::new("unknown_input", member, unknown(action, member)));
    };
    let raw = Raw::read(json).ok_or_else(|| {
        let detail =
            text!("值应为数、文字或 true/false", "the value must be a number, a text, true or false");
        InputProblem::new("invalid_value", member, detail)
    })?;
    let value = match spec.kind() {
        InputKind::Number(number) => read_number(spec, number, member, unit, raw)?,
        InputKind::YesNo => match raw {
            Raw::Flag(holds) => InputValue::YesNo(holds),
            Raw::Text(word) if word == "yes" => InputValue::YesNo(true),
            Raw::Text(word) if word == "no" => InputValue::YesNo(false),
            Raw::Text(_) | Raw::Number(..) => {
                let detail = text!("`{member}` 应为 true 或 false", "`{member}` must be true or false");
                return Err(InputProblem::new("invalid_value", member, detail));
            }
        },
        InputKind::Choice(options) => match raw {
            Raw::Text(word) if options.iter().any(|option| *option == word) => {
                InputValue::Choice(word.into_owned())
            }
            Raw::Text(_) | Raw::Flag(_) | Raw::Number(..) => {
                let all = options.join(", ");
                let detail = text!("`{member}` 应为其中之一: {all}", "`{member}` must be one of: {all}");
                return Err(InputProblem::new("invalid_value", member, detail));
            }
        },
        InputKind::Id => match raw {
            Raw::Text(id) if is_id(&id) => InputValue::Id(id.into_owned()),
            Raw::Number(_, id) if is_id(id) => InputValue::Id(id.to_owned()),
            Raw::Text(_) | Raw::Flag(_) | Raw::Number(..) => {
                let detail = text!(
                    "`{member}` 应为 1 至 {ID_BYTES_MAX} 个字母、数字或 - _ . : / 组成的文字",
                    "`{member}` must be a text of 1 to {ID_BYTES_MAX} letters, digits or - _ . : /"
                );
                return Err(InputProblem::new("invalid_value", member, detail));
            }
        },
    };
    Ok((spec, value))
}

fn is_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits)
}

fn unknown(action: &Action, member: &str) -> Text {
    let shown: String = member.chars().take(64).collect();
    let names = action.inputs().iter().map(InputSpec::name);
    let all = names.clone().collect::<Vec<_>>().join(", ");
    let near = did_you_mean(&shown, names).unwrap_or_else(|| text!("可用: {all}", "its inputs: {all}"));
    text!("没有输入 `{shown}`; {zh}", "there is no input `{shown}`; {en}", zh = near.zh, en = near.en)
}

/// A JSON scalar, its number also as written.
enum Raw<'j> {
    Number(Decimal, &'j str),
    Text(Cow<'j, str>),
    Flag(bool),
}

impl<'j> Raw<'j> {
    fn read(json: &'j str) -> Option<Self> {
        let json = json.trim();
        if json.len() > VALUE_BYTES_MAX {
            return None;
        }
        match json {
            "true" => Some(Self::Flag(true)),
            "false" => Some(Self::Flag(false)),
            _ if json.starts_with('"') => {
                let text = serde_json::from_str(json).map(Cow::Borrowed);
                text.or_else(|_| serde_json::from_str(json).map(Cow::Owned)).ok().map(Self::Text)
            }
            _ => Decimal::parse(json, true).map(|number| Self::Number(number, json)),
        }
    }
}

fn read_number(
    spec: &InputSpec,
    number: &NumberSpec,
    member: &str,
    unit: Option<&str>,
    raw: Raw<'_>,
) -> Result<InputValue, InputProblem> {
    let (name, own) = (spec.name(), number.unit);
    let problem = |code, detail| InputProblem::new(code, member, detail);
    let invalid = || problem("invalid_value", text!("`{member}` 不是数", "`{member}` is not a number"));
    let quantity = match (unit, raw) {
        (_, Raw::Flag(_)) => return Err(invalid()),
        (None, Raw::Number(_, digits)) => {
            return Err(problem(
                "unit_missing",
                text!(
                    "`{name}` 没有单位; 请写 \"{name}_{own}\": {digits} 或 \"{name}\": \"{digits} {own}\"",
                    "`{name}` has no unit; send \"{name}_{own}\": {digits} or \"{name}\": \"{digits} {own}\""
                ),
            ));
        }
        (None, Raw::Text(written)) => {
            let quantity =
                Quantity::parse(&written).map_err(|found| problem("invalid_value", found.message))?;
            if quantity.unit == Unit::NONE {
                let detail = text!(
                    "`{name}` 没有单位; 例如 \"1 {own}\"",
                    "`{name}` has no unit; send, for example, \"1 {own}\""
                );
                return Err(problem("unit_missing", detail));
            }
            quantity
        }
        (Some(unit), raw) => {
            let unit = Unit::in_member_name(unit).map_err(|_| {
                let all = own.siblings().collect::<Vec<_>>().join(", ");
                let detail =
                    text!("没有单位 `{unit}`; 可用: {all}", "there is no unit `{unit}`; use one of: {all}");
                problem("wrong_unit", detail)
            })?;
            let number = match raw {
                Raw::Number(number, _) => Some(number),
                Raw::Text(written) => Decimal::parse(&written, true),
                Raw::Flag(_) => None,
            };
            Quantity { number: number.ok_or_else(invalid)?, unit }
        }
    };
    let count =
        place_quantity(number, quantity).map_err(|misfit| misfit_problem(spec, number, member, misfit))?;
    Ok(InputValue::Number { number: number.decimal(count), unit: own })
}

/// Whether a quantity with a unit is a whole number of last decimals within bounds.
fn place_quantity(number: &NumberSpec, quantity: Quantity) -> Result<i64, Misfit> {
    if !quantity.unit.same_dimension(number.unit)
        || (quantity.unit == Unit::NONE && number.unit != Unit::NONE)
    {
        return Err(Misfit::WrongUnit);
    }
    let count = if quantity.unit == number.unit {
        quantity.number.at_decimals(number.decimals).and_then(|count| i64::try_from(count).ok())
    } else {
        quantity.count_of(number.step)
    };
    let count = count.ok_or(Misfit::TooManyDecimals)?;
    if (number.min..=number.max).contains(&count) { Ok(count) } else { Err(Misfit::OutOfRange) }
}

/// Why a number does not fit an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Misfit {
    WrongUnit,
    TooManyDecimals,
    OutOfRange,
}

fn misfit_problem(spec: &InputSpec, number: &NumberSpec, member: &str, misfit: Misfit) -> InputProblem {
    let (name, unit, decimals) = (spec.name(), number.unit, number.decimals);
    let (min, max) = (number.min(), number.max());
    match misfit {
        Misfit::WrongUnit => {
            let all = unit.siblings().collect::<Vec<_>>().join(", ");
            let detail =
                text!("`{name}` 以 {unit} 计; 可用: {all}", "`{name}` is in {unit}; use one of: {all}");
            InputProblem::new("wrong_unit", member, detail)
        }
        Misfit::TooManyDecimals => {
            let detail = text!(
                "`{name}` 以 {unit} 计最多 {decimals} 位小数",
                "`{name}` takes at most {decimals} decimals in {unit}"
            );
            InputProblem::new("too_many_decimals", member, detail)
        }
        Misfit::OutOfRange => {
            let detail = text!(
                "`{name}` 应在 {min} 至 {max} {unit} 之间",
                "`{name}` must be from {min} to {max} {unit}"
            );
            InputProblem::new("out_of_range", member, detail)
        }
    }
}

/// Adds the integers that a program loads for these inputs, in the order of declaration.
pub(super) fn slots(action: &Action, inputs: &Inputs, into: &mut Slots) -> Result<(), InputProblem> {
    for spec in action.inputs() {
        into.push(slot(spec, inputs)?);
    }
    Ok(())
}

pub(super) fn slot(spec: &InputSpec, inputs: &Inputs) -> Result<i64, InputProblem> {
    let name = spec.name();
    let Some(value) = inputs.get(name).or(spec.default()) else {
        return Err(InputProblem::new("missing_input", name, missing(spec)));
    };
    let mismatch = || {
        let detail = text!("`{name}` 的值不合此行为", "the value of `{name}` does not fit this action");
        InputProblem::new("invalid_value", name, detail)
    };
    match (spec.kind(), value) {
        (InputKind::Number(number), InputValue::Number { number: value, unit }) => {
            place_quantity(number, Quantity { number: *value, unit: *unit })
                .map_err(|misfit| misfit_problem(spec, number, name, misfit))
        }
        (InputKind::YesNo, InputValue::YesNo(holds)) => Ok(i64::from(*holds)),
        (InputKind::Choice(options), InputValue::Choice(word)) => options
            .iter()
            .position(|option| option == word)
            .and_then(|place| i64::try_from(place).ok())
            .ok_or_else(mismatch),
        (InputKind::Id, InputValue::Id(_)) => Ok(0),
        (InputKind::Number(_) | InputKind::YesNo | InputKind::Choice(_) | InputKind::Id, _) => {
            Err(mismatch())
        }
    }
}
