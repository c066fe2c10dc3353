//! Short code over columns: each step runs down all events before the next begins. Must give what it gives
//! for one event after another.

use super::step::{Step, among, look, member, select, within};
use super::{Code, Place};

/// Registers that hold one value for each event, but for those of the slots that no step writes.
#[derive(Debug, Clone, Default)]
pub(in crate::rule) struct Columns(Vec<Vec<i64>>);

impl Columns {
    fn get(&self, place: Place) -> &[i64] {
        self.0.get(usize::from(place)).map_or(&[][..], Vec::as_slice)
    }

    fn put(&mut self, place: Place, column: Vec<i64>) {
        let place = usize::from(place);
        if self.0.len() <= place {
            self.0.resize_with(place.saturating_add(1), Vec::new);
        }
        if let Some(slot) = self.0.get_mut(place) {
            *slot = column;
        }
    }

    fn take(&mut self, place: Place, rows: usize) -> Vec<i64> {
        let mut column = self.0.get_mut(usize::from(place)).map(std::mem::take).unwrap_or_default();
        column.resize(rows, 0);
        column
    }
}

impl Code {
    /// Runs over the columns of the slots, all of one length.
    pub(in crate::rule) fn run_columns(&self, slots: &[&[i64]], columns: &mut Columns) {
        let rows = slots.first().map_or(0, |column| column.len());
        for (place, step) in &self.steps {
            // Lowering never lets a step write over what it reads.
            let mut column = columns.take(*place, rows);
            step.fill(&mut column, |place| self.column(slots, columns, place));
            columns.put(*place, column);
        }
    }

    /// A register after a run over these slots.
    #[inline]
    pub(in crate::rule) fn column<'c>(
        &self,
        slots: &[&'c [i64]],
        columns: &'c Columns,
        place: Place,
    ) -> &'c [i64] {
        let kept = usize::from(place) < self.kept;
        let slot = slots.get(usize::from(place)).copied().filter(|_| kept);
        slot.unwrap_or_else(|| columns.get(place))
    }
}

#[inline]
fn one(into: &mut [i64], from: &[i64], result: impl Fn(i64) -> i64) {
    for (into, from) in into.iter_mut().zip(from) {
        *into = result(*from);
    }
}

#[inline]
fn two(into: &mut [i64], left: &[i64], right: &[i64], result: impl Fn(i64, i64) -> i64) {
    for (into, (left, right)) in into.iter_mut().zip(left.iter().zip(right)) {
        *into = result(*left, *right);
    }
}

fn choose(into: &mut [i64], test: &[i64], yes: &[i64], no: &[i64]) {
    for (into, (test, (yes, no))) in into.iter_mut().zip(test.iter().zip(yes.iter().zip(no))) {
        *into = select(*test, *yes, *no);
    }
}

impl Step<Place> {
    fn fill<'c>(&self, into: &mut [i64], column: impl Fn(Place) -> &'c [i64]) {
        let at = |place: &Place| column(*place);
        match self {
            Self::Constant(value) => into.fill(*value),
            Self::Add(left, right) => two(into, at(left), at(right), i64::wrapping_add),
            Self::Shift(from, by) => one(into, at(from), |value| value.wrapping_add(*by)),
            Self::Subtract(left, right) => two(into, at(left), at(right), i64::wrapping_sub),
            Self::Multiply(left, right) => two(into, at(left), at(right), i64::wrapping_mul),
            Self::Scale(from, by) => one(into, at(from), |value| value.wrapping_mul(*by)),
            Self::Less(left, right) => two(into, at(left), at(right), |left, right| i64::from(left < right)),
            Self::LessOrEqual(left, right) => {
                two(into, at(left), at(right), |left, right| i64::from(left <= right));
            }
            Self::Equal(left, right) => {
                two(into, at(left), at(right), |left, right| i64::from(left == right));
            }
            Self::And(left, right) => two(into, at(left), at(right), |left, right| left & right),
            Self::Or(left, right) => two(into, at(left), at(right), |left, right| left | right),
            Self::Not(from) => one(into, at(from), |value| value ^ 1),
            Self::Within(from, low, width) => one(into, at(from), |value| within(value, *low, *width)),
            Self::Member(from, low, bits) => one(into, at(from), |value| member(value, *low, *bits)),
            Self::Among(from, stretches) => one(into, at(from), |value| among(value, stretches)),
            Self::Look(from, low, numbers) => one(into, at(from), |value| look(value, *low, numbers)),
            Self::Select(test, yes, no) => choose(into, at(test), at(yes), at(no)),
            Self::Pick(test, yes, no) => one(into, at(test), |test| select(test, *yes, *no)),
            Self::Least(left, right) => two(into, at(left), at(right), i64::min),
            Self::Most(left, right) => two(into, at(left), at(right), i64::max),
            Self::AtMost(from, limit) => one(into, at(from), |value| value.min(*limit)),
            Self::AtLeast(from, limit) => one(into, at(from), |value| value.max(*limit)),
            Self::Divide(from, divisor) => one(into, at(from), |value| divisor.divide(value)),
            Self::Quotient(mode, up, down) => {
                two(into, at(up), at(down), |up, down| mode.divide_narrow(up, down).unwrap_or(0));
            }
        }
    }
}
