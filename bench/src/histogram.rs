//! Latencies in buckets no wider than a thirty-second of their value: memory does not grow with the calls.

use std::time::Duration;

const BITS: u32 = 5;
const STEPS: usize = 1 << BITS;
const BUCKETS: usize = (64 - BITS as usize + 1) * STEPS;

/// Counts of latencies in microseconds.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max_us: 0 }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(micros)) {
            *count = count.saturating_add(1);
        }
        self.total = self.total.saturating_add(1);
        self.max_us = self.max_us.max(micros);
    }

    /// Adds all of another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.total = self.total.saturating_add(other.total);
        self.max_us = self.max_us.max(other.max_us);
    }

    /// The latency that so many of a hundred calls do not exceed, rounded up to its bucket's end.
    pub fn percentile_us(&self, percent: u64) -> u64 {
        let rank = self.total.saturating_mul(percent).div_ceil(100).max(1);
        let mut seen: u64 = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen = seen.saturating_add(*count);
            if seen >= rank {
                return last_of(index).min(self.max_us);
            }
        }
        self.max_us
    }

    /// The longest.
    pub fn max_us(&self) -> u64 {
        self.max_us
    }
}

/// Small values have a bucket each; above, every power of two is cut into equal steps.
fn bucket(micros: u64) -> usize {
    let octave = (u64::BITS.saturating_sub(micros.leading_zeros())).saturating_sub(BITS.saturating_add(1));
    let step = usize::try_from(micros >> octave).unwrap_or(usize::MAX);
    let before = usize::try_from(octave).unwrap_or(0).saturating_mul(STEPS);
    before.saturating_add(step).min(BUCKETS.saturating_sub(1))
}

/// The largest value of a bucket.
fn last_of(index: usize) -> u64 {
    let Some(octave) = (index / STEPS).checked_sub(1) else {
        return u64::try_from(index).unwrap_or(u64::MAX);
    };
    let step = (index % STEPS).saturating_add(STEPS).saturating_add(1);
    let step = u128::try_from(step).unwrap_or(u128::MAX);
    let shift = u32::try_from(octave).unwrap_or(u32::MAX);
    let end = step.checked_shl(shift).unwrap_or(u128::MAX).saturating_sub(1);
    u64::try_from(end).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_at_or_just_above_its_values() {
        for value in [0, 1, 31, 32, 33, 63, 64, 65, 1_000, 4_095, 4_096, 1_000_000, u64::MAX] {
            let end = last_of(bucket(value));
            assert!(end >= value, "{value} in a bucket that ends at {end}");
            assert!(end - value <= value / 32, "{value} in a bucket that ends at {end}");
        }
    }

    #[test]
    fn percentiles_of_a_hundred() {
        let mut histogram = Histogram::default();
        for micros in 1..=50 {
            histogram.add(Duration::from_micros(micros));
        }
        let mut other = Histogram::default();
        for micros in 51..=100 {
            other.add(Duration::from_micros(micros));
        }
        histogram.merge(&other);
        assert_eq!(histogram.percentile_us(50), 50);
        assert_eq!(histogram.percentile_us(99), 99);
        assert_eq!(histogram.percentile_us(100), 100);
        assert_eq!(histogram.max_us(), 100);
        assert_eq!(Histogram::default().percentile_us(99), 0);
    }
}
