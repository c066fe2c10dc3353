//! Redemptions, and giving them back.

use tanhui_domain::id::RedemptionId;
use tanhui_domain::redemption::Refusal;
use tanhui_domain::time::Period;
use tanhui_service::redemption::{self, Answered, RedeemError, RedeemRequest, request_key};
use tanhui_tests::Outcome;
use uuid::Uuid;

use super::{Came, Real};
use crate::command::Wish;

impl Real {
    pub(super) async fn redeem(&self, process: usize, number: u32, wish: Wish) -> Outcome<Came> {
        let Some(citizen) = self.citizens.get(&wish.citizen).copied() else {
            return Ok(Came::Said(vec!["nobody".to_owned()]));
        };
        let (offer, quantity) = (self.offer(wish.offer), wish.quantity);
        let key = wish.key.map(|key| request_key(citizen, &format!("key-{key}"), offer, quantity));
        let city = self.city(process).clone();
        let request = RedeemRequest { citizen, city, offer, quantity, key };
        let outcome = redemption::redeem(self.services(process), &request).await;
        Ok(Came::Redeemed(number, Box::new(outcome)))
    }

    pub(super) fn told(&mut self, number: u32, outcome: Result<Answered, RedeemError>) -> Outcome<String> {
        Ok(match outcome {
            Ok(Answered::Now(made)) => {
                self.redemptions.insert(number, made.redemption.id);
                let points = made.redemption.points;
                match made.vouchers.first() {
                    Some(voucher) => format!("redeemed for {points}, good until {}", voucher.expires_at),
                    None => format!("donated {points}"),
                }
            }
            Ok(Answered::Before(made)) => {
                let known = self.redemptions.iter().find(|(_, id)| **id == made.redemption.id);
                format!("as before {}", known.ok_or("an answer to nobody")?.0)
            }
            Err(error) => refusal(error)?,
        })
    }

    pub(super) async fn cancel(&self, process: usize, number: u32, citizen: u32) -> Outcome<String> {
        let Some(citizen) = self.citizens.get(&citizen).copied() else { return Ok("nobody".to_owned()) };
        let id = self.redemptions.get(&number).copied().unwrap_or(RedemptionId::new(Uuid::nil()));
        let city = self.city(process);
        match redemption::cancel(self.services(process), citizen, city, id).await {
            Ok(redeemed) => Ok(format!("gave back {}", redeemed.redemption.points)),
            Err(error) => refusal(error),
        }
    }
}

fn refusal(error: RedeemError) -> Outcome<String> {
    Ok(match error {
        RedeemError::NoCitizen => "no citizen".to_owned(),
        RedeemError::NoOffer => "no offer".to_owned(),
        RedeemError::NoRedemption => "no redemption".to_owned(),
        RedeemError::Refused(Refusal::Quantity) => "quantity".to_owned(),
        RedeemError::Refused(Refusal::OfferClosed) => "offer closed".to_owned(),
        RedeemError::Refused(Refusal::OutOfStock { left }) => format!("stock {left}"),
        RedeemError::Refused(Refusal::NotOpenYet { .. }) => "opens later".to_owned(),
        RedeemError::Refused(Refusal::OtherDistrict { .. }) => "other district".to_owned(),
        RedeemError::Refused(Refusal::LevelNotReached { .. }) => "level".to_owned(),
        RedeemError::Refused(Refusal::LimitReached { had, per: Period::Week, .. }) => {
            format!("limit of the week, had {had}")
        }
        RedeemError::Refused(Refusal::LimitReached { had, .. }) => format!("limit, had {had}"),
        RedeemError::Refused(Refusal::OutOfStockToday { left }) => format!("today {left}"),
        RedeemError::Refused(Refusal::BudgetExhausted { left }) => format!("budget {left}"),
        RedeemError::Refused(Refusal::InsufficientPoints(short)) => {
            format!("points {} of {}", short.available, short.wanted)
        }
        RedeemError::VoucherUsed => "a voucher was used".to_owned(),
        RedeemError::VoucherExpired => "a voucher has expired".to_owned(),
        RedeemError::AlreadyCancelled => "cancelled before".to_owned(),
        RedeemError::KeyReused => "key reused".to_owned(),
        RedeemError::Donated => "a donation".to_owned(),
        RedeemError::Refused(Refusal::Unpostable(_)) | RedeemError::Busy | RedeemError::Stopping => {
            return Err(error.into());
        }
        RedeemError::Store(error) => return Err(error.into()),
    })
}
