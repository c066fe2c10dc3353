//! `GET /v1/merchant/redemptions`: vouchers used at this merchant, the last one first.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::id::VoucherId;
use tanhui_domain::text::Language;
use tanhui_service::till::{self, Checked};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{AsMerchantStaff, Json, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::Problem;
use crate::state::AppState;

const LIST: &str = "merchant-redemptions";

/// A voucher used here. Says nothing about who held it.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsedVoucher {
    /// The voucher's code.
    #[schema(example = "7K3M9QXR2T8WZ4HN")]
    code: String,
    /// When it was used.
    used_at: Option<DateTime<Utc>>,
    /// What it was for.
    offer_id: Uuid,
    /// The same in words, in the caller's language.
    #[schema(example = "Coffee")]
    title: String,
    /// What the city owes for it, in fen.
    #[schema(example = 500)]
    payout_fen: i64,
}

impl UsedVoucher {
    fn of(found: Checked, language: Language) -> Self {
        let Checked { voucher, offer } = found;
        Self {
            code: voucher.code,
            used_at: voucher.used_at,
            offer_id: offer.id.get(),
            title: offer.title.in_language(language).to_owned(),
            payout_fen: offer.payout.get(),
        }
    }
}

/// Vouchers used at my merchant, the last one first. Needs the role `merchant_staff`.
#[utoipa::path(get, path = "/v1/merchant/redemptions", tag = "merchant", params(Listing),
    security(("bearer" = [])), responses((status = 200, body = Page<UsedVoucher>)))]
pub async fn redemptions(
    State(state): State<AppState>,
    staff: AsMerchantStaff,
    context: RequestContext,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<UsedVoucher>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<(DateTime<Utc>, VoucherId)> = listing.after(sealer, LIST)?;
    let found = till::used(&state.services, staff.merchant(), after, listing.rows()).await?;
    let place = |found: &Checked| (found.voucher.used_at.unwrap_or_default(), found.voucher.id);
    let page = Page::cut(found, listing.limit, (sealer, LIST), place)?;
    Ok(Json(page.map(|found| UsedVoucher::of(found, context.language))))
}
