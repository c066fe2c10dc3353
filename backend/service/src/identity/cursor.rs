//! Cursors: a place in a list, sealed so that nobody can make one up. Readable, not secret: no personal data
//! inside.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

const TAG_BYTES: usize = 16;

/// Seals and opens cursors with a key of their own.
#[derive(Clone)]
pub struct CursorSealer(Hmac<Sha256>);

impl CursorSealer {
    /// A sealer with this key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(super::keys::mac(&key))
    }

    /// The place as base64url text, good for the same list only.
    #[must_use]
    pub fn seal(&self, list: &str, place: &[u8]) -> String {
        let tag = self.tag(list, place).finalize().into_bytes();
        let bytes: Vec<u8> = tag.iter().take(TAG_BYTES).chain(place).copied().collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place, if this sealer sealed it for this list.
    #[must_use]
    pub fn open(&self, list: &str, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, place) = bytes.split_at_checked(TAG_BYTES)?;
        self.tag(list, place).verify_truncated_left(tag).ok()?;
        Some(place.to_vec())
    }

    fn tag(&self, list: &str, place: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(list.as_bytes());
        mac.update(&[0]);
        mac.update(place);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_what_it_sealed_for_the_same_list() {
        let sealer = CursorSealer::new([1; 32]);
        let text = sealer.seal("activities", b"[42]");
        assert_eq!(sealer.open("activities", &text).as_deref(), Some(&b"[42]"[..]));
        assert_eq!(sealer.open("offers", &text), None);
        assert_eq!(CursorSealer::new([2; 32]).open("activities", &text), None);
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(sealer.open("activities", std::str::from_utf8(&forged).unwrap()), None, "at {at}");
        }
        for bad in ["", "A", "AAAA", "!", &text[..20]] {
            assert_eq!(sealer.open("activities", bad), None);
        }
    }
}
