//! Phone numbers, read from what people type into E.164. Personal data: shown only masked.

use std::fmt;

/// A phone number in E.164: `+`, country code, number; at most 15 digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

/// Not a phone number that can receive a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number: 11 digits of a Chinese mobile, or + and country code and number")]
pub struct NotAPhone;

/// Longest text that is read at all, in bytes.
const TEXT_BYTES_MAX: usize = 32;

impl PhoneNumber {
    /// Reads `13800000000`, `138 0000 0000`, `+86 138-0000-0000`, `008613800000000`, `+44 20 7946 0000`.
    ///
    /// Without a country code the number must be a Chinese mobile: 11 digits that begin with 13 to 19.
    pub fn parse(text: &str) -> Result<Self, NotAPhone> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(NotAPhone);
        }
        let plain: String = text.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
        let international = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"));
        let digits = international.map_or_else(|| format!("86{plain}"), str::to_owned);
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAPhone);
        }
        let fits = match digits.strip_prefix("86") {
            Some(mobile) => mobile.len() == 11 && matches!(mobile.as_bytes(), [b'1', b'3'..=b'9', ..]),
            None => (8..=15).contains(&digits.len()) && !digits.starts_with('0'),
        };
        if fits { Ok(Self(format!("+{digits}"))) } else { Err(NotAPhone) }
    }

    /// The number in E.164. For sending a code, and for sealing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number with its middle hidden, for its own owner: `+86138****0000`.
    #[must_use]
    pub fn masked(&self) -> String {
        let digits = self.0.len();
        let shown = |at: usize| at.saturating_add(4) >= digits || at.saturating_add(8) < digits;
        self.0.chars().enumerate().map(|(at, digit)| if shown(at) { digit } else { '*' }).collect()
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_becomes_one_number() {
        for text in [
            "13800000000",
            " 138 0000 0000 ",
            "+8613800000000",
            "+86 138-0000-0000",
            "008613800000000",
            "(+86)13800000000",
        ] {
            assert_eq!(PhoneNumber::parse(text).unwrap().as_str(), "+8613800000000", "{text}");
        }
        assert_eq!(PhoneNumber::parse("+44 20 7946 0000").unwrap().as_str(), "+442079460000");
    }

    #[test]
    fn what_cannot_receive_a_code_is_refused() {
        for text in [
            "",
            "+",
            "1380000000",
            "138000000000",
            "12800000000",
            "23800000000",
            "+861380000000",
            "+86138000000000",
            "+02079460000",
            "１３８０００００００0",
            "1380000000x",
            "+1 234 567",
            "++8613800000000",
        ] {
            assert_eq!(PhoneNumber::parse(text), Err(NotAPhone), "{text}");
        }
        for (digits, fits) in [(7, false), (8, true), (15, true), (16, false)] {
            assert_eq!(PhoneNumber::parse(&format!("+{}", "3".repeat(digits))).is_ok(), fits, "{digits}");
        }
        assert!(PhoneNumber::parse(&format!("13800000000{}", " ".repeat(22))).is_err(), "bounded");
    }

    #[test]
    fn a_number_is_shown_only_masked() {
        let phone = PhoneNumber::parse("13812345678").unwrap();
        assert_eq!((format!("{phone:?}").as_str(), phone.masked().as_str()), ("***", "+86138****5678"));
    }
}
