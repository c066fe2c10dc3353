//! `/v1/merchant/branches`: where my merchant's tills stand.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tanhui_domain::id::BranchId;
use tanhui_domain::merchant::Branch;
use tanhui_service::merchant;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::endpoint::admitting::merchant_problem;
use crate::http::extract::{AsMerchantOwner, AsMerchantStaff, Json, Path};
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::state::AppState;

/// What a branch is called and where it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchRequest {
    /// 1 to 200 bytes.
    #[schema(example = "南湖店")]
    name: String,
    /// At most 1,000 bytes.
    #[serde(default)]
    #[schema(example = "嘉兴市南湖路 1 号")]
    address: String,
}

/// A branch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BranchAnswer {
    /// The branch.
    id: Uuid,
    /// Shown to people.
    #[schema(example = "南湖店")]
    name: String,
    /// Where it is.
    address: String,
    /// Whether vouchers can be used there.
    open: bool,
}

impl From<Branch> for BranchAnswer {
    fn from(branch: Branch) -> Self {
        Self { id: branch.id.get(), name: branch.name, address: branch.address, open: branch.open }
    }
}

/// Branches of my merchant, open and closed. Needs to be on its staff.
#[utoipa::path(get, path = "/v1/merchant/branches", tag = "merchant", security(("bearer" = [])),
    responses((status = 200, body = Page<BranchAnswer>)))]
pub async fn branches(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
) -> Result<Json<Page<BranchAnswer>>, Problem> {
    let found = merchant::branches(&state.services, staff.merchant()).await?;
    Ok(Json(Page { items: found.into_iter().map(BranchAnswer::from).collect(), next_cursor: None }))
}

/// Opens a branch. Needs to be an owner.
#[utoipa::path(
    post, path = "/v1/merchant/branches", tag = "merchant", security(("bearer" = [])),
    request_body = BranchRequest,
    responses((status = 201, body = BranchAnswer), (status = 409, description = "`too_many_branches`"),
        (status = 422, description = "`invalid_body`"))
)]
pub async fn open_branch(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Json(request): Json<BranchRequest>,
) -> Result<(StatusCode, Json<BranchAnswer>), Problem> {
    let BranchRequest { name, address } = request;
    let opened = merchant::open_branch(&state.services, owner.at(), name, address).await;
    Ok((StatusCode::CREATED, Json(opened.map_err(merchant_problem)?.into())))
}

/// Changes what a branch is called and where it is. Needs to be an owner.
#[utoipa::path(
    put, path = "/v1/merchant/branches/{id}", tag = "merchant", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = BranchRequest,
    responses((status = 200, body = BranchAnswer), (status = 404, description = "`branch_not_found`"))
)]
pub async fn change_branch(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path(id): Path<BranchId>,
    Json(request): Json<BranchRequest>,
) -> Result<Json<BranchAnswer>, Problem> {
    let to = (request.name, request.address);
    let changed = merchant::change_branch(&state.services, owner.at(), id, to).await;
    Ok(Json(changed.map_err(merchant_problem)?.into()))
}

/// Closes a branch: no voucher can be used there any more. Needs to be an owner.
#[utoipa::path(delete, path = "/v1/merchant/branches/{id}", tag = "merchant", security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = 200, body = BranchAnswer), (status = 404, description = "`branch_not_found`")))]
pub async fn close_branch(
    State(state): State<AppState>,
    owner: AsMerchantOwner,
    Path(id): Path<BranchId>,
) -> Result<Json<BranchAnswer>, Problem> {
    let closed = merchant::close_branch(&state.services, owner.at(), id).await;
    Ok(Json(closed.map_err(merchant_problem)?.into()))
}
