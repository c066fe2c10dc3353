//! A programme with a shop in it, and what people do there.

use chrono::TimeDelta;
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::id::{CitizenId, MerchantId, OfferId, ProjectId, RedemptionId};
use tanhui_domain::ledger::JournalKind;
use tanhui_domain::offer::{About, By, Conditions, OfferDraft, OfferKind, OfferStep};
use tanhui_domain::redemption::Redeemed;
use tanhui_domain::text::Text;
use tanhui_service::cache::Cache;
use tanhui_service::offering::{self, Of};
use tanhui_service::office::{self, NewOffer};
use tanhui_service::redemption::{RedeemError, RedeemRequest, cancel, redeem};
use tanhui_service::statement::{self, StatementQuery};
use tanhui_service::till::{self, Till, TillError};
use tanhui_store::{offer, voucher};
use tanhui_tests::{Outcome, Programme, Stage, id};

/// What an operator opens at a shop.
pub(crate) fn soy_milk(merchant: MerchantId) -> NewOffer {
    NewOffer {
        merchant,
        title: Text::new("豆浆", "Soy milk"),
        price: Points::new(20),
        payout: Fen::new(500),
        stock: 100,
        per_person: None,
        voucher_days: 30,
    }
}

/// What a shop writes.
pub(crate) fn dough_stick() -> OfferDraft {
    OfferDraft {
        kind: OfferKind::Coupon,
        title: Text::new("油条", "Dough stick"),
        about: About::default(),
        price: Points::new(20),
        payout: Fen::new(500),
        stock: 100,
        per_person: None,
        conditions: Conditions::default(),
        voucher_days: 30,
    }
}

/// A programme with a shop.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) programme: Programme,
    pub(crate) merchant: MerchantId,
    pub(crate) offer: OfferId,
}

impl Shop {
    pub(crate) async fn open(stage: &Stage, stock: i64, per_person: Option<i64>) -> Outcome<Self> {
        let programme = Programme::start(stage).await?;
        let merchant = office::create_merchant(&programme.services, &programme.city, "绿色小店").await?;
        let new = NewOffer { stock, per_person, ..soy_milk(merchant) };
        let offer = office::create_offer(&programme.services, new).await?;
        Ok(Self { programme, merchant, offer })
    }

    /// The same under rules of travel, in force for six hours.
    pub(crate) async fn of_travel(stage: &Stage, spent: &str) -> Outcome<Self> {
        let shop = Self::open(stage, 100, None).await?;
        shop.programme.publish_travel(spent).await?;
        stage.clock.advance(TimeDelta::hours(6));
        Ok(shop)
    }

    /// A new citizen who has ridden for so many points, at most a hundred.
    pub(crate) async fn citizen(&self, card: &str, points: u32) -> Outcome<CitizenId> {
        let citizen = self.programme.enroll(card).await?;
        self.ride(card, points).await?;
        Ok(citizen)
    }

    pub(crate) async fn ride(&self, card: &str, points: u32) -> Outcome {
        let name = format!("{card} at {}", self.programme.services.clock.now());
        let ride = self.programme.ride(&name, card, points * 200);
        self.programme.credit(&[ride]).await.map(|_| ())
    }

    pub(crate) fn request(&self, citizen: CitizenId, quantity: i64) -> RedeemRequest {
        RedeemRequest { citizen, city: self.programme.city.clone(), offer: self.offer, quantity, key: None }
    }

    pub(crate) async fn buy(&self, citizen: CitizenId, quantity: i64) -> Result<RedemptionId, RedeemError> {
        self.ask(&self.request(citizen, quantity)).await
    }

    pub(crate) async fn ask(&self, request: &RedeemRequest) -> Result<RedemptionId, RedeemError> {
        Ok(redeem(&self.programme.services, request).await?.made().redemption.id)
    }

    pub(crate) async fn give_back(
        &self,
        citizen: CitizenId,
        id: RedemptionId,
    ) -> Result<Redeemed, RedeemError> {
        cancel(&self.programme.services, citizen, &self.programme.city, id).await
    }

    pub(crate) async fn use_code(&self, staff: CitizenId, code: &str) -> Result<(), TillError> {
        let (services, city) = (&self.programme.services, &self.programme.city);
        till::use_voucher(services, city, &self.till(staff), code).await.map(|_| ())
    }

    pub(crate) fn till(&self, staff: CitizenId) -> Till {
        Till { merchant: self.merchant, staff, branch: None }
    }

    pub(crate) async fn codes(&self, id: RedemptionId) -> Outcome<Vec<String>> {
        let vouchers = voucher::of_redemption(&self.programme.services.database, id).await?;
        Ok(vouchers.into_iter().map(|voucher| voucher.code).collect())
    }

    pub(crate) async fn left(&self) -> Outcome<i64> {
        let offer = offer::find(&self.programme.services.database, self.offer).await?;
        Ok(offer.ok_or("no offer")?.stock_left)
    }

    pub(crate) async fn points(&self, citizen: CitizenId) -> Outcome<i64> {
        Ok(statement::balance(&self.programme.services, citizen).await?.amounts.points.get())
    }

    /// The same shop as another process sees it.
    pub(crate) async fn elsewhere(&self, stage: &Stage) -> Outcome<Self> {
        let programme = Programme::start_with(stage, "testcity", Cache::memory(), 2).await?;
        Ok(Self { programme, ..self.clone() })
    }

    /// Everything on a citizen's statement: kind and points, oldest first.
    pub(crate) async fn lines(&self, citizen: CitizenId) -> Outcome<Vec<(JournalKind, i64)>> {
        let query = StatementQuery { range: statement::everything(), after: 0, limit: 100 };
        let found = statement::statement(&self.programme.services, citizen, query).await?;
        Ok(found.lines.iter().map(|line| (line.kind, line.amounts.points.get())).collect())
    }

    /// One more offer of the shop: written, submitted, approved with a budget and published.
    pub(crate) async fn offer_like(
        &self,
        budget_fen: Option<i64>,
        change: impl FnOnce(&mut OfferDraft),
    ) -> Outcome<Self> {
        let mut draft = dough_stick();
        change(&mut draft);
        let services = &self.programme.services;
        let offer = offering::write(services, self.merchant, draft).await?.id;
        let (staff, officer) = (CitizenId::new(id(901)), CitizenId::new(id(902)));
        let (merchant, city) = (Of::Merchant(self.merchant), Of::City(self.programme.city.id));
        for (of, step, by) in [
            (merchant, OfferStep::Submit, By::Merchant(staff)),
            (city, OfferStep::Approve(budget_fen.map(Fen::new)), By::City(officer)),
            (merchant, OfferStep::Publish, By::Merchant(staff)),
        ] {
            offering::step(services, of, offer, (&step, by), None).await?;
        }
        Ok(Self { offer, ..self.clone() })
    }

    /// A new project and a live offer to give points to it.
    pub(crate) async fn donation(&self, stock: i64) -> Outcome<(ProjectId, Self)> {
        let (services, city) = (&self.programme.services, self.programme.city.id);
        let words = (Text::new("南岸林", "South wood"), Text::default());
        let project = offering::open_project(services, city, CitizenId::new(id(903)), words).await?.id;
        let gift = self.offer_like(None, |draft| {
            draft.kind = OfferKind::Donation(project);
            draft.payout = Fen::ZERO;
            draft.stock = stock;
        });
        Ok((project, gift.await?))
    }
}
