//! Signing in: a one-time code to the phone, then an access token and a refresh token that turns over with
//! each use.

use std::fmt::Debug;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tanhui_domain::city::{Citizen, City, Grant, Role};
use tanhui_domain::id::CitizenId;
use tanhui_store::cache::{CodeCheck, Quota, RateDecision};
use tanhui_store::session::{self, RefreshToken};
use tanhui_store::{StoreError, Transaction, citizen};

use crate::Services;
use crate::identity::api_key::{BearerSecret, refresh_token_hash};
use crate::identity::code::{CODE_TTL_SECONDS, DEMO_CODE, new_code};
use crate::identity::entropy::NoEntropy;
use crate::identity::keys::SealError;
use crate::identity::phone::PhoneNumber;
use crate::identity::refresh::{REFRESH_TTL, RefreshDecision, StoredToken, Use, decide};
use crate::identity::token::{Claims, TOKEN_TTL_SECONDS, TokenError};
use crate::random::Random;

/// One-time codes that one phone may be sent.
pub const CODES_PER_PHONE: Quota = Quota { limit: 5, window: Duration::from_mins(10) };
/// One-time codes that one address may ask for: mobile carriers put thousands behind one.
pub const CODES_PER_ADDRESS: Quota = Quota { limit: 300, window: Duration::from_mins(10) };

/// Sends one-time codes to phones.
#[async_trait::async_trait]
pub trait CodeSender: Send + Sync + Debug + 'static {
    /// The code that is always used, in demo mode.
    fn fixed_code(&self) -> Option<&'static str>;

    /// Sends a code.
    async fn send(&self, phone: &PhoneNumber, code: &str) -> Result<(), NotSent>;
}

/// Demo mode: everyone's code is the same, and nothing is sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct DemoSender;

#[async_trait::async_trait]
impl CodeSender for DemoSender {
    fn fixed_code(&self) -> Option<&'static str> {
        Some(DEMO_CODE)
    }

    async fn send(&self, _: &PhoneNumber, _: &str) -> Result<(), NotSent> {
        Ok(())
    }
}

/// No gateway is configured: nobody can sign in by phone, and the answer says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSender;

#[async_trait::async_trait]
impl CodeSender for NoSender {
    fn fixed_code(&self) -> Option<&'static str> {
        None
    }

    async fn send(&self, _: &PhoneNumber, _: &str) -> Result<(), NotSent> {
        Err(NotSent::NotConfigured)
    }
}

/// The code could not be sent.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotSent {
    /// No gateway is configured.
    #[error("no SMS gateway is configured")]
    NotConfigured,
    /// The gateway refused or did not answer. Names no phone and no code.
    #[error("the code could not be sent: {0}")]
    Failed(String),
}

/// What a person gets for signing in.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Sent with every request.
    pub access: String,
    /// Exchanged for the next pair.
    pub refresh: String,
    /// How long the access token is good.
    pub expires_in_seconds: i64,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Wrong, expired, used, or tried too often.
    #[error("the code is not right")]
    WrongCode,
    /// Not a token that can be exchanged.
    #[error("the refresh token is not good")]
    BadRefreshToken,
    /// The code could not be sent.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// No randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The phone could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The token could not be written.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Counts one wish for a code: by phone, then by address where it is known. The verdict is the first
/// refusal, or the phone's.
pub async fn allow_code(
    services: &Services,
    phone: &PhoneNumber,
    address: Option<IpAddr>,
) -> (Quota, RateDecision) {
    let lookup = hex::encode(services.keys.phone_lookup(phone));
    let by_phone = services.cache.allow(&format!("code_phone:{lookup}"), CODES_PER_PHONE).await;
    let Some(address) = address.filter(|_| by_phone.allowed) else { return (CODES_PER_PHONE, by_phone) };
    let by_address = services.cache.allow(&format!("code_address:{address}"), CODES_PER_ADDRESS).await;
    if by_address.allowed { (CODES_PER_PHONE, by_phone) } else { (CODES_PER_ADDRESS, by_address) }
}

/// Sends a code to a phone. Says nothing about whether the phone is known.
pub async fn send_code(services: &Services, phone: &PhoneNumber) -> Result<(), SignInError> {
    let code = match services.code_sender.fixed_code() {
        Some(fixed) => fixed.to_owned(),
        None => new_code(services.random.as_ref())?,
    };
    let lookup = services.keys.phone_lookup(phone);
    let hash = services.keys.code_hash(&lookup, &code);
    services.cache.put_code(&hex::encode(lookup), &hash, Duration::from_secs(CODE_TTL_SECONDS)).await;
    Ok(services.code_sender.send(phone, &code).await?)
}

/// Signs in by a code; the first time makes a citizen of the city.
pub async fn sign_in(
    services: &Services,
    city: &City,
    phone: &PhoneNumber,
    code: &str,
) -> Result<Tokens, SignInError> {
    let lookup = services.keys.phone_lookup(phone);
    let hash = services.keys.code_hash(&lookup, code);
    match services.cache.take_code(&hex::encode(lookup), &hash).await {
        CodeCheck::Right => {}
        CodeCheck::Wrong { .. } | CodeCheck::Gone => return Err(SignInError::WrongCode),
    }
    let citizen = ensure_person(services, city, phone).await?;
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let family = services.random.uuid_at(now);
    let expires_at = now.checked_add_signed(REFRESH_TTL).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let refresh = issue(services, &transaction, citizen.id, family, expires_at, now).await?;
    let access = access_token(services, &transaction, &citizen, now).await?;
    transaction.commit().await?;
    Ok(Tokens { access, refresh, expires_in_seconds: TOKEN_TTL_SECONDS })
}

/// The citizen of a phone, made when it is new.
pub async fn ensure_person(
    services: &Services,
    city: &City,
    phone: &PhoneNumber,
) -> Result<Citizen, SignInError> {
    let lookup = services.keys.phone_lookup(phone);
    if let Some(known) = known(services, &lookup).await? {
        return Ok(known);
    }
    let now = services.clock.now();
    let id = CitizenId::new(services.random.uuid_at(now));
    let sealed = services.keys.seal_phone(phone, id, services.random.as_ref())?;
    let new = services.new_citizen(id, city.id, now);
    let transaction = services.database.begin().await?;
    citizen::insert_many(&transaction, std::slice::from_ref(&new)).await?;
    match citizen::insert_person(&transaction, id, &lookup, &sealed, now).await {
        Ok(()) => {
            transaction.commit().await?;
            Ok(new)
        }
        // The same phone signed in elsewhere just now.
        Err(StoreError::Exists(error)) => {
            drop(transaction);
            known(services, &lookup).await?.ok_or(SignInError::Store(StoreError::Exists(error)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn known(services: &Services, lookup: &[u8; 32]) -> Result<Option<Citizen>, StoreError> {
    match citizen::find_by_phone(&services.database, lookup).await? {
        None => Ok(None),
        Some(id) => citizen::find(&services.database, id).await,
    }
}

/// The citizen's own phone, with its middle hidden.
pub async fn masked_phone(services: &Services, id: CitizenId) -> Result<Option<String>, SignInError> {
    match citizen::sealed_phone(&services.database, id).await? {
        None => Ok(None),
        Some(sealed) => Ok(Some(services.keys.open_phone(&sealed, id)?.masked())),
    }
}

/// Exchanges a refresh token for the next pair.
pub async fn refresh(services: &Services, presented: &str) -> Result<Tokens, SignInError> {
    let hash = refresh_token_hash(presented).ok_or(SignInError::BadRefreshToken)?;
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let token = session::lock(&transaction, &hash).await?.ok_or(SignInError::BadRefreshToken)?;
    let expires_at = match decide(&stored(&transaction, &hash, &token).await?, now) {
        RefreshDecision::Rotate { expires_at } => {
            session::mark_used(&transaction, &hash, now).await?;
            expires_at
        }
        RefreshDecision::Reissue { expires_at } => {
            session::revoke_unused(&transaction, token.family, now).await?;
            expires_at
        }
        RefreshDecision::EndFamily => {
            session::revoke_family(&transaction, token.family, now).await?;
            transaction.commit().await?;
            tracing::warn!("a refresh token was used twice; its family is ended");
            return Err(SignInError::BadRefreshToken);
        }
        RefreshDecision::Refuse => return Err(SignInError::BadRefreshToken),
    };
    let citizen = citizen::find(&transaction, token.citizen).await?.ok_or(SignInError::BadRefreshToken)?;
    let refresh = issue(services, &transaction, citizen.id, token.family, expires_at, now).await?;
    let access = access_token(services, &transaction, &citizen, now).await?;
    transaction.commit().await?;
    Ok(Tokens { access, refresh, expires_in_seconds: TOKEN_TTL_SECONDS })
}

async fn stored(on: &Transaction, hash: &[u8], token: &RefreshToken) -> Result<StoredToken, StoreError> {
    let (used, family_ended) = match (token.revoked_at, token.used_at) {
        // Void in a family that stands: it was replaced unseen, so whoever sends it is not its only holder.
        (Some(at), _) => {
            (Some(Use { at, successor_unseen: false }), !session::family_stands(on, token.family).await?)
        }
        (None, Some(at)) => {
            let successor_unseen = session::successor_is_unused(on, hash, token.family, at).await?;
            (Some(Use { at, successor_unseen }), false)
        }
        (None, None) => (None, false),
    };
    Ok(StoredToken { expires_at: token.expires_at, family_ended, used })
}

async fn issue(
    services: &Services,
    on: &Transaction,
    citizen: CitizenId,
    family: uuid::Uuid,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<String, SignInError> {
    let secret = BearerSecret::new_refresh_token(services.random.as_ref())?;
    let token = RefreshToken { family, citizen, expires_at, used_at: None, revoked_at: None };
    session::insert(on, &secret.hash(), &token, now).await?;
    Ok(secret.reveal().to_owned())
}

async fn access_token(
    services: &Services,
    on: &Transaction,
    citizen: &Citizen,
    now: DateTime<Utc>,
) -> Result<String, SignInError> {
    let grants: Vec<Grant> = citizen::grants(on, citizen.id).await?;
    let mut roles = vec![Role::Citizen];
    roles.extend(grants.iter().map(|grant| grant.role).filter(|role| *role != Role::Citizen));
    roles.dedup();
    let mut claims = Claims::new(citizen.id, citizen.city, roles, services.random.uuid_at(now), now);
    claims.merchant = grants.iter().find_map(|grant| grant.merchant);
    Ok(services.keys.token().sign(&claims)?)
}
