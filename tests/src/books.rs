//! Books kept by hand through the store, the way the service keeps them: locks in order, programme last.

use chrono::{Days, NaiveDate};
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::amount::{Fen, Points, ReductionMg};
use tanhui_domain::crediting::{self, DayGrant, Decided};
use tanhui_domain::id::{ActivityId, CitizenId, MerchantId, OwnerId, RedemptionId, VoucherId};
use tanhui_domain::ledger::{Amounts, Journal, JournalKind, LotGrant, LotKey, take_from_lots};
use tanhui_domain::redemption::{Redemption, Voucher, VoucherStatus};
use tanhui_domain::rule::{ReceiptBytes, Usage};
use tanhui_domain::time::civil_day;
use tanhui_store::lot::LotReturn;
use tanhui_store::offer::ShelfMove;
use tanhui_store::{Transaction, account, activity, lot, offer, redemption, voucher};
use uuid::Uuid;

use crate::stage::Stage;
use crate::town::Town;
use crate::trouble::Outcome;

const ACTION: &str = "metro-ride";
/// For how many days points are good.
const POINTS_DAYS: u64 = 365;

/// The books of one city.
#[derive(Debug, Clone, Copy)]
pub struct Books<'a> {
    /// The database and the time.
    pub stage: &'a Stage,
    /// The city.
    pub town: &'a Town,
}

/// An act to be credited.
#[derive(Debug, Clone, Copy)]
pub struct Credit<'a> {
    /// Who did it.
    pub citizen: CitizenId,
    /// The source's id of it.
    pub external_id: &'a str,
    /// What it gives.
    pub points: i64,
    /// What it avoids.
    pub reduction_mg: i64,
}

impl Books<'_> {
    /// The civil day of the test's clock.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        civil_day(self.stage.now(), self.town.city.timezone)
    }

    /// The last day of points granted now.
    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        self.today().checked_add_days(Days::new(POINTS_DAYS)).unwrap_or(NaiveDate::MAX)
    }

    /// The row of a credited act, not written.
    #[must_use]
    pub fn activity(&self, credit: Credit<'_>) -> Activity {
        Activity {
            id: ActivityId::derive(self.town.source, credit.external_id),
            citizen: credit.citizen,
            source: self.town.source,
            external_id: credit.external_id.to_owned(),
            action: ACTION.to_owned(),
            status: ActivityStatus::Credited,
            rule_set: self.town.rule_set,
            occurred_at: self.stage.now(),
            recorded_at: self.stage.now(),
            points: Points::new(credit.points),
            reduction: ReductionMg::new(credit.reduction_mg),
            code: None,
            receipt: ReceiptBytes::from(b"{}".to_vec()),
        }
    }

    /// Credits one act in a transaction of its own.
    pub async fn credit(&self, credit: Credit<'_>) -> Outcome<ActivityId> {
        let now = self.stage.now();
        let row = self.activity(credit);
        let on = self.stage.database.begin().await?;
        if activity::claim(&on, &[(row.id, row.citizen)], now).await?.is_empty() {
            return Err("credited before".into());
        }
        let citizen = credit.citizen;
        let granted = Usage { events: 1, points: row.points, reduction: row.reduction, ..Usage::default() };
        let day = DayGrant { citizen, action: row.action.clone(), day: self.today(), granted };
        let lots = [LotGrant { citizen, key: LotKey::until(self.last_day()), points: row.points }];
        let total = Amounts::credit(row.points, row.reduction);
        let id = row.id;
        let mut account = account::lock(&on, citizen.into()).await?.ok_or("no account")?;
        let posting = Some(account.post(total, Some(id.get()))?);
        let decided = vec![Decided { activity: row, posting, reason: None }];
        let decided = crediting::Outcome {
            decided,
            repeats: Vec::new(),
            total,
            granted: vec![day],
            lots: lots.to_vec(),
            tallies: Vec::new(),
            waiting: Vec::new(),
        };
        tanhui_store::crediting::write(&on, self.town.city.id, &decided, now).await?;
        on.commit().await?;
        Ok(id)
    }

    /// Redeems the city's offer.
    pub async fn redeem(&self, citizen: CitizenId, quantity: i64) -> Outcome<(RedemptionId, Vec<Voucher>)> {
        let now = self.stage.now();
        let on = self.stage.database.begin().await?;
        account::lock(&on, citizen.into()).await?.ok_or("no account")?;
        let offer = offer::lock(&on, self.town.offer).await?.ok_or("no offer")?;
        let points = offer.price.times(quantity)?;
        let takes = take_from_lots(&lot::open(&on, citizen).await?, points, self.today())?;
        let id = RedemptionId::new(self.stage.ids.next());
        let bought = Redemption {
            id,
            city: self.town.city.id,
            citizen,
            offer: offer.id,
            quantity,
            points,
            project: None,
            redeemed_at: now,
            returned: 0,
            cancelled_at: None,
        };
        redemption::insert_many(&on, &[bought]).await?;
        let vouchers: Vec<Voucher> = (0..quantity).map(|_| self.voucher(id)).collect();
        voucher::insert_many(&on, &vouchers).await?;
        offer::move_shelves(&on, &[ShelfMove { offer: offer.id, quantity, budget: Fen::ZERO }]).await?;
        lot::take(&on, citizen, id.get(), &takes).await?;
        let moved = Amounts::points(points.negated()?);
        self.post(&on, JournalKind::Redeem, citizen.into(), moved, id.get()).await?;
        on.commit().await?;
        Ok((id, vouchers))
    }

    fn voucher(&self, redemption: RedemptionId) -> Voucher {
        let id = VoucherId::new(self.stage.ids.next());
        Voucher {
            id,
            redemption,
            offer: self.town.offer,
            merchant: self.town.merchant,
            code: id.get().simple().to_string(),
            status: VoucherStatus::Live,
            expires_at: self.stage.now().checked_add_days(Days::new(30)).unwrap_or_default(),
            used_at: None,
        }
    }

    /// Gives a redemption back.
    pub async fn cancel(&self, citizen: CitizenId, id: RedemptionId) -> Outcome {
        let on = self.stage.database.begin().await?;
        account::lock(&on, citizen.into()).await?.ok_or("no account")?;
        let bought = redemption::find(&on, id, citizen).await?.ok_or("no redemption")?;
        let cause = id.get();
        let takes = lot::still_taken(&on, &[(citizen, cause)]).await?.remove(&cause).unwrap_or_default();
        voucher::mark_cancelled(&on, id, self.stage.now()).await?;
        if !redemption::mark_cancelled(&on, id, self.stage.now()).await? {
            return Err("cancelled before".into());
        }
        redemption::add_returned(&on, &[(id, bought.quantity)]).await?;
        let quantity = bought.quantity.saturating_neg();
        offer::move_shelves(&on, &[ShelfMove { offer: bought.offer, quantity, budget: Fen::ZERO }]).await?;
        let back = |take| LotReturn { citizen, cause, take, ended: false };
        lot::give_back(&on, &takes.into_iter().map(back).collect::<Vec<_>>()).await?;
        self.post(&on, JournalKind::Cancel, citizen.into(), Amounts::points(bought.points), id.get()).await?;
        Ok(on.commit().await?)
    }

    /// Uses a voucher at the till.
    pub async fn use_voucher(&self, voucher: VoucherId, staff: CitizenId) -> Outcome {
        let on = self.stage.database.begin().await?;
        if !voucher::mark_used(&on, voucher, staff, self.stage.now()).await? {
            return Err("used before".into());
        }
        let payout = offer::find(&on, self.town.offer).await?.ok_or("no offer")?.payout;
        let merchant: MerchantId = self.town.merchant;
        self.post(&on, JournalKind::Use, merchant.into(), Amounts::payable(payout), voucher.get()).await?;
        Ok(on.commit().await?)
    }

    /// Moves amounts to an owner from the programme.
    pub async fn post(
        &self,
        on: &Transaction,
        kind: JournalKind,
        owner: OwnerId,
        moved: Amounts,
        cause: Uuid,
    ) -> Outcome {
        let now = self.stage.now();
        let mut account = account::lock(on, owner).await?.ok_or("no account")?;
        let mut programme = account::lock(on, self.town.city.programme).await?.ok_or("no programme")?;
        let postings = vec![account.post(moved, Some(cause))?, programme.post(moved.negated()?, None)?];
        let city = self.town.city.id;
        let journal =
            Journal { city, kind, cause: Some(cause), occurred_at: now, recorded_at: now, postings };
        account::write(on, &journal).await?;
        Ok(())
    }
}
