//! One-time codes: six digits, every one as likely as the next.

use super::entropy::{Entropy, NoEntropy, draw};

/// Digits of a code.
pub const CODE_DIGITS: usize = 6;
/// How long a code is good for, in seconds.
pub const CODE_TTL_SECONDS: u64 = 300;
/// The code of demo mode.
pub const DEMO_CODE: &str = "000000";

const CODES: u32 = 1_000_000;

/// A new code.
pub fn new_code(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    // Draws from the uneven end of u32 are drawn again: about one in 4,000.
    const EVEN: u32 = u32::MAX - u32::MAX % CODES;
    loop {
        let number = u32::from_be_bytes(draw(entropy)?);
        if number < EVEN {
            return Ok(format!("{:06}", number % CODES));
        }
    }
}

/// Whether a text could be a code at all.
#[must_use]
pub fn looks_like_code(text: &str) -> bool {
    text.len() == CODE_DIGITS && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Drawn(Mutex<Vec<u32>>);

    impl Entropy for Drawn {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            let next = self.0.lock().unwrap().pop().ok_or(NoEntropy)?;
            bytes.copy_from_slice(&next.to_be_bytes());
            Ok(())
        }
    }

    #[test]
    fn codes_are_six_digits_and_the_uneven_end_is_drawn_again() {
        let even_end = 4_294_000_000;
        for (draws, code) in [
            (vec![0], Ok("000000")),
            (vec![1_000_042], Ok("000042")),
            (vec![even_end - 1], Ok("999999")),
            (vec![7, even_end], Ok("000007")),
            (vec![7, u32::MAX], Ok("000007")),
            (vec![even_end], Err(NoEntropy)),
        ] {
            assert_eq!(new_code(&Drawn(Mutex::new(draws))).as_deref(), code.as_ref().copied());
        }
        assert!(looks_like_code(DEMO_CODE));
        for text in ["", "12345", "1234567", "12345x", "１２"] {
            assert!(!looks_like_code(text));
        }
    }
}
