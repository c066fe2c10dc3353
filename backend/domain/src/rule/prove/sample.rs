//! Events worth trying: the ends of every input, the numbers that formulas speak of and their neighbours, the
//! days and times at which something changes. Must stay few: an action is tried in milliseconds.

use std::collections::BTreeSet;

use super::super::action::Action;
use super::super::era::Era;
use super::super::exact::Ratio;
use super::super::input::{InputKind, NumberSpec};
use super::super::section::Quantity;
use super::super::syntax::{Tree, TreeKind};
use super::super::verdict::Slots;
use chrono::{Datelike, NaiveDate, Timelike};

/// Points tried of one input while the others stand still.
const POINTS_MAX: usize = 24;
/// Settings of all other inputs.
const SETTINGS_MAX: usize = 32;
/// Stretches of days that are tried.
const ERAS_MAX: usize = 4;
/// A day for actions that use no dated parameter.
const ANY_DAY: i64 = 739_677;
const NOON: i64 = 43_200;

/// Values worth trying of every slot of an era's events.
pub(super) struct Sample {
    slots: Vec<Vec<i64>>,
}

/// The first, the last, and some eras between.
pub(super) fn eras(action: &Action) -> impl Iterator<Item = &Era> {
    let count = action.eras.len();
    let step = count.div_ceil(ERAS_MAX).max(1);
    let last = count.saturating_sub(1);
    action
        .eras
        .iter()
        .enumerate()
        .filter(move |(place, _)| place.checked_rem(step) == Some(0) || *place == last)
        .map(|(_, era)| era)
}

impl Sample {
    pub(super) fn of(action: &Action, era: &Era) -> Self {
        let mut literals = Literals::default();
        action.formulas().for_each(|located| literals.collect(&located.formula.tree));
        let first = if era.days.start == i64::MIN {
            ANY_DAY.min(era.days.end.saturating_sub(1))
        } else {
            era.days.start
        };
        let mut days = vec![first];
        for day in literals.days {
            days.extend([day.saturating_sub(1), day].into_iter().filter(|day| era.days.contains(day)));
        }
        let mut times = vec![NOON];
        times.extend(literals.times.into_iter().flat_map(|time| [time.saturating_sub(1).max(0), time]));
        let mut slots = vec![spread(days, 4), spread(times, 6)];
        for spec in action.inputs() {
            slots.push(match spec.kind() {
                InputKind::Id => vec![0],
                InputKind::YesNo => vec![0, 1],
                InputKind::Choice(options) => {
                    spread((0_i64..).zip(options.iter()).map(|(place, _)| place).collect(), 12)
                }
                InputKind::Number(number) => spread(points(number, &literals.numbers), POINTS_MAX),
            });
        }
        for look in &action.history {
            let span = look.span();
            let ends = [span.low, span.high.checked_div(16).unwrap_or(0).max(span.low), span.high];
            slots.push(spread(ends.into_iter().filter_map(|end| i64::try_from(end).ok()).collect(), 3));
        }
        Self { slots }
    }

    /// Values of one slot, in order.
    pub(super) fn values(&self, slot: usize) -> &[i64] {
        self.slots.get(slot).map(Vec::as_slice).unwrap_or_default()
    }

    /// Settings of all slots; the one given is left at its least.
    pub(super) fn settings(&self, slot: usize) -> Vec<Slots> {
        let few = self.slots.iter().enumerate().map(|(place, values)| {
            if place == slot {
                values.get(..1).unwrap_or_default().to_vec()
            } else {
                spread(values.clone(), 4)
            }
        });
        let few: Vec<Vec<i64>> = few.collect();
        let all = few.iter().map(Vec::len).fold(1_usize, usize::saturating_mul);
        let step = all.div_ceil(SETTINGS_MAX).max(1) | 1;
        let count = all.min(SETTINGS_MAX);
        (0..count)
            .map(|place| Self::setting(&few, place.saturating_mul(step).checked_rem(all).unwrap_or(0)))
            .collect()
    }

    /// The setting with a number in the mixed base of the slots' counts.
    fn setting(few: &[Vec<i64>], number: usize) -> Slots {
        let mut rest = number;
        let mut slots: Option<Slots> = None;
        let mut day = 0;
        for (place, values) in few.iter().enumerate() {
            let count = values.len().max(1);
            let value = values.get(rest.checked_rem(count).unwrap_or(0)).copied().unwrap_or(0);
            rest = rest.checked_div(count).unwrap_or(0);
            match (&mut slots, place) {
                (Some(slots), _) => slots.push(value),
                (None, 0) => day = value,
                (None, _) => slots = Some(Slots::at(day, value)),
            }
        }
        slots.unwrap_or(Slots::at(day, NOON))
    }
}

/// Numbers, days and times that formulas speak of.
#[derive(Default)]
struct Literals {
    numbers: Vec<Quantity>,
    days: Vec<i64>,
    times: Vec<i64>,
}

impl Literals {
    fn collect(&mut self, tree: &Tree) {
        match &tree.kind {
            TreeKind::Number(number, unit) => self.numbers.push(Quantity { number: *number, unit: *unit }),
            TreeKind::Date(date) => self.days.push(day_number(*date)),
            TreeKind::Time(time) => self.times.push(i64::from(time.num_seconds_from_midnight())),
            _ => tree.parts().into_iter().for_each(|part| self.collect(part)),
        }
    }
}

fn day_number(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce())
}

/// The ends of an input, even steps between, and what formulas compare it with, each with its neighbours.
fn points(number: &NumberSpec, literals: &[Quantity]) -> Vec<i64> {
    let (min, max) = (number.min, number.max);
    let mut all: BTreeSet<i64> = BTreeSet::new();
    let near = |count: i64| [count.saturating_sub(1), count, count.saturating_add(1)];
    all.extend(near(min));
    all.extend(near(max));
    let steps = 8_i64;
    let width = i128::from(max).saturating_sub(i128::from(min));
    for step in 1..steps {
        let at = width.saturating_mul(i128::from(step)).checked_div(i128::from(steps)).unwrap_or(0);
        all.extend(i64::try_from(at.saturating_add(i128::from(min))).ok());
    }
    for literal in literals.iter().filter(|literal| literal.unit.same_dimension(number.unit)) {
        let exact = Ratio::new(literal.number.mantissa, 1).and_then(|count| {
            count.times(literal.number.step()?)?.times(literal.unit.factor()?)?.over(number.step)
        });
        let count =
            exact.and_then(|exact| i64::try_from(exact.numerator().checked_div(exact.denominator())?).ok());
        all.extend(count.into_iter().flat_map(near));
    }
    all.into_iter().filter(|count| (min..=max).contains(count)).collect()
}

/// At most so many of the values, first and last among them, in order.
fn spread(mut values: Vec<i64>, most: usize) -> Vec<i64> {
    values.sort_unstable();
    values.dedup();
    let count = values.len();
    if count <= most {
        return values;
    }
    let (last, gaps) = (count.saturating_sub(1), most.saturating_sub(1).max(1));
    let places = (0..most).map(|place| place.saturating_mul(last).checked_div(gaps).unwrap_or(0));
    places.filter_map(|place| values.get(place).copied()).collect()
}
