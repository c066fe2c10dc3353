//! A figure that was measured once a round: its middle and how far the rounds lie apart.

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
    fn ratios_have_three_decimals() {
        assert_eq!(ratio(2, 3), Some(0.666));
        assert_eq!(ratio(1, 0), None);
        assert_eq!(per_second(30, std::time::Duration::from_secs(2)), 15);
        assert_eq!(per_second(30, std::time::Duration::ZERO), 0);
    }
}
