//! Sets of whole numbers as closed stretches, for tests of one value against constants. Must never grow past
//! its bound.

use crate::rule::program::Range;

/// Most stretches of one set.
const STRETCHES_MAX: usize = 64;

/// Disjoint stretches in order, neither touching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set(Vec<Range>);

impl Set {
    pub(super) fn of(range: Range) -> Self {
        Self(if range.low > range.high { Vec::new() } else { vec![range] })
    }

    pub(super) fn stretches(&self) -> &[Range] {
        &self.0
    }

    pub(super) fn has(&self, value: i128) -> bool {
        self.0.iter().any(|range| (range.low..=range.high).contains(&value))
    }

    /// None where the union has too many stretches.
    pub(super) fn or(&self, other: &Self) -> Option<Self> {
        let mut all: Vec<Range> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable_by_key(|range| range.low);
        let mut joined: Vec<Range> = Vec::with_capacity(all.len());
        for range in all {
            match joined.last_mut() {
                Some(last) if range.low <= last.high.saturating_add(1) => {
                    last.high = last.high.max(range.high);
                }
                Some(_) | None => joined.push(range),
            }
        }
        (joined.len() <= STRETCHES_MAX).then_some(Self(joined))
    }

    /// What of a range is outside.
    pub(super) fn not(&self, whole: Range) -> Option<Self> {
        let starts =
            std::iter::once(whole.low).chain(self.0.iter().map(|range| range.high.saturating_add(1)));
        let ends = self.0.iter().map(|range| range.low.saturating_sub(1)).chain([whole.high]);
        let gaps = starts.zip(ends).map(|(low, high)| Range { low, high });
        let gaps: Vec<Range> = gaps.filter(|range| range.low <= range.high).collect();
        (gaps.len() <= STRETCHES_MAX).then_some(Self(gaps))
    }

    /// Both within a range.
    pub(super) fn and(&self, other: &Self, whole: Range) -> Option<Self> {
        self.not(whole)?.or(&other.not(whole)?)?.not(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Range = Range { low: 0, high: 20 };

    fn set(stretches: &[(i128, i128)]) -> Set {
        let empty = Set(Vec::new());
        stretches
            .iter()
            .fold(empty, |set, (low, high)| set.or(&Set::of(Range { low: *low, high: *high })).unwrap())
    }

    #[test]
    fn sets_join_cut_and_turn_over() {
        let one = set(&[(1, 3), (8, 9), (4, 5)]);
        assert_eq!(one, set(&[(1, 5), (8, 9)]), "touching stretches are one");
        assert_eq!(one.not(WHOLE).unwrap(), set(&[(0, 0), (6, 7), (10, 20)]));
        assert_eq!(one.and(&set(&[(5, 8)]), WHOLE).unwrap(), set(&[(5, 5), (8, 8)]));
        assert!(one.and(&set(&[(6, 7)]), WHOLE).unwrap().stretches().is_empty());
        assert_eq!(set(&[(0, 20)]).not(WHOLE).unwrap(), set(&[]));
    }

    #[test]
    fn stretches_are_bounded() {
        for (count, accepted) in
            [(STRETCHES_MAX - 1, true), (STRETCHES_MAX, true), (STRETCHES_MAX + 1, false)]
        {
            let mut joined = Some(Set(Vec::new()));
            for place in 0..i128::try_from(count).unwrap() {
                let one = Set::of(Range { low: 2 * place, high: 2 * place });
                joined = joined.and_then(|joined| joined.or(&one));
            }
            assert_eq!(joined.is_some(), accepted, "{count}");
        }
    }
}
