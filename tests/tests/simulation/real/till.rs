//! At the tills of merchants, and what merchants are paid.

use chrono::{DateTime, Utc};
use tanhui_domain::id::{CitizenId, StatementId};
use tanhui_domain::merchant::{Staff, StaffRole};
use tanhui_domain::redemption::Voucher;
use tanhui_domain::settlement::{Step as StepTaken, StepError};
use tanhui_service::reconcile::{self, ScanError, Told};
use tanhui_service::settlement::{self, SettlementError};
use tanhui_service::till::{self, Till, TillError};
use tanhui_store::voucher;
use tanhui_tests::{Outcome, id};
use uuid::Uuid;

use super::{OFFICERS, Real};
use crate::command::Step;

/// Fits no voucher.
const NO_CODE: &str = "0000000000000000";

impl Real {
    pub(super) async fn use_voucher(
        &self,
        process: usize,
        merchant: usize,
        voucher: (u32, usize),
    ) -> Outcome<String> {
        let (till, code) = (self.till(merchant), self.code(voucher).await?);
        let used = till::use_voucher(self.services(process), self.city(process), &till, &code).await;
        used.map_or_else(at_the_till, |_| Ok("used".to_owned()))
    }

    pub(super) async fn void(
        &self,
        process: usize,
        merchant: usize,
        voucher: (u32, usize),
    ) -> Outcome<String> {
        let (till, code) = (self.till(merchant), self.code(voucher).await?);
        let undone = till::void(self.services(process), self.city(process), &till, &code).await;
        undone.map_or_else(at_the_till, |_| Ok("undone".to_owned()))
    }

    pub(super) async fn close(&self, process: usize) -> Outcome<String> {
        let (services, city) = (self.services(process), self.city(process));
        Ok(format!("closed {}", settlement::close(services, city, self.stage.now()).await?))
    }

    pub(super) async fn settle(
        &self,
        process: usize,
        (merchant, number): (usize, i64),
        (step, other): (Step, bool),
    ) -> Outcome<String> {
        let (services, city) = (self.services(process), self.city(process));
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

    /// A voucher that nobody has is signed by nobody.
    pub(super) async fn scan(
        &self,
        process: usize,
        merchant: usize,
        key: (u32, usize),
        scanned_at: DateTime<Utc>,
    ) -> Outcome<String> {
        let Some(voucher) = self.voucher(key).await? else { return Ok("no voucher".to_owned()) };
        let (services, city) = (self.services(process), self.city(process));
        let read = services.passes.sign(&voucher, self.stage.now()).ok_or("not signed")?;
        let Till { merchant, staff: citizen, branch } = self.till(merchant);
        let staff = Staff { citizen, merchant, role: StaffRole::Cashier, label: String::new(), branch };
        let told = Told { read, scanned_at, branch: None };
        match reconcile::reconcile(services, city, &staff, &told).await {
            Ok(taken) => Ok(if taken.again { "told before" } else { "used" }.to_owned()),
            Err(ScanError::Ahead) => Ok("ahead".to_owned()),
            Err(ScanError::TooOld) => Ok("too old".to_owned()),
            Err(ScanError::Till(TillError::Elsewhere)) => Ok("elsewhere".to_owned()),
            Err(ScanError::Till(error)) => at_the_till(error),
        }
    }

    async fn voucher(&self, (redemption, voucher): (u32, usize)) -> Outcome<Option<Voucher>> {
        let Some(id) = self.redemptions.get(&redemption) else { return Ok(None) };
        let vouchers = voucher::of_redemption(&self.services(0).database, *id).await?;
        Ok(vouchers.into_iter().nth(voucher))
    }

    /// What stands on a voucher.
    async fn code(&self, key: (u32, usize)) -> Outcome<String> {
        Ok(self.voucher(key).await?.map_or(NO_CODE.to_owned(), |voucher| voucher.code))
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
        TillError::Stopped => "stopped",
        error @ (TillError::Unreadable | TillError::Forged | TillError::NoBranch | TillError::Store(_)) => {
            return Err(error.into());
        }
    }
    .to_owned())
}
