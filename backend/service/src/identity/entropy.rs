//! Randomness, passed in so that tests choose it.

/// The machine gives no random bytes. Nothing that needs a secret can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the machine gives no random bytes")]
pub struct NoEntropy;

/// A source of random bytes fit for secrets.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the bytes, or fails without a weaker way out.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The machine's own source, and the only place that reads it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(bytes).map_err(|_| NoEntropy)
    }
}

/// So many random bytes.
pub(super) fn draw<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
pub(super) mod fixed {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::{Entropy, NoEntropy};

    /// Counts up from a seed: the same bytes in every run.
    pub struct Counting(AtomicU8);

    impl Counting {
        pub fn from(seed: u8) -> Self {
            Self(AtomicU8::new(seed))
        }
    }

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }

    #[test]
    fn the_machine_does_not_repeat_itself() {
        let draw = || super::draw::<32>(&super::SystemEntropy).unwrap();
        assert_ne!(draw(), draw());
    }
}
