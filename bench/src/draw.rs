//! Who an event is for: every citizen alike, few of them often, or one alone.

use std::sync::Arc;

/// A small generator with a given seed, so that a run can be repeated. Not for secrets.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits (splitmix64).
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; 0 where there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.roll()).wrapping_mul(u128::from(bound));
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A new identifier.
    pub fn uuid(&mut self) -> uuid::Uuid {
        uuid::Uuid::from_u64_pair(self.roll(), self.roll())
    }
}

/// How events spread over citizens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Every citizen alike.
    Uniform,
    /// The n-th citizen 1/n as often as the first.
    Zipf,
    /// One citizen has all.
    Hot,
}

/// Draws citizens by number, from 0.
#[derive(Debug, Clone)]
pub struct Draw {
    citizens: u64,
    /// Sums of weights, for those that are not alike.
    sums: Option<Arc<[u64]>>,
    hot: bool,
}

impl Draw {
    /// Draws among so many citizens.
    pub fn new(spread: Spread, citizens: u32) -> Self {
        let sums = (spread == Spread::Zipf).then(|| zipf(citizens));
        Self { citizens: u64::from(citizens), sums, hot: spread == Spread::Hot }
    }

    /// The next citizen.
    pub fn next(&self, dice: &mut Dice) -> u64 {
        match &self.sums {
            _ if self.hot => 0,
            None => dice.below(self.citizens),
            Some(sums) => {
                let point = dice.below(sums.last().copied().unwrap_or(0));
                u64::try_from(sums.partition_point(|sum| *sum <= point)).unwrap_or(0)
            }
        }
    }
}

fn zipf(citizens: u32) -> Arc<[u64]> {
    const FIRST: u64 = 1 << 32;
    (1..=u64::from(citizens))
        .scan(0_u64, |sum, rank| {
            *sum = sum.saturating_add(FIRST.checked_div(rank).unwrap_or(0));
            Some(*sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(spread: Spread) -> [u32; 4] {
        let (draw, mut dice) = (Draw::new(spread, 4), Dice::seeded(7));
        let mut counts = [0; 4];
        for _ in 0..12_500 {
            let citizen = usize::try_from(draw.next(&mut dice)).unwrap();
            counts[citizen] = u32::saturating_add(counts[citizen], 1);
        }
        counts
    }

    fn near(found: u32, expected: u32) -> bool {
        found.abs_diff(expected) < expected / 10
    }

    #[test]
    fn spreads_are_as_their_names_say() {
        assert!(counts(Spread::Uniform).into_iter().all(|count| near(count, 3_125)));
        let zipf = counts(Spread::Zipf);
        assert!(near(zipf[0], 6_000) && near(zipf[1], 3_000) && near(zipf[3], 1_500), "{zipf:?}");
        assert_eq!(counts(Spread::Hot), [12_500, 0, 0, 0]);
    }
}
