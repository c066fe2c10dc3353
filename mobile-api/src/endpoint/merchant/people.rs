//! `GET /v1/merchant`, `/v1/merchant/staff`, `/v1/merchant/invitations`: who works for my merchant.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::id::{BranchId, CitizenId, InvitationId};
use tanhui_domain::merchant::{Staff, StaffRole};
use tanhui_domain::text::Text;
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::staff::{self, Invitation, NewInvitation};
use utoipa::ToSchema;
use uuid::Uuid;

use super::staff_problem;
use crate::http::extract::{AsMerchantOwner, AsMerchantStaff, Json, Path};
use crate::http::page::Page;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// My merchant and my place in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workplace {
    /// The merchant.
    merchant_id: Uuid,
    /// Its name.
    #[schema(example = "Corner shop")]
    name: String,
    /// `active`, `suspended` or `closed`.
    #[schema(example = "active")]
    status: &'static str,
    /// What becomes of its vouchers: they `work`, are `refunding` or `refunded`.
    #[schema(example = "work")]
    vouchers: &'static str,
    /// `owner` or `cashier`.
    #[schema(example = "cashier")]
    role: &'static str,
    /// The only branch at which I work; null for any.
    branch_id: Option<Uuid>,
}

/// One of a merchant's people.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffAnswer {
    /// Who.
    citizen_id: Uuid,
    /// `owner` or `cashier`.
    #[schema(example = "cashier")]
    role: &'static str,
    /// By which name the merchant knows them; empty for whom the city put there.
    #[schema(example = "早班小李")]
    label: String,
    /// The only branch at which they work; null for any.
    branch_id: Option<Uuid>,
}

impl From<Staff> for StaffAnswer {
    fn from(staff: Staff) -> Self {
        Self {
            citizen_id: staff.citizen.get(),
            role: staff.role.word(),
            label: staff.label,
            branch_id: staff.branch.map(BranchId::get),
        }
    }
}

/// A person to be invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationRequest {
    /// Their phone. Kept as a keyed hash only.
    #[schema(example = "13800000000")]
    phone: String,
    /// `owner` or `cashier`.
    #[schema(example = "cashier")]
    role: String,
    /// By which name the merchant knows them: 1 to 60 bytes.
    #[schema(example = "早班小李")]
    label: String,
    /// The only branch at which they are to work; null for any.
    branch_id: Option<Uuid>,
}

/// An open invitation.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationAnswer {
    /// The invitation.
    id: Uuid,
    /// `owner` or `cashier`.
    #[schema(example = "cashier")]
    role: &'static str,
    /// By which name the merchant knows the person.
    label: String,
    /// The only branch; null for any.
    branch_id: Option<Uuid>,
    /// Until when it can be taken.
    expires_at: DateTime<Utc>,
}

impl From<Invitation> for InvitationAnswer {
    fn from(one: Invitation) -> Self {
        Self {
            id: one.id.get(),
            role: one.role.word(),
            label: one.label,
            branch_id: one.branch.map(BranchId::get),
            expires_at: one.expires_at,
        }
    }
}

/// My merchant and my place in it. Who works for several names one in the header `Merchant-Id`.
#[utoipa::path(get, path = "/v1/merchant", tag = "merchant", security(("bearer" = [])),
    params(("Merchant-Id" = Option<Uuid>, Header, description = "Which of my merchants; on every path here")),
    responses((status = 200, body = Workplace)))]
pub async fn workplace(staff: AsMerchantStaff) -> Json<Workplace> {
    let (merchant, person) = (staff.of(), staff.staff());
    Json(Workplace {
        merchant_id: merchant.id.get(),
        name: merchant.about.name.clone(),
        status: merchant.status.word(),
        vouchers: merchant.issued.word(),
        role: person.role.word(),
        branch_id: person.branch.map(BranchId::get),
    })
}

/// My merchant's people. Needs to be its owner.
#[utoipa::path(get, path = "/v1/merchant/staff", tag = "merchant", security(("bearer" = [])),
    responses((status = 200, body = Page<StaffAnswer>)))]
pub async fn people(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
) -> Result<Json<Page<StaffAnswer>>, Problem> {
    let found = staff::people(&state.services, owner.merchant()).await?;
    Ok(Json(Page { items: found.into_iter().map(StaffAnswer::from).collect(), next_cursor: None }))
}

/// Removes a person, or leaves. Counts at once, whatever tokens they hold. Needs to be an owner, or to be
/// that person.
#[utoipa::path(delete, path = "/v1/merchant/staff/{citizen_id}", tag = "merchant", security(("bearer" = [])),
    params(("citizen_id" = Uuid, Path)),
    responses((status = 204), (status = 404, description = "`not_found`"),
        (status = 409, description = "`last_owner`: a merchant is never without one")))]
pub async fn remove_person(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    Path(citizen): Path<CitizenId>,
) -> Result<StatusCode, Problem> {
    let by = staff.caller().citizen();
    if by != citizen && staff.staff().role != StaffRole::Owner {
        return Err(Problem::new(Code::Forbidden));
    }
    staff::remove(&state.services, staff.merchant(), citizen, by).await.map_err(staff_problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// My merchant's open invitations. Needs to be its owner.
#[utoipa::path(get, path = "/v1/merchant/invitations", tag = "merchant", security(("bearer" = [])),
    responses((status = 200, body = Page<InvitationAnswer>)))]
pub async fn invitations(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
) -> Result<Json<Page<InvitationAnswer>>, Problem> {
    let found = staff::invitations(&state.services, owner.merchant()).await?;
    Ok(Json(Page { items: found.into_iter().map(InvitationAnswer::from).collect(), next_cursor: None }))
}

/// Invites a person by phone; they join when they accept, within 7 days. Inviting again replaces. Says
/// nothing
/// about whether the phone is known. Needs to be an owner.
#[utoipa::path(
    post, path = "/v1/merchant/invitations", tag = "merchant", security(("bearer" = [])),
    request_body = InvitationRequest,
    responses(
        (status = 201, body = InvitationAnswer),
        (status = 404, description = "`branch_not_found`"),
        (status = 409, description = "`too_many_staff`"),
        (status = 422, description = "`invalid_body`"),
    )
)]
pub async fn invite(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Json(request): Json<InvitationRequest>,
) -> Result<(StatusCode, Json<InvitationAnswer>), Problem> {
    let phone = PhoneNumber::parse(&request.phone).map_err(|_| {
        Problem::new(Code::InvalidBody)
            .field("/phone", Text::new("请输入 11 位手机号", "A mobile number of 11 digits"))
    })?;
    let role = StaffRole::from_word(&request.role).ok_or_else(|| {
        Problem::new(Code::InvalidBody)
            .field("/role", Text::new("应为 owner 或 cashier", "One of owner, cashier"))
    })?;
    let new =
        NewInvitation { phone, role, label: request.label, branch: request.branch_id.map(BranchId::new) };
    let by = owner.caller().citizen();
    let invited = staff::invite(&state.services, owner.merchant(), by, new).await.map_err(staff_problem)?;
    Ok((StatusCode::CREATED, Json(invited.into())))
}

/// Takes an invitation back. Needs to be an owner.
#[utoipa::path(delete, path = "/v1/merchant/invitations/{id}", tag = "merchant", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses((status = 204), (status = 404, description = "`not_found`")))]
pub async fn withdraw(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode, Problem> {
    staff::withdraw(&state.services, owner.at(), id).await.map_err(staff_problem)?;
    Ok(StatusCode::NO_CONTENT)
}
