//! `POST /v1/merchant/vouchers/reconcile`, `GET /v1/merchant/vouchers/conflicts`: scans that tills made
//! without a network.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tanhui_domain::id::{BranchId, VoucherId};
use tanhui_domain::text::Text;
use tanhui_service::reconcile::{self, Conflict, SCANS_MAX, ScanError, Taken, Told};
use utoipa::ToSchema;
use uuid::Uuid;

use super::till::{Place, till_problem};
use crate::http::context::RequestContext;
use crate::http::extract::{AsMerchantStaff, Json, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

const LIST: &str = "scan-conflicts";

/// Scans to be taken, in the order in which they were made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcileRequest {
    /// 1 to 100 scans.
    #[schema(min_items = 1, max_items = 100)]
    scans: Vec<ScanRequest>,
}

/// One scan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanRequest {
    /// What the QR code said, as it was read.
    #[schema(example = "TH1.72ASYER4Y5CN7OAW...")]
    payload: String,
    /// When it was read, by the till's clock.
    scanned_at: DateTime<Utc>,
    /// At which branch; none: where I work, or nowhere in particular.
    branch_id: Option<Uuid>,
}

/// What came of each scan.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReconcileAnswer {
    /// How many were told.
    received: usize,
    /// How many used their voucher, now or when they were told before.
    used: usize,
    /// One for each, in the order sent.
    results: Vec<ScanAnswer>,
}

/// What came of one scan.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScanAnswer {
    /// `used` or `refused`.
    #[schema(example = "used")]
    status: &'static str,
    /// Whether this very scan was told before; it moved nothing again.
    replayed: bool,
    /// The voucher's code, where it was used.
    voucher: Option<String>,
    /// What it was for, in the caller's language.
    #[schema(example = "Coffee")]
    title: Option<String>,
    /// What the city owes for it, in fen.
    #[schema(example = 500)]
    payout_fen: Option<i64>,
    /// Problem code of a refusal: `voucher_used`, `voucher_cancelled`, `voucher_expired`, `merchant_stopped`,
    /// `voucher_unreadable`, `voucher_forged`, `voucher_elsewhere`, `voucher_not_found`, `branch_not_found`,
    /// `scan_ahead` or `scan_too_old`.
    code: Option<String>,
    /// The refusal in words, in the caller's language.
    detail: Option<String>,
}

/// A scan for which nothing is owed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConflictAnswer {
    /// The voucher's code.
    #[schema(example = "7K3M9QXR2T8WZ4HN")]
    voucher: String,
    /// When it was scanned, by the till's clock.
    scanned_at: DateTime<Utc>,
    /// At which branch.
    branch_id: Option<Uuid>,
    /// Who sent the scan.
    staff_id: Uuid,
    /// When the scan arrived.
    arrived_at: DateTime<Utc>,
    /// `voucher_used`, `voucher_cancelled`, `voucher_expired` or `merchant_stopped`.
    #[schema(example = "voucher_used")]
    code: String,
    /// When the voucher was used instead.
    used_at: Option<DateTime<Utc>>,
    /// At which branch.
    used_branch_id: Option<Uuid>,
}

impl ScanAnswer {
    fn used(taken: Taken, context: &RequestContext) -> Self {
        let offer = taken.checked.offer;
        Self {
            status: "used",
            replayed: taken.again,
            voucher: Some(taken.checked.voucher.code),
            title: Some(offer.title.in_language(context.language).to_owned()),
            payout_fen: Some(offer.payout.get()),
            code: None,
            detail: None,
        }
    }

    fn refused(problem: &Problem, context: &RequestContext) -> Self {
        let document = problem.document(context.language, None);
        Self {
            status: "refused",
            replayed: false,
            voucher: None,
            title: None,
            payout_fen: None,
            code: Some(document.code),
            detail: Some(document.detail.unwrap_or(document.title)),
        }
    }
}

impl From<Conflict> for ConflictAnswer {
    fn from(conflict: Conflict) -> Self {
        let scan = conflict.scan;
        Self {
            voucher: conflict.code,
            scanned_at: scan.scanned_at,
            branch_id: scan.branch.map(BranchId::get),
            staff_id: scan.staff.get(),
            arrived_at: scan.arrived_at,
            code: scan.outcome,
            used_at: conflict.used_at,
            used_branch_id: conflict.used_branch.map(BranchId::get),
        }
    }
}

/// Takes scans that were checked by signature alone. A voucher belongs to whatever reaches the platform
/// first:
/// a scan that comes after another use, a cancellation or a refund is refused and kept as a conflict, and
/// nothing is owed for it. Send the same scans again after a failure: each is taken once. Needs to be on the
/// merchant's staff.
#[utoipa::path(
    post, path = "/v1/merchant/vouchers/reconcile", tag = "merchant", security(("bearer" = [])),
    request_body = ReconcileRequest,
    responses((status = 200, body = ReconcileAnswer), (status = 422, description = "`invalid_body`"))
)]
pub async fn reconcile(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Json(request): Json<ReconcileRequest>,
) -> Result<Json<ReconcileAnswer>, Problem> {
    if !(1..=SCANS_MAX).contains(&request.scans.len()) {
        let detail = Text::new(format!("1 至 {SCANS_MAX} 条"), format!("1 to {SCANS_MAX} scans"));
        return Err(Problem::new(Code::InvalidBody).field("/scans", detail));
    }
    let city = state.services.city(staff.of().city).await?;
    let place = Place { city: &city, shop: &staff.of().about.name };
    let mut results = Vec::with_capacity(request.scans.len());
    for scan in request.scans {
        let ScanRequest { payload: read, scanned_at, branch_id } = scan;
        let told = Told { read, scanned_at, branch: branch_id.map(BranchId::new) };
        let taken = reconcile::reconcile(&state.services, &city, staff.staff(), &told).await;
        results.push(match taken.map_err(|error| scan_problem(error, &place)) {
            Ok(taken) => ScanAnswer::used(taken, &context),
            Err(problem) if problem.code().status().is_server_error() => return Err(problem),
            Err(problem) => ScanAnswer::refused(&problem, &context),
        });
    }
    let used = results.iter().filter(|result| result.status == "used").count();
    Ok(Json(ReconcileAnswer { received: results.len(), used, results }))
}

fn scan_problem(error: ScanError, place: &Place<'_>) -> Problem {
    match error {
        ScanError::Ahead => Problem::new(Code::ScanAhead),
        ScanError::TooOld => Problem::new(Code::ScanTooOld).detail(
            format!("离线扫码须在 {} 天内补录。", reconcile::WITHIN.num_days()),
            format!("Scans are taken within {} days.", reconcile::WITHIN.num_days()),
        ),
        ScanError::Till(error) => till_problem(error, place),
    }
}

/// Scans at my merchant for which nothing is owed, the last to arrive first; kept for 90 days. Needs to be on
/// the merchant's staff.
#[utoipa::path(get, path = "/v1/merchant/vouchers/conflicts", tag = "merchant", params(Listing),
    security(("bearer" = [])), responses((status = 200, body = Page<ConflictAnswer>)))]
pub async fn conflicts(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<ConflictAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<(DateTime<Utc>, VoucherId)> = listing.after(sealer, LIST)?;
    let found = reconcile::conflicts(&state.services, staff.merchant(), after, listing.rows()).await?;
    let place = |last: &Conflict| (last.scan.arrived_at, last.scan.voucher);
    let page = Page::cut(found, listing.limit, (sealer, LIST), place)?;
    Ok(Json(page.map(ConflictAnswer::from)))
}
