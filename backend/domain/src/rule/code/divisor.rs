//! Division by a known number as one multiplication, exact for all numerators of a proven range. Must never
//! be asked about a number outside that range.

use crate::rule::exact::Rounding;
use crate::rule::program::Range;

/// Numerators must stay below this once they are lifted above zero.
const LIFTED_END: i128 = 1 << 63;

/// `rounded(n / d)` for all `n` of a range: `n` lifted above zero, times a constant, shifted back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rule) struct Divisor {
    lift: i64,
    times: u64,
    shift: u32,
    lower: i64,
    /// The divisor where a quotient without rest is a half that goes to the even neighbour; else 0.
    halves_of: u64,
}

impl Divisor {
    /// None where the range or the divisor is too large for it.
    pub(in crate::rule) fn new(mode: Rounding, divisor: i128, range: Range) -> Option<Self> {
        let within = divisor > 0 && divisor < LIFTED_END;
        let even = divisor.checked_rem(2)? == 0;
        let half = divisor.checked_div(2)?;
        let nearest = if even { half } else { divisor.checked_sub(1)?.checked_div(2)? };
        let round = match mode {
            Rounding::Down => 0,
            Rounding::Up => divisor.checked_sub(1)?,
            Rounding::HalfUp if even && range.low < 0 => return None,
            Rounding::HalfUp | Rounding::HalfEven => nearest,
        };
        let lower = range.low.min(0).checked_neg()?.checked_add(divisor)?.checked_sub(1)?;
        let lower = lower.checked_div(divisor)?;
        let lift = lower.checked_mul(divisor)?.checked_add(round)?;
        let fits = within && range.high.checked_add(lift)? < LIFTED_END;
        let shift = 128_u32.saturating_sub(divisor.saturating_sub(1).leading_zeros());
        let dividend = 1_u128.checked_shl(shift.saturating_add(63))?;
        let times = dividend.div_ceil(divisor.unsigned_abs());
        let halves_of = if mode == Rounding::HalfEven && even { divisor } else { 0 };
        fits.then_some(Self {
            lift: i64::try_from(lift).ok()?,
            times: u64::try_from(times).ok()?,
            shift,
            lower: i64::try_from(lower).ok()?,
            halves_of: u64::try_from(halves_of).ok()?,
        })
    }

    #[inline]
    pub(in crate::rule) fn divide(self, numerator: i64) -> i64 {
        let lifted = numerator.wrapping_add(self.lift).cast_unsigned();
        let product = u128::from(lifted.wrapping_shl(1)).wrapping_mul(u128::from(self.times));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the upper half of a product of two u64 is a u64"
        )]
        let quotient = (product.wrapping_shr(64) as u64).wrapping_shr(self.shift);
        let rounded = quotient.cast_signed().wrapping_sub(self.lower);
        let on_half = self.halves_of != 0 && quotient.wrapping_mul(self.halves_of) == lifted;
        if on_half && rounded & 1 != 0 { rounded.wrapping_sub(1) } else { rounded }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODES: [Rounding; 4] = [Rounding::Down, Rounding::Up, Rounding::HalfUp, Rounding::HalfEven];

    #[test]
    fn small_numbers_divide_as_they_should() {
        for (mode, divisor) in MODES.into_iter().flat_map(|mode| (1..40).map(move |divisor| (mode, divisor)))
        {
            for low in [-100, 0] {
                let Some(by) = Divisor::new(mode, divisor, Range { low, high: 100 }) else {
                    assert!(mode == Rounding::HalfUp && low < 0, "{mode:?} {divisor} {low}");
                    continue;
                };
                for numerator in low..=100 {
                    let found = by.divide(i64::try_from(numerator).unwrap());
                    assert_eq!(
                        Some(i128::from(found)),
                        mode.divide(numerator, divisor),
                        "{mode:?} {divisor}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_range_ends_where_sixty_three_bits_do() {
        let high = i128::from(i64::MAX);
        for (high, accepted) in [(high - 4, true), (high - 3, true), (high - 2, false)] {
            let by = Divisor::new(Rounding::HalfEven, 6, Range { low: 0, high });
            assert_eq!(by.is_some(), accepted, "{high}");
        }
        assert!(Divisor::new(Rounding::Down, 0, Range { low: 0, high: 1 }).is_none());
        assert!(Divisor::new(Rounding::Down, 1 << 63, Range { low: 0, high: 1 }).is_none());
        let by = Divisor::new(Rounding::Down, i128::from(i64::MAX), Range { low: 0, high }).unwrap();
        assert_eq!((by.divide(i64::MAX), by.divide(i64::MAX - 1)), (1, 0));
    }

    proptest! {
        #[test]
        fn any_division_agrees_with_the_plain_one(
            mode in 0_usize..4,
            dropped in (1_u32..63, 1_u32..63),
            seeds in (any::<u64>(), any::<u64>(), any::<bool>()),
        ) {
            let divisor = i128::from(seeds.0 >> dropped.0).max(1);
            let magnitude = i128::from(seeds.1 >> dropped.1);
            let numerator = if seeds.2 { magnitude.wrapping_neg() } else { magnitude };
            let range = Range { low: numerator.min(0), high: numerator.max(0) };
            if let Some(by) = Divisor::new(MODES[mode], divisor, range) {
                let found = by.divide(i64::try_from(numerator).unwrap());
                prop_assert_eq!(Some(i128::from(found)), MODES[mode].divide(numerator, divisor));
            }
        }
    }
}
