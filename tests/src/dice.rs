//! Seeded chance: the same seed always throws the same.

/// Splitmix64. A clone throws what the first would have thrown.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Begins anew.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Of the seed in `TANHUI_SEED`, else of the time; says which, so that a run can be repeated as far as
    /// other processes let it.
    #[must_use]
    pub fn of_this_run() -> Self {
        let asked = std::env::var("TANHUI_SEED").ok().and_then(|text| text.parse().ok());
        let seed = asked.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1);
        println!("again: TANHUI_SEED={seed}");
        Self::new(seed)
    }

    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// From `from` up to and with `to`.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        let span = to.abs_diff(from).saturating_add(1);
        from.saturating_add_unsigned(self.throw().checked_rem(span).unwrap_or(0))
    }

    /// From 1 up to and with `most`.
    pub fn up_to(&mut self, most: u32) -> u32 {
        u32::try_from(self.within(1, i64::from(most))).unwrap_or(most)
    }

    /// Whether a chance comes up.
    pub fn percent(&mut self, chance: i64) -> bool {
        self.within(1, 100) <= chance
    }

    /// One of them; none of nothing.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let last = i64::try_from(from.len()).unwrap_or(i64::MAX).checked_sub(1).filter(|last| *last >= 0)?;
        from.get(usize::try_from(self.within(0, last)).ok()?)
    }
}
