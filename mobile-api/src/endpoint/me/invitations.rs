//! `/v1/me/invitations`: merchants that want me on their staff.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::id::{BranchId, InvitationId};
use tanhui_service::staff;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::endpoint::merchant::staff_problem;
use crate::http::extract::{Json, Me, Path};
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::state::AppState;

/// An invitation to a merchant's staff.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyInvitation {
    /// The invitation.
    id: Uuid,
    /// By which merchant.
    merchant_id: Uuid,
    /// Its name.
    #[schema(example = "Corner shop")]
    merchant_name: String,
    /// `owner` or `cashier`.
    #[schema(example = "cashier")]
    role: &'static str,
    /// The only branch at which I would work; null for any.
    branch_id: Option<Uuid>,
    /// Until when it can be taken.
    expires_at: DateTime<Utc>,
}

/// Open invitations to me.
#[utoipa::path(get, path = "/v1/me/invitations", tag = "me", security(("bearer" = [])),
    responses((status = 200, body = Page<MyInvitation>)))]
pub async fn my_invitations(
    State(state): State<AppState>,
    me: Me,
) -> Result<Json<Page<MyInvitation>>, Problem> {
    let found = staff::invitations_of(&state.services, me.id).await?;
    let items = found
        .into_iter()
        .map(|(one, merchant_name)| MyInvitation {
            id: one.id.get(),
            merchant_id: one.merchant.get(),
            merchant_name,
            role: one.role.word(),
            branch_id: one.branch.map(BranchId::get),
            expires_at: one.expires_at,
        })
        .collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// Joins the merchant's staff. Counts at once, with the token that I have.
#[utoipa::path(post, path = "/v1/me/invitations/{id}/accept", tag = "me", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 204), (status = 404, description = "`not_found`")))]
pub async fn accept_invitation(
    State(state): State<AppState>,
    me: Me,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode, Problem> {
    staff::answer(&state.services, me.id, id, true).await.map_err(staff_problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Declines an invitation.
#[utoipa::path(post, path = "/v1/me/invitations/{id}/decline", tag = "me", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 204), (status = 404, description = "`not_found`")))]
pub async fn decline_invitation(
    State(state): State<AppState>,
    me: Me,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode, Problem> {
    staff::answer(&state.services, me.id, id, false).await.map_err(staff_problem)?;
    Ok(StatusCode::NO_CONTENT)
}
