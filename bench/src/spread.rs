//! A figure that was measured once a round: its middle and how far the rounds lie apart.

use std::fmt;

use serde::Serialize;

/// The median with the least and the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range<N> {
    /// The middle one; of an even number the lower of the two.
    pub median: N,
    /// The least.
    pub min: N,
    /// The greatest.
    pub max: N,
}

impl<N: Copy + PartialOrd> Range<N> {
    /// Of what the rounds gave; none without a round.
    pub fn of(values: impl IntoIterator<Item = N>) -> Option<Self> {
        let mut values: Vec<N> = values.into_iter().collect();
        values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
        let middle = values.len().saturating_sub(1) / 2;
        Some(Self { median: *values.get(middle)?, min: *values.first()?, max: *values.last()? })
    }
}

/// One figure over another, taken round by round.
#[derive(Debug, Serialize)]
pub struct Ratio {
    /// What over what.
    pub name: &'static str,
    /// Over the rounds.
    #[serde(flatten)]
    pub range: Range<f64>,
}

/// What cells gave a second, round by round, over what others gave; pairs that were not measured are left
/// out.
pub fn ratios<C: PartialEq>(
    pairs: impl IntoIterator<Item = (&'static str, C, C)>,
    rates: &[(C, Vec<u64>)],
) -> Vec<Ratio> {
    let rates = |wanted: &C| rates.iter().find(|(cell, _)| cell == wanted).map(|(_, rates)| rates);
    let over = |(name, one, other): (&'static str, C, C)| {
        let rounds = rates(&one)?.iter().zip(rates(&other)?);
        let range = Range::of(rounds.filter_map(|(one, other)| ratio(*one, *other)))?;
        Some(Ratio { name, range })
    };
    pairs.into_iter().filter_map(over).collect()
}

/// Ratios as lines of a report.
pub fn write_ratios(f: &mut fmt::Formatter<'_>, ratios: &[Ratio]) -> fmt::Result {
    if !ratios.is_empty() {
        writeln!(f, "\nratio, round by round                               median (min-max)")?;
    }
    for Ratio { name, range: Range { median, min, max } } in ratios {
        writeln!(f, "{name:<50} {median:>7.3} ({min:.3}-{max:.3})")?;
    }
    Ok(())
}

/// A rate with its least and its greatest; empty where nothing was measured.
pub fn shown(rate: Option<Range<u64>>) -> String {
    rate.map_or_else(String::new, |Range { median, min, max }| format!("{median} ({min}-{max})"))
}

/// The middle of microseconds as milliseconds; empty where nothing was measured.
pub fn millis(micros: Option<Range<u64>>) -> String {
    micros.map_or_else(String::new, |Range { median, .. }| {
        format!("{}.{:02}", median / 1_000, median % 1_000 / 10)
    })
}

/// One figure over another, with three decimals; none when the other is zero.
pub fn ratio(one: u64, other: u64) -> Option<f64> {
    let thousandths = one.checked_mul(1_000)?.checked_div(other)?;
    Some(f64::from(u32::try_from(thousandths).ok()?) / 1_000.0)
}

/// So many in so long, per second.
pub fn per_second(count: u64, time: std::time::Duration) -> u64 {
    let scaled = u128::from(count).saturating_mul(1_000_000);
    scaled.checked_div(time.as_micros()).and_then(|rate| u64::try_from(rate).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_one_two_and_three() {
        assert_eq!(Range::<u64>::of([]), None);
        assert_eq!(Range::of([5]), Some(Range { median: 5, min: 5, max: 5 }));
        assert_eq!(Range::of([9, 1]), Some(Range { median: 1, min: 1, max: 9 }));
        assert_eq!(Range::of([9, 1, 4]), Some(Range { median: 4, min: 1, max: 9 }));
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let rates = [("ours", vec![30, 10, 20]), ("floor", vec![10, 10, 0])];
        let found = ratios([("a", "ours", "floor"), ("b", "ours", "nobody")], &rates);
        let found: Vec<_> = found.iter().map(|ratio| (ratio.name, ratio.range)).collect();
        assert_eq!(found, [("a", Range { median: 1.0, min: 1.0, max: 3.0 })]);
    }

    #[test]
    fn ratios_have_three_decimals() {
        assert_eq!(ratio(2, 3), Some(0.666));
        assert_eq!(ratio(1, 0), None);
        assert_eq!(per_second(30, std::time::Duration::from_secs(2)), 15);
        assert_eq!(per_second(30, std::time::Duration::ZERO), 0);
    }
}
