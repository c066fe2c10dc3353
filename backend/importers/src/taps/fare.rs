//! What a metro fare tells of the distance. A lower bound, so that an estimate never credits too much.

/// Distance that a fare of the first step stands for when no network is known, in metres.
pub(crate) const FIRST_STEP_METRES: u32 = 1_000;
const FARE_YUAN: std::ops::RangeInclusive<u32> = 2..=14;

/// What the full price of a ride says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The first step: anything up to 4 km.
    First,
    /// More than so many metres.
    Beyond(u32),
    /// Free, or no price of the table.
    Unknown,
}

/// The fare table of 2018: 2 yuan to 4 km, then one yuan for each 4 km to 12, 6 km to 24 and 8 km beyond.
pub(crate) fn step(price_fen: u32) -> Step {
    let yuan = price_fen.checked_div(100).unwrap_or(0);
    if price_fen.checked_rem(100) != Some(0) || !FARE_YUAN.contains(&yuan) {
        return Step::Unknown;
    }
    match yuan {
        2 => Step::First,
        3..=5 => Step::Beyond(yuan.saturating_sub(2).saturating_mul(4_000)),
        6..=7 => Step::Beyond(yuan.saturating_sub(5).saturating_mul(6_000).saturating_add(12_000)),
        _ => Step::Beyond(yuan.saturating_sub(7).saturating_mul(8_000).saturating_add(24_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fare_tells_the_lower_end_of_its_step() {
        for (fen, expected) in [
            (0, Step::Unknown),
            (100, Step::Unknown),
            (199, Step::Unknown),
            (200, Step::First),
            (201, Step::Unknown),
            (300, Step::Beyond(4_000)),
            (400, Step::Beyond(8_000)),
            (500, Step::Beyond(12_000)),
            (600, Step::Beyond(18_000)),
            (700, Step::Beyond(24_000)),
            (800, Step::Beyond(32_000)),
            (1_400, Step::Beyond(80_000)),
            (1_500, Step::Unknown),
        ] {
            assert_eq!(step(fen), expected, "{fen}");
        }
    }
}
