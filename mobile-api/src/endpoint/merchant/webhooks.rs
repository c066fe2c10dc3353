//! `/v1/merchant/webhooks`: where my merchant is told what happens.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::id::{MessageId, WebhookId};
use tanhui_domain::text::Text;
use tanhui_domain::webhook::EventKind;
use tanhui_service::webhook::{self, Webhook, WebhookError};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::extract::{AsMerchantOwner, Json, Path};
use crate::http::page::Page;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// A new endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// An https address on the open internet.
    #[schema(example = "https://shop.example/hooks")]
    url: String,
    /// What it is told of: `voucher.issued`, `voucher.used`, `voucher.voided`, `voucher.cancelled`,
    /// `voucher.expired`, `voucher.refunded`, `statement.closed`, `statement.paid`.
    #[schema(example = json!(["voucher.used", "statement.paid"]))]
    kinds: Vec<String>,
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookAnswer {
    /// The endpoint.
    id: Uuid,
    /// Where.
    #[schema(example = "https://shop.example/hooks")]
    url: String,
    /// What it is told of.
    #[schema(example = json!(["voucher.used", "statement.paid"]))]
    kinds: Vec<String>,
    /// Since when.
    created_at: DateTime<Utc>,
    /// Since when every try failed; null while it is well.
    failing_since: Option<DateTime<Utc>>,
    /// When it was disabled; null while it is enabled.
    disabled_at: Option<DateTime<Utc>>,
    /// Why it was disabled: what the last try ran into.
    disabled_because: Option<String>,
}

/// A new endpoint with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewWebhookAnswer {
    /// The endpoint.
    #[serde(flatten)]
    webhook: WebhookAnswer,
    /// Signatures are checked with it. Shown this once.
    #[schema(example = "whsec_...")]
    secret: String,
}

/// A new secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecretAnswer {
    /// Signatures are checked with it. Shown this once; the one before signs beside it for 24 hours.
    #[schema(example = "whsec_...")]
    secret: String,
}

/// A message on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct PingAnswer {
    /// Its `webhook-id`; see it among the deliveries.
    message_id: Uuid,
}

impl From<Webhook> for WebhookAnswer {
    fn from(webhook: Webhook) -> Self {
        let (disabled_at, disabled_because) = webhook.disabled.unzip();
        Self {
            id: webhook.id.get(),
            url: webhook.url,
            kinds: webhook.kinds,
            created_at: webhook.created_at,
            failing_since: webhook.failing_since,
            disabled_at,
            disabled_because,
        }
    }
}

/// My merchant's endpoints. Needs to be an owner.
#[utoipa::path(get, path = "/v1/merchant/webhooks", tag = "merchant", security(("bearer" = [])),
    responses((status = 200, body = Page<WebhookAnswer>)))]
pub async fn webhooks(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
) -> Result<Json<Page<WebhookAnswer>>, Problem> {
    let found = webhook::list(&state.services, owner.merchant()).await?;
    Ok(Json(Page { items: found.into_iter().map(WebhookAnswer::from).collect(), next_cursor: None }))
}

/// Registers an endpoint; at most 10. Answers with its secret, once. Needs to be an owner.
#[utoipa::path(
    post, path = "/v1/merchant/webhooks", tag = "merchant", security(("bearer" = [])),
    request_body = WebhookRequest,
    responses((status = 201, body = NewWebhookAnswer), (status = 409, description = "`too_many_webhooks`"),
        (status = 422, description = "`invalid_body`: also for an address that is not https and public"))
)]
pub async fn register_webhook(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Json(request): Json<WebhookRequest>,
) -> Result<(StatusCode, Json<NewWebhookAnswer>), Problem> {
    let WebhookRequest { url, kinds } = request;
    let (services, courier) = (&state.services, state.courier.as_ref());
    let made = webhook::register(services, courier, owner.at(), url, &kinds).await;
    let (made, secret) = made.map_err(webhook_problem)?;
    let answer = NewWebhookAnswer { webhook: made.into(), secret: secret.reveal() };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Deletes an endpoint with all that was to be told there. Needs to be an owner.
#[utoipa::path(delete, path = "/v1/merchant/webhooks/{id}", tag = "merchant", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 204), (status = 404, description = "`not_found`")))]
pub async fn delete_webhook(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path(id): Path<WebhookId>,
) -> Result<StatusCode, Problem> {
    webhook::delete(&state.services, owner.at(), id).await.map_err(webhook_problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new secret; for 24 hours the one before signs beside it. Needs to be an owner.
#[utoipa::path(post, path = "/v1/merchant/webhooks/{id}/secret", tag = "merchant", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 200, body = SecretAnswer)))]
pub async fn renew_webhook_secret(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path(id): Path<WebhookId>,
) -> Result<Json<SecretAnswer>, Problem> {
    let secret = webhook::renew_secret(&state.services, owner.at(), id).await;
    Ok(Json(SecretAnswer { secret: secret.map_err(webhook_problem)?.reveal() }))
}

/// Enables an endpoint that was disabled; what was due is due still. Needs to be an owner.
#[utoipa::path(post, path = "/v1/merchant/webhooks/{id}/enable", tag = "merchant", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 200, body = WebhookAnswer)))]
pub async fn enable_webhook(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path(id): Path<WebhookId>,
) -> Result<Json<WebhookAnswer>, Problem> {
    let enabled = webhook::enable(&state.services, owner.at(), id).await;
    Ok(Json(enabled.map_err(webhook_problem)?.into()))
}

/// Sends a test to an endpoint within seconds, and enables it. Needs to be an owner.
#[utoipa::path(post, path = "/v1/merchant/webhooks/{id}/ping", tag = "merchant", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 202, body = PingAnswer)))]
pub async fn ping_webhook(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path(id): Path<WebhookId>,
) -> Result<(StatusCode, Json<PingAnswer>), Problem> {
    let sent: Result<MessageId, _> = webhook::ping(&state.services, owner.at(), id).await;
    let message_id = sent.map_err(webhook_problem)?.get();
    Ok((StatusCode::ACCEPTED, Json(PingAnswer { message_id })))
}

/// Why something was not done with a webhook, for whoever asked.
pub fn webhook_problem(error: WebhookError) -> Problem {
    match error {
        WebhookError::NoWebhook | WebhookError::NoDelivery => Problem::new(Code::NotFound),
        WebhookError::Address => Problem::new(Code::InvalidBody)
            .field("/url", Text::new("请填写公网可达的 https 地址", "An https address on the open internet")),
        WebhookError::Kinds => {
            let known = EventKind::ALL.map(EventKind::word).join(", ");
            Problem::new(Code::InvalidBody)
                .field("/kinds", Text::new(format!("应为其中若干：{known}"), format!("Some of: {known}")))
        }
        WebhookError::TooMany => Problem::new(Code::TooManyWebhooks),
        WebhookError::NoEntropy(error) => Problem::internal(error),
        WebhookError::Seal(error) => Problem::internal(error),
        WebhookError::Store(error) => error.into(),
    }
}
