//! Caps against each other and against what one event can give: those that never bind, and those that no
//! event passes whole. Must claim neither without proof by ranges.

use super::super::action::Action;
use super::super::cap::{Cap, CapLimit, first_number};
use super::super::diagnostic::{Finding, Findings, Place, Severity, text};
use super::super::expectation::grams_text;
use super::super::yaml::Kind;
use super::tree::Trees;
use crate::text::Text;
use crate::time::Period;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Times,
    Points,
    Reduction,
    Input,
}

fn measure(limit: CapLimit) -> (Measure, i64) {
    match limit {
        CapLimit::Times(limit) => (Measure::Times, limit),
        CapLimit::Points(limit) => (Measure::Points, limit),
        CapLimit::Reduction(limit) => (Measure::Reduction, limit),
        CapLimit::Input(limit) => (Measure::Input, limit),
    }
}

pub(super) fn compare(action: &Action, trees: &Trees<'_>, findings: &mut Findings) {
    for (place, cap) in action.caps().iter().enumerate() {
        let (measure, limit) = measure(cap.limit());
        let Some((least, most)) = one_event(action, measure) else { continue };
        let found = if least > limit && measure != Measure::Times {
            Some(text!(
                "一次事件至少得 {least}, 超过此封顶 {written}: 每次都会被截",
                "one event gives at least {least}, more than this cap of {written}: every one is trimmed",
                least = in_unit(action, measure, least),
                written = cap.written()
            ))
        } else {
            most_of(action, place, measure, most).filter(|(most, _)| *most <= limit).map(|(most, why)| {
                text!(
                    "此封顶 {written} 永远用不上: {why_zh}至多 {most}",
                    "this cap of {written} never binds: {why_en} at most {most}",
                    written = cap.written(),
                    most = in_unit(action, measure, most),
                    why_zh = why.zh,
                    why_en = why.en
                )
            })
        };
        if let Some(found) = found {
            let (file, at) = locate(action, trees, cap);
            let step = format!("actions.{}.caps", action.id());
            findings.add(file, at, &step, Severity::Warning, Finding::new(found));
        }
    }
}

/// Least and most that one event can give, by ranges over all days.
fn one_event(action: &Action, measure: Measure) -> Option<(i64, i64)> {
    if measure == Measure::Points && !(action.multipliers.is_empty() && action.campaigns.is_empty()) {
        return None;
    }
    let ranges = action.eras.iter().map(|era| match measure {
        Measure::Times => Some((1, 1)),
        Measure::Points => era.points_reach(),
        Measure::Reduction => era.reduction_reach(),
        Measure::Input => {
            let number = first_number(action.inputs())?;
            let worth = number.thousandths;
            Some((number.min.checked_mul(worth)?, number.max.checked_mul(worth)?))
        }
    });
    ranges.reduce(|one, other| {
        let ((low, high), (least, most)) = (one?, other?);
        Some((low.min(least), high.max(most)))
    })?
}

/// The most that can come together in a cap's period by the other caps, and through which of them.
fn most_of(action: &Action, own: usize, unit: Measure, event: i64) -> Option<(i64, Text)> {
    let (period, scope) = action.caps().get(own).map(|cap| (cap.period(), cap.scope()))?;
    let others = action.caps().iter().enumerate();
    let others =
        others.filter(|(place, cap)| *place != own && (cap.scope() == scope || cap.period().is_none()));
    let bounds = others.filter_map(|(place, cap)| {
        let (other, limit) = measure(cap.limit());
        let together = match other {
            _ if other == unit => limit,
            Measure::Times => limit.checked_mul(event)?,
            Measure::Points | Measure::Reduction | Measure::Input => return None,
        };
        let count = periods_in(cap.period(), period)?;
        // Of two equal caps, the second is the one without use.
        let twin =
            cap.period() == period && other == unit && limit == measure(action.caps().get(own)?.limit()).1;
        if twin && place > own {
            return None;
        }
        let written = cap.written();
        Some((together.checked_mul(count)?, text!("按封顶 {written} ", "by the cap of {written},")))
    });
    let single = period.is_none().then(|| (event, text!("一次事件", "one event gives")));
    bounds.chain(single).min_by_key(|(most, _)| *most)
}

/// How many of the shorter periods can touch the longer one; none where that has no end.
fn periods_in(short: Option<Period>, long: Option<Period>) -> Option<i64> {
    match (short, long) {
        (short, long) if short == long => Some(1),
        (Some(Period::Day), Some(Period::Week)) => Some(7),
        (Some(Period::Day), Some(Period::Month)) => Some(31),
        (Some(Period::Day), Some(Period::Year)) => Some(366),
        (Some(Period::Week), Some(Period::Month)) => Some(6),
        (Some(Period::Week), Some(Period::Year)) => Some(54),
        (Some(Period::Month), Some(Period::Year)) => Some(12),
        _ => None,
    }
}

fn in_unit(action: &Action, measure: Measure, count: i64) -> String {
    match measure {
        Measure::Times => format!("{count} times"),
        Measure::Points => format!("{count} pt"),
        Measure::Reduction => grams_text(count),
        Measure::Input => first_number(action.inputs()).map_or_else(String::new, |number| {
            let own = number.decimal(count.checked_div(number.thousandths).unwrap_or(0));
            format!("{own} {}", number.unit())
        }),
    }
}

/// Where a cap is written.
fn locate<'t>(action: &Action, trees: &'t Trees<'_>, cap: &Cap) -> (&'t str, Place) {
    let mut found = ("", Place::default());
    for entry in trees.action(action.id()) {
        let file = trees.all.get(entry.file).map(|tree| tree.file.name.as_str()).unwrap_or_default();
        let Some(caps) = entry.node.inner("caps") else { continue };
        let Kind::List(items) = &caps.kind else { continue };
        let item = items.iter().find(|item| {
            let word = |key: &str| item.inner(key).and_then(super::super::yaml::Node::word);
            word("limit") == Some(cap.written()) && word("per") == Some(period_name(cap.period()))
        });
        found = (file, item.unwrap_or(caps).place);
        break;
    }
    found
}

fn period_name(period: Option<Period>) -> &'static str {
    match period {
        None => "event",
        Some(Period::Day) => "day",
        Some(Period::Week) => "week",
        Some(Period::Month) => "month",
        Some(Period::Year) => "year",
        Some(Period::All) => "ever",
    }
}
