//! What a batch of redemptions looks at: citizens first, then offers, both locked in id order.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use tanhui_domain::id::{CitizenId, OfferId, OwnerId};
use tanhui_domain::ledger::Account;
use tanhui_domain::offer::Offer;
use tanhui_domain::redemption::{Buyer, Shelf};
use tanhui_domain::time::{Period, civil_day, day_start};
use tanhui_store::{StoreError, Transaction, account, citizen, lot, offer, usage};

use super::RedeemRequest;
use super::selling::Order;
use crate::rule_book::RuleBook;

/// The citizens of a batch.
pub(super) type Buyers = BTreeMap<CitizenId, Buyer>;
/// The offers of a batch.
pub(super) type Shelves = HashMap<OfferId, Shelf>;

/// Locks the citizens of orders and loads what is theirs; nothing of those who were erased.
pub(super) async fn lock_buyers(on: &Transaction, orders: &[Order]) -> Result<Buyers, StoreError> {
    let citizens: BTreeSet<CitizenId> = orders.iter().map(|order| order.request.citizen).collect();
    let citizens: Vec<CitizenId> = citizens.into_iter().collect();
    let owners: Vec<OwnerId> = citizens.iter().copied().map(OwnerId::from).collect();
    let accounts = account::lock_many(on, &owners).await?;
    let mut homes = citizen::homes(on, &citizens).await?;
    let mut lots = lot::open_many(on, &citizens).await?;
    let buyer = |account: Account| {
        let citizen = CitizenId::new(account.owner.get());
        let buyer = Buyer {
            account,
            lots: lots.remove(&citizen).unwrap_or_default(),
            had: HashMap::new(),
            district: homes.remove(&citizen)?,
            levels: HashSet::new(),
        };
        Some((citizen, buyer))
    };
    Ok(accounts.into_iter().filter_map(buyer).collect())
}

/// Locks the offers of orders and loads what was taken of them today.
pub(super) async fn lock_shelves(
    on: &Transaction,
    orders: &[&Order],
    now: DateTime<Utc>,
) -> Result<Shelves, StoreError> {
    let ids: BTreeSet<OfferId> = orders.iter().map(|order| order.request.offer).collect();
    if ids.is_empty() {
        return Ok(Shelves::new());
    }
    let offers = offer::lock_many(on, &ids.into_iter().collect::<Vec<_>>()).await?;
    let days: BTreeMap<OfferId, NaiveDate> = orders
        .iter()
        .filter(|order| {
            let offer = offers.get(&order.request.offer);
            offer.is_some_and(|offer| offer.conditions.stock_per_day.is_some())
        })
        .map(|order| (order.request.offer, civil_day(now, order.request.city.timezone)))
        .collect();
    let taken = if days.is_empty() {
        HashMap::new()
    } else {
        offer::taken_on(on, &days.into_iter().collect::<Vec<_>>()).await?
    };
    let shelf = |(id, offer)| (id, Shelf { offer, taken_today: taken.get(&id).copied().unwrap_or(0) });
    Ok(offers.into_iter().map(shelf).collect())
}

/// Loads what citizens had of an offer and what they have reached, where the offer asks for it.
pub(super) async fn know_buyers(
    on: &Transaction,
    rules: &RuleBook,
    orders: &[&Order],
    shelves: &Shelves,
    (buyers, now): (&mut Buyers, DateTime<Utc>),
) -> Result<(), StoreError> {
    let asking = |asks: fn(&Offer) -> bool| {
        let offer = |order: &Order| shelves.get(&order.request.offer).map(|shelf| &shelf.offer);
        orders.iter().filter(move |order| offer(order).is_some_and(asks))
    };
    let limited: BTreeSet<_> = asking(Offer::limits_each_person).map(|order| with_week(order, now)).collect();
    if !limited.is_empty() {
        for ((citizen, offer), had) in offer::had(on, &limited.into_iter().collect::<Vec<_>>()).await? {
            if let Some(buyer) = buyers.get_mut(&citizen) {
                buyer.had.insert(offer, had);
            }
        }
    }
    let of_level: BTreeSet<_> =
        asking(|offer| offer.conditions.level.is_some()).map(|order| order.request.citizen).collect();
    if of_level.is_empty() {
        return Ok(());
    }
    let of_level: Vec<CitizenId> = of_level.into_iter().collect();
    let granted = usage::ever(on, &of_level).await?;
    for citizen in of_level {
        let Some(buyer) = buyers.get_mut(&citizen) else { continue };
        let Some(published) = rules.in_force(buyer.account.city, now) else { continue };
        let (points, reduction) = granted.get(&citizen).copied().unwrap_or_default();
        let reached = published.rules.levels().iter().filter(|level| level.is_reached(points, reduction));
        buyer.levels = reached.map(|level| level.id().to_owned()).collect();
    }
    Ok(())
}

/// Who asks for what, with the beginning of the week.
fn with_week(order: &Order, now: DateTime<Utc>) -> (CitizenId, OfferId, DateTime<Utc>) {
    let RedeemRequest { citizen, offer, city, .. } = &order.request;
    let week = Period::Week.range(civil_day(now, city.timezone)).from;
    (*citizen, *offer, day_start(week, city.timezone))
}
