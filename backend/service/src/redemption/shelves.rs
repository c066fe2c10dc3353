//! What a batch of redemptions looks at: citizens first, then offers, both locked in id order.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use tanhui_domain::id::{CitizenId, OfferId, OwnerId};
use tanhui_domain::ledger::Account;
use tanhui_domain::redemption::{Buyer, Had, Shelf};
use tanhui_domain::time::{Period, civil_day, day_start};
use tanhui_store::{StoreError, Transaction, account, citizen, lot, offer, usage};

use super::selling::Order;
use crate::rule_book::RuleBook;

/// The citizens of a batch.
pub(super) type Buyers = BTreeMap<CitizenId, Buyer>;
/// The offers of a batch.
pub(super) type Shelves = HashMap<OfferId, Shelf>;

/// Locks the citizens of orders and loads what is theirs.
pub(super) async fn lock_buyers(
    on: &Transaction,
    orders: &[Order],
    now: DateTime<Utc>,
) -> Result<Buyers, StoreError> {
    let citizens: BTreeSet<CitizenId> = orders.iter().map(|order| order.request.citizen).collect();
    let citizens: Vec<CitizenId> = citizens.into_iter().collect();
    let owners: Vec<OwnerId> = citizens.iter().copied().map(OwnerId::from).collect();
    let accounts = account::lock_many(on, &owners).await?;
    let mut lots = lot::open_many(on, &citizens).await?;
    let mut had: HashMap<CitizenId, HashMap<OfferId, Had>> = HashMap::new();
    for ((citizen, offer), count) in offer::had(on, &asked(orders, now)).await? {
        had.entry(citizen).or_default().insert(offer, count);
    }
    let buyer = |account: Account| {
        let citizen = CitizenId::new(account.owner.get());
        let buyer = Buyer {
            account,
            lots: lots.remove(&citizen).unwrap_or_default(),
            had: had.remove(&citizen).unwrap_or_default(),
            district: None,
            levels: HashSet::new(),
        };
        (citizen, buyer)
    };
    Ok(accounts.into_iter().map(buyer).collect())
}

/// Each citizen and offer once, with the beginning of the week.
fn asked(orders: &[Order], now: DateTime<Utc>) -> Vec<(CitizenId, OfferId, DateTime<Utc>)> {
    let ask = |order: &Order| {
        let zone = order.request.city.timezone;
        let week = Period::Week.range(civil_day(now, zone)).from;
        (order.request.citizen, order.request.offer, day_start(week, zone))
    };
    orders.iter().map(ask).collect::<BTreeSet<_>>().into_iter().collect()
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

/// Loads where citizens live and what they have reached, where an offer asks for it.
pub(super) async fn know_buyers(
    on: &Transaction,
    rules: &RuleBook,
    orders: &[&Order],
    shelves: &Shelves,
    (buyers, now): (&mut Buyers, DateTime<Utc>),
) -> Result<(), StoreError> {
    let asking = |asks: fn(&Shelf) -> bool| -> Vec<CitizenId> {
        let asked = orders.iter().filter(|order| shelves.get(&order.request.offer).is_some_and(asks));
        asked.map(|order| order.request.citizen).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let of_district = asking(|shelf| shelf.offer.conditions.district.is_some());
    if !of_district.is_empty() {
        for (citizen, district) in citizen::districts(on, &of_district).await? {
            if let Some(buyer) = buyers.get_mut(&citizen) {
                buyer.district = Some(district);
            }
        }
    }
    let of_level = asking(|shelf| shelf.offer.conditions.level.is_some());
    if of_level.is_empty() {
        return Ok(());
    }
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
