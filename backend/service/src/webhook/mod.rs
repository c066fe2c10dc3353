//! Telling merchants what happened, as Standard Webhooks (standardwebhooks.com) says.
//!
//! What is told is written in the transaction of the work; a worker carries it. Each message is told at least
//! once, or shown as failed; whoever receives it twice knows it by its id.

mod announce;
mod deliver;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tanhui_domain::id::{CitizenId, MerchantId, MessageId, WebhookId};
use tanhui_domain::office::{Act, Actor};
use tanhui_domain::text::Text;
use tanhui_domain::webhook::EventKind;
use tanhui_store::webhook::{self as store, Message};
pub use tanhui_store::webhook::{Delivery, Webhook};
use tanhui_store::{StoreError, Transaction, merchant};

pub(crate) use self::announce::{announce_statement, announce_voucher, announce_vouchers};
pub use self::deliver::{LEASE, deliver_due};
use crate::Services;
use crate::identity::entropy::NoEntropy;
use crate::identity::keys::SealError;
use crate::identity::webhook_secret::WebhookSecret;
use crate::merchant_log::{self, Change};
use crate::random::Random;

/// Longest wait for an endpoint's answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Most endpoints of a merchant.
pub const WEBHOOKS_MAX: usize = 10;
/// Longest address, in bytes.
pub const URL_BYTES_MAX: usize = 500;
/// How long the secret before still signs.
pub const OLD_SECRET_FOR: TimeDelta = TimeDelta::hours(24);
/// How long deliveries are kept.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// One message, signed.
#[derive(Debug, Clone)]
pub struct Letter {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signature: String,
    /// JSON.
    pub body: String,
}

/// No answer came. Says why, in words for the merchant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Lost(pub String);

/// Carries letters to addresses. Never to an address that is not on the open internet, unless all is a demo.
#[async_trait::async_trait]
pub trait Courier: Send + Sync + std::fmt::Debug + 'static {
    /// Whether an address is one that letters may be carried to, as far as its text says.
    fn takes(&self, url: &str) -> bool;

    /// Carries a letter; gives the status of the answer. Follows no redirect, and waits for [`TIMEOUT`] at
    /// most.
    async fn carry(&self, url: &str, letter: &Letter) -> Result<u16, Lost>;
}

/// Why something was not done with a webhook.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WebhookError {
    /// No such webhook of this merchant.
    #[error("no such webhook")]
    NoWebhook,
    /// No such delivery.
    #[error("no such delivery")]
    NoDelivery,
    /// An address to which nothing is carried.
    #[error("not an address that is told anything")]
    Address,
    /// No kind, or an unknown one.
    #[error("no such kind of event")]
    Kinds,
    /// As many as a merchant may have.
    #[error("{WEBHOOKS_MAX} webhooks already")]
    TooMany,
    /// No randomness for a secret.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The secret could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new endpoint with its secret, which is shown this once.
pub async fn register(
    services: &Services,
    courier: &dyn Courier,
    (of, by): (MerchantId, CitizenId),
    url: String,
    kinds: &[String],
) -> Result<(Webhook, WebhookSecret), WebhookError> {
    if url.len() > URL_BYTES_MAX || !courier.takes(&url) {
        return Err(WebhookError::Address);
    }
    let known = |kind: &String| EventKind::from_word(kind).is_some();
    if kinds.is_empty() || kinds.len() > EventKind::ALL.len() || !kinds.iter().all(known) {
        return Err(WebhookError::Kinds);
    }
    let now = services.clock.now();
    let id = WebhookId::new(services.random.uuid_at(now));
    let (secret, sealed) = new_secret(services, id)?;
    let webhook = Webhook {
        id,
        merchant: of,
        url,
        kinds: kinds.to_vec(),
        secret: sealed,
        old_secret: None,
        created_at: now,
        failing_since: None,
        failures: 0,
        disabled: None,
    };
    let transaction = services.database.begin().await?;
    merchant::lock(&transaction, of).await?.ok_or(WebhookError::NoWebhook)?;
    if store::of_merchant(&transaction, of).await?.len() >= WEBHOOKS_MAX {
        return Err(WebhookError::TooMany);
    }
    store::insert(&transaction, &webhook).await?;
    log(&transaction, &webhook, Act::WebhookAdded, (by, now)).await?;
    transaction.commit().await?;
    Ok((webhook, secret))
}

fn new_secret(services: &Services, id: WebhookId) -> Result<(WebhookSecret, Vec<u8>), WebhookError> {
    let secret = WebhookSecret::new(services.random.as_ref())?;
    let sealed = services.keys.seal_webhook(secret.bytes(), id, services.random.as_ref())?;
    Ok((secret, sealed))
}

/// A merchant's endpoints.
pub async fn list(services: &Services, of: MerchantId) -> Result<Vec<Webhook>, StoreError> {
    store::of_merchant(&services.database, of).await
}

/// Deletes an endpoint with all that was to be told there.
pub async fn delete(
    services: &Services,
    (of, by): (MerchantId, CitizenId),
    id: WebhookId,
) -> Result<(), WebhookError> {
    let transaction = services.database.begin().await?;
    let webhook = locked(&transaction, of, id).await?;
    store::delete(&transaction, id).await?;
    log(&transaction, &webhook, Act::WebhookRemoved, (by, services.clock.now())).await?;
    Ok(transaction.commit().await?)
}

/// A new secret for an endpoint; the one before signs beside it for [`OLD_SECRET_FOR`].
pub async fn renew_secret(
    services: &Services,
    (of, by): (MerchantId, CitizenId),
    id: WebhookId,
) -> Result<WebhookSecret, WebhookError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let webhook = locked(&transaction, of, id).await?;
    let (secret, sealed) = new_secret(services, id)?;
    let until = now.checked_add_signed(OLD_SECRET_FOR).unwrap_or(now);
    let renewed = Webhook { secret: sealed, old_secret: Some((webhook.secret.clone(), until)), ..webhook };
    store::update(&transaction, &renewed, now).await?;
    log(&transaction, &renewed, Act::WebhookSecretRenewed, (by, now)).await?;
    transaction.commit().await?;
    Ok(secret)
}

/// Lets a disabled endpoint be told again; what was due is due still.
pub async fn enable(
    services: &Services,
    at: (MerchantId, CitizenId),
    id: WebhookId,
) -> Result<Webhook, WebhookError> {
    let transaction = services.database.begin().await?;
    let webhook = rested(&transaction, at, id, services.clock.now()).await?;
    transaction.commit().await?;
    Ok(webhook)
}

/// Sends a test to an endpoint, in a moment; enabled or not rested does not matter.
pub async fn ping(
    services: &Services,
    at: (MerchantId, CitizenId),
    id: WebhookId,
) -> Result<MessageId, WebhookError> {
    let now = services.clock.now();
    let message = Message {
        id: MessageId::new(services.random.uuid_at(now)),
        merchant: at.0,
        kind: EventKind::Ping.word(),
        body: announce::body(EventKind::Ping, now, &json!({ "webhook_id": id })),
        at: now,
    };
    let transaction = services.database.begin().await?;
    rested(&transaction, at, id, now).await?;
    store::tell(&transaction, id, &message).await?;
    transaction.commit().await?;
    Ok(message.id)
}

/// Tells one message again.
pub async fn replay(
    services: &Services,
    at: (MerchantId, CitizenId),
    id: WebhookId,
    message: MessageId,
) -> Result<(), WebhookError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    rested(&transaction, at, id, now).await?;
    if !store::replay(&transaction, id, message, now).await? {
        return Err(WebhookError::NoDelivery);
    }
    Ok(transaction.commit().await?)
}

/// Tells again what was given up and written since an instant; gives how many.
pub async fn replay_failed(
    services: &Services,
    at: (MerchantId, CitizenId),
    id: WebhookId,
    since: DateTime<Utc>,
) -> Result<u64, WebhookError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    rested(&transaction, at, id, now).await?;
    let replayed = store::replay_failed(&transaction, id, since, now).await?;
    transaction.commit().await?;
    Ok(replayed)
}

/// An endpoint's deliveries, the last written first, beginning after a (writing, message).
pub async fn deliveries(
    services: &Services,
    of: MerchantId,
    id: WebhookId,
    after: Option<(DateTime<Utc>, MessageId)>,
    limit: i64,
) -> Result<Vec<Delivery>, WebhookError> {
    let webhook = store::find(&services.database, id).await?;
    webhook.filter(|webhook| webhook.merchant == of).ok_or(WebhookError::NoWebhook)?;
    Ok(store::deliveries(&services.database, id, after, limit).await?)
}

async fn locked(on: &Transaction, of: MerchantId, id: WebhookId) -> Result<Webhook, WebhookError> {
    let webhook = store::lock(on, id).await?.filter(|webhook| webhook.merchant == of);
    webhook.ok_or(WebhookError::NoWebhook)
}

/// An endpoint that is tried at once: enabled, its troubles forgotten.
async fn rested(
    on: &Transaction,
    (of, by): (MerchantId, CitizenId),
    id: WebhookId,
    now: DateTime<Utc>,
) -> Result<Webhook, WebhookError> {
    let webhook = locked(on, of, id).await?;
    if webhook.disabled.is_some() {
        log(on, &webhook, Act::WebhookEnabled, (by, now)).await?;
    }
    let rested = Webhook { failing_since: None, failures: 0, disabled: None, ..webhook };
    store::update(on, &rested, now).await?;
    Ok(rested)
}

/// Writes a change of an endpoint down, by its host alone: addresses may hold secrets.
async fn log(
    on: &Transaction,
    webhook: &Webhook,
    act: Act,
    (by, now): (CitizenId, DateTime<Utc>),
) -> Result<(), StoreError> {
    let merchant = merchant::find(on, webhook.merchant).await?;
    let merchant = merchant.ok_or_else(|| StoreError::Corrupt("a webhook of no merchant".to_owned()))?;
    let host = host(&webhook.url);
    let what = Text::new(format!("通知地址在 {host}"), format!("A webhook at {host}"));
    merchant_log::record(on, &merchant, Change::new(act, what), (Actor::Person(by), now)).await
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_down_by_its_host_alone() {
        for (url, known) in [
            ("https://shop.example", "shop.example"),
            ("https://shop.example:8443/hooks/secret?key=1#x", "shop.example:8443"),
            ("https://name:word@shop.example?key=a@b", "shop.example"),
            ("https://[2001:db8::1]/x", "[2001:db8::1]"),
            ("", ""),
        ] {
            assert_eq!(host(url), known, "{url}");
        }
    }
}
