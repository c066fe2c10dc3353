//! What citizens spend points on: offers, redemptions, vouchers.

mod donations;
mod offers;
mod qr;
mod redeem;
mod redemption;
#[cfg(test)]
mod tests;
mod vouchers;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tanhui_domain::id::ProjectId;
use tanhui_domain::ledger::InsufficientPoints;
use tanhui_domain::redemption::{QUANTITY_MAX, Redeemed, Refusal, Voucher};
use tanhui_domain::text::Text;
use tanhui_domain::time::Period;
use tanhui_service::pass::PassBook;
use tanhui_service::redemption::RedeemError;
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
        .routes(routes!(donations::donations))
}

/// When to come back to a full queue.
const RETRY_SECONDS: u64 = 1;

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
    /// The project that the points went to; null where there are vouchers.
    project_id: Option<Uuid>,
    /// One voucher for each; none for a donation.
    vouchers: Vec<VoucherAnswer>,
}

/// A voucher, as its holder shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoucherAnswer {
    /// What the till reads; blanks, hyphens and small letters do not matter.
    #[schema(example = "7K3M9QXR2T8WZ4HN")]
    code: String,
    /// `live`, `used`, `cancelled`, `expired`, or `refunded` when it expired and the points came back.
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
            project_id: redemption.project.map(ProjectId::get),
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
        RedeemError::NoCitizen => Problem::new(Code::Unauthorized),
        RedeemError::NoOffer | RedeemError::NoRedemption => Problem::new(Code::NotFound),
        RedeemError::Refused(refusal) => refused(refusal),
        RedeemError::VoucherUsed => Problem::new(Code::VoucherUsed)
            .detail("其中的券已使用，不能取消。", "A voucher of it was used, so it cannot be given back."),
        RedeemError::VoucherExpired => Problem::new(Code::VoucherExpired)
            .detail("其中的券已过期，不能取消。", "A voucher of it has expired, so it cannot be given back."),
        RedeemError::Donated => Problem::new(Code::DonationFinal),
        RedeemError::AlreadyCancelled => Problem::new(Code::AlreadyCancelled),
        RedeemError::KeyReused => Problem::new(Code::IdempotencyKeyReused),
        RedeemError::Busy | RedeemError::Stopping => {
            Problem::new(Code::Overloaded).retry_after(RETRY_SECONDS)
        }
        RedeemError::Store(error) => error.into(),
    }
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Quantity => Problem::new(Code::InvalidBody).field(
            "/quantity",
            Text::new(
                format!("一次兑换 1 至 {QUANTITY_MAX} 份"),
                format!("Redeem 1 to {QUANTITY_MAX} at once"),
            ),
        ),
        Refusal::OfferClosed => Problem::new(Code::OfferClosed),
        Refusal::NotOpenYet { opens_at } => Problem::new(Code::OfferNotOpen)
            .detail(format!("{opens_at} 开始兑换。"), format!("It opens at {opens_at}.")),
        Refusal::OtherDistrict { district } => Problem::new(Code::NotEligible).detail(
            format!("仅限 {district} 的居民，请先在个人资料中填写所在区县。"),
            format!("For citizens of {district}; your profile says where you live."),
        ),
        Refusal::LevelNotReached { level } => Problem::new(Code::NotEligible)
            .detail(format!("须达到等级 {level}。"), format!("You need to reach level {level}.")),
        Refusal::LimitReached { allowed, had, per } => {
            let (zh, en) = if per == Period::Week { ("每人每周", " and week") } else { ("每人", "") };
            Problem::new(Code::LimitReached).detail(
                format!("{zh}限兑 {allowed} 份，您已兑换 {had} 份。"),
                format!("The limit is {allowed} per person{en}, and you have had {had}."),
            )
        }
        Refusal::OutOfStock { left } => Problem::new(Code::OutOfStock)
            .detail(format!("库存还剩 {left} 份。"), format!("There are {left} left.")),
        Refusal::OutOfStockToday { left } => Problem::new(Code::OutOfStockToday)
            .detail(format!("今日还剩 {left} 份，请明日再来。"), format!("There are {left} left for today.")),
        Refusal::BudgetExhausted { left } => Problem::new(Code::BudgetExhausted).detail(
            format!("城市预算还可兑换 {left} 份。"),
            format!("The city's budget pays for {left} more."),
        ),
        Refusal::InsufficientPoints(InsufficientPoints { wanted, available }) => {
            Problem::new(Code::InsufficientPoints).detail(
                format!("需要 {wanted} 积分，可用 {available} 积分。"),
                format!("This takes {wanted} points, and you can spend {available}."),
            )
        }
        Refusal::Unpostable(error) => Problem::internal(error),
    }
}
