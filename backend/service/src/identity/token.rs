//! Access tokens: JWTs signed with Ed25519, good for 15 minutes, checked without a database.
//!
//! Written here and not taken from a library because we issue and check one form only: the header is a
//! constant that must match byte for byte, so no token can choose its own algorithm or key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tanhui_domain::id::{CitizenId, CityId, MerchantId};
use uuid::Uuid;

use super::role::Role;

/// How long an access token is good for, in seconds.
pub const TOKEN_TTL_SECONDS: i64 = 15 * 60;
/// How far the clocks of our own machines may be apart, in seconds.
pub const CLOCK_LEEWAY_SECONDS: i64 = 60;
/// Longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 2_048;
/// Most tokens whose signature need not be checked again.
const KNOWN_MAX: usize = 40_000;

const HEADER: &str = r#"{"alg":"EdDSA","typ":"JWT"}"#;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who.
    pub sub: CitizenId,
    /// In which city.
    pub city: CityId,
    /// As what.
    pub roles: Vec<Role>,
    /// For which merchant, when the roles include its staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<MerchantId>,
    /// Issued, in seconds since 1970.
    pub iat: i64,
    /// Good until, in seconds since 1970, itself excluded.
    pub exp: i64,
    /// This token's own id.
    pub jti: Uuid,
}

impl Claims {
    /// Claims of a token issued now.
    #[must_use]
    pub fn new(sub: CitizenId, city: CityId, roles: Vec<Role>, jti: Uuid, now: DateTime<Utc>) -> Self {
        let iat = now.timestamp();
        Self { sub, city, roles, merchant: None, iat, exp: iat.saturating_add(TOKEN_TTL_SECONDS), jti }
    }

    /// Whether the roles include this one.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours.
    #[error("not a token of ours")]
    Invalid,
    /// Ours, and too old: refresh it.
    #[error("the token has expired")]
    Expired,
    /// The claims could not be written.
    #[error("the claims could not be written")]
    Unwritable,
}

/// Signs and checks tokens.
#[derive(Clone)]
pub struct TokenKey {
    signing: SigningKey,
    verifying: VerifyingKey,
    header: String,
    known: Arc<Mutex<KnownTokens>>,
}

/// Claims of tokens whose signature was found good, by the token's hash: a phone sends the same token many
/// times, and the check costs more than most of what is asked with it. The older half makes room.
#[derive(Default)]
struct KnownTokens {
    young: HashMap<[u8; 32], Claims>,
    old: HashMap<[u8; 32], Claims>,
}

impl KnownTokens {
    fn find(&self, hash: &[u8; 32]) -> Option<&Claims> {
        self.young.get(hash).or_else(|| self.old.get(hash))
    }

    fn keep(&mut self, hash: [u8; 32], claims: Claims) {
        if self.young.len() >= KNOWN_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, claims);
    }
}

impl TokenKey {
    /// Signs with this key.
    #[must_use]
    pub fn new(signing: &SigningKey) -> Self {
        let header = URL_SAFE_NO_PAD.encode(HEADER);
        let (signing, verifying) = (signing.clone(), signing.verifying_key());
        Self { signing, verifying, header, known: Arc::default() }
    }

    /// The public half, for whoever else may check our tokens.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.verifying.to_bytes()
    }

    /// The token that says this.
    pub fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
        let claims = serde_json::to_vec(claims).map_err(|_| TokenError::Unwritable)?;
        let signed = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.signing.sign(signed.as_bytes()).to_bytes());
        Ok(format!("{signed}.{signature}"))
    }

    /// What a token says, if it is ours and in its time.
    pub fn check(&self, token: &str, now: DateTime<Utc>) -> Result<Claims, TokenError> {
        let claims = self.known_claims(token).ok_or(TokenError::Invalid)?;
        let now = now.timestamp();
        if claims.iat > now.saturating_add(CLOCK_LEEWAY_SECONDS) {
            return Err(TokenError::Invalid);
        }
        if claims.exp <= now {
            return Err(TokenError::Expired);
        }
        Ok(claims)
    }

    fn known_claims(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let hash = Sha256::digest(token).into();
        if let Some(claims) = self.known().find(&hash) {
            return Some(claims.clone());
        }
        let claims = self.signed_claims(token)?;
        self.known().keep(hash, claims.clone());
        Some(claims)
    }

    fn known(&self) -> MutexGuard<'_, KnownTokens> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signed_claims(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if header != self.header {
            return None;
        }
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        self.verifying.verify_strict(signed.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> TokenKey {
        TokenKey::new(&SigningKey::from_bytes(&[byte; 32]))
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn claims(second: i64) -> Claims {
        let citizen = CitizenId::new(Uuid::from_u128(1));
        Claims::new(citizen, CityId::new(3), vec![Role::Citizen], Uuid::from_u128(2), at(second))
    }

    #[test]
    fn a_token_says_what_was_signed_for_its_time() {
        let token = key(1).sign(&claims(1_000)).unwrap();
        for (second, answer) in [
            (939, Err(TokenError::Invalid)),
            (940, Ok(claims(1_000))),
            (1_000, Ok(claims(1_000))),
            (1_899, Ok(claims(1_000))),
            (1_900, Err(TokenError::Expired)),
        ] {
            assert_eq!(key(1).check(&token, at(second)), answer, "{second}");
        }
        assert!(claims(0).has(Role::Citizen) && !claims(0).has(Role::Admin));
    }

    #[test]
    fn a_known_token_says_the_same_and_ends_at_its_time() {
        let key = key(1);
        let token = key.sign(&claims(1_000)).unwrap();
        for _ in 0..2 {
            assert_eq!(key.check(&token, at(1_899)), Ok(claims(1_000)));
            assert_eq!(key.check(&token, at(1_900)), Err(TokenError::Expired));
            assert_eq!(key.check(&format!("{token}A"), at(1_000)), Err(TokenError::Invalid));
        }
        assert_eq!(key.known().young.len(), 1, "only what was signed is known");
    }

    #[test]
    fn no_more_tokens_are_known_than_may_be() {
        let mut known = KnownTokens::default();
        let hash = |number: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            hash
        };
        for number in 0..=KNOWN_MAX {
            known.keep(hash(number), claims(0));
        }
        assert!(known.young.len() + known.old.len() <= KNOWN_MAX);
        assert!(known.find(&hash(0)).is_none() && known.find(&hash(KNOWN_MAX / 2)).is_some());
        assert!(known.find(&hash(KNOWN_MAX)).is_some());
    }

    #[test]
    fn no_other_key_header_or_byte_is_taken() {
        let ours = key(1);
        let token = ours.sign(&claims(1_000)).unwrap();
        assert_eq!(key(2).check(&token, at(1_000)), Err(TokenError::Invalid));
        for at_byte in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at_byte] = if forged[at_byte] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(ours.check(&forged, at(1_000)), Err(TokenError::Invalid), "at {at_byte}");
        }
        let (signed, _) = token.rsplit_once('.').unwrap();
        let body = signed.split_once('.').unwrap().1;
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        for bad in [
            String::new(),
            "..".to_owned(),
            signed.to_owned(),
            format!("{signed}."),
            format!("{unsigned}.{body}."),
            format!("{token}="),
            format!("{token} "),
            "a".repeat(TOKEN_BYTES_MAX + 1),
        ] {
            assert_eq!(ours.check(&bad, at(1_000)), Err(TokenError::Invalid), "{bad}");
        }
    }

    #[test]
    fn the_bytes_are_a_jwt_as_others_read_it() {
        let token = key(1).sign(&claims(1_000)).unwrap();
        let parts: Vec<_> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        assert_eq!(parts[0], HEADER.as_bytes());
        let body: serde_json::Value = serde_json::from_slice(&parts[1]).unwrap();
        assert_eq!((&body["exp"], &body["roles"][0]), (&1_900.into(), &"citizen".into()));
        assert_eq!(parts[2].len(), 64);
    }
}
