//! Caps as written: how much of what, in which period. Must never count anything itself.

use serde::{Deserialize, Serialize};

use super::decision::Usage;
use super::diagnostic::{Finding, nearest, text};
use super::exact::Ratio;
use super::input::{InputSpec, NumberSpec};
use super::same_act::read_id_input;
use super::section::{Quantity, Reading};
use super::slip::number_help;
use super::unit::Unit;
use super::yaml::Node;
use crate::text::Text;
use crate::time::{DayRange, Period};

/// Most caps of one action.
pub const CAPS_MAX: usize = 12;

/// What a cap limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapLimit {
    /// Events; once used up, further ones give neither points nor grams.
    Times(i64),
    /// Points; grams count in full.
    Points(i64),
    /// Milligrams of CO2e; points follow in proportion.
    Reduction(i64),
    /// Thousandths of the first numeric input's base unit; the input is trimmed and the event evaluated anew.
    Input(i64),
}

impl CapLimit {
    /// The limit, and what of some usage it counts.
    #[inline]
    #[must_use]
    pub fn against(&self, usage: &Usage) -> (i64, i64) {
        match *self {
            Self::Times(limit) => (limit, usage.events),
            Self::Points(limit) => (limit, usage.points.get()),
            Self::Reduction(limit) => (limit, usage.reduction.get()),
            Self::Input(limit) => (limit, usage.quantity),
        }
    }
}

/// Whose acts count together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapScope {
    /// One citizen's.
    #[default]
    Citizen,
    /// Those of one card, meter or account, whoever has it bound.
    Binding,
    /// Those with the same value in the action's input at this place, whoever did them.
    Input(u8),
}

/// One cap of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    pub(super) limit: CapLimit,
    /// None for one event.
    pub(super) period: Option<Period>,
    pub(super) scope: CapScope,
    /// Place of period and scope among those of the action; none for one event.
    pub(super) window: Option<usize>,
    pub(super) written: String,
}

impl Cap {
    /// What is limited, and to how much.
    #[must_use]
    pub fn limit(&self) -> CapLimit {
        self.limit
    }

    /// In which period; none for one event.
    #[must_use]
    pub fn period(&self) -> Option<Period> {
        self.period
    }

    /// Whose acts count together.
    #[must_use]
    pub fn scope(&self) -> CapScope {
        self.scope
    }

    pub(super) fn counted_in(&self) -> Option<(Period, CapScope)> {
        self.period.map(|period| (period, self.scope))
    }

    /// The limit as written, as in `200 pt`.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }
}

/// A period that some cap of an action counts in, and its civil days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapWindow {
    /// The period.
    pub period: Period,
    /// Its days.
    pub range: DayRange,
    /// Whose acts count together.
    pub scope: CapScope,
}

/// Reads the caps of one action, in the order in which they are applied.
pub(super) fn read_caps(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    inputs: &[InputSpec],
    points_only: bool,
) -> Vec<Cap> {
    let items = reading.list(node, path);
    if items.len() > CAPS_MAX {
        let found = text!("封顶超过 {CAPS_MAX} 条", "more than {CAPS_MAX} caps");
        reading.error(node.place, path, Finding::new(found));
    }
    let mut caps = Vec::new();
    for item in items.iter().take(CAPS_MAX) {
        caps.extend(read_cap(reading, item, path, inputs, points_only));
    }
    caps.sort_by_key(|cap| (cap.period, cap.scope));
    let mut windows: Vec<(Period, CapScope)> = caps.iter().filter_map(Cap::counted_in).collect();
    windows.dedup();
    for cap in &mut caps {
        cap.window = cap.counted_in().and_then(|own| windows.iter().position(|known| *known == own));
    }
    caps
}

fn read_cap(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    inputs: &[InputSpec],
    points_only: bool,
) -> Option<Cap> {
    let periods = [
        ("event", None),
        ("day", Some(Period::Day)),
        ("week", Some(Period::Week)),
        ("month", Some(Period::Month)),
        ("year", Some(Period::Year)),
        ("ever", Some(Period::All)),
    ];
    let mut section = reading.section(node, path)?;
    let limit_node = section.required("limit", reading);
    let per_node = section.required("per", reading);
    let scope = match section.optional("of") {
        Some(node) => read_scope(reading, node, path, inputs)?,
        None => CapScope::Citizen,
    };
    section.finish(&[], reading);
    let period = per_node.and_then(|node| reading.choice(node, path, &periods));
    let node = limit_node?;
    let written = reading.scalar(node, path)?.to_owned();
    match read_limit(&written, inputs, points_only) {
        Ok(CapLimit::Times(_)) if period == Some(None) => {
            let found = text!("次数不能按每次事件封顶", "a cap in times cannot be per event");
            reading.error(node.place, path, Finding::new(found));
            None
        }
        Ok(_) if period == Some(None) && scope != CapScope::Citizen => {
            let found = text!("每次事件的封顶不能写 of", "a cap per event takes no `of`");
            reading.error(node.place, path, Finding::new(found));
            None
        }
        Ok(limit) => Some(Cap { limit, period: period?, scope, window: None, written }),
        Err(found) => {
            reading.error(node.place, path, found);
            None
        }
    }
}

/// `citizen`, `binding`, or an input of `type: id` that every event must name.
pub(super) fn read_scope(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    inputs: &[InputSpec],
) -> Option<CapScope> {
    match reading.scalar(node, path)? {
        "citizen" => return Some(CapScope::Citizen),
        "binding" => return Some(CapScope::Binding),
        _ => {}
    }
    let place = read_id_input(reading, node, path, inputs)?;
    if inputs.get(place).is_some_and(|spec| spec.default().is_some()) {
        let found = text!("可以不填的输入不能用来封顶", "an input that may be left out cannot carry a cap");
        reading.error(
            node.place,
            path,
            Finding::new(found).help(text!("请去掉 default", "drop its `default`")),
        );
        return None;
    }
    u8::try_from(place).ok().map(CapScope::Input)
}

fn read_limit(written: &str, inputs: &[InputSpec], points_only: bool) -> Result<CapLimit, Finding> {
    if let Some(count) = written.strip_suffix(" times").or(written.strip_suffix(" time")) {
        let count = count.trim().parse::<i64>().ok().filter(|count| *count > 0);
        return count.map(CapLimit::Times).ok_or_else(|| {
            Finding::new(text!("次数应为大于零的整数", "the number of times must be whole and above zero"))
                .help_maybe(number_help(written))
        });
    }
    let quantity = Quantity::parse(written).map_err(|found| found.help_maybe(times_help(written)))?;
    let first = first_number(inputs);
    let positive = |count: Option<i64>| {
        count.filter(|count| *count > 0).ok_or_else(|| {
            Finding::new(text!(
                "`{written}` 太细、太大或不大于零",
                "`{written}` is too fine, too large or not above zero"
            ))
        })
    };
    let milligram = Ratio::new(1, 1000);
    if quantity.unit.same_dimension(Unit::points()) {
        return positive(quantity.count_of(Ratio::ONE)).map(CapLimit::Points);
    }
    if quantity.unit.same_dimension(Unit::carbon()) {
        if points_only {
            return Err(Finding::new(text!(
                "此行为只给积分,没有减排量",
                "this action gives points only, no grams"
            )));
        }
        return positive(milligram.and_then(|grain| quantity.count_of(grain))).map(CapLimit::Reduction);
    }
    if first.is_some_and(|number| number.unit.same_dimension(quantity.unit)) && quantity.unit != Unit::NONE {
        return positive(milligram.and_then(|grain| quantity.count_of(grain))).map(CapLimit::Input);
    }
    let own = first.map_or(String::new(), |number| format!(", {}", number.unit));
    let unit = quantity.unit;
    if unit == Unit::NONE {
        let found = text!("封顶 `{written}` 没有单位", "the cap of `{written}` has no unit");
        let help = text!(
            "请写 `{written} pt` 或 `{written} times`; 可用: times, pt, gCO2e{own}",
            "write `{written} pt` or `{written} times`; units are times, pt, gCO2e{own}"
        );
        return Err(Finding::new(found).help(help));
    }
    let found = text!("不能按 `{unit}` 封顶", "a cap cannot be in `{unit}`");
    Err(Finding::new(found).help(text!("可用: times, pt, gCO2e{own}", "use times, pt, gCO2e{own}")))
}

/// Advice for a limit that was meant in `times`.
fn times_help(written: &str) -> Option<Text> {
    let word = written.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ' ');
    let count = written.strip_suffix(word)?.trim();
    let meant = word == "次" || nearest(word, ["times"]).is_some();
    meant.then(|| text!("请写 `{count} times`", "write `{count} times`"))
}

/// The input that quantities are counted in.
pub(super) fn first_number(inputs: &[InputSpec]) -> Option<&NumberSpec> {
    inputs.iter().find_map(InputSpec::number)
}
