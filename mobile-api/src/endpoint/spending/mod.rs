//! What citizens spend points on: offers, redemptions, vouchers.

mod offers;
mod qr;
mod redeem;
mod redemption;
#[cfg(test)]
mod tests;
mod vouchers;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::ledger::InsufficientPoints;
use tanhui_domain::redemption::{QUANTITY_MAX, Voucher};
use tanhui_domain::text::Text;
use tanhui_service::pass::PassBook;
use tanhui_service::redemption::{RedeemError, Redeemed};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(offers::offers))
        .routes(routes!(offers::offer))
        .routes(routes!(redeem::redeem))
        .routes(routes!(redemption::redemption))
        .routes(routes!(redemption::cancel))
        .routes(routes!(vouchers::vouchers))
}

/// A redemption with its vouchers.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedemptionAnswer {
    /// The redemption.
    id: Uuid,
    /// What was redeemed.
    offer_id: Uuid,
    /// How many of it.
    #[schema(example = 1)]
    quantity: i64,
    /// For how many points in all.
    #[schema(example = 100)]
    points: i64,
    /// When.
    redeemed_at: DateTime<Utc>,
    /// When it was given back; null while it stands.
    cancelled_at: Option<DateTime<Utc>>,
    /// One voucher for each.
    vouchers: Vec<VoucherAnswer>,
}

/// A voucher, as its holder shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoucherAnswer {
    /// What the till reads; blanks, hyphens and small letters do not matter.
    #[schema(example = "7K3M9QXR2T8WZ4HN")]
    code: String,
    /// `live`, `used`, `cancelled` or `expired`.
    #[schema(example = "live")]
    status: &'static str,
    /// First instant at which it can no longer be used.
    expires_at: DateTime<Utc>,
    /// When it was used; null until then.
    used_at: Option<DateTime<Utc>>,
    /// The voucher signed, as its QR code says it; tills read it without a network. Null where it cannot be
    /// signed.
    #[schema(example = "TH1.72ASYER4Y5CN7OAW...")]
    payload: Option<String>,
    /// QR code of `payload` as an SVG image.
    #[schema(example = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 57 57\">...</svg>")]
    qr_svg: String,
}

impl RedemptionAnswer {
    fn of(redeemed: &Redeemed, passes: &PassBook, now: DateTime<Utc>) -> Self {
        let redemption = &redeemed.redemption;
        Self {
            id: redemption.id.get(),
            offer_id: redemption.offer.get(),
            quantity: redemption.quantity,
            points: redemption.points.get(),
            redeemed_at: redemption.redeemed_at,
            cancelled_at: redemption.cancelled_at,
            vouchers: redeemed
                .vouchers
                .iter()
                .map(|voucher| VoucherAnswer::of(voucher, passes, now))
                .collect(),
        }
    }
}

impl VoucherAnswer {
    fn of(voucher: &Voucher, passes: &PassBook, now: DateTime<Utc>) -> Self {
        let payload = passes.sign(voucher, now);
        Self {
            code: voucher.code.clone(),
            status: voucher.word_at(now),
            expires_at: voucher.expires_at,
            used_at: voucher.used_at,
            qr_svg: qr::svg(payload.as_deref().unwrap_or(&voucher.code)),
            payload,
        }
    }
}

fn problem(error: RedeemError) -> Problem {
    match error {
        RedeemError::NoOffer | RedeemError::NoRedemption => Problem::new(Code::NotFound),
        RedeemError::Quantity => Problem::new(Code::InvalidBody).field(
            "/quantity",
            Text::new(
                format!("一次兑换 1 至 {QUANTITY_MAX} 份"),
                format!("Redeem 1 to {QUANTITY_MAX} at once"),
            ),
        ),
        RedeemError::OfferClosed => Problem::new(Code::OfferClosed),
        RedeemError::OutOfStock { left } => Problem::new(Code::OutOfStock)
            .detail(format!("库存还剩 {left} 份。"), format!("There are {left} left.")),
        RedeemError::LimitReached { allowed, had } => Problem::new(Code::LimitReached).detail(
            format!("每人限兑 {allowed} 份，您已兑换 {had} 份。"),
            format!("The limit is {allowed} per person, and you have had {had}."),
        ),
        RedeemError::InsufficientPoints(InsufficientPoints { wanted, available }) => {
            Problem::new(Code::InsufficientPoints).detail(
                format!("需要 {wanted} 积分，可用 {available} 积分。"),
                format!("This takes {wanted} points, and you can spend {available}."),
            )
        }
        RedeemError::VoucherUsed => Problem::new(Code::VoucherUsed)
            .detail("其中的券已使用，不能取消。", "A voucher of it was used, so it cannot be given back."),
        RedeemError::AlreadyCancelled => Problem::new(Code::AlreadyCancelled),
        RedeemError::KeyReused => Problem::new(Code::IdempotencyKeyReused),
        RedeemError::Store(error) => error.into(),
    }
}
