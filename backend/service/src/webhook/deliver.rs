//! Carrying what is due: one delivery of an endpoint at a time, several endpoints at once, several processes
//! side by side.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::id::WebhookId;
use tanhui_domain::webhook::{FAILING_MAX, next_try, rest_after};
use tanhui_store::StoreError;
use tanhui_store::webhook::{self, Delivery, Webhook};
use tokio::task::JoinSet;

use super::{Courier, Letter, Lost};
use crate::Services;
use crate::identity::webhook_secret::WebhookSecret;
use crate::random::Random as _;

/// After this a delivery that was begun is due again: longer than any try takes.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);
/// Endpoints tried at once by one process.
const AT_ONCE: i64 = 16;
/// Deliveries to one endpoint before the others have their turn.
const IN_A_ROW: usize = 20;
/// The status by which an endpoint says that it is no more.
const GONE: u16 = 410;

/// One round: everything due now at up to [`AT_ONCE`] endpoints; gives how many tries were made.
pub async fn deliver_due(services: &Arc<Services>, courier: &Arc<dyn Courier>) -> Result<usize, StoreError> {
    let endpoints = webhook::with_due(&services.database, services.clock.now(), AT_ONCE).await?;
    let mut under_way = JoinSet::new();
    for id in endpoints {
        let (services, courier) = (Arc::clone(services), Arc::clone(courier));
        under_way.spawn(async move { deliver_to(&services, courier.as_ref(), id).await });
    }
    let mut tried = 0_usize;
    while let Some(outcome) = under_way.join_next().await {
        let outcome = outcome.unwrap_or_else(|error| Err(StoreError::Corrupt(error.to_string())));
        tried = tried.saturating_add(outcome?);
    }
    Ok(tried)
}

/// Tries an endpoint's deliveries until one fails or none is due.
async fn deliver_to(services: &Services, courier: &dyn Courier, id: WebhookId) -> Result<usize, StoreError> {
    let mut tried = 0_usize;
    while tried < IN_A_ROW {
        let Some((endpoint, delivery)) = claim(services, id).await? else { break };
        tried = tried.saturating_add(1);
        let outcome = send(services, courier, &endpoint, &delivery).await?;
        let delivered = matches!(outcome, Ok(200..300));
        record(services, id, delivery, outcome).await?;
        if !delivered {
            break;
        }
    }
    Ok(tried)
}

async fn claim(services: &Services, id: WebhookId) -> Result<Option<(Webhook, Delivery)>, StoreError> {
    let now = services.clock.now();
    let again_at = now.checked_add_signed(LEASE).unwrap_or(now);
    let transaction = services.database.begin().await?;
    let Some(endpoint) = webhook::find(&transaction, id).await?.filter(|one| one.disabled.is_none()) else {
        return Ok(None);
    };
    let Some(delivery) = webhook::claim(&transaction, id, now, again_at).await? else { return Ok(None) };
    transaction.commit().await?;
    Ok(Some((endpoint, delivery)))
}

async fn send(
    services: &Services,
    courier: &dyn Courier,
    endpoint: &Webhook,
    delivery: &Delivery,
) -> Result<Result<u16, Lost>, StoreError> {
    let now = services.clock.now();
    let (id, timestamp) = (delivery.message.to_string(), now.timestamp());
    let old = endpoint.old_secret.as_ref().filter(|(_, until)| *until > now).map(|(sealed, _)| sealed);
    let mut signatures = Vec::new();
    for sealed in [Some(&endpoint.secret), old].into_iter().flatten() {
        signatures.push(opened(services, endpoint.id, sealed)?.sign(&id, timestamp, &delivery.body));
    }
    let letter = Letter { id, timestamp, signature: signatures.join(" "), body: delivery.body.clone() };
    Ok(courier.carry(&endpoint.url, &letter).await)
}

fn opened(services: &Services, id: WebhookId, sealed: &[u8]) -> Result<WebhookSecret, StoreError> {
    let bytes = services.keys.open_webhook(sealed, id);
    bytes
        .ok()
        .and_then(|bytes| WebhookSecret::from_bytes(&bytes))
        .ok_or_else(|| StoreError::Corrupt("a webhook's secret that does not open".to_owned()))
}

/// Writes what came of a try, and what it means for the endpoint.
async fn record(
    services: &Services,
    id: WebhookId,
    delivery: Delivery,
    outcome: Result<u16, Lost>,
) -> Result<(), StoreError> {
    let now = services.clock.now();
    let mut jitter = [0];
    services.random.fill_surely(&mut jitter);
    let [jitter] = jitter;
    let transaction = services.database.begin().await?;
    // Deleted meanwhile.
    let Some(endpoint) = webhook::lock(&transaction, id).await? else { return Ok(()) };
    let (answer, problem) = told(&outcome);
    let delivered = problem.is_none();
    metrics::counter!("tanhui_webhook_tries_total", "delivered" => if delivered { "yes" } else { "no" })
        .increment(1);
    let delivery = Delivery { answer, problem: problem.clone(), ..delivery };
    let Some(problem) = problem else {
        webhook::finish(&transaction, id, &Delivery { status: "delivered".to_owned(), ..delivery }).await?;
        if endpoint.failures > 0 {
            let well = Webhook { failing_since: None, failures: 0, ..endpoint };
            webhook::update(&transaction, &well, now).await?;
        }
        return transaction.commit().await;
    };
    let (status, due_at) = match next_try(delivery.tries, now, jitter) {
        Some(next) => ("due", next),
        None => ("failed", now),
    };
    webhook::finish(&transaction, id, &Delivery { status: status.to_owned(), due_at, ..delivery }).await?;
    let ill = after_failure(endpoint, answer, problem, now);
    let quiet_until = now.checked_add_signed(rest_after(ill.failures, jitter)).unwrap_or(now);
    webhook::update(&transaction, &ill, quiet_until).await?;
    transaction.commit().await
}

/// The status and, unless it was a success, what is wrong.
fn told(outcome: &Result<u16, Lost>) -> (Option<i32>, Option<String>) {
    match outcome {
        Ok(status @ 200..300) => (Some(i32::from(*status)), None),
        Ok(status @ 300..400) => {
            (Some(i32::from(*status)), Some(format!("answered {status}; redirects are not followed")))
        }
        Ok(status) => (Some(i32::from(*status)), Some(format!("answered {status}"))),
        Err(Lost(why)) => (None, Some(why.clone())),
    }
}

/// An endpoint that says that it is gone, or that fails for too long, is told nothing more until its merchant
/// enables it again.
fn after_failure(endpoint: Webhook, answer: Option<i32>, problem: String, now: DateTime<Utc>) -> Webhook {
    let since = endpoint.failing_since.unwrap_or(now);
    let gone = answer == Some(i32::from(GONE));
    let disabled = (gone || now.signed_duration_since(since) >= FAILING_MAX).then_some((now, problem));
    if disabled.is_some() {
        metrics::counter!("tanhui_webhooks_disabled_total").increment(1);
    }
    Webhook {
        failing_since: Some(since),
        failures: endpoint.failures.saturating_add(1),
        disabled: endpoint.disabled.clone().or(disabled),
        ..endpoint
    }
}
