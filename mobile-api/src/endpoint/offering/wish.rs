//! An offer as a merchant sends it.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::id::ProjectId;
use tanhui_domain::offer::{About, Conditions, OfferDraft, OfferKind};
use tanhui_domain::text::Text;
use utoipa::ToSchema;

use super::Words;
use crate::http::problem::{Code, Problem};

/// What a merchant wants to give for points.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferWish {
    /// `coupon`, `goods`, `transit_top_up` or `donation`.
    #[schema(example = "coupon")]
    kind: String,
    /// The project that a donation is for; absent for the other kinds.
    #[schema(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// What it is.
    title: Words,
    /// More about it, up to 4,000 bytes in each language.
    #[serde(default)]
    text: Words,
    /// What goes for it, up to 4,000 bytes in each language.
    #[serde(default)]
    terms: Words,
    /// Up to 8 addresses that begin with `https://`.
    #[serde(default)]
    pictures: Vec<String>,
    /// Price of one, in points.
    #[schema(minimum = 1, maximum = 100_000_000, example = 100)]
    price_points: i64,
    /// What one is worth, in fen.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100_000_000, example = 800)]
    face_value_fen: i64,
    /// What the city owes for each use, in fen; 0 for a donation.
    #[schema(minimum = 0, maximum = 100_000_000, example = 500)]
    payout_fen: i64,
    /// How many there are in all.
    #[schema(minimum = 0, maximum = 10_000_000, example = 100)]
    stock: i64,
    /// How many there are on one day.
    #[schema(minimum = 1)]
    stock_per_day: Option<i64>,
    /// How many one citizen may have.
    #[schema(minimum = 1, example = 2)]
    per_person: Option<i64>,
    /// How many one citizen may have in one week, from Monday on.
    #[schema(minimum = 1)]
    per_person_week: Option<i64>,
    /// First instant at which it can be redeemed.
    opens_at: Option<DateTime<Utc>>,
    /// First instant at which it no longer can.
    closes_at: Option<DateTime<Utc>>,
    /// The only district whose citizens may.
    district: Option<String>,
    /// The least level that a citizen must have reached, by its id in the rule file.
    level: Option<String>,
    /// For how many days a voucher is good.
    #[serde(default = "month")]
    #[schema(minimum = 1, maximum = 3_650, default = 30)]
    voucher_days: i32,
    /// Whether points come back when a voucher expires unused.
    #[serde(default)]
    refund_expired: bool,
}

fn month() -> i32 {
    30
}

impl OfferWish {
    /// The draft; its bounds are checked by the domain.
    pub fn draft(self) -> Result<OfferDraft, Problem> {
        let kind = OfferKind::from_word(&self.kind, self.project_id).ok_or_else(|| {
            let detail = Text::new(
                "应为 coupon、goods、transit_top_up 或 donation；仅 donation 附 project_id",
                "coupon, goods, transit_top_up or donation; only a donation names its project_id",
            );
            Problem::new(Code::InvalidBody).field("/kind", detail)
        })?;
        Ok(OfferDraft {
            kind,
            title: self.title.into(),
            about: About {
                text: self.text.into(),
                terms: self.terms.into(),
                pictures: self.pictures,
                face_value: Fen::new(self.face_value_fen),
            },
            price: Points::new(self.price_points),
            payout: Fen::new(self.payout_fen),
            stock: self.stock,
            per_person: self.per_person,
            conditions: Conditions {
                stock_per_day: self.stock_per_day,
                per_person_week: self.per_person_week,
                opens_at: self.opens_at.map(tanhui_domain::time::to_micros),
                closes_at: self.closes_at.map(tanhui_domain::time::to_micros),
                district: self.district,
                level: self.level,
                refund_expired: self.refund_expired,
            },
            voucher_days: self.voucher_days,
        })
    }
}
