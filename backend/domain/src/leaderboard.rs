//! What boards compare.

use crate::amount::{Points, ReductionMg};
use crate::time::Period;

/// Among whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All of the city.
    City,
    /// Those of one district.
    District(String),
}

/// By what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Milligrams of CO2e avoided.
    Reduction,
    /// Points earned.
    Points,
}

impl Metric {
    /// The score of a total.
    #[must_use]
    pub const fn score(self, points: Points, reduction: ReductionMg) -> i64 {
        match self {
            Self::Reduction => reduction.get(),
            Self::Points => points.get(),
        }
    }

    /// The word used in addresses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reduction => "reduction",
            Self::Points => "points",
        }
    }
}

/// The word of a period in addresses.
#[must_use]
pub const fn period_word(period: Period) -> &'static str {
    match period {
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
        Period::Year => "year",
        Period::All => "all",
    }
}
