//! What a case says of the time before its event: usage of caps, earlier readings, budgets, the citizen. Must
//! never guess what is not said: it is nothing.

use chrono::NaiveDate;

use super::action::Action;
use super::cap::{CapScope, CapWindow, first_number, read_scope};
use super::decision::{Facts, Usage};
use super::diagnostic::{Finding, did_you_mean, text};
use super::exact::Ratio;
use super::expectation::{read_count, read_points, read_reduction};
use super::history::{LookBack, Readings};
use super::input::NumberSpec;
use super::ruleset::RuleSet;
use super::section::{Reading, Section};
use super::unit::Unit;
use super::yaml::Node;
use crate::amount::Points;
use crate::time::Period;

/// The sections of a case that speak of before.
pub(super) struct Nodes<'n> {
    used: Option<&'n Node>,
    history: Option<&'n Node>,
    issued: Option<&'n Node>,
    citizen: Option<&'n Node>,
    reviewed: Option<&'n Node>,
}

/// All that is known besides the event.
#[derive(Debug, Default)]
pub(super) struct Background {
    pub(super) used: Vec<Usage>,
    history: Vec<Readings>,
    issued: Vec<Points>,
    district: Option<String>,
    reviewed: bool,
}

impl Background {
    pub(super) fn nodes<'n>(section: &mut Section<'n>) -> Nodes<'n> {
        Nodes {
            used: section.optional("used"),
            history: section.optional("history"),
            issued: section.optional("issued"),
            citizen: section.optional("citizen"),
            reviewed: section.optional("reviewed"),
        }
    }

    pub(super) fn read(
        rules: &RuleSet,
        reading: &mut Reading<'_>,
        nodes: &Nodes<'_>,
        (action, day): (&Action, NaiveDate),
        step: &str,
    ) -> Option<Self> {
        let windows = rules.cap_windows(action, day);
        let used = match nodes.used {
            Some(node) => read_usages(reading, node, step, action, &windows)?,
            None => vec![Usage::default(); windows.len()],
        };
        let history = match nodes.history {
            Some(node) => read_readings(reading, node, step, action)?,
            None => Vec::new(),
        };
        let issued = match nodes.issued {
            Some(node) => read_issued(rules, reading, node, step, (action, day))?,
            None => Vec::new(),
        };
        let district = match nodes.citizen {
            Some(node) => Some(read_citizen(reading, node, step)?),
            None => None,
        };
        let words = [("yes", true), ("no", false)];
        let reviewed = match nodes.reviewed {
            Some(node) => reading.choice(node, step, &words)?,
            None => false,
        };
        Some(Self { used, history, issued, district, reviewed })
    }

    pub(super) fn facts<'a>(&'a self, facts: Facts<'a>) -> Facts<'a> {
        Facts {
            district: self.district.as_deref(),
            history: &self.history,
            issued: &self.issued,
            reviewed: self.reviewed,
            ..facts
        }
    }
}

fn read_citizen(reading: &mut Reading<'_>, node: &Node, step: &str) -> Option<String> {
    let path = format!("{step}.citizen");
    let mut section = reading.section(node, &path)?;
    let district = section.required("district", reading).and_then(|node| reading.bounded(node, &path));
    section.finish(&[], reading);
    district
}

/// `{usual: {count: 5, sum: 40 kWh}}`, by the name of the look back.
fn read_readings(
    reading: &mut Reading<'_>,
    node: &Node,
    step: &str,
    action: &Action,
) -> Option<Vec<Readings>> {
    let path = format!("{step}.history");
    let section = reading.section(node, &path)?;
    let mut all = vec![Readings::default(); action.history.len()];
    for (key, node) in section.entries() {
        let names = || action.history.iter().map(LookBack::name);
        let Some(look) = action.history.iter().find(|look| look.name() == key.text) else {
            let name: String = key.text.chars().take(64).collect();
            let help = did_you_mean(&name, names());
            let found =
                Finding::new(text!("此行为没有历史项 `{name}`", "the action looks back at no `{name}`"));
            reading.error(key.place, &path, found.help_maybe(help));
            return None;
        };
        let mut inner = reading.section(node, &path)?;
        let count = inner.required("count", reading).and_then(|node| read_whole(reading, node, &path));
        let unit = first_number(action.inputs()).map_or(Unit::NONE, NumberSpec::unit);
        let sum = inner.required("sum", reading);
        let sum = sum.and_then(|node| read_count(reading, node, &path, unit, Ratio::new(1, 1000)));
        inner.finish(&[], reading);
        if let Some(slot) = all.get_mut(look.window) {
            *slot = Readings { count: count?, sum: sum? };
        }
    }
    Some(all)
}

/// `{car_free_week: 499990 pt}`, by the id of the campaign or budget.
fn read_issued(
    rules: &RuleSet,
    reading: &mut Reading<'_>,
    node: &Node,
    step: &str,
    (action, day): (&Action, NaiveDate),
) -> Option<Vec<Points>> {
    let path = format!("{step}.issued");
    let windows = rules.budget_windows(action, day);
    let section = reading.section(node, &path)?;
    let mut issued = vec![Points::ZERO; windows.len()];
    for (key, node) in section.entries() {
        let ids = || windows.iter().map(|window| window.id.as_str());
        let place = ids().position(|id| id == key.text);
        let Some(slot) = place.and_then(|place| issued.get_mut(place)) else {
            let id: String = key.text.chars().take(64).collect();
            let help = did_you_mean(&id, ids());
            let found = text!("此行为当天没有预算 `{id}`", "the action has no budget `{id}` on that day");
            reading.error(key.place, &path, Finding::new(found).help_maybe(help));
            return None;
        };
        *slot = read_points(reading, node, &path)?;
    }
    Some(issued)
}

fn read_whole(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<i64> {
    let count = reading.scalar(node, path)?.parse::<i64>().ok().filter(|count| *count >= 0);
    if count.is_none() {
        reading.error(node.place, path, Finding::new(text!("次数应为整数", "times must be a whole number")));
    }
    count
}

fn read_usages(
    reading: &mut Reading<'_>,
    node: &Node,
    step: &str,
    action: &Action,
    windows: &[CapWindow],
) -> Option<Vec<Usage>> {
    let path = format!("{step}.used");
    let mut used = vec![Usage::default(); windows.len()];
    for item in reading.list(node, &path) {
        let (period, scope, usage) = read_usage(reading, item, &path, action)?;
        let place = windows.iter().position(|window| (window.period, window.scope) == (period, scope));
        let Some(slot) = place.and_then(|place| used.get_mut(place)) else {
            let found = text!("此行为没有这个周期的封顶", "the action has no cap in this period");
            reading.error(item.place, &path, Finding::new(found));
            return None;
        };
        *slot = usage;
    }
    Some(used)
}

fn read_usage(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    action: &Action,
) -> Option<(Period, CapScope, Usage)> {
    let periods = [
        ("day", Period::Day),
        ("week", Period::Week),
        ("month", Period::Month),
        ("year", Period::Year),
        ("ever", Period::All),
    ];
    let mut section = reading.section(node, path)?;
    let period = section.required("per", reading).and_then(|node| reading.choice(node, path, &periods));
    let scope = match section.optional("of") {
        Some(node) => read_scope(reading, node, path, action.inputs())?,
        None => CapScope::Citizen,
    };
    let mut usage = Usage::default();
    if let Some(node) = section.optional("times") {
        usage.events = read_whole(reading, node, path)?;
    }
    if let Some(node) = section.optional("points") {
        usage.points = read_points(reading, node, path)?;
    }
    if let Some(node) = section.optional("reduction") {
        usage.reduction = read_reduction(reading, node, path)?;
    }
    if let Some(node) = section.optional("quantity") {
        let unit = first_number(action.inputs()).map_or(Unit::NONE, NumberSpec::unit);
        usage.quantity = read_count(reading, node, path, unit, Ratio::new(1, 1000))?;
    }
    section.finish(&[], reading);
    period.map(|period| (period, scope, usage))
}
