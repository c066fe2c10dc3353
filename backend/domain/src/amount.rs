//! Quantities in their smallest unit. Arithmetic is checked: an overflow is an answer, never a wrap.

use serde::{Deserialize, Serialize};

/// A sum left the range of `i64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("amount out of range")]
pub struct AmountOverflow;

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// Wraps a count of smallest units.
            #[must_use]
            pub const fn new(units: i64) -> Self {
                Self(units)
            }

            /// The count of smallest units.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }

            /// Sum, or an error past `i64`.
            pub fn plus(self, other: Self) -> Result<Self, AmountOverflow> {
                self.0.checked_add(other.0).map(Self).ok_or(AmountOverflow)
            }

            /// Difference, or an error past `i64`.
            pub fn minus(self, other: Self) -> Result<Self, AmountOverflow> {
                self.0.checked_sub(other.0).map(Self).ok_or(AmountOverflow)
            }

            /// This amount `count` times, or an error past `i64`.
            pub fn times(self, count: i64) -> Result<Self, AmountOverflow> {
                self.0.checked_mul(count).map(Self).ok_or(AmountOverflow)
            }

            /// The same amount with the other sign, or an error at `i64::MIN`.
            pub fn negated(self) -> Result<Self, AmountOverflow> {
                self.0.checked_neg().map(Self).ok_or(AmountOverflow)
            }

            /// Sum of many, or an error past `i64`.
            pub fn total(amounts: impl IntoIterator<Item = Self>) -> Result<Self, AmountOverflow> {
                amounts.into_iter().try_fold(Self::ZERO, Self::plus)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

amount!(
    /// Whole points.
    Points
);
amount!(
    /// Milligrams of CO2e avoided.
    ReductionMg
);
amount!(
    /// Chinese fen, 0.01 yuan.
    Fen
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_stop_at_the_edge_of_i64() {
        let most = Points::new(i64::MAX);
        assert_eq!(most.plus(Points::new(1)), Err(AmountOverflow));
        assert_eq!(Points::new(i64::MIN).negated(), Err(AmountOverflow));
        assert_eq!(most.minus(Points::new(1)), Ok(Points::new(i64::MAX - 1)));
        assert_eq!(Points::total([Points::new(2), Points::new(3)]), Ok(Points::new(5)));
    }
}
