//! What a citizen reported before: sums of earlier readings of the action's first number, as a value that
//! formulas can use. Must never read the event's own day.

use chrono::{Days, NaiveDate};

use super::cap::first_number;
use super::diagnostic::{Finding, did_you_mean, text};
use super::exact::{Decimal, Ratio, Rounding};
use super::input::{InputSpec, NumberSpec, read_bound};
use super::program::Range;
use super::schedule::read_days;
use super::section::{Reading, Reported};
use super::unit::Unit;
use super::yaml::Node;
use crate::text::Text;
use crate::time::DayRange;

/// Most looks back of one action.
pub const HISTORY_MAX: usize = 4;
/// Longest look back, in days.
pub const HISTORY_DAYS_MAX: u32 = 400;
/// Most readings of one look back; what is beyond is counted as this many.
pub const READINGS_MAX: i64 = 10_000;

/// Earlier readings of one citizen and action over a range of civil days. Readings of refused acts count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "(i64, i64)", into = "(i64, i64)")]
pub struct Readings {
    /// How many.
    pub count: i64,
    /// Their sum, in thousandths of the first numeric input's base unit.
    pub sum: i64,
}

impl From<(i64, i64)> for Readings {
    fn from((count, sum): (i64, i64)) -> Self {
        Self { count, sum }
    }
}

impl From<Readings> for (i64, i64) {
    fn from(readings: Readings) -> Self {
        (readings.count, readings.sum)
    }
}

/// What is made of the readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// Sum by count, rounded half even to the last decimal of the input.
    Average,
    /// Sum.
    Sum,
    /// How many there are.
    Count,
}

/// A named look back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookBack {
    pub(super) name: String,
    pub(super) aggregate: Aggregate,
    pub(super) days: u32,
    /// Place among the windows of the action.
    pub(super) window: usize,
    pub(super) at_least: i64,
    /// Taken where there are too few readings, in the input's last decimal; none to refuse the act.
    pub(super) otherwise: Option<i64>,
    pub(super) number: NumberSpec,
}

impl LookBack {
    /// Its name in formulas.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is made of the readings.
    #[must_use]
    pub fn aggregate(&self) -> Aggregate {
        self.aggregate
    }

    /// The civil days that it looks at: those before the day of the act.
    #[must_use]
    pub fn range(&self, day: NaiveDate) -> DayRange {
        let from = day.checked_sub_days(Days::new(u64::from(self.days))).unwrap_or(NaiveDate::MIN);
        DayRange { from, until: day }
    }

    pub(super) fn unit(&self) -> Unit {
        match self.aggregate {
            Aggregate::Average | Aggregate::Sum => self.number.unit,
            Aggregate::Count => Unit::NONE,
        }
    }

    /// What one unit of its slot is worth in base units.
    pub(super) fn step(&self) -> Ratio {
        match self.aggregate {
            Aggregate::Average | Aggregate::Sum => self.number.step,
            Aggregate::Count => Ratio::ONE,
        }
    }

    /// All integers that a program can find in its slot.
    pub(super) fn span(&self) -> Range {
        let (min, max) = (self.number.min, self.number.max);
        let most = |bound: i64| bound.saturating_mul(READINGS_MAX);
        let (mut low, mut high) = match self.aggregate {
            Aggregate::Average => (min, max),
            Aggregate::Sum => (most(min).min(0), most(max).max(0)),
            Aggregate::Count => (0, READINGS_MAX),
        };
        if let Some(otherwise) = self.otherwise {
            (low, high) = (low.min(otherwise), high.max(otherwise));
        }
        Range { low: i128::from(low), high: i128::from(high) }
    }

    /// The value of its slot; none where there are too few readings and the act is to be refused. Readings
    /// made under other bounds count as the nearest value within today's.
    pub(super) fn value(&self, readings: Readings) -> Option<i64> {
        if readings.count < self.at_least {
            return self.otherwise;
        }
        let grain = i128::from(self.number.thousandths);
        let divided = |by: i128| Rounding::HalfEven.divide(i128::from(readings.sum), by).unwrap_or(0);
        let value = match self.aggregate {
            Aggregate::Count => i128::from(readings.count),
            Aggregate::Sum => divided(grain),
            Aggregate::Average => divided(grain.saturating_mul(i128::from(readings.count.max(1)))),
        };
        let span = self.span();
        i64::try_from(value.clamp(span.low, span.high)).ok()
    }

    /// Why an act is refused that has too little before it.
    pub(super) fn too_short(&self, readings: Readings) -> Text {
        let (days, least, count) = (self.days, self.at_least, readings.count);
        text!(
            "此前 {days} 天只有 {count} 次记录, 至少要 {least} 次",
            "{count} readings in the {days} days before; at least {least} are needed"
        )
    }
}

/// The ranges of days that an action's looks back need, each once.
pub(super) fn windows(history: &[LookBack], day: NaiveDate) -> Vec<DayRange> {
    let mut ranges: Vec<DayRange> = Vec::new();
    for look in history {
        let range = look.range(day);
        if !ranges.contains(&range) {
            ranges.push(range);
        }
    }
    ranges
}

/// Gives each look back the place of its days among those of all.
fn number(history: &mut [LookBack]) {
    let mut lengths: Vec<u32> = Vec::new();
    for look in history {
        let known = lengths.iter().position(|days| *days == look.days);
        look.window = known.unwrap_or(lengths.len());
        if known.is_none() {
            lengths.push(look.days);
        }
    }
}

/// Reads the looks back of one action.
pub(super) fn read_history(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    inputs: &[InputSpec],
) -> Option<Vec<LookBack>> {
    let section = reading.section(node, path)?;
    let entries = section.entries();
    if entries.is_empty() || entries.len() > HISTORY_MAX {
        let found = text!("应有 1 至 {HISTORY_MAX} 项", "expected 1 to {HISTORY_MAX} entries");
        reading.error(node.place, path, Finding::new(found));
        return None;
    }
    let mut all = Some(Vec::new());
    for (key, node) in entries {
        let step = section.step(&key.text);
        let named = reading.variable(&key.text, key.place, &step);
        match (read_look_back(reading, &key.text, node, &step, inputs).filter(|_| named), &mut all) {
            (Some(look), Some(looks)) => looks.push(look),
            (None, _) => all = None,
            (Some(_), None) => {}
        }
    }
    number(all.as_mut()?);
    all
}

fn read_look_back(
    reading: &mut Reading<'_>,
    name: &str,
    node: &Node,
    path: &str,
    inputs: &[InputSpec],
) -> Option<LookBack> {
    let mut section = reading.section(node, path)?;
    let asked = [("average", Aggregate::Average), ("sum", Aggregate::Sum), ("count", Aggregate::Count)]
        .map(|(key, aggregate)| section.optional(key).map(|node| (aggregate, node)));
    let mut asked = asked.into_iter().flatten();
    let (chosen, second) = (asked.next(), asked.next());
    let days = section.required("over", reading).and_then(|node| read_days(reading, node, path));
    if let Some(node) = section.optional("before") {
        reading.choice(node, path, &[("this event", ())])?;
    }
    let least = section.optional("at_least");
    let otherwise = section.optional("otherwise");
    let place = section.place;
    section.finish(&[], reading);
    let (Some((aggregate, input)), None) = (chosen, second) else {
        let found = text!("应写 average、sum、count 之一", "expected one of average, sum, count");
        let help = text!("例如 average: used", "as in `average: used`");
        reading.error(place, path, Finding::new(found).help(help));
        return None;
    };
    let number = read_input_name(reading, input, path, inputs)?;
    let days = days?;
    if !(1..=HISTORY_DAYS_MAX).contains(&days) {
        let found = text!("应为 1 至 {HISTORY_DAYS_MAX} days", "expected 1 to {HISTORY_DAYS_MAX} days");
        reading.error(place, path, Finding::new(found));
        return None;
    }
    let usual = i64::from(aggregate == Aggregate::Average);
    let at_least = match least {
        Some(node) => read_least(reading, node, path)?,
        None => usual,
    };
    let look =
        LookBack { name: name.to_owned(), aggregate, days, window: 0, at_least, otherwise: None, number };
    match (otherwise, at_least) {
        (Some(node), _) => {
            Some(LookBack { otherwise: read_otherwise(reading, node, path, &look).ok()?, ..look })
        }
        (None, 0) => Some(look),
        (None, _) => {
            let found = text!(
                "没有写记录不足 {at_least} 次时怎么办",
                "nothing says what happens with fewer than {at_least} readings"
            );
            let help = text!("请写 otherwise: refuse, 或一个值", "write `otherwise: refuse`, or a value");
            reading.error(place, path, Finding::new(found).help(help));
            None
        }
    }
}

/// The action's first number: the only one that readings are kept of.
fn read_input_name(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    inputs: &[InputSpec],
) -> Option<NumberSpec> {
    let name = reading.scalar(node, path)?;
    let first = first_number(inputs);
    let spec = inputs.iter().find(|spec| spec.number() == first && first.is_some());
    let Some((spec, number)) = spec.zip(first) else {
        let found = text!("此行为没有数值输入", "this action has no numeric input");
        reading.error(node.place, path, Finding::new(found));
        return None;
    };
    if spec.name() == name {
        return Some(*number);
    }
    let (shown, first): (String, _) = (name.chars().take(64).collect(), spec.name());
    let known = inputs.iter().any(|spec| spec.name() == name);
    let found = if known {
        Finding::new(text!(
            "只保存第一个数值输入 `{first}` 的记录",
            "readings are kept of the first number, `{first}`"
        ))
        .help(text!(
            "请改用 `{first}`, 或把 `{shown}` 写在它前面",
            "use `{first}`, or put `{shown}` before it"
        ))
    } else {
        let near = did_you_mean(name, inputs.iter().map(InputSpec::name));
        Finding::new(text!("没有输入 `{shown}`", "there is no input `{shown}`")).help_maybe(near)
    };
    reading.error(node.place, path, found);
    None
}

fn read_least(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<i64> {
    let least = reading.scalar(node, path)?.parse::<i64>().ok();
    let least = least.filter(|least| (1..=READINGS_MAX).contains(least));
    if least.is_none() {
        let found = text!("次数应为 1 至 {READINGS_MAX}", "expected 1 to {READINGS_MAX} readings");
        reading.error(node.place, path, Finding::new(found));
    }
    least
}

/// `refuse`, or a value in the unit of the look back.
fn read_otherwise(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    look: &LookBack,
) -> Result<Option<i64>, Reported> {
    let written = reading.scalar(node, path).ok_or(Reported)?;
    if written == "refuse" {
        return Ok(None);
    }
    match look.aggregate {
        Aggregate::Average | Aggregate::Sum => {
            read_bound(reading, node, path, look.number.unit, look.number.decimals).map(Some).ok_or(Reported)
        }
        Aggregate::Count => {
            let count = written.parse::<i64>().ok();
            let count = count.filter(|count| (0..=READINGS_MAX).contains(count));
            if count.is_none() {
                let found = text!("应为 refuse 或次数", "expected `refuse` or a count");
                reading.error(node.place, path, Finding::new(found));
            }
            count.map(Some).ok_or(Reported)
        }
    }
}

impl LookBack {
    /// Its value as a decimal in its unit, for display.
    pub(super) fn shown(&self, value: i64) -> String {
        match self.aggregate {
            Aggregate::Average | Aggregate::Sum => {
                let number = Decimal { mantissa: i128::from(value), decimals: self.number.decimals };
                format!("{} {}", number.trimmed(), self.number.unit)
            }
            Aggregate::Count => value.to_string(),
        }
    }
}
