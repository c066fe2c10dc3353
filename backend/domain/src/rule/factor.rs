//! What the multipliers and campaigns of an action come to where they meet, worked out once for all acts.
//! Must never touch points.

use super::exact::Ratio;
use super::multiplier::Stacking;

/// Most factors that are worked out before any act; others are when an act meets them.
const PREPARED_MAX: usize = 24;

/// What points are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Factor {
    /// One of those worked out, by its place.
    Prepared(u8),
    /// Any other.
    Other(Ratio),
}

impl Factor {
    /// Nothing multiplies.
    pub(super) const ONCE: Self = Self::Prepared(0);
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
    joined: Vec<Option<u8>>,
}

impl Default for Factors {
    fn default() -> Self {
        Self::of(Stacking::Highest, Vec::new())
    }
}

impl Factors {
    pub(super) fn of(stacking: Stacking, members: Vec<Ratio>) -> Self {
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
            let place = prepared.iter().position(|known| *known == factor)?;
            u8::try_from(place).ok()
        };
        let pairs = prepared.iter().flat_map(|so_far| members.iter().map(move |times| (*so_far, *times)));
        let joined = pairs.map(|(so_far, times)| place(stacking.joined(so_far, times))).collect();
        Self { stacking, members, prepared, joined }
    }

    /// Those worked out, by their places.
    pub(super) fn prepared(&self) -> &[Option<Ratio>] {
        &self.prepared
    }

    /// A factor with one member more, stacked as the file says; one alone stacks with nothing.
    #[inline]
    pub(super) fn join(&self, so_far: Factor, member: usize) -> Factor {
        if let Factor::Prepared(place) = so_far {
            let at = usize::from(place).saturating_mul(self.members.len()).saturating_add(member);
            if let Some(Some(joined)) = self.joined.get(at) {
                return Factor::Prepared(*joined);
            }
        }
        self.worked_out(so_far, member)
    }

    #[cold]
    fn worked_out(&self, so_far: Factor, member: usize) -> Factor {
        let Some(times) = self.members.get(member) else { return so_far };
        let so_far = match so_far {
            Factor::Prepared(place) => self.prepared.get(usize::from(place)).copied().flatten(),
            Factor::Other(ratio) => Some(ratio),
        };
        self.stacking.joined(so_far, *times).map_or(Factor::ONCE, Factor::Other)
    }

    /// The factor of the multipliers that hold, given by their bits.
    #[inline]
    pub(super) fn multiplied(&self, bits: u16) -> Factor {
        let (mut factor, mut left) = (Factor::ONCE, bits);
        while left != 0 {
            let place = usize::try_from(left.trailing_zeros()).unwrap_or(0);
            factor = self.join(factor, place);
            left &= left.wrapping_sub(1);
        }
        factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratios(tenths: &[i128]) -> Vec<Ratio> {
        tenths.iter().map(|tenths| Ratio::new(*tenths, 10).unwrap()).collect()
    }

    fn ratio(factors: &Factors, factor: Factor) -> Option<Ratio> {
        match factor {
            Factor::Prepared(place) => factors.prepared[usize::from(place)],
            Factor::Other(ratio) => Some(ratio),
        }
    }

    #[test]
    fn prepared_or_not_factors_stack_alike() {
        for stacking in [Stacking::Highest, Stacking::Multiply, Stacking::First] {
            // Products of four and five different primes: 16 and 32, below and above what is prepared.
            for members in [ratios(&[20, 30, 50, 70]), ratios(&[20, 30, 50, 70, 110])] {
                let factors = Factors::of(stacking, members.clone());
                for bits in 0..1_u16 << members.len() {
                    let held = members.iter().zip(0..).filter(|(_, place)| bits >> place & 1 == 1);
                    let plain = held.fold(None, |so_far, (times, _)| stacking.joined(so_far, *times));
                    assert_eq!(ratio(&factors, factors.multiplied(bits)), plain, "{stacking:?} {bits:b}");
                }
            }
        }
        let many = Factors::of(Stacking::Multiply, ratios(&[20, 30, 50, 70, 110]));
        assert_eq!(many.prepared().len(), PREPARED_MAX);
        assert!(matches!(many.multiplied(0b1_1111), Factor::Other(_)));
    }

    #[test]
    fn once_stacks_with_nothing() {
        let factors = Factors::default();
        assert_eq!((factors.multiplied(0), factors.prepared()), (Factor::ONCE, &[None][..]));
        assert_eq!(factors.join(Factor::ONCE, 0), Factor::ONCE, "no such member");
    }
}
