//! The keys that sign vouchers: one signs, those before it still count until they are revoked.
//!
//! A new key is published a day before it signs, so that tills that fetch the keys once a day know it in
//! time.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::{SigningKey, VerifyingKey};
use tanhui_domain::pass::{Pass, PassError, PassKeyId};
use tanhui_domain::redemption::Voucher;
use tanhui_store::pass_key::PassKey;
use tanhui_store::{Database, StoreError, pass_key};

use crate::Services;
use crate::identity::keys::Keys;

/// How long a new key is published before it signs.
pub const PUBLISHED_BEFORE: TimeDelta = TimeDelta::hours(24);

/// A key as tills know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its name.
    pub id: PassKeyId,
    /// The key.
    pub bytes: [u8; 32],
    /// From when on it signs.
    pub signs_from: DateTime<Utc>,
}

/// The keys as this process knows them.
pub struct PassBook {
    keys: Keys,
    ring: RwLock<Arc<Vec<RingKey>>>,
}

struct RingKey {
    signing: SigningKey,
    verifying: VerifyingKey,
    signs_from: DateTime<Utc>,
}

impl PassBook {
    /// Reads the keys; the first process ever makes the first key.
    pub async fn open(database: &Database, keys: &Keys, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let book = Self { keys: keys.clone(), ring: RwLock::default() };
        if pass_key::list(database).await?.is_empty() {
            let transaction = database.begin().await?;
            pass_key::insert(&transaction, &book.new_key(1, now)).await?;
            transaction.commit().await?;
        }
        book.refresh(database).await?;
        Ok(book)
    }

    /// Reads the keys again.
    pub async fn refresh(&self, database: &Database) -> Result<(), StoreError> {
        let mut ring = Vec::new();
        for key in pass_key::list(database).await? {
            if key.revoked_at.is_none() {
                ring.push(self.ring_key(&key)?);
            }
        }
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    fn ring_key(&self, key: &PassKey) -> Result<RingKey, StoreError> {
        let signing = self.keys.pass(key.number);
        let verifying = signing.verifying_key();
        if verifying.as_bytes().as_slice() != key.public {
            return Err(StoreError::Corrupt(format!("voucher key {} is of another secret", key.number)));
        }
        Ok(RingKey { signing, verifying, signs_from: key.signs_from })
    }

    fn new_key(&self, number: i64, signs_from: DateTime<Utc>) -> PassKey {
        let public = self.keys.pass(number).verifying_key().to_bytes().to_vec();
        PassKey { number, public, signs_from, revoked_at: None }
    }

    fn ring(&self) -> Arc<Vec<RingKey>> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a voucher's QR code says.
    #[must_use]
    pub fn sign(&self, voucher: &Voucher, now: DateTime<Utc>) -> Option<String> {
        let ring = self.ring();
        let signs = ring.iter().rfind(|key| key.signs_from <= now).or(ring.first())?;
        let pass = Pass {
            code: voucher.code.clone(),
            offer: voucher.offer,
            merchant: voucher.merchant,
            expires_at: voucher.expires_at,
        };
        pass.sign(&signs.signing)
    }

    /// The keys that count, for tills.
    #[must_use]
    pub fn public(&self) -> Vec<PublicKey> {
        let of = |key: &RingKey| PublicKey {
            id: PassKeyId::of(&key.verifying),
            bytes: key.verifying.to_bytes(),
            signs_from: key.signs_from,
        };
        self.ring().iter().map(of).collect()
    }

    fn read(&self, text: &str) -> Result<Pass, PassError> {
        let known: Vec<VerifyingKey> = self.ring().iter().map(|key| key.verifying).collect();
        Pass::read(text, &known)
    }
}

/// What a till read. A key that this process has not heard of is looked up.
pub(crate) async fn read(services: &Services, text: &str) -> Result<Result<Pass, PassError>, StoreError> {
    match services.passes.read(text) {
        Err(PassError::Forged(_)) => {}
        outcome => return Ok(outcome),
    }
    services.passes.refresh(&services.database).await?;
    Ok(services.passes.read(text))
}

/// Makes the next key. It signs at once or after [`PUBLISHED_BEFORE`]; those before it count on, or are
/// revoked, which only makes sense at once.
pub async fn rotate(services: &Services, revoke_old: bool) -> Result<PublicKey, StoreError> {
    let now = services.clock.now();
    let lead = if revoke_old { TimeDelta::zero() } else { PUBLISHED_BEFORE };
    let signs_from = now.checked_add_signed(lead).unwrap_or(now);
    let transaction = services.database.begin().await?;
    let last = pass_key::list(&transaction).await?.last().map_or(0, |key| key.number);
    let new = services.passes.new_key(last.saturating_add(1), signs_from);
    if !pass_key::insert(&transaction, &new).await? {
        return Err(StoreError::Corrupt("another voucher key was made just now".to_owned()));
    }
    if revoke_old {
        pass_key::revoke_before(&transaction, new.number, now).await?;
    }
    transaction.commit().await?;
    services.passes.refresh(&services.database).await?;
    let made = services.passes.ring_key(&new)?;
    Ok(PublicKey { id: PassKeyId::of(&made.verifying), bytes: made.verifying.to_bytes(), signs_from })
}
