//! Dated parameters with their sources. Must never hold a value without the day from which it holds.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::diagnostic::{Finding, Findings, Place, did_you_mean, text};
use super::section::{NAME_CHARS_MAX, Quantity, Reading};
use super::slip::{last_day_help, meant_date};
use super::yaml::{Key, Kind, Node};
use crate::text::Text;

/// Most values of one parameter.
pub const PARAMETER_VALUES_MAX: usize = 200;

/// How far a value can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// An official methodology or standard.
    High,
    /// A published figure, applied with care.
    Medium,
    /// A published figure that others contradict or that comes from elsewhere.
    Low,
    /// A proposal of ours; never called sourced.
    Proposed,
}

/// Where a value was published.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Source {
    /// Title of the document.
    pub title: String,
    /// Who published it.
    pub publisher: String,
    /// Year of publication; none where the document is undated.
    pub year: Option<u16>,
    /// Where to read it.
    pub url: String,
    /// Anything a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
}

/// A parameter's value over a half-open range of civil days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParameterValue {
    /// First day.
    pub from: NaiveDate,
    /// First day after; none while it holds on.
    pub until: Option<NaiveDate>,
    /// Number and unit as written.
    pub value: String,
    /// How far to trust it.
    pub confidence: Confidence,
    /// Where it was published; none for a proposal.
    pub source: Option<Source>,
    /// Anything a reader should know.
    pub note: Option<Text>,
    #[serde(skip)]
    pub(super) quantity: Quantity,
}

/// A named number that formulas use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name in formulas.
    pub id: String,
    /// What it is.
    pub label: Text,
    /// Its values in order of time, without gaps or overlaps.
    pub values: Vec<ParameterValue>,
}

impl Parameter {
    /// The value that holds on a day.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Option<&ParameterValue> {
        self.values.iter().find(|value| value.from <= day && value.until.is_none_or(|until| day < until))
    }
}

/// `grid: {same_as: grid_zhejiang}`: a name under which shared formulas find what this city chose.
pub(super) struct Alias {
    pub(super) name: String,
    target: String,
    file: String,
    place: Place,
    path: String,
}

impl Alias {
    pub(super) fn read(reading: &mut Reading<'_>, key: &Key, node: &Node, path: &str) -> Option<Self> {
        let mut section = reading.section(node, path)?;
        let target = section.required("same_as", reading)?;
        section.finish(&[], reading);
        reading.scalar(target, path).map(|written| Self {
            name: key.text.clone(),
            target: written.to_owned(),
            file: reading.file.to_owned(),
            place: target.place,
            path: path.to_owned(),
        })
    }

    /// The parameter it stands for, under its own name.
    pub(super) fn resolve(
        &self,
        findings: &mut Findings,
        known: &BTreeMap<String, Parameter>,
        broken: &[String],
    ) -> Option<Parameter> {
        let mut reading = Reading { file: &self.file, findings };
        if known.contains_key(&self.name) {
            reading.error(self.place, &self.path, twice(&self.name));
            return None;
        }
        if let Some(parameter) = known.get(&self.target) {
            return Some(Parameter { id: self.name.clone(), ..parameter.clone() });
        }
        if !broken.contains(&self.target) {
            let target: String = self.target.chars().take(NAME_CHARS_MAX).collect();
            let found = text!("没有参数 `{target}`", "there is no parameter `{target}`");
            let near = did_you_mean(&target, known.keys().map(String::as_str));
            reading.error(self.place, &self.path, Finding::new(found).help_maybe(near));
        }
        None
    }
}

/// A name that two files give to a parameter.
pub(super) fn twice(name: &str) -> Finding {
    Finding::new(text!("参数 `{name}` 在两个文件中都有", "parameter `{name}` stands in two files"))
}

pub(super) fn read_parameter(
    reading: &mut Reading<'_>,
    id: &str,
    node: &Node,
    path: &str,
) -> Option<Parameter> {
    let mut section = reading.section(node, path)?;
    let label =
        section.required("label", reading).and_then(|node| reading.text(node, &section.step("label")));
    let step = section.step("values");
    let nodes = section.required("values", reading).map_or(&[][..], |node| reading.list(node, &step));
    section.finish(&[], reading);
    if nodes.is_empty() || nodes.len() > PARAMETER_VALUES_MAX {
        let found =
            text!("应有 1 至 {PARAMETER_VALUES_MAX} 个值", "expected 1 to {PARAMETER_VALUES_MAX} values");
        reading.error(node.place, &step, Finding::new(found));
    }
    let mut values: Vec<ParameterValue> = Vec::new();
    let mut complete = true;
    for node in nodes.iter().take(PARAMETER_VALUES_MAX) {
        match read_value(reading, node, &step) {
            Some(value) => {
                complete &= joins(reading, node, &step, values.last_mut(), &value);
                values.push(value);
            }
            None => complete = false,
        }
    }
    (complete && !values.is_empty()).then_some(Parameter { id: id.to_owned(), label: label?, values })
}

/// Checks that a value begins where the one before it ends, and closes that one.
fn joins(
    reading: &mut Reading<'_>,
    node: &Node,
    step: &str,
    before: Option<&mut ParameterValue>,
    value: &ParameterValue,
) -> bool {
    let Some(before) = before else { return true };
    let (from, last) = (value.from, before.from);
    let joined = text!("请去掉上一个值的 until", "take away the `until` of the value before");
    let (problem, help) = match before.until {
        _ if from <= last => (
            text!(
                "{from} 的值与 {last} 的值重叠或顺序颠倒",
                "the value from {from} overlaps that from {last} or stands out of order"
            ),
            text!("各值按 from 从早到晚写, 每日一个", "write values by `from`, the earliest first"),
        ),
        Some(until) if until < from => {
            (text!("{until} 至 {from} 之间没有值", "there is no value from {until} to {from}"), joined)
        }
        Some(until) if until > from => {
            (text!("{from} 至 {until} 之间有两个值", "there are two values from {from} to {until}"), joined)
        }
        Some(_) | None => {
            before.until = Some(from);
            if before.quantity.unit.same_dimension(value.quantity.unit) {
                if before.quantity.jumps_to(value.quantity) {
                    reading.warn(node.place, step, jump(&before.value, &value.value));
                }
                return true;
            }
            let (one, other) = (before.quantity.unit, value.quantity.unit);
            (
                text!("各值的单位不同类: {one} 与 {other}", "the values differ in kind: {one} and {other}"),
                text!("请都以 {one} 计", "give all in {one}"),
            )
        }
    };
    reading.error(node.place, step, Finding::new(problem).help(help));
    false
}

/// Advice where a value is a hundred times the one before it, or a hundredth.
fn jump(one: &str, other: &str) -> Finding {
    Finding::new(text!("从 {one} 变为 {other}, 相差百倍以上", "{one} becomes {other}, a hundredfold change"))
        .help(text!("请核对单位", "is the unit right?"))
}

fn read_value(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<ParameterValue> {
    let mut section = reading.section(node, path)?;
    let from = section.required("from", reading).and_then(|node| read_date(reading, node, path));
    let until = section.optional("until").map(|node| (node, read_date(reading, node, path)));
    let value_node = section.required("value", reading);
    let quantity = value_node.and_then(|node| reading.quantity(node, path));
    let written = value_node.and_then(|node| reading.bounded(node, path));
    let levels = [
        ("high", Confidence::High),
        ("medium", Confidence::Medium),
        ("low", Confidence::Low),
        ("proposed", Confidence::Proposed),
    ];
    let confidence =
        section.required("confidence", reading).and_then(|node| reading.choice(node, path, &levels));
    let source_node = section.optional("source");
    let source = source_node.and_then(|node| read_source(reading, node, path));
    let remark = section.optional("note").and_then(|node| read_note(reading, node, path));
    section.finish(&[], reading);
    let confidence = confidence?;
    let source = match (confidence, source_node) {
        (Confidence::Proposed, Some(node)) => {
            let found = text!("`proposed` 的值不能写来源", "a proposed value cannot have a source");
            let help = text!("请改用 note, 或改写 confidence", "use `note`, or change `confidence`");
            reading.error(node.place, path, Finding::new(found).help(help));
            return None;
        }
        (Confidence::Proposed, None) => None,
        (Confidence::High | Confidence::Medium | Confidence::Low, None) => {
            let found = text!("此值没有来源", "this value has no source");
            let help = text!(
                "请补 source, 或写 confidence: proposed",
                "add `source`, or write `confidence: proposed`"
            );
            reading.error(node.place, path, Finding::new(found).help(help));
            return None;
        }
        (Confidence::High | Confidence::Medium | Confidence::Low, Some(_)) => Some(source?),
    };
    let from = from?;
    let until = match until {
        Some((_, Some(until))) if until > from => Some(until),
        Some((node, Some(_))) => {
            let found = text!("until 必须晚于 from", "`until` must be after `from`");
            reading.error(node.place, path, Finding::new(found));
            return None;
        }
        Some((_, None)) => return None,
        None => None,
    };
    Some(ParameterValue {
        from,
        until,
        value: written?,
        confidence,
        source,
        note: remark,
        quantity: quantity?,
    })
}

fn read_source(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Source> {
    let path = format!("{path}.source");
    let mut section = reading.section(node, &path)?;
    let title = section.required("title", reading).and_then(|node| reading.bounded(node, &path));
    let publisher = section.required("publisher", reading).and_then(|node| reading.bounded(node, &path));
    let year = match section.optional("year") {
        Some(node) => Some(read_year(reading, node, &path)?),
        None => None,
    };
    let url = section.required("url", reading).and_then(|node| reading.bounded(node, &path));
    let remark = section.optional("note").and_then(|node| read_note(reading, node, &path));
    section.finish(&[], reading);
    Some(Source { title: title?, publisher: publisher?, year, url: url?, note: remark })
}

/// A note in both languages, or in one that then stands for both.
fn read_note(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Text> {
    match node.kind {
        Kind::Map(_) => reading.text(node, path),
        Kind::Scalar { .. } | Kind::List(_) => {
            reading.bounded(node, path).map(|note| Text::new(note.clone(), note))
        }
    }
}

fn read_year(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<u16> {
    let year = reading.scalar(node, path)?.parse::<u16>().ok().filter(|year| (1900..=2200).contains(year));
    if year.is_none() {
        let found = text!("年份应为四位数", "the year must have four digits");
        reading.error(node.place, path, Finding::new(found));
    }
    year
}

pub(super) fn read_date(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<NaiveDate> {
    let written = reading.scalar(node, path)?;
    let date = NaiveDate::parse_from_str(written, "%Y-%m-%d").ok().filter(|_| written.len() == 10);
    if date.is_none() {
        let shown: String = written.chars().take(40).collect();
        let found = text!("`{shown}` 不是日期", "`{shown}` is not a date");
        let meant = meant_date(&shown).map(|day| text!("请写 {day}", "write {day}"));
        let meant = meant.or_else(|| last_day_help(&shown));
        let help = meant.unwrap_or_else(|| text!("例如 2026-01-31", "as in 2026-01-31"));
        reading.error(node.place, path, Finding::new(found).help(help));
    }
    date
}
