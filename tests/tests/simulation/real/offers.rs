//! Offers from draft to end, and what the city does with merchants.

use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::id::{CitizenId, OfferId};
use tanhui_domain::merchant::{MerchantStep, MerchantStepError};
use tanhui_domain::offer::{
    About, By, Conditions, OfferDraft, OfferKind, OfferStatus, OfferStep, OfferStepError,
};
use tanhui_domain::text::Text;
use tanhui_service::merchant::{self, MerchantError};
use tanhui_service::offering::{self, Of, OfferingError};
use tanhui_tests::{Outcome, id};
use uuid::Uuid;

use super::{OFFICERS, Real};
use crate::command::{Opening, Rein, Turn};

impl Real {
    pub(super) async fn open(&mut self, number: u32, opening: Opening) -> Outcome<Vec<String>> {
        let (services, merchant) = (self.services(0), self.merchants[opening.merchant]);
        let offer = offering::write(services, merchant, self.draft(opening)).await?;
        let [writer, officer] = OFFICERS.map(|officer| CitizenId::new(id(officer)));
        for (step, by) in [
            (OfferStep::Submit, By::Merchant(writer)),
            (OfferStep::Approve(opening.budget.map(Fen::new)), By::City(officer)),
            (OfferStep::Publish, By::Merchant(writer)),
        ] {
            offering::step(services, Of::Merchant(merchant), offer.id, (&step, by), None).await?;
        }
        self.offers.insert(number, offer.id);
        Ok(Vec::new())
    }

    fn draft(&self, opening: Opening) -> OfferDraft {
        let kind =
            if opening.payout.is_some() { OfferKind::Coupon } else { OfferKind::Donation(self.project) };
        let conditions = Conditions {
            stock_per_day: opening.stock_per_day,
            per_person_week: opening.per_person_week,
            opens_at: opening.opens_at,
            closes_at: opening.closes_at,
            district: opening.in_south.then(|| "south".to_owned()),
            level: opening.for_trees.then(|| "tree".to_owned()),
            refund_expired: opening.refund_expired,
        };
        OfferDraft {
            kind,
            title: Text::new("礼品", "Gift"),
            about: About::default(),
            price: Points::new(opening.price),
            payout: Fen::new(opening.payout.unwrap_or(0)),
            stock: opening.stock,
            per_person: opening.per_person,
            conditions,
            voucher_days: opening.days,
        }
    }

    pub(super) fn offer(&self, number: u32) -> OfferId {
        self.offers.get(&number).copied().unwrap_or(OfferId::new(Uuid::nil()))
    }

    pub(super) async fn turn(&self, process: usize, number: u32, turn: Turn) -> Outcome<String> {
        let step = match turn {
            Turn::Pause => OfferStep::Pause,
            Turn::Resume => OfferStep::Resume,
            Turn::End => OfferStep::End,
        };
        let (services, city) = (self.services(process), self.city(process).id);
        let by = By::Merchant(CitizenId::new(id(OFFICERS[0])));
        let turned = offering::step(services, Of::City(city), self.offer(number), (&step, by), None).await;
        Ok(match turned {
            Ok(offer) => offer.status.word().to_owned(),
            Err(OfferingError::NoOffer) => "no offer".to_owned(),
            Err(OfferingError::Step(OfferStepError::OutOfOrder { status })) => was(status),
            Err(error) => return Err(error.into()),
        })
    }

    pub(super) async fn rein(&self, process: usize, number: usize, rein: Rein) -> Outcome<String> {
        let step = match rein {
            Rein::Suspend { refund } => MerchantStep::Suspend { refund },
            Rein::Reinstate => MerchantStep::Reinstate,
            Rein::Close => MerchantStep::Close,
        };
        let (services, city) = (self.services(process), self.city(process));
        let (by, reason) = (CitizenId::new(id(OFFICERS[0])), Text::new("检查", "Looked at"));
        Ok(match merchant::step(services, city, self.merchants[number], step, (by, &reason)).await {
            Ok(merchant) => format!("{}, {}", merchant.status.word(), merchant.issued.word()),
            Err(MerchantError::Step(MerchantStepError::Refunding)) => "still refunding".to_owned(),
            Err(MerchantError::Step(MerchantStepError::OutOfOrder { status })) => {
                format!("is {}", status.word())
            }
            Err(error) => return Err(error.into()),
        })
    }
}

fn was(status: OfferStatus) -> String {
    format!("is {}", status.word())
}
