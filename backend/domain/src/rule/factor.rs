//! What the multipliers and campaigns of an action come to where they meet, worked out once for all acts.
//! Must never touch points.

use super::exact::Ratio;
use super::multiplier::Stacking;

/// Most factors that are worked out before any act; others are when an act meets them.
const PREPARED_MAX: usize = 24;
/// Most multipliers whose combinations are looked up in one step.
const COMBINED_MAX: usize = 4;

/// Who multiplies points, by bits, the first in the lowest: multipliers, then campaigns of the day; and where
/// what they come to stands among what is worked out. In one number, which goes from hand to hand in a
/// register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Factor(u32);

impl Factor {
    /// The place of what is not worked out.
    const NOWHERE: u8 = u8::MAX;

    #[inline]
    fn new(multipliers: u16, campaigns: u8, place: u8) -> Self {
        let [low, high] = multipliers.to_le_bytes();
        Self(u32::from_le_bytes([low, high, campaigns, place]))
    }

    #[inline]
    fn parts(self) -> (u16, u8, u8) {
        let [low, high, campaigns, place] = self.0.to_le_bytes();
        (u16::from_le_bytes([low, high]), campaigns, place)
    }

    /// Its place among [`Factors::prepared`]; that of none where it is not worked out.
    #[inline]
    pub(super) fn place(self) -> usize {
        usize::from(self.parts().2)
    }
}

/// All factors of an action.
#[derive(Debug, Clone)]
pub(super) struct Factors {
    stacking: Stacking,
    /// Of its multipliers, then of its campaigns.
    members: Vec<Ratio>,
    /// What they can come to; first none, for once.
    prepared: Vec<Option<Ratio>>,
    /// For each of these, what it becomes with each member.
    joined: Vec<u8>,
    /// What its multipliers come to, by their bits; empty where they are not few.
    combined: Vec<Factor>,
}

impl Default for Factors {
    fn default() -> Self {
        Self::of(Stacking::Highest, Vec::new(), Vec::new())
    }
}

impl Factors {
    pub(super) fn of(stacking: Stacking, multipliers: Vec<Ratio>, campaigns: Vec<Ratio>) -> Self {
        let combinations = if multipliers.len() > COMBINED_MAX { 0 } else { 1_u16 << multipliers.len() };
        let members = [multipliers, campaigns].concat();
        let mut prepared: Vec<Option<Ratio>> = vec![None];
        for times in &members {
            for so_far in prepared.clone() {
                let joined = stacking.joined(so_far, *times);
                if prepared.len() < PREPARED_MAX && !prepared.contains(&joined) {
                    prepared.push(joined);
                }
            }
        }
        let place = |factor: Option<Ratio>| {
            let place = prepared.iter().position(|known| *known == factor);
            place.and_then(|place| u8::try_from(place).ok()).unwrap_or(Factor::NOWHERE)
        };
        let pairs = prepared.iter().flat_map(|so_far| members.iter().map(move |times| (*so_far, *times)));
        let joined = pairs.map(|(so_far, times)| place(stacking.joined(so_far, times))).collect();
        let mut all = Self { stacking, members, prepared, joined, combined: Vec::new() };
        all.combined = (0..combinations).map(|bits| all.multiplied_anew(bits)).collect();
        all
    }

    /// Those worked out, by their places.
    pub(super) fn prepared(&self) -> &[Option<Ratio>] {
        &self.prepared
    }

    /// For each combination of its multipliers, by their bits, where they are few.
    pub(super) fn combined(&self) -> Option<&[Factor]> {
        (!self.combined.is_empty()).then_some(&self.combined)
    }

    /// Stacked as the file says; one alone stacks with nothing.
    #[inline]
    fn join(&self, place: u8, member: usize) -> u8 {
        let at = usize::from(place).saturating_mul(self.members.len()).saturating_add(member);
        self.joined.get(at).copied().unwrap_or(Factor::NOWHERE)
    }

    /// A factor with one campaign more: its place among those of the day, and among the members.
    #[inline]
    pub(super) fn raised(&self, factor: Factor, (place, member): (usize, usize)) -> Factor {
        let (multipliers, campaigns, so_far) = factor.parts();
        let bit = u32::try_from(place).ok().and_then(|place| 1_u8.checked_shl(place)).unwrap_or(0);
        Factor::new(multipliers, campaigns | bit, self.join(so_far, member))
    }

    /// The factor of the multipliers that hold.
    #[inline]
    pub(super) fn multiplied(&self, bits: u16) -> Factor {
        match self.combined.get(usize::from(bits)) {
            Some(factor) => *factor,
            None => self.multiplied_anew(bits),
        }
    }

    #[cold]
    fn multiplied_anew(&self, bits: u16) -> Factor {
        Factor::new(bits, 0, held(bits).fold(0, |place, member| self.join(place, member)))
    }

    /// What a factor comes to; none for once. The campaigns of the day are told as members.
    pub(super) fn ratio(&self, factor: Factor, live: impl Iterator<Item = usize>) -> Option<Ratio> {
        if let Some(ratio) = self.prepared.get(factor.place()) {
            return *ratio;
        }
        let (multipliers, campaigns, _) = factor.parts();
        let live = live.zip(0..u8::BITS).filter(|(_, place)| holds(campaigns.into(), *place));
        let members = held(multipliers).chain(live.map(|(member, _)| member));
        let ratios = members.filter_map(|member| self.members.get(member));
        ratios.fold(None, |so_far, times| self.stacking.joined(so_far, *times))
    }
}

fn holds(bits: u16, place: u32) -> bool {
    bits.wrapping_shr(place) & 1 == 1
}

/// The places of bits that are set.
fn held(bits: u16) -> impl Iterator<Item = usize> {
    (0..u16::BITS).zip(0..).filter(move |(bit, _)| holds(bits, *bit)).map(|(_, place)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratios(tenths: &[i128]) -> Vec<Ratio> {
        tenths.iter().map(|tenths| Ratio::new(*tenths, 10).unwrap()).collect()
    }

    #[test]
    fn prepared_or_not_factors_stack_alike() {
        for stacking in [Stacking::Highest, Stacking::Multiply, Stacking::First] {
            // Products of four to six different primes: some below and some above what is prepared, with
            // all as multipliers, as campaigns, and as some of both.
            for primes in [&[20, 30, 50, 70][..], &[20, 30, 50, 70, 110], &[20, 30, 50, 70, 110, 130]] {
                for multipliers in 0..=primes.len() {
                    let (held, raising) = primes.split_at(multipliers);
                    let factors = Factors::of(stacking, ratios(held), ratios(raising));
                    let live = multipliers..primes.len();
                    for bits in 0..1_u16 << primes.len() {
                        let plain = factors.multiplied(bits & !(u16::MAX << multipliers));
                        let counting = live.clone().enumerate();
                        let counting = counting.filter(|(_, member)| bits >> member & 1 == 1);
                        let factor = counting.fold(plain, |factor, live| factors.raised(factor, live));
                        let counting = ratios(primes).into_iter().zip(0..);
                        let counting = counting.filter(|(_, place)| bits >> place & 1 == 1);
                        let anew = counting.fold(None, |so_far, (times, _)| stacking.joined(so_far, times));
                        assert_eq!(
                            factors.ratio(factor, live.clone()),
                            anew,
                            "{stacking:?} {primes:?} {bits:b}"
                        );
                    }
                }
            }
        }
        let many = Factors::of(Stacking::Multiply, ratios(&[20, 30, 50, 70, 110]), Vec::new());
        assert_eq!(many.prepared().len(), PREPARED_MAX);
        assert!(many.prepared().get(many.multiplied(0b1_1111).place()).is_none());
    }

    #[test]
    fn once_stacks_with_nothing() {
        let factors = Factors::default();
        assert_eq!((factors.multiplied(0).place(), factors.prepared()), (0, &[None][..]));
        assert_eq!(factors.join(0, 0), Factor::NOWHERE, "no such member");
    }
}
