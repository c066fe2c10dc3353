//! What a merchant writes down before anyone approves it. Every bound of an offer is checked here.

use super::{About, Conditions, Offer, OfferKind, OfferStatus};
use crate::amount::{Fen, Points};
use crate::id::{CityId, MerchantId, OfferId};
use crate::text::Text;

/// Longest name of a merchant, partner, project or offer, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest text in one language, in bytes.
pub const TEXT_BYTES_MAX: usize = 4_000;
/// Most pictures of one offer.
pub const PICTURES_MAX: usize = 8;
/// Longest address of a picture, in bytes.
const PICTURE_BYTES_MAX: usize = 500;
/// Most vouchers that one offer may have.
pub const STOCK_MAX: i64 = 10_000_000;
/// Most points that one voucher may cost.
const PRICE_POINTS_MAX: i64 = 100_000_000;
/// Most that the city may owe for one use, and most that one voucher may be worth.
const VALUE_FEN_MAX: i64 = 100_000_000;
/// Longest life of a voucher.
pub const VOUCHER_DAYS_MAX: i32 = 3_650;
/// Longest name of a district or level, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// An offer as its merchant wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferDraft {
    /// What a redemption gives.
    pub kind: OfferKind,
    /// What it is.
    pub title: Text,
    /// What else there is to say.
    pub about: About,
    /// Price of one.
    pub price: Points,
    /// What the city owes for each use.
    pub payout: Fen,
    /// How many there are.
    pub stock: i64,
    /// How many one citizen may have.
    pub per_person: Option<i64>,
    /// When and for whom.
    pub conditions: Conditions,
    /// For how many days a voucher is good.
    pub voucher_days: i32,
}

/// A member of a draft that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {}", .detail.en)]
pub struct Fault {
    /// Its name.
    pub field: &'static str,
    /// What would fit.
    pub detail: Text,
}

impl OfferDraft {
    /// The first member that does not fit.
    pub fn check(&self) -> Result<(), Fault> {
        self.check_words()?;
        self.check_amounts()?;
        self.check_conditions()
    }

    fn check_words(&self) -> Result<(), Fault> {
        for (field, title) in [("title/zh", &self.title.zh), ("title/en", &self.title.en)] {
            fits(
                is_name(title, NAME_BYTES_MAX),
                field,
                "1 至 200 字节，不含控制字符",
                "1 to 200 printable bytes",
            )?;
        }
        let texts = [
            ("text/zh", &self.about.text.zh),
            ("text/en", &self.about.text.en),
            ("terms/zh", &self.about.terms.zh),
            ("terms/en", &self.about.terms.en),
        ];
        for (field, text) in texts {
            let printable = !text.contains(|letter: char| letter.is_control() && letter != '\n');
            let good = text.len() <= TEXT_BYTES_MAX && printable;
            fits(good, field, "至多 4000 字节，不含控制字符", "at most 4,000 printable bytes")?;
        }
        let pictures = &self.about.pictures;
        let good = pictures.len() <= PICTURES_MAX && pictures.iter().all(|address| is_picture(address));
        fits(good, "pictures", "至多 8 个 https 地址", "at most 8 addresses that begin with https://")
    }

    fn check_amounts(&self) -> Result<(), Fault> {
        let between = |amount: i64, least: i64, most: i64| (least..=most).contains(&amount);
        let price = between(self.price.get(), 1, PRICE_POINTS_MAX);
        fits(price, "price_points", "1 至 100,000,000 积分", "1 to 100,000,000 points")?;
        let payout = between(self.payout.get(), 0, VALUE_FEN_MAX);
        fits(payout, "payout_fen", "0 至 100,000,000 分", "0 to 100,000,000 fen")?;
        let gift_is_paid = self.kind.project().is_some() && self.payout != Fen::ZERO;
        fits(!gift_is_paid, "payout_fen", "捐赠不向商户付款，应为 0", "a donation pays nobody: 0")?;
        let face = between(self.about.face_value.get(), 0, VALUE_FEN_MAX);
        fits(face, "face_value_fen", "0 至 100,000,000 分", "0 to 100,000,000 fen")?;
        let stock = between(self.stock, 0, STOCK_MAX);
        fits(stock, "stock", "0 至 10,000,000 份", "0 to 10,000,000")?;
        let days = (1..=VOUCHER_DAYS_MAX).contains(&self.voucher_days);
        fits(days, "voucher_days", "1 至 3650 天", "1 to 3,650 days")
    }

    fn check_conditions(&self) -> Result<(), Fault> {
        let conditions = &self.conditions;
        let limits = [
            ("per_person", self.per_person),
            ("per_person_week", conditions.per_person_week),
            ("stock_per_day", conditions.stock_per_day),
        ];
        for (field, limit) in limits {
            let good = limit.is_none_or(|most| (1..=STOCK_MAX).contains(&most));
            fits(good, field, "1 至 10,000,000，或不填", "1 to 10,000,000, or absent")?;
        }
        let window = conditions.opens_at.zip(conditions.closes_at);
        fits(
            window.is_none_or(|(opens, closes)| opens < closes),
            "closes_at",
            "应晚于 opens_at",
            "later than opens_at",
        )?;
        for (field, word) in [("district", &conditions.district), ("level", &conditions.level)] {
            let good = word.as_ref().is_none_or(|word| is_name(word, WORD_BYTES_MAX));
            fits(good, field, "1 至 64 字节，不含控制字符", "1 to 64 printable bytes")?;
        }
        let kept_for = self.kind.project().is_some() && conditions.refund_expired;
        fits(!kept_for, "refund_expired", "捐赠没有券，不能退还", "a donation has no voucher to refund")
    }

    /// The offer that a checked draft begins.
    #[must_use]
    pub fn offer(self, id: OfferId, city: CityId, merchant: MerchantId, merchant_name: String) -> Offer {
        Offer {
            id,
            city,
            merchant,
            merchant_name,
            kind: self.kind,
            title: self.title,
            about: self.about,
            price: self.price,
            payout: self.payout,
            stock_total: self.stock,
            stock_left: self.stock,
            per_person: self.per_person,
            conditions: self.conditions,
            budget: None,
            status: OfferStatus::Draft,
            voucher_days: self.voucher_days,
            version: 1,
            submitted_by: None,
            approved_by: None,
            note: None,
            halted: false,
        }
    }
}

/// Whether a text can be a name.
fn is_name(name: &str, bytes_max: usize) -> bool {
    (1..=bytes_max).contains(&name.trim().len())
        && name.len() <= bytes_max
        && !name.contains(char::is_control)
}

fn is_picture(address: &str) -> bool {
    let rest = address.strip_prefix("https://").unwrap_or_default();
    !rest.is_empty()
        && address.len() <= PICTURE_BYTES_MAX
        && !address.contains(|letter: char| letter.is_control() || letter.is_whitespace())
}

fn fits(good: bool, field: &'static str, zh: &str, en: &str) -> Result<(), Fault> {
    if good { Ok(()) } else { Err(Fault { field, detail: Text::new(zh, en) }) }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::id::ProjectId;

    fn draft() -> OfferDraft {
        OfferDraft {
            kind: OfferKind::Coupon,
            title: Text::new("豆浆", "Soy milk"),
            about: About::default(),
            price: Points::new(20),
            payout: Fen::new(500),
            stock: 10,
            per_person: None,
            conditions: Conditions::default(),
            voucher_days: 30,
        }
    }

    fn fault(change: impl FnOnce(&mut OfferDraft)) -> Option<&'static str> {
        let mut draft = draft();
        change(&mut draft);
        draft.check().err().map(|fault| fault.field)
    }

    #[test]
    fn amounts_are_bounded_on_both_sides() {
        assert_eq!(draft().check(), Ok(()));
        for (points, fits) in [(0, false), (1, true), (100_000_000, true), (100_000_001, false)] {
            assert_eq!(fault(|draft| draft.price = Points::new(points)).is_none(), fits, "{points}");
        }
        for (fen, fits) in [(-1, false), (0, true), (100_000_000, true), (100_000_001, false)] {
            assert_eq!(fault(|draft| draft.payout = Fen::new(fen)).is_none(), fits, "{fen}");
            assert_eq!(fault(|draft| draft.about.face_value = Fen::new(fen)).is_none(), fits, "{fen}");
        }
        for (stock, fits) in [(-1, false), (0, true), (STOCK_MAX, true), (STOCK_MAX + 1, false)] {
            assert_eq!(fault(|draft| draft.stock = stock).is_none(), fits, "{stock}");
        }
        for (days, fits) in [(0, false), (1, true), (3_650, true), (3_651, false)] {
            assert_eq!(fault(|draft| draft.voucher_days = days).is_none(), fits, "{days}");
        }
        for (limit, fits) in [(0, false), (1, true), (STOCK_MAX, true), (STOCK_MAX + 1, false)] {
            assert_eq!(fault(|draft| draft.per_person = Some(limit)).is_none(), fits, "{limit}");
            let week = fault(|draft| draft.conditions.per_person_week = Some(limit));
            let day = fault(|draft| draft.conditions.stock_per_day = Some(limit));
            assert_eq!((week.is_none(), day.is_none()), (fits, fits), "{limit}");
        }
    }

    #[test]
    fn words_are_bounded_and_printable() {
        for (bytes, fits) in [(0, false), (1, true), (200, true), (201, false)] {
            assert_eq!(fault(|draft| draft.title.en = "x".repeat(bytes)).is_none(), fits, "{bytes}");
        }
        assert_eq!(fault(|draft| draft.title.zh = "  ".to_owned()), Some("title/zh"));
        assert_eq!(fault(|draft| draft.title.zh = "a\u{7}b".to_owned()), Some("title/zh"));
        for (bytes, fits) in [(4_000, true), (4_001, false)] {
            assert_eq!(fault(|draft| draft.about.terms.en = "x".repeat(bytes)).is_none(), fits, "{bytes}");
        }
        assert_eq!(fault(|draft| draft.about.text.en = "two\nlines".to_owned()), None);
        assert_eq!(fault(|draft| draft.about.text.en = "a\u{7}b".to_owned()), Some("text/en"));
        for (bytes, fits) in [(0, false), (1, true), (64, true), (65, false)] {
            let word = Some("x".repeat(bytes));
            assert_eq!(fault(|draft| draft.conditions.district.clone_from(&word)).is_none(), fits);
            assert_eq!(fault(|draft| draft.conditions.level = word).is_none(), fits);
        }
    }

    #[test]
    fn pictures_are_few_and_https() {
        let good = "https://city.example/a.png";
        for (count, fits) in [(0, true), (8, true), (9, false)] {
            let pictures = vec![good.to_owned(); count];
            assert_eq!(fault(|draft| draft.about.pictures = pictures).is_none(), fits, "{count}");
        }
        let long = format!("https://{}", "x".repeat(493));
        for bad in ["http://city.example/a.png", "https://", "javascript:1", "https://a b", "", &long] {
            assert_eq!(fault(|draft| draft.about.pictures = vec![bad.to_owned()]), Some("pictures"), "{bad}");
        }
    }

    #[test]
    fn a_window_ends_after_it_began() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        for (opens, closes, fits) in
            [(at(1), at(2), true), (at(1), at(1), false), (at(2), at(1), false), (None, at(1), true)]
        {
            let found = fault(|draft| {
                draft.conditions.opens_at = opens;
                draft.conditions.closes_at = closes;
            });
            assert_eq!(found.is_none(), fits, "{opens:?} {closes:?}");
        }
    }

    #[test]
    fn a_donation_pays_nobody_and_is_not_refunded() {
        let gift = |draft: &mut OfferDraft| {
            draft.kind = OfferKind::Donation(ProjectId::new(Uuid::nil()));
            draft.payout = Fen::ZERO;
        };
        assert_eq!(fault(gift), None);
        let paid = fault(|draft| {
            gift(draft);
            draft.payout = Fen::new(1);
        });
        let refunded = fault(|draft| {
            gift(draft);
            draft.conditions.refund_expired = true;
        });
        assert_eq!((paid, refunded), (Some("payout_fen"), Some("refund_expired")));
    }
}
