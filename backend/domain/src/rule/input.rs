//! What an action asks of an event, and the reading of it. A bare number without a unit is never accepted.

use std::sync::Arc;

use super::diagnostic::{Finding, text};
use super::exact::{Decimal, Ratio, power_of_ten};
use super::input_value::{InputValue, Inputs};
use super::inputs::slot;
use super::program::Range;
use super::section::{Reading, Section};
use super::unit::Unit;
use super::yaml::{Kind, Node};
use crate::text::Text;

/// Most inputs of one action.
pub const INPUTS_MAX: usize = 16;
/// Most options of one choice or members of one list.
pub const OPTIONS_MAX: usize = 500;
/// Most decimals of one input.
pub const DECIMALS_MAX: u8 = 9;
/// Granted quantities are counted in thousandths of the base unit.
const THOUSANDTH: i128 = 1000;

/// One input of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSpec {
    pub(super) name: Arc<str>,
    pub(super) label: Option<Text>,
    pub(super) kind: InputKind,
    pub(super) default: Option<InputValue>,
    pub(super) pays: Pays,
}

/// What more of an input may do to the points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pays {
    /// More never pays less.
    #[default]
    More,
    /// More never pays more.
    Less,
    /// Now this, now that.
    Either,
}

/// What kind of value an input takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// A number in a unit.
    Number(NumberSpec),
    /// Yes or no.
    YesNo,
    /// One of these words.
    Choice(Arc<[String]>),
    /// What names one thing among many, as a trip's or a device's number. Formulas cannot use it.
    Id,
}

/// Bounds of a number, counted in units of its last decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberSpec {
    pub(super) unit: Unit,
    pub(super) decimals: u8,
    pub(super) min: i64,
    pub(super) max: i64,
    /// What one unit of the last decimal is worth in base units.
    pub(super) step: Ratio,
    /// How many thousandths of the base unit that is; 1 or more by construction.
    pub(super) thousandths: i64,
}

impl NumberSpec {
    /// The unit that values are kept in.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Most decimals in that unit.
    #[must_use]
    pub fn decimals(&self) -> u8 {
        self.decimals
    }

    /// Least value.
    #[must_use]
    pub fn min(&self) -> Decimal {
        self.decimal(self.min)
    }

    /// Greatest value.
    #[must_use]
    pub fn max(&self) -> Decimal {
        self.decimal(self.max)
    }

    /// By what counts of another unit's last decimal are multiplied and divided to become this one's; none
    /// where they cannot.
    pub(crate) fn recounted(&self, unit: Unit, decimals: u8) -> Option<(i64, i64)> {
        let alike = unit.same_dimension(self.unit) && (unit != Unit::NONE || self.unit == Unit::NONE);
        let step = Ratio::new(1, power_of_ten(decimals)?)?.times(unit.factor()?)?;
        let ratio = step.over(self.step).filter(|_| alike)?;
        Some((i64::try_from(ratio.numerator()).ok()?, i64::try_from(ratio.denominator()).ok()?))
    }

    pub(super) fn decimal(&self, count: i64) -> Decimal {
        Decimal { mantissa: i128::from(count), decimals: self.decimals }.trimmed()
    }
}

impl InputSpec {
    /// Its name in events and formulas.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, if the file says so.
    #[must_use]
    pub fn label(&self) -> Option<&Text> {
        self.label.as_ref()
    }

    /// What kind of value it takes.
    #[must_use]
    pub fn kind(&self) -> &InputKind {
        &self.kind
    }

    /// Bounds of its number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<&NumberSpec> {
        match &self.kind {
            InputKind::Number(number) => Some(number),
            InputKind::YesNo | InputKind::Choice(_) | InputKind::Id => None,
        }
    }

    /// What is taken when the event does not say.
    #[must_use]
    pub fn default(&self) -> Option<&InputValue> {
        self.default.as_ref()
    }

    /// What an event holds in its slot that does not say; none where it must say.
    pub(crate) fn default_slot(&self) -> Option<i64> {
        slot(self, &Inputs::default()).ok()
    }

    /// What more of it may do to the points.
    #[must_use]
    pub fn pays(&self) -> Pays {
        self.pays
    }

    /// All integers that a program can find in this input's slot; `from_zero` once a cap may trim it.
    pub(super) fn range(&self, from_zero: bool) -> Range {
        match &self.kind {
            InputKind::Number(number) => {
                let low = if from_zero { number.min.min(0) } else { number.min };
                Range { low: i128::from(low), high: i128::from(number.max) }
            }
            InputKind::YesNo => Range::BIT,
            InputKind::Choice(options) => {
                Range { low: 0, high: i128::try_from(options.len().saturating_sub(1)).unwrap_or(0) }
            }
            InputKind::Id => Range::constant(0),
        }
    }
}

/// Reads one input's declaration.
pub(super) fn read_input(
    reading: &mut Reading<'_>,
    name: &str,
    node: &Node,
    path: &str,
    lists: &[(String, Arc<[String]>)],
) -> Option<InputSpec> {
    let mut section = reading.section(node, path)?;
    let label = section.optional("label").and_then(|node| reading.text(node, path));
    let kinds = [("yes_no", Written::YesNo), ("choice", Written::Choice), ("id", Written::Id)];
    let written = match section.optional("type") {
        None => None,
        Some(node) => Some(reading.choice(node, path, &kinds)?),
    };
    let kind = match written {
        None => read_number(reading, &mut section).map(InputKind::Number),
        Some(Written::YesNo) => Some(InputKind::YesNo),
        Some(Written::Id) => Some(InputKind::Id),
        Some(Written::Choice) => {
            let of = section.required("of", reading);
            of.and_then(|node| read_options(reading, node, path, lists)).map(InputKind::Choice)
        }
    };
    let default = section.optional("default");
    let directions = [("more", Pays::More), ("less", Pays::Less), ("either", Pays::Either)];
    let pays = section.optional("more_pays").map(|node| reading.choice(node, path, &directions));
    section.finish(&[], reading);
    let kind = kind?;
    let default = match default {
        Some(node) => Some(read_default(reading, node, path, &kind)?),
        None => None,
    };
    let pays = pays.map_or(Some(Pays::default()), |pays| pays)?;
    Some(InputSpec { name: name.into(), label, kind, default, pays })
}

/// The word after `type`.
#[derive(Debug, Clone, Copy)]
enum Written {
    YesNo,
    Choice,
    Id,
}

fn read_number(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<NumberSpec> {
    let path = section.path.clone();
    let unit = section.required("unit", reading).and_then(|node| reading.unit(node, &path));
    let decimals = section.required("decimals", reading).and_then(|node| read_decimals(reading, node, &path));
    let (low, high) = (section.required("min", reading), section.required("max", reading));
    let (unit, decimals) = unit.zip(decimals)?;
    let min = read_bound(reading, low?, &path, unit, decimals);
    let max = read_bound(reading, high?, &path, unit, decimals);
    let (min, max) = min.zip(max)?;
    let place = section.place;
    if unit == Unit::NONE {
        let help = text!("计数请用 item, 比例请用 %", "count in item, give shares in %");
        reading.error(
            place,
            &path,
            Finding::new(text!("输入必须有单位", "an input must have a unit")).help(help),
        );
        return None;
    }
    if min > max {
        let (low, high) = (
            Decimal { mantissa: i128::from(min), decimals },
            Decimal { mantissa: i128::from(max), decimals },
        );
        let (low, high) = (low.trimmed(), high.trimmed());
        let found = text!("min ({low}) 大于 max ({high})", "`min` ({low}) is above `max` ({high})");
        let help = text!("是否写反: min: {high}, max: {low}", "the other way round: min: {high}, max: {low}");
        reading.error(place, &path, Finding::new(found).help(help));
        return None;
    }
    let step = Decimal { mantissa: 1, decimals }.step().zip(unit.factor());
    let step = step.and_then(|(step, factor)| step.times(factor))?;
    let thousandths = Ratio::new(THOUSANDTH, 1).and_then(|thousand| step.times(thousand));
    let whole = thousandths.filter(|count| count.denominator() == 1);
    let Some(thousandths) = whole.and_then(|count| i64::try_from(count.numerator()).ok()) else {
        let found = text!(
            "小数位太多: 细于基本单位的千分之一",
            "too many decimals: finer than a thousandth of the base unit"
        );
        reading.error(place, &path, Finding::new(found));
        return None;
    };
    let fits = |bound: i64| bound.checked_mul(thousandths).is_some();
    if !fits(min) || !fits(max) {
        reading.error(place, &path, Finding::new(text!("min 或 max 太大", "`min` or `max` is too large")));
        return None;
    }
    Some(NumberSpec { unit, decimals, min, max, step, thousandths })
}

fn read_decimals(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<u8> {
    let decimals = reading.scalar(node, path)?.parse::<u8>().ok().filter(|count| *count <= DECIMALS_MAX);
    if decimals.is_none() {
        let found = text!("decimals 应为 0 至 {DECIMALS_MAX}", "`decimals` must be 0 to {DECIMALS_MAX}");
        reading.error(node.place, path, Finding::new(found));
    }
    decimals
}

/// A bound in the declared unit, with or without the unit in sight.
pub(super) fn read_bound(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    unit: Unit,
    decimals: u8,
) -> Option<i64> {
    let quantity = reading.quantity(node, path)?;
    let own = quantity.unit == Unit::NONE || quantity.unit == unit;
    let count = quantity.number.at_decimals(decimals).and_then(|count| i64::try_from(count).ok());
    if !own {
        let written = quantity.unit;
        let found = text!("应以 {unit} 计,却是 {written}", "expected {unit}, found {written}");
        reading.error(node.place, path, Finding::new(found));
    } else if count.is_none() {
        let found =
            text!("数的小数位多于 decimals, 或太大", "more digits than `decimals` allows, or too large");
        reading.error(node.place, path, Finding::new(found));
    }
    count.filter(|_| own)
}

fn read_options(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    lists: &[(String, Arc<[String]>)],
) -> Option<Arc<[String]>> {
    let Kind::Scalar { text: name, .. } = &node.kind else { return read_words(reading, node, path) };
    let found = lists.iter().find(|(known, _)| known == name).map(|(_, words)| Arc::clone(words));
    if found.is_none() {
        let help = super::diagnostic::did_you_mean(name, lists.iter().map(|(known, _)| known.as_str()));
        let shown: String = name.chars().take(40).collect();
        let missing = Finding::new(text!("没有列表 `{shown}`", "there is no list `{shown}`"));
        reading.error(node.place, path, missing.help_maybe(help));
    }
    found
}

/// A list of distinct words.
pub(super) fn read_words(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Arc<[String]>> {
    let items = reading.list(node, path);
    if items.is_empty() || items.len() > OPTIONS_MAX {
        let found = text!("应有 1 至 {OPTIONS_MAX} 项", "expected 1 to {OPTIONS_MAX} items");
        reading.error(node.place, path, Finding::new(found));
        return None;
    }
    let mut words: Vec<String> = Vec::new();
    for item in items {
        let word = reading.scalar(item, path)?;
        if !reading.name(word, item.place, path) {
            return None;
        }
        if word == "yes" || word == "no" || words.iter().any(|known| known == word) {
            let found = text!("`{word}` 重复, 或是 yes/no", "`{word}` stands twice, or is yes or no");
            reading.error(item.place, path, Finding::new(found));
            return None;
        }
        words.push(word.to_owned());
    }
    Some(words.into())
}

fn read_default(reading: &mut Reading<'_>, node: &Node, path: &str, kind: &InputKind) -> Option<InputValue> {
    let word = reading.scalar(node, path)?;
    let value = match kind {
        InputKind::Number(number) => {
            let count = read_bound(reading, node, path, number.unit, number.decimals)?;
            (number.min..=number.max)
                .contains(&count)
                .then(|| InputValue::Number { number: number.decimal(count), unit: number.unit })
        }
        InputKind::YesNo => match word {
            "yes" => Some(InputValue::YesNo(true)),
            "no" => Some(InputValue::YesNo(false)),
            _ => None,
        },
        InputKind::Choice(options) => {
            options.iter().find(|option| *option == word).map(|option| InputValue::Choice(option.clone()))
        }
        InputKind::Id => (word == "none").then(|| InputValue::Id(String::new())),
    };
    if value.is_none() {
        let shown: String = word.chars().take(40).collect();
        let found =
            text!("默认值 `{shown}` 不在范围内", "the default `{shown}` is not among the values allowed");
        reading.error(node.place, path, Finding::new(found).help(allowed(kind)));
    }
    value
}

/// What an input may hold, as advice.
fn allowed(kind: &InputKind) -> Text {
    match kind {
        InputKind::Number(number) => {
            let (min, max, unit) = (number.min(), number.max(), number.unit);
            text!("应为 {min} 至 {max} {unit}", "from {min} to {max} {unit}")
        }
        InputKind::YesNo => text!("请写 yes 或 no", "write yes or no"),
        InputKind::Choice(options) => {
            let all = options.join(", ");
            text!("可选: {all}", "one of: {all}")
        }
        InputKind::Id => text!("请写 none", "write none"),
    }
}
