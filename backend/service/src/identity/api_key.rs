//! Secrets we hand out once and keep only as a hash: partners' API keys and refresh tokens.
//!
//! They are 256 random bits, so a plain SHA-256 keeps them; no salt or slow hash would add anything.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::entropy::{Entropy, NoEntropy, draw};

/// What every API key begins with, so that scanners and people recognise one that leaked.
pub const API_KEY_PREFIX: &str = "tanhui_pk_";
/// What every refresh token begins with.
pub const REFRESH_TOKEN_PREFIX: &str = "tanhui_rt_";

const SECRET_BYTES: usize = 32;

/// A secret as its holder keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerSecret(String);

impl BearerSecret {
    /// A new API key.
    pub fn new_api_key(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        Self::new(API_KEY_PREFIX, entropy)
    }

    /// A new refresh token.
    pub fn new_refresh_token(entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        Self::new(REFRESH_TOKEN_PREFIX, entropy)
    }

    fn new(prefix: &str, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let secret = URL_SAFE_NO_PAD.encode(draw::<SECRET_BYTES>(entropy)?);
        Ok(Self(format!("{prefix}{secret}")))
    }

    /// The secret itself: for its holder, once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for BearerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Under what a presented API key is looked up; none when it cannot be one.
#[must_use]
pub fn api_key_hash(presented: &str) -> Option<[u8; 32]> {
    presented_hash(API_KEY_PREFIX, presented)
}

/// Under what a presented refresh token is looked up; none when it cannot be one.
#[must_use]
pub fn refresh_token_hash(presented: &str) -> Option<[u8; 32]> {
    presented_hash(REFRESH_TOKEN_PREFIX, presented)
}

fn presented_hash(prefix: &str, presented: &str) -> Option<[u8; 32]> {
    let secret = presented.strip_prefix(prefix)?;
    let mut bytes = [0; SECRET_BYTES + 1];
    // `decode_slice` needs room; a secret of another length or spelling is refused without a look-up.
    let length = URL_SAFE_NO_PAD.decode_slice(secret, &mut bytes).ok()?;
    (length == SECRET_BYTES).then(|| Sha256::digest(presented.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::super::entropy::fixed::Counting;
    use super::*;

    #[test]
    fn what_is_handed_out_is_found_by_its_hash() {
        let entropy = Counting::from(0);
        let key = BearerSecret::new_api_key(&entropy).unwrap();
        let token = BearerSecret::new_refresh_token(&entropy).unwrap();
        assert_eq!(key.reveal(), "tanhui_pk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
        assert_eq!(api_key_hash(key.reveal()), Some(key.hash()));
        assert_eq!(refresh_token_hash(token.reveal()), Some(token.hash()));
        assert_ne!(key.hash(), token.hash());
        assert_eq!(format!("{key:?}"), "***");
    }

    #[test]
    fn what_cannot_be_one_is_not_looked_up() {
        let key = BearerSecret::new_api_key(&Counting::from(0)).unwrap();
        let text = key.reveal();
        assert_eq!(refresh_token_hash(text), None);
        for bad in ["", "tanhui_pk_", &text[..text.len() - 1], &format!("{text}A"), &format!("{text}=")] {
            assert_eq!(api_key_hash(bad), None, "{bad}");
        }
    }
}
