//! A small city: a source, a rule set, some citizens, a merchant with one offer.

use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::city::{Citizen, City};
use tanhui_domain::id::{CitizenId, MerchantId, OfferId, OwnerId, RuleSetId, SourceId};
use tanhui_domain::merchant::Merchant;
use tanhui_domain::offer::{About, Conditions, Offer, OfferKind, OfferStatus};
use tanhui_domain::rule::Evidence;
use tanhui_domain::text::Text;
use tanhui_store::{citizen, city, merchant, offer, rule_set, source};

use crate::stage::Stage;
use crate::trouble::Outcome;

/// Price of one of the offer.
const PRICE: Points = Points::new(40);
/// What the city owes for each use.
const PAYOUT: Fen = Fen::new(500);

/// What stands in the database.
#[derive(Debug, Clone)]
pub struct Town {
    /// The city.
    pub city: City,
    /// Who reports.
    pub source: SourceId,
    /// The rule set that decides.
    pub rule_set: RuleSetId,
    /// The people, in id order.
    pub citizens: Vec<CitizenId>,
    /// Who gives.
    pub merchant: MerchantId,
    /// Forty points each; ten in stock; the payout is five yuan.
    pub offer: OfferId,
}

impl Town {
    /// Builds the city.
    pub async fn build(stage: &Stage, citizens: usize) -> Outcome<Self> {
        Self::named(stage, "testcity", citizens).await
    }

    /// Builds a city of a name, for tests that need two.
    pub async fn named(stage: &Stage, code: &str, citizens: usize) -> Outcome<Self> {
        let now = stage.now();
        let transaction = stage.database.begin().await?;
        let programme = OwnerId::new(stage.ids.next());
        let name = Text::new("测试市", "Test City");
        let id = city::insert(&transaction, code, &name, "Asia/Shanghai", programme).await?;
        let uri = format!("urn:{code}:metro");
        let source = source::insert(&transaction, id, &uri, "Metro", Evidence::Operator, now).await?;
        let rule_set = rule_set::insert(&transaction, id, code.as_bytes(), "{}", now, now).await?;
        let people: Vec<Citizen> = (0..citizens)
            .map(|number| Citizen {
                id: CitizenId::new(stage.ids.next()),
                city: id,
                nickname: format!("市民{number}"),
                district: None,
                on_boards: true,
                created_at: now,
            })
            .collect();
        citizen::insert_many(&transaction, &people).await?;
        let shop = Merchant::active(MerchantId::new(stage.ids.next()), id, "绿色小店");
        merchant::insert(&transaction, &shop, now).await?;
        let offer = offer_of(&shop, OfferId::new(stage.ids.next()));
        offer::insert(&transaction, &offer, now).await?;
        transaction.commit().await?;
        let city = city::find_by_code(&stage.database, code).await?.ok_or("no city")?;
        let citizens = people.iter().map(|citizen| citizen.id).collect();
        Ok(Self { city, source, rule_set, citizens, merchant: shop.id, offer: offer.id })
    }

    /// A citizen by number.
    pub fn citizen(&self, number: usize) -> Outcome<CitizenId> {
        Ok(self.citizens.get(number).copied().ok_or("no such citizen")?)
    }
}

/// An offer of a merchant: forty points, ten in stock, five yuan.
fn offer_of(merchant: &Merchant, id: OfferId) -> Offer {
    Offer {
        id,
        city: merchant.city,
        merchant: merchant.id,
        merchant_name: merchant.about.name.clone(),
        kind: OfferKind::Coupon,
        title: Text::new("一杯豆浆", "A cup of soy milk"),
        about: About::default(),
        price: PRICE,
        payout: PAYOUT,
        stock_total: 10,
        stock_left: 10,
        per_person: None,
        conditions: Conditions::default(),
        budget: None,
        status: OfferStatus::Live,
        voucher_days: 30,
        version: 1,
        submitted_by: None,
        approved_by: None,
        note: None,
        halted: false,
    }
}
