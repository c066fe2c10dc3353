//! `/v1/merchant/webhooks/{id}/deliveries`: what was told, what came of it, and telling it again.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::id::{MessageId, WebhookId};
use tanhui_service::webhook::{self, Delivery};
use utoipa::ToSchema;
use uuid::Uuid;

use super::webhooks::webhook_problem;
use crate::http::extract::{AsMerchantOwner, Json, Path, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::Problem;
use crate::state::AppState;

const LIST: &str = "webhook-deliveries";

/// A message and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryAnswer {
    /// Its `webhook-id`, the same at every try.
    message_id: Uuid,
    /// `voucher.issued`, `voucher.used`, `voucher.voided`, `statement.closed`, `statement.paid` or `ping`.
    #[schema(example = "voucher.used")]
    kind: String,
    /// What is sent.
    body: String,
    /// `due`, `delivered`, or `failed` after the last try.
    #[schema(example = "delivered")]
    status: String,
    /// How often it was tried.
    #[schema(example = 1)]
    tries: i64,
    /// When it was written.
    created_at: DateTime<Utc>,
    /// When it is tried next; null when it is not.
    next_try_at: Option<DateTime<Utc>>,
    /// When it was tried last.
    tried_at: Option<DateTime<Utc>>,
    /// The status that the endpoint answered last.
    answer_status: Option<i32>,
    /// What was wrong last.
    problem: Option<String>,
}

/// Since when to tell again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// What was written since this instant and given up.
    since: DateTime<Utc>,
}

/// What is told again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayAnswer {
    /// How many messages.
    replayed: u64,
}

impl From<Delivery> for DeliveryAnswer {
    fn from(delivery: Delivery) -> Self {
        let next_try_at = (delivery.status == "due").then_some(delivery.due_at);
        Self {
            message_id: delivery.message.get(),
            kind: delivery.kind,
            body: delivery.body,
            status: delivery.status,
            tries: delivery.tries,
            created_at: delivery.created_at,
            next_try_at,
            tried_at: delivery.tried_at,
            answer_status: delivery.answer,
            problem: delivery.problem,
        }
    }
}

/// What was told to an endpoint in the last 30 days, the last first. Needs to be an owner.
#[utoipa::path(get, path = "/v1/merchant/webhooks/{id}/deliveries", tag = "merchant",
    params(("id" = Uuid, Path), Listing), security(("bearer" = [])),
    responses((status = 200, body = Page<DeliveryAnswer>), (status = 404, description = "`not_found`")))]
pub async fn deliveries(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path(id): Path<WebhookId>,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<DeliveryAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<(DateTime<Utc>, MessageId)> = listing.after(sealer, LIST)?;
    let found = webhook::deliveries(&state.services, owner.merchant(), id, after, listing.rows()).await;
    let place = |last: &Delivery| (last.created_at, last.message);
    let page = Page::cut(found.map_err(webhook_problem)?, listing.limit, (sealer, LIST), place)?;
    Ok(Json(page.map(DeliveryAnswer::from)))
}

/// Tells one message again, with the same `webhook-id`. Enables the endpoint. Needs to be an owner.
#[utoipa::path(post, path = "/v1/merchant/webhooks/{id}/deliveries/{message_id}/replay", tag = "merchant",
    params(("id" = Uuid, Path), ("message_id" = Uuid, Path)), security(("bearer" = [])),
    responses((status = 202), (status = 404, description = "`not_found`")))]
pub async fn replay_delivery(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path((id, message)): Path<(WebhookId, MessageId)>,
) -> Result<StatusCode, Problem> {
    webhook::replay(&state.services, owner.at(), id, message).await.map_err(webhook_problem)?;
    Ok(StatusCode::ACCEPTED)
}

/// Tells again whatever was given up since an instant. Enables the endpoint. Needs to be an owner.
#[utoipa::path(post, path = "/v1/merchant/webhooks/{id}/replay", tag = "merchant",
    params(("id" = Uuid, Path)), security(("bearer" = [])), request_body = ReplayRequest,
    responses((status = 202, body = ReplayAnswer), (status = 404, description = "`not_found`")))]
pub async fn replay_deliveries(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path(id): Path<WebhookId>,
    Json(request): Json<ReplayRequest>,
) -> Result<(StatusCode, Json<ReplayAnswer>), Problem> {
    let done = webhook::replay_failed(&state.services, owner.at(), id, request.since).await;
    Ok((StatusCode::ACCEPTED, Json(ReplayAnswer { replayed: done.map_err(webhook_problem)? })))
}
