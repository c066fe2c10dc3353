//! One batch of redemptions, one transaction, in phases: lock and load, decide, write, commit.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::city::City;
use tanhui_domain::id::{CitizenId, CityId, OfferId, OwnerId, ProjectId, RedemptionId, VoucherId};
use tanhui_domain::ledger::{Account, Amounts, Lot, lots_after, settle_debt};
use tanhui_domain::redemption::{
    Buyer, Moment, Redeemed, Redemption, Shelf, Taken, Voucher, VoucherStatus, Want, take,
};
use tanhui_domain::time::civil_day;
use tanhui_domain::webhook::EventKind;
use tanhui_store::idempotency::RequestKey;
use tanhui_store::offer::{DayMove, ShelfMove};
use tanhui_store::selling::{self, Sale};
use tanhui_store::{Database, StoreError, Transaction, account};

use super::known::{self, Known};
use super::shelves::{self, Buyers, Shelves};
use super::{Answered, RedeemError, RedeemRequest};
use crate::draft::{Draft, overflow, unpostable};
use crate::group_commit::{Hand, Work};
use crate::rule_book::RuleBook;
use crate::webhook::announce_vouchers;

/// A request with everything that was drawn for it.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// The redemption that it will be.
    pub(super) id: RedemptionId,
    /// Who wants what.
    pub(super) request: RedeemRequest,
    /// Ids and codes of the vouchers.
    pub(super) tickets: Vec<(VoucherId, String)>,
}

/// Writes batches of orders.
pub(super) struct Selling {
    pub(super) database: Database,
    pub(super) rules: Arc<RuleBook>,
}

/// What became of an order.
type Outcome = Result<Answered, RedeemError>;

impl Work for Selling {
    type Item = Order;
    type Answer = Outcome;
    type Known = Infallible;

    const QUEUED_MAX: usize = 20_000;
    const BATCH_MAX: usize = 500;
    const GATHERED: usize = 500;
    const PARTED: usize = usize::MAX;

    async fn write(
        &self,
        at: DateTime<Utc>,
        again: bool,
        orders: &[Order],
        hand: &Hand<Self>,
    ) -> Result<Vec<Outcome>, StoreError> {
        let transaction = self.database.begin().await?;

        // 1. Lock the citizens; whatever they were answered before is answered again.
        let mut buyers = shelves::lock_buyers(&transaction, orders).await?;
        let mut answers = known_answers(&transaction, orders, again).await?;
        let open: Vec<(usize, &Order)> =
            orders.iter().enumerate().filter(|(place, _)| !answers.contains_key(place)).collect();
        let asked: Vec<&Order> = open.iter().map(|(_, order)| *order).collect();

        // 2. Lock the offers.
        let shelves = shelves::lock_shelves(&transaction, &asked, at).await?;
        shelves::know_buyers(&transaction, &self.rules, &asked, &shelves, (&mut buyers, at)).await?;

        // 3. Decide.
        let mut batch = Batch { buyers, shelves, at, debtors: Vec::new(), sales: BTreeMap::new() };
        for (place, order) in open {
            let outcome = match same_request(orders.get(..place).unwrap_or_default(), order, &answers) {
                Some(before) => before,
                None => batch.decide(order)?,
            };
            answers.insert(place, outcome);
        }

        // 4. Write, commit, then answer.
        if !batch.sales.is_empty() {
            batch.write(&transaction).await?;
            hand.pass();
            transaction.commit().await?;
        }
        (0..orders.len()).map(|place| answers.remove(&place).ok_or_else(unanswered)).collect()
    }

    fn refuse(_: &Order, error: StoreError) -> Outcome {
        Err(error.into())
    }
}

async fn known_answers(on: &Transaction, orders: &[Order], again: bool) -> Result<Known, StoreError> {
    let keys = orders.iter().enumerate();
    let keys: Vec<(usize, &RequestKey)> =
        keys.filter_map(|(place, order)| Some((place, order.request.key.as_ref()?))).collect();
    let mut known = known::of_keys(on, &keys).await?;
    if again {
        known.extend(known::of_earlier_try(on, orders).await?);
    }
    Ok(known)
}

/// The same key twice in one batch is one request too.
fn same_request(earlier: &[Order], order: &Order, answers: &Known) -> Option<Outcome> {
    let key = order.request.key.as_ref()?;
    earlier.iter().enumerate().find_map(|(place, other)| {
        let other = other.request.key.as_ref()?;
        if (other.owner, other.route, &other.key) != (key.owner, key.route, &key.key) {
            return None;
        }
        let made = answers.get(&place)?.as_ref().ok()?.clone().made();
        let same_wish = other.body_hash == key.body_hash;
        Some(if same_wish { Ok(Answered::Before(made)) } else { Err(RedeemError::KeyReused) })
    })
}

/// A batch that is being decided, order by order.
struct Batch<'a> {
    buyers: Buyers,
    shelves: Shelves,
    at: DateTime<Utc>,
    debtors: Vec<Debtor<'a>>,
    sales: BTreeMap<CityId, Sale<'a>>,
}

/// Someone whose points first made up for a debt, as they were before.
struct Debtor<'a> {
    citizen: CitizenId,
    city: &'a City,
    account: Account,
    lots: Vec<Lot>,
}

impl<'a> Batch<'a> {
    fn decide(&mut self, order: &'a Order) -> Result<Outcome, StoreError> {
        let RedeemRequest { citizen, city, offer, quantity, .. } = &order.request;
        let Some(buyer) = self.buyers.get_mut(citizen) else {
            return Ok(Err(RedeemError::NoCitizen));
        };
        let found = self.shelves.get_mut(offer);
        let Some(found) = found.filter(|found| found.offer.city == city.id) else {
            return Ok(Err(RedeemError::NoOffer));
        };
        let in_debt = !buyer.account.debt.is_none() && !buyer.lots.is_empty();
        let mut purse = if in_debt { out_of_debt(buyer)? } else { buyer.clone() };
        let today = civil_day(self.at, city.timezone);
        let want = Want { redemption: order.id, quantity: *quantity };
        let taken = match take(want, found, &mut purse, Moment { now: self.at, today }) {
            Ok(taken) => taken,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let before = std::mem::replace(buyer, purse);
        if in_debt {
            let Buyer { account, lots, .. } = before;
            self.debtors.push(Debtor { citizen: *citizen, city, account, lots });
        }
        let made = make(order, found, &taken, self.at);
        let sale = self.sales.entry(city.id).or_default();
        add(sale, order, found, (&made, taken), today)?;
        Ok(Ok(Answered::Now(made)))
    }

    async fn write(&mut self, on: &Transaction) -> Result<(), StoreError> {
        give_to_projects(on, &mut self.sales).await?;
        for Debtor { citizen, city, account, lots } in self.debtors.drain(..) {
            let mut draft = Draft::of(citizen, account);
            draft.settle(on, lots).await?;
            draft.write(on, city, self.at).await?;
        }
        for (city, sale) in &self.sales {
            announce_issued(on, &sale.vouchers, &self.shelves, self.at).await?;
            selling::write(on, *city, sale, self.at).await?;
            let made = u64::try_from(sale.redemptions.len()).unwrap_or(0);
            metrics::counter!("tanhui_redemptions_total").increment(made);
        }
        Ok(())
    }
}

/// Tells merchants of vouchers that people now hold.
async fn announce_issued(
    on: &Transaction,
    vouchers: &[Voucher],
    shelves: &Shelves,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut issued = Vec::with_capacity(vouchers.len());
    for voucher in vouchers {
        issued.extend(shelves.get(&voucher.offer).map(|shelf| (voucher, &shelf.offer)));
    }
    announce_vouchers(on, EventKind::VoucherIssued, &issued, at).await
}

/// A buyer whose points have made up for a debt, as [`Draft::settle`] will write it.
fn out_of_debt(buyer: &Buyer) -> Result<Buyer, StoreError> {
    let settled = settle_debt(buyer.account.debt, &buyer.lots).map_err(overflow)?;
    let mut after = Buyer { lots: lots_after(&buyer.lots, &settled.takes), ..buyer.clone() };
    if settled.posted > Points::ZERO {
        let posted = Amounts::points(settled.posted.negated().map_err(overflow)?);
        after.account.post(posted, None).map_err(unpostable)?;
    }
    after.account.debt = settled.debt;
    Ok(after)
}

fn unanswered() -> StoreError {
    StoreError::Corrupt("an order of the batch got no answer".to_owned())
}

fn make(order: &Order, shelf: &Shelf, taken: &Taken, at: DateTime<Utc>) -> Redeemed {
    let offer = &shelf.offer;
    let redemption = Redemption {
        id: order.id,
        city: offer.city,
        citizen: order.request.citizen,
        offer: offer.id,
        quantity: order.request.quantity,
        points: taken.points,
        project: offer.kind.project(),
        redeemed_at: at,
        returned: 0,
        cancelled_at: None,
    };
    let days = Days::new(u64::from(offer.voucher_days.unsigned_abs()));
    let expires_at = at.checked_add_days(days).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let voucher = |(id, code): &(VoucherId, String)| Voucher {
        id: *id,
        redemption: order.id,
        offer: offer.id,
        merchant: offer.merchant,
        code: code.clone(),
        status: VoucherStatus::Live,
        expires_at,
        used_at: None,
    };
    let tickets = if redemption.project.is_some() { &[] } else { order.tickets.as_slice() };
    Redeemed { vouchers: tickets.iter().map(voucher).collect(), redemption }
}

fn add<'a>(
    sale: &mut Sale<'a>,
    order: &'a Order,
    shelf: &Shelf,
    (made, taken): (&Redeemed, Taken),
    today: NaiveDate,
) -> Result<(), StoreError> {
    let quantity = order.request.quantity;
    let of_lot = |take| (order.request.citizen, order.id.get(), take);
    sale.takes.extend(taken.takes.into_iter().map(of_lot));
    sale.postings.push(taken.posting);
    sale.redemptions.push(made.redemption.clone());
    sale.vouchers.extend(made.vouchers.iter().cloned());
    if let Some(key) = &order.request.key {
        sale.keys.push((key, order.id.to_string()));
    }
    add_to_shelf(&mut sale.shelves, shelf.offer.id, quantity, taken.budget)?;
    if shelf.offer.conditions.stock_per_day.is_some() {
        add_to_day(&mut sale.days, shelf.offer.id, today, quantity);
    }
    Ok(())
}

fn add_to_shelf(
    shelves: &mut Vec<ShelfMove>,
    offer: OfferId,
    quantity: i64,
    budget: Fen,
) -> Result<(), StoreError> {
    if let Some(known) = shelves.iter_mut().find(|known| known.offer == offer) {
        known.quantity = known.quantity.saturating_add(quantity);
        known.budget = known.budget.plus(budget).map_err(overflow)?;
    } else {
        shelves.push(ShelfMove { offer, quantity, budget });
    }
    Ok(())
}

fn add_to_day(days: &mut Vec<DayMove>, offer: OfferId, day: NaiveDate, quantity: i64) {
    match days.iter_mut().find(|known| known.offer == offer && known.day == day) {
        Some(known) => known.quantity = known.quantity.saturating_add(quantity),
        None => days.push(DayMove { offer, day, quantity }),
    }
}

/// Points of donations go to their projects: one line a project and batch.
async fn give_to_projects(
    on: &Transaction,
    sales: &mut BTreeMap<CityId, Sale<'_>>,
) -> Result<(), StoreError> {
    let projects: HashSet<ProjectId> =
        sales.values().flat_map(|sale| &sale.redemptions).filter_map(|made| made.project).collect();
    if projects.is_empty() {
        return Ok(());
    }
    let owners: Vec<OwnerId> = projects.into_iter().map(OwnerId::from).collect();
    let accounts = account::lock_many(on, &owners).await?;
    if accounts.len() != owners.len() {
        return Err(StoreError::Corrupt("a project without an account".to_owned()));
    }
    for mut account in accounts {
        for sale in sales.values_mut() {
            let here = |made: &&Redemption| made.project.map(OwnerId::from) == Some(account.owner);
            let given = sale.redemptions.iter().filter(here).map(|made| made.points);
            let points = Points::total(given).map_err(overflow)?;
            if points > Points::ZERO {
                sale.postings.push(account.post(Amounts::points(points), None).map_err(unpostable)?);
            }
        }
    }
    Ok(())
}
