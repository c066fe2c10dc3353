//! Runs a whole transaction again when another one was in the way. Bounded; covers the commit.

use std::future::Future;
use std::time::Duration;

use tanhui_store::StoreError;

/// How often a transaction is tried.
pub const TRIES_MAX: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// An error that tells whether the same work may succeed when it is tried again.
pub trait Repeatable {
    /// Whether trying again may help.
    fn is_repeatable(&self) -> bool;
}

impl Repeatable for StoreError {
    fn is_repeatable(&self) -> bool {
        Self::is_repeatable(self)
    }
}

/// Tries until it succeeds, fails for good, or has been tried [`TRIES_MAX`] times. Each try is told whether
/// there was one before it, which may have been committed although its answer was lost.
pub async fn retrying<T, E, F>(mut attempt: impl FnMut(bool) -> F) -> Result<T, E>
where
    E: Repeatable + std::fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let mut pause = FIRST_PAUSE;
    let mut tries = 1;
    loop {
        match attempt(tries > 1).await {
            Err(error) if error.is_repeatable() && tries < TRIES_MAX => {
                tracing::warn!(%error, tries, "transaction is repeated");
                metrics::counter!("tanhui_transaction_repeats_total").increment(1);
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2);
                tries = tries.saturating_add(1);
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Busy(bool);

    impl std::fmt::Display for Busy {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("busy")
        }
    }

    impl Repeatable for Busy {
        fn is_repeatable(&self) -> bool {
            self.0
        }
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_after_the_last_try_and_at_once_when_it_is_hopeless() {
        for (hope, expected) in [(true, TRIES_MAX), (false, 1)] {
            let mut tries = 0;
            let outcome: Result<(), Busy> = retrying(|again| {
                assert_eq!(again, tries > 0);
                tries += 1;
                async move { Err(Busy(hope)) }
            })
            .await;
            assert_eq!((outcome, tries), (Err(Busy(hope)), expected));
        }
    }
}
