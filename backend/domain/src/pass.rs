//! What a voucher's QR code says, signed, so that a till can check it without a network.
//!
//! The form is part of the contract with tills and is written down in `docs/vouchers.md`: a form, once
//! published, never changes; another one gets another prefix.

use std::fmt;

use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::id::{MerchantId, OfferId};

/// Letters of a voucher code: no two that look alike. 5 bits each.
pub const CODE_LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters in a voucher code: 80 random bits.
pub const CODE_LENGTH: usize = 16;

/// What every signed voucher of this form begins with.
pub const PREFIX: &str = "TH1.";
/// RFC 4648, base32: letters that a QR code holds in its alphanumeric mode.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Goes before what is signed, so that a signature for this is good for nothing else.
const CONTEXT: &[u8] = b"tanhui voucher 1\n";
/// Key id, code, offer, merchant, expiry.
const BODY_BYTES: usize = 4 + 10 + 16 + 16 + 4;
const SIGNATURE_BYTES: usize = 64;
/// Longest text that is looked at.
const TEXT_BYTES_MAX: usize = 1_024;

/// What a voucher's QR code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The voucher's code.
    pub code: String,
    /// What it is for.
    pub offer: OfferId,
    /// At whose tills.
    pub merchant: MerchantId,
    /// First instant at which it can no longer be used, in whole seconds.
    pub expires_at: DateTime<Utc>,
}

/// Names a key: the first four bytes of the SHA-256 of its public half, as eight hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PassKeyId([u8; 4]);

impl PassKeyId {
    /// The name of a key.
    #[must_use]
    pub fn of(key: &VerifyingKey) -> Self {
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let [a, b, c, d, ..] = digest;
        Self([a, b, c, d])
    }
}

impl fmt::Display for PassKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a text is not a voucher that can be honoured here and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// Not of this form: another QR code, or one that was read badly.
    #[error("not a signed voucher")]
    Unreadable,
    /// Of this form, and not signed by any of the keys.
    #[error("not signed by a known key ({0})")]
    Forged(PassKeyId),
    /// Another merchant's.
    #[error("the voucher is for merchant {0}")]
    Elsewhere(MerchantId),
    /// Past its time.
    #[error("expired at {0}")]
    Expired(DateTime<Utc>),
}

impl Pass {
    /// The text that a QR code carries; none for a code that is not one.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Option<String> {
        let mut bytes = Vec::with_capacity(BODY_BYTES.saturating_add(SIGNATURE_BYTES));
        bytes.extend(PassKeyId::of(&key.verifying_key()).0);
        bytes.extend(from_letters(&self.code, CODE_LETTERS).filter(|_| is_code(&self.code))?);
        bytes.extend(self.offer.get().as_bytes());
        bytes.extend(self.merchant.get().as_bytes());
        let seconds = u32::try_from(self.expires_at.timestamp().max(0)).unwrap_or(u32::MAX);
        bytes.extend(seconds.to_be_bytes());
        let signature = key.sign(&[CONTEXT, &bytes].concat());
        bytes.extend(signature.to_bytes());
        Some(format!("{PREFIX}{}", to_letters(&bytes, BASE32)))
    }

    /// What a text says, if one of the keys signed it. Small letters and blanks do not matter.
    pub fn read(text: &str, keys: &[VerifyingKey]) -> Result<Self, PassError> {
        let bytes = bytes_of(text).ok_or(PassError::Unreadable)?;
        let (body, signature) = bytes.split_at_checked(BODY_BYTES).ok_or(PassError::Unreadable)?;
        let signature = Signature::from_slice(signature).map_err(|_| PassError::Unreadable)?;
        let (id, pass) = Self::from_body(body).ok_or(PassError::Unreadable)?;
        let signed = [CONTEXT, body].concat();
        let mut named = keys.iter().filter(|key| PassKeyId::of(key) == id);
        if named.any(|key| key.verify_strict(&signed, &signature).is_ok()) {
            Ok(pass)
        } else {
            Err(PassError::Forged(id))
        }
    }

    fn from_body(body: &[u8]) -> Option<(PassKeyId, Self)> {
        let (id, rest) = body.split_first_chunk::<4>()?;
        let (code, rest) = rest.split_first_chunk::<10>()?;
        let (offer, rest) = rest.split_first_chunk::<16>()?;
        let (merchant, rest) = rest.split_first_chunk::<16>()?;
        let seconds = u32::from_be_bytes(rest.try_into().ok()?);
        let pass = Self {
            code: to_letters(code, CODE_LETTERS),
            offer: OfferId::new(Uuid::from_bytes(*offer)),
            merchant: MerchantId::new(Uuid::from_bytes(*merchant)),
            expires_at: DateTime::from_timestamp(i64::from(seconds), 0)?,
        };
        Some((PassKeyId(*id), pass))
    }

    /// Whether a till of this merchant may honour it at an instant, as far as that can be said offline:
    /// whether it was used or given back, only the platform knows.
    pub fn honoured_by(&self, merchant: MerchantId, now: DateTime<Utc>) -> Result<(), PassError> {
        if self.merchant != merchant {
            return Err(PassError::Elsewhere(self.merchant));
        }
        if self.expires_at <= now { Err(PassError::Expired(self.expires_at)) } else { Ok(()) }
    }
}

/// Whether a text means to be a signed voucher, and not a code.
#[must_use]
pub fn is_pass(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(PREFIX.len()).map(narrow).collect();
    start.eq_ignore_ascii_case(PREFIX)
}

/// A letter as wide as Latin ones are: a till whose keyboard writes Chinese makes them wide.
fn narrow(letter: char) -> char {
    const WIDER: u32 = 0xFEE0;
    match letter {
        '\u{FF01}'..='\u{FF5E}' => {
            u32::from(letter).checked_sub(WIDER).and_then(char::from_u32).unwrap_or(letter)
        }
        letter => letter,
    }
}

fn is_code(code: &str) -> bool {
    code.len() == CODE_LENGTH && code.bytes().all(|letter| CODE_LETTERS.contains(&letter))
}

/// A code as a person types it: small and wide letters, blanks and hyphens do not matter, nor O for 0 or I
/// and L for 1. None when no code can be meant.
#[must_use]
pub fn spelled_code(code: &str) -> Option<String> {
    let code: String = code
        .chars()
        .map(narrow)
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .take(CODE_LENGTH.saturating_add(1))
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        })
        .collect();
    is_code(&code).then_some(code)
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).map(narrow).collect();
    from_letters(text.to_ascii_uppercase().strip_prefix(PREFIX)?, BASE32)
}

/// Five bits a letter, the first bits first, zeros after the last.
fn to_letters(bytes: &[u8], alphabet: &[u8; 32]) -> String {
    let mut letters = String::with_capacity(bytes.len().saturating_mul(2));
    let (mut pool, mut held) = (0_u16, 0_u32);
    let mut put = |five: u16| {
        let letter = alphabet.get(usize::from(five & 31)).copied().unwrap_or_default();
        letters.push(char::from(letter));
    };
    for byte in bytes {
        pool = (pool << 8) | u16::from(*byte);
        held = held.saturating_add(8);
        while held >= 5 {
            held = held.saturating_sub(5);
            put(pool >> held);
        }
        pool &= 31;
    }
    if held > 0 {
        put(pool << 5_u32.saturating_sub(held));
    }
    letters
}

/// The bytes of letters; none where a letter is not of the alphabet or bits are left that are not zero.
fn from_letters(letters: &str, alphabet: &[u8; 32]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(letters.len());
    let (mut pool, mut held) = (0_u16, 0_u32);
    for letter in letters.bytes() {
        let five = alphabet.iter().position(|known| *known == letter)?;
        pool = (pool << 5) | u16::try_from(five).ok()?;
        held = held.saturating_add(5);
        if held >= 8 {
            held = held.saturating_sub(8);
            bytes.push(u8::try_from(pool >> held).ok()?);
            pool &= 0xFF_u16 >> 8_u32.saturating_sub(held);
        }
    }
    (held < 5 && pool == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_bytes(&[byte; 32])
    }

    fn pass() -> Pass {
        Pass {
            code: "7K3M9QXR2T8WZ4HN".to_owned(),
            offer: OfferId::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
            merchant: MerchantId::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002)),
            expires_at: DateTime::from_timestamp(1_796_083_200, 0).unwrap(),
        }
    }

    /// The vectors of `docs/vouchers.md`, made by an independent program.
    #[test]
    fn the_form_is_the_published_one() {
        let text = pass().sign(&key(7)).unwrap();
        let published = include_str!("../../../docs/vouchers.md");
        assert!(published.contains(&text), "{text}");
        assert!(published.contains(&PassKeyId::of(&key(7).verifying_key()).to_string()));
        assert_eq!(text.len(), 187);
    }

    #[test]
    fn what_was_signed_is_read_by_whoever_has_the_key() {
        let text = pass().sign(&key(7)).unwrap();
        let (ours, other) = (key(7).verifying_key(), key(8).verifying_key());
        assert_eq!(Pass::read(&text, &[other, ours]), Ok(pass()));
        assert_eq!(Pass::read(&format!(" {}\n", text.to_lowercase()), &[ours]), Ok(pass()));
        let id = PassKeyId::of(&ours);
        assert_eq!(Pass::read(&text, &[other]), Err(PassError::Forged(id)));
        assert_eq!(Pass::read(&text, &[]), Err(PassError::Forged(id)));
        assert!(Pass { code: "7K3M".to_owned(), ..pass() }.sign(&key(7)).is_none());
    }

    #[test]
    fn no_letter_of_it_can_be_changed() {
        let text = pass().sign(&key(7)).unwrap();
        let keys = [key(7).verifying_key()];
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'B' { b'C' } else { b'B' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(Pass::read(&forged, &keys).is_err(), "letter {at}");
            assert!(Pass::read(&text[..at], &keys).is_err(), "cut at {at}");
        }
        for bad in ["", "TH1.", "TH2.ABC", &format!("{text}A"), &format!("{text}AA"), &"A".repeat(1_100)] {
            assert_eq!(Pass::read(bad, &keys), Err(PassError::Unreadable), "{bad}");
        }
    }

    #[test]
    fn a_till_honours_its_own_until_the_last_second() {
        let pass = pass();
        let before = |seconds| DateTime::from_timestamp(pass.expires_at.timestamp() - seconds, 0).unwrap();
        assert_eq!(pass.honoured_by(pass.merchant, before(1)), Ok(()));
        for late in [0, -1] {
            let refused = Err(PassError::Expired(pass.expires_at));
            assert_eq!(pass.honoured_by(pass.merchant, before(late)), refused, "{late}");
        }
        let other = MerchantId::new(Uuid::nil());
        assert_eq!(pass.honoured_by(other, before(1)), Err(PassError::Elsewhere(pass.merchant)));
    }

    #[test]
    fn letters_are_plain_base32() {
        // RFC 4648, section 10, without padding.
        for (text, letters) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(to_letters(text.as_bytes(), BASE32), letters);
            assert_eq!(from_letters(letters, BASE32).as_deref(), Some(text.as_bytes()));
        }
        for bad in ["M", "MZ", "MZX", "MZXQB", "m", "M1"] {
            assert_eq!(from_letters(bad, BASE32), None, "{bad}");
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        assert_eq!(spelled_code(" abcd-0oIl-89XY z234 ").as_deref(), Some("ABCD001189XYZ234"));
        for (letters, fits) in [(15, false), (16, true), (17, false)] {
            assert_eq!(spelled_code(&"A".repeat(letters)).is_some(), fits, "{letters}");
        }
        for bad in ["", "ABCD001189XYZ23\0", "ABCD001189XYZ23U", "券券券券券券"] {
            assert_eq!(spelled_code(bad), None, "{bad:?}");
        }
        let wide = |text: &str| -> String {
            text.chars().map(|letter| char::from_u32(u32::from(letter) + 0xFEE0).unwrap()).collect()
        };
        assert_eq!(spelled_code(&wide("abcd-0oIl-89XYz234")).as_deref(), Some("ABCD001189XYZ234"));
        let (text, keys) = (pass().sign(&key(7)).unwrap(), [key(7).verifying_key()]);
        assert!(is_pass(&wide(&text)) && is_pass("\u{3000}ｔＨ１．"));
        assert_eq!(Pass::read(&wide(&text), &keys), Ok(pass()));
        assert_eq!(['\u{FF00}', '\u{FF5F}'].map(narrow), ['\u{FF00}', '\u{FF5F}'], "next to the wide ones");
        assert!(is_pass(" th1.ABC") && !is_pass("7K3M9QXR2T8WZ4HN") && !is_pass("TH"));
    }
}
