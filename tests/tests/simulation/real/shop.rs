//! Offers, redemptions, vouchers, and what merchants are paid for them.

use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::id::{CitizenId, OfferId, RedemptionId, StatementId};
use tanhui_domain::redemption::Refusal;
use tanhui_domain::settlement::{Step as StepTaken, StepError};
use tanhui_domain::text::Text;
use tanhui_service::office::{self, NewOffer};
use tanhui_service::redemption::{Answered, RedeemError, RedeemRequest, request_key};
use tanhui_service::settlement::{self, SettlementError};
use tanhui_service::till::{Till, TillError};
use tanhui_service::{redemption, till};
use tanhui_tests::{Outcome, id};
use uuid::Uuid;

use super::{OFFICERS, Real};
use crate::command::{Opening, Step, Wish};

/// Fits no voucher.
const NO_CODE: &str = "0000000000000000";

impl Real {
    pub(super) async fn open(&mut self, number: u32, opening: Opening) -> Outcome<Vec<String>> {
        let new = NewOffer {
            merchant: self.merchants[opening.merchant],
            title: Text::new("礼品", "Gift"),
            price: Points::new(opening.price),
            payout: Fen::new(opening.payout),
            stock: opening.stock,
            per_person: opening.per_person,
            voucher_days: opening.days,
        };
        let id = office::create_offer(self.services(0), new).await?;
        self.offers.insert(number, id);
        Ok(Vec::new())
    }

    pub(super) fn offer(&self, number: u32) -> OfferId {
        self.offers.get(&number).copied().unwrap_or(OfferId::new(Uuid::nil()))
    }

    pub(super) async fn redeem(&mut self, process: usize, number: u32, wish: Wish) -> Outcome<String> {
        let Some(citizen) = self.citizens.get(&wish.citizen).copied() else { return Ok("nobody".to_owned()) };
        let (offer, quantity) = (self.offer(wish.offer), wish.quantity);
        let key = wish.key.map(|key| request_key(citizen, &format!("key-{key}"), offer, quantity));
        let city = self.processes[process].city.clone();
        let request = RedeemRequest { citizen, city, offer, quantity, key };
        let answered = redemption::redeem(self.services(process), &request).await;
        Ok(match answered {
            Ok(Answered::Now(made)) => {
                self.redemptions.insert(number, made.redemption.id);
                let until = made.vouchers.first().ok_or("no voucher")?.expires_at;
                format!("redeemed for {}, good until {until}", made.redemption.points)
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
        let city = &self.processes[process].city;
        match redemption::cancel(self.services(process), citizen, city, id).await {
            Ok(redeemed) => Ok(format!("gave back {}", redeemed.redemption.points)),
            Err(error) => refusal(error),
        }
    }

    pub(super) async fn use_voucher(
        &self,
        process: usize,
        merchant: usize,
        voucher: (u32, usize),
    ) -> Outcome<String> {
        let code = self.code(voucher).await?;
        let (services, city) = (self.services(process), &self.processes[process].city);
        let used = till::use_voucher(services, city, &self.till(merchant), &code).await;
        used.map_or_else(at_the_till, |_| Ok("used".to_owned()))
    }

    pub(super) async fn void(
        &self,
        process: usize,
        merchant: usize,
        voucher: (u32, usize),
    ) -> Outcome<String> {
        let code = self.code(voucher).await?;
        let (services, city) = (self.services(process), &self.processes[process].city);
        let undone = till::void(services, city, &self.till(merchant), &code).await;
        undone.map_or_else(at_the_till, |_| Ok("undone".to_owned()))
    }

    pub(super) async fn close(&self, process: usize) -> Outcome<String> {
        let (services, city) = (self.services(process), &self.processes[process].city);
        Ok(format!("closed {}", settlement::close(services, city, self.stage.now()).await?))
    }

    pub(super) async fn settle(
        &self,
        process: usize,
        (merchant, number): (usize, i64),
        (step, other): (Step, bool),
    ) -> Outcome<String> {
        let (services, city) = (self.services(process), &self.processes[process].city);
        let all = settlement::of_merchant(services, self.merchants[merchant], None, 1_000).await?;
        let found = all.into_iter().find(|statement| statement.number == number);
        let statement = found.map_or(StatementId::new(Uuid::nil()), |statement| statement.id);
        let step = match step {
            Step::Submit => StepTaken::Submit,
            Step::Approve => StepTaken::Approve,
            Step::Return => StepTaken::Return("look again".to_owned()),
            Step::Pay => StepTaken::Pay("bank".to_owned()),
        };
        let by = CitizenId::new(id(OFFICERS[usize::from(other)]));
        Ok(match settlement::step(services, city, statement, &step, by).await {
            Ok(statement) => statement.status.word().to_owned(),
            Err(SettlementError::NoStatement) => "no statement".to_owned(),
            Err(SettlementError::Step(StepError::SamePerson)) => "same person".to_owned(),
            Err(SettlementError::Step(StepError::OutOfOrder { status })) => format!("is {}", status.word()),
            Err(error) => return Err(error.into()),
        })
    }

    fn till(&self, merchant: usize) -> Till {
        let staff = self.citizens.values().next().copied().unwrap_or(CitizenId::new(Uuid::nil()));
        Till { merchant: self.merchants[merchant], staff, branch: None }
    }

    /// What stands on a voucher.
    async fn code(&self, (redemption, voucher): (u32, usize)) -> Outcome<String> {
        let Some(id) = self.redemptions.get(&redemption) else { return Ok(NO_CODE.to_owned()) };
        let vouchers = tanhui_store::voucher::of_redemption(&self.services(0).database, *id).await?;
        Ok(vouchers.into_iter().nth(voucher).map_or(NO_CODE.to_owned(), |voucher| voucher.code))
    }
}

fn at_the_till(error: TillError) -> Outcome<String> {
    Ok(match error {
        TillError::NoVoucher | TillError::Elsewhere => "no voucher",
        TillError::Used { .. } => "used before",
        TillError::Cancelled => "was cancelled",
        TillError::Expired { .. } => "expired",
        TillError::NotUsed => "not used",
        TillError::TooLate { .. } => "too late",
        error @ (TillError::Unreadable
        | TillError::Forged
        | TillError::NoBranch
        | TillError::Stopped
        | TillError::Store(_)) => return Err(error.into()),
    }
    .to_owned())
}

fn refusal(error: RedeemError) -> Outcome<String> {
    Ok(match error {
        RedeemError::NoOffer => "no offer".to_owned(),
        RedeemError::NoRedemption => "no redemption".to_owned(),
        RedeemError::Refused(Refusal::Quantity) => "quantity".to_owned(),
        RedeemError::Refused(Refusal::OfferClosed) => "closed".to_owned(),
        RedeemError::Refused(Refusal::OutOfStock { left }) => format!("stock {left}"),
        RedeemError::Refused(Refusal::LimitReached { had, .. }) => format!("limit, had {had}"),
        RedeemError::Refused(Refusal::InsufficientPoints(short)) => {
            format!("points {} of {}", short.available, short.wanted)
        }
        RedeemError::VoucherUsed => "a voucher was used".to_owned(),
        RedeemError::VoucherExpired => "a voucher has expired".to_owned(),
        RedeemError::AlreadyCancelled => "cancelled before".to_owned(),
        RedeemError::KeyReused => "key reused".to_owned(),
        RedeemError::Refused(_) | RedeemError::Donated | RedeemError::Busy | RedeemError::Stopping => {
            return Err(error.into());
        }
        RedeemError::Store(error) => return Err(error.into()),
    })
}
