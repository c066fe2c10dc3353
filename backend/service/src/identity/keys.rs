//! One key for each purpose, derived from the master secret by HKDF-SHA256 (RFC 5869): none serves another's
//! purpose.
//!
//! The labels are part of the data format: a label that changes makes stored phones and subjects unfindable.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ed25519_dalek::SigningKey;
pub use ed25519_dalek::VerifyingKey;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tanhui_domain::id::{CitizenId, SourceId, WebhookId};
use uuid::Uuid;

use super::cursor::CursorSealer;
use super::entropy::{Entropy, NoEntropy, draw};
use super::phone::PhoneNumber;
use super::secret::{MasterSecret, SecretError};
use super::token::TokenKey;

const NONCE_BYTES: usize = 24;

/// All keys of a deployment.
#[derive(Clone)]
pub struct Keys {
    phone_lookup: Hmac<Sha256>,
    phone_cipher: XChaCha20Poly1305,
    subject: Hmac<Sha256>,
    code: Hmac<Sha256>,
    cursor: CursorSealer,
    token: TokenKey,
    pass: Hkdf<Sha256>,
    webhook_cipher: XChaCha20Poly1305,
    fingerprint: String,
}

/// What a stored phone number or webhook secret is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not sealed by these keys for this row, or damaged.
    #[error("what is sealed does not open")]
    DoesNotOpen,
    /// It could not be sealed.
    #[error("it could not be sealed")]
    DoesNotSeal,
    /// No randomness for a nonce.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

impl Keys {
    /// Derives every key.
    pub fn derive(secret: &MasterSecret) -> Result<Self, SecretError> {
        let root = Hkdf::<Sha256>::new(None, secret.bytes());
        let key = |label: &str| {
            let mut key = [0_u8; 32];
            let info = format!("tanhui v1 {label}");
            root.expand(info.as_bytes(), &mut key).map(|()| key).map_err(|_| SecretError::Derivation)
        };
        let fingerprint = key("fingerprint")?;
        Ok(Self {
            phone_lookup: mac(&key("phone lookup")?),
            phone_cipher: XChaCha20Poly1305::new(&key("phone encryption")?.into()),
            subject: mac(&key("subject")?),
            code: mac(&key("one-time code")?),
            cursor: CursorSealer::new(key("cursor")?),
            token: TokenKey::new(&SigningKey::from_bytes(&key("access token")?)),
            pass: Hkdf::new(None, &key("voucher pass")?),
            webhook_cipher: XChaCha20Poly1305::new(&key("webhook secret")?.into()),
            fingerprint: hex::encode(fingerprint.split_at(16).0),
        })
    }

    /// Tells this secret from another without giving it away: 32 hex digits. The database remembers the
    /// first.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Under what a phone number is found.
    #[must_use]
    pub fn phone_lookup(&self, phone: &PhoneNumber) -> [u8; 32] {
        digest(&self.phone_lookup, &[phone.as_str().as_bytes()])
    }

    /// The phone number sealed for one citizen's row: nonce, then ciphertext. It opens in no other row.
    pub fn seal_phone(
        &self,
        phone: &PhoneNumber,
        citizen: CitizenId,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        seal(&self.phone_cipher, phone.as_str().as_bytes(), citizen.get(), entropy)
    }

    /// The phone number of a citizen's row.
    pub fn open_phone(&self, sealed: &[u8], citizen: CitizenId) -> Result<PhoneNumber, SealError> {
        let opened = open(&self.phone_cipher, sealed, citizen.get())?;
        let text = std::str::from_utf8(&opened).map_err(|_| SealError::DoesNotOpen)?;
        PhoneNumber::parse(text).map_err(|_| SealError::DoesNotOpen)
    }

    /// The secret of a merchant's webhook sealed for its own row.
    pub fn seal_webhook(
        &self,
        secret: &[u8],
        webhook: WebhookId,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        seal(&self.webhook_cipher, secret, webhook.get(), entropy)
    }

    /// The secret of a webhook's row.
    pub fn open_webhook(&self, sealed: &[u8], webhook: WebhookId) -> Result<Vec<u8>, SealError> {
        open(&self.webhook_cipher, sealed, webhook.get())
    }

    /// The key of a number that signs vouchers.
    #[must_use]
    pub fn pass(&self, number: i64) -> SigningKey {
        let mut key = [0; 32];
        // Fails only for keys longer than 8,160 bytes.
        let _always_fits = self.pass.expand(&number.to_be_bytes(), &mut key);
        SigningKey::from_bytes(&key)
    }

    /// Under what a source's subject (a card, a meter) is found. The number itself is not kept.
    #[must_use]
    pub fn subject(&self, source: SourceId, subject: &str) -> [u8; 32] {
        digest(&self.subject, &[&source.get().to_be_bytes(), subject.as_bytes()])
    }

    /// What is kept of a one-time code.
    #[must_use]
    pub fn code_hash(&self, phone_lookup: &[u8; 32], code: &str) -> [u8; 32] {
        digest(&self.code, &[phone_lookup, code.as_bytes()])
    }

    /// Seals cursors.
    #[must_use]
    pub fn cursor(&self) -> &CursorSealer {
        &self.cursor
    }

    /// Signs and checks access tokens.
    #[must_use]
    pub fn token(&self) -> &TokenKey {
        &self.token
    }
}

/// Nonce, then ciphertext; opens in the row of this id alone.
fn seal(
    cipher: &XChaCha20Poly1305,
    plain: &[u8],
    row: Uuid,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let nonce = draw::<NONCE_BYTES>(entropy)?;
    let payload = Payload { msg: plain, aad: row.as_bytes() };
    let sealed = cipher.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| SealError::DoesNotSeal)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(cipher: &XChaCha20Poly1305, sealed: &[u8], row: Uuid) -> Result<Vec<u8>, SealError> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES).ok_or(SealError::DoesNotOpen)?;
    let payload = Payload { msg: sealed, aad: row.as_bytes() };
    cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| SealError::DoesNotOpen)
}

/// HMAC-SHA256 under a key. Written out because the fallible constructor's error cannot happen: HMAC itself
/// pads a key with zeros to its block of 64 bytes.
pub(super) fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block.split_at_mut(key.len()).0.copy_from_slice(key);
    <Hmac<Sha256> as Mac>::new(&block.into())
}

/// Every part but the last must have a fixed length, or two inputs could read the same.
fn digest(mac: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = mac.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::super::entropy::{SystemEntropy, fixed::Counting};
    use super::*;

    fn keys(byte: &str) -> Keys {
        Keys::derive(&MasterSecret::from_hex(&byte.repeat(32)).unwrap()).unwrap()
    }

    fn citizen(number: u128) -> CitizenId {
        CitizenId::new(uuid::Uuid::from_u128(number))
    }

    /// Pins the labels: if this changes, stored data can no longer be found. Values from an independent HKDF.
    #[test]
    fn derived_keys_never_change() {
        let keys = keys("5a");
        assert_eq!(keys.fingerprint(), "7907448eb917e4310435887013eb9478");
        let phone = PhoneNumber::parse("+8613800000000").unwrap();
        assert_eq!(
            hex::encode(keys.phone_lookup(&phone)),
            "7f6be7a84f15ceb565757c2422dc7819782e4b1ec09343e753a7698fd331ae54"
        );
        assert_eq!(
            hex::encode(keys.subject(SourceId::new(1), "card")),
            "6aef1c1df3c0daec2e73eb24c5f21d34ca7ac77e4a51195386f2148d5afe93c2"
        );
    }

    #[test]
    fn mac_is_plain_hmac() {
        let mut plain = <Hmac<Sha256> as Mac>::new_from_slice(&[7; 32]).unwrap();
        plain.update(b"text");
        assert_eq!(digest(&mac(&[7; 32]), &[b"te", b"xt"]), <[u8; 32]>::from(plain.finalize().into_bytes()));
    }

    #[test]
    fn another_secret_finds_and_opens_nothing() {
        let (ours, theirs) = (keys("5a"), keys("5b"));
        let phone = PhoneNumber::parse("13800000000").unwrap();
        assert_ne!(ours.fingerprint(), theirs.fingerprint());
        assert_ne!(ours.phone_lookup(&phone), theirs.phone_lookup(&phone));
        let sealed = ours.seal_phone(&phone, citizen(1), &SystemEntropy).unwrap();
        assert_eq!(ours.open_phone(&sealed, citizen(1)), Ok(phone));
        assert_eq!(theirs.open_phone(&sealed, citizen(1)), Err(SealError::DoesNotOpen));
        assert_eq!(ours.open_phone(&sealed, citizen(2)), Err(SealError::DoesNotOpen));
    }

    #[test]
    fn a_damaged_phone_does_not_open_and_none_seals_alike() {
        let keys = keys("5a");
        let phone = PhoneNumber::parse("13800000000").unwrap();
        let entropy = Counting::from(1);
        let sealed = keys.seal_phone(&phone, citizen(1), &entropy).unwrap();
        assert_ne!(sealed, keys.seal_phone(&phone, citizen(1), &entropy).unwrap());
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(keys.open_phone(&damaged, citizen(1)), Err(SealError::DoesNotOpen));
            assert_eq!(keys.open_phone(&sealed[..at], citizen(1)), Err(SealError::DoesNotOpen));
        }
    }

    #[test]
    fn subjects_and_codes_belong_to_their_source_and_phone() {
        let keys = keys("5a");
        assert_ne!(keys.subject(SourceId::new(1), "card"), keys.subject(SourceId::new(2), "card"));
        assert_ne!(keys.code_hash(&[1; 32], "123456"), keys.code_hash(&[2; 32], "123456"));
        assert_ne!(keys.code_hash(&[1; 32], "123456"), keys.code_hash(&[1; 32], "123457"));
    }
}
