//! `GET /v1/me/vouchers`: what I have redeemed, newest first.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::id::{RedemptionId, VoucherId};
use tanhui_domain::text::Language;
use tanhui_service::pass::PassBook;
use tanhui_service::redemption;
use tanhui_service::till::Checked;
use utoipa::ToSchema;
use uuid::Uuid;

use super::VoucherAnswer;
use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::Problem;
use crate::state::AppState;

const LIST: &str = "my-vouchers";

/// A voucher of mine and what it is for.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyVoucher {
    /// The voucher.
    #[serde(flatten)]
    voucher: VoucherAnswer,
    /// The redemption it belongs to.
    redemption_id: Uuid,
    /// What it is for.
    offer_id: Uuid,
    /// The same in words, in the caller's language.
    #[schema(example = "Coffee")]
    title: String,
    /// Where it can be used.
    #[schema(example = "Corner shop")]
    merchant_name: String,
}

impl MyVoucher {
    fn of(found: Checked, passes: &PassBook, now: DateTime<Utc>, language: Language) -> Self {
        let Checked { voucher, offer } = found;
        Self {
            voucher: VoucherAnswer::of(&voucher, passes, now),
            redemption_id: voucher.redemption.get(),
            offer_id: offer.id.get(),
            title: offer.title.in_language(language).to_owned(),
            merchant_name: offer.merchant_name,
        }
    }
}

/// My vouchers of every status, the newest redemption first.
#[utoipa::path(get, path = "/v1/me/vouchers", tag = "spending", params(Listing), security(("bearer" = [])),
    responses((status = 200, body = Page<MyVoucher>)))]
pub async fn vouchers(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<MyVoucher>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<(RedemptionId, VoucherId)> = listing.after(sealer, LIST)?;
    let found = redemption::vouchers(&state.services, me.id, after, listing.rows()).await?;
    let place = |found: &Checked| (found.voucher.redemption, found.voucher.id);
    let page = Page::cut(found, listing.limit, (sealer, LIST), place)?;
    let (passes, now) = (&state.services.passes, state.services.clock.now());
    Ok(Json(page.map(|found| MyVoucher::of(found, passes, now, context.language))))
}
