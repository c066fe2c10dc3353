//! What comes back: a redemption that its citizen gives back, vouchers whose time is over or whose merchant
//! was stopped.
//!
//! The guard is the one of the take: the citizen's lock, then one guarded update of the vouchers, then the
//! offer's lock. Points come back to the lots they were taken from, those taken last first; where a lot's
//! last day is over they end in the same transaction, and the statement shows both.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use tanhui_domain::amount::Points;
use tanhui_domain::city::City;
use tanhui_domain::id::{CitizenId, MerchantId, OfferId, OwnerId, RedemptionId};
use tanhui_domain::ledger::{
    Account, Amounts, Journal, JournalKind, Posting, PostingError, give_back_to_lots,
};
use tanhui_domain::merchant::{Issued, Merchant};
use tanhui_domain::offer::Offer;
use tanhui_domain::redemption::{Redeemed, Redemption, Voucher, VoucherStatus};
use tanhui_domain::time::civil_day;
use tanhui_domain::webhook::EventKind;
use tanhui_store::lot::LotReturn;
use tanhui_store::offer::{DayMove, ShelfMove};
use tanhui_store::{StoreError, Transaction, account, city, lot, merchant, offer, redemption, voucher};
use uuid::Uuid;

use super::RedeemError;
use crate::Services;
use crate::draft::{overflow, unpostable};
use crate::reconcile;
use crate::retry::retrying;
use crate::webhook::announce_vouchers;

/// Most overdue vouchers in one transaction.
const VOUCHERS_PER_BATCH: i64 = 200;

/// Gives a redemption back while all of its vouchers are unused and in time: the same lots, the stock, the
/// budget.
pub async fn cancel(
    services: &Services,
    citizen: CitizenId,
    city: &City,
    id: RedemptionId,
) -> Result<Redeemed, RedeemError> {
    let now = services.clock.now();
    retrying(|again| try_cancel(services, citizen, city, id, (now, again))).await
}

async fn try_cancel(
    services: &Services,
    citizen: CitizenId,
    city: &City,
    id: RedemptionId,
    (now, again): (DateTime<Utc>, bool),
) -> Result<Redeemed, RedeemError> {
    let transaction = services.database.begin().await?;

    // 1. Lock and load.
    let accounts = account::lock_many(&transaction, &[citizen.into()]).await?;
    let redemption = redemption::find(&transaction, id, citizen).await?.ok_or(RedeemError::NoRedemption)?;
    if redemption.project.is_some() {
        return Err(RedeemError::Donated);
    }
    if let Some(cancelled_at) = redemption.cancelled_at {
        // An earlier try at this very instant was committed and its answer lost.
        if again && cancelled_at == now {
            let vouchers = voucher::of_redemption(&transaction, id).await?;
            return Ok(Redeemed { redemption, vouchers });
        }
        return Err(RedeemError::AlreadyCancelled);
    }

    // 2. Decide: the guarded update wins or loses against a use at the till and against expiry.
    let cancelled = voucher::mark_cancelled(&transaction, id, now).await?;
    if i64::try_from(cancelled) != Ok(redemption.quantity) {
        let vouchers = voucher::of_redemption(&transaction, id).await?;
        let used = vouchers.iter().any(|voucher| voucher.status == VoucherStatus::Used);
        return Err(if used { RedeemError::VoucherUsed } else { RedeemError::VoucherExpired });
    }
    if !redemption::mark_cancelled(&transaction, id, now).await? {
        return Err(RedeemError::AlreadyCancelled);
    }

    // 3. Write.
    let back = Back { redemption: &redemption, vouchers: redemption.quantity, refund: true };
    let offers = give_back(&transaction, city, accounts, &[back], now).await?;
    let vouchers = voucher::of_redemption(&transaction, id).await?;
    announce_ended(&transaction, &vouchers, &offers, now).await?;

    // 4. Commit, then answer.
    transaction.commit().await?;
    let returned = redemption.quantity;
    Ok(Redeemed { redemption: Redemption { cancelled_at: Some(now), returned, ..redemption }, vouchers })
}

/// Ends vouchers in every city whose time has been over for as long as a till without a network may still
/// tell of a scan; gives how many. Their stock and budget are free again, and the points come back where the
/// offer says so. May run anywhere, in several processes at once.
pub async fn expire_vouchers(services: &Services) -> Result<i64, StoreError> {
    let mut all = 0_i64;
    for city in city::list(&services.database).await? {
        loop {
            let now = services.clock.now();
            let since = now.checked_sub_signed(reconcile::WITHIN).unwrap_or(now);
            let overdue = voucher::overdue(&services.database, city.id, since, VOUCHERS_PER_BATCH).await?;
            let overdue: BTreeSet<RedemptionId> = overdue.into_iter().collect();
            let overdue: Vec<RedemptionId> = overdue.into_iter().collect();
            if overdue.is_empty() {
                break;
            }
            let ending = (now, Ending::Overdue { since });
            let ended = retrying(|_| end_batch(services, &city, &overdue, ending)).await?;
            // Another process ended them just now; what else is overdue is found in the next round.
            if ended == 0 {
                break;
            }
            all = all.saturating_add(ended);
        }
    }
    if all > 0 {
        tracing::info!(vouchers = all, "vouchers expired");
    }
    metrics::counter!("tanhui_vouchers_expired_total").increment(u64::try_from(all).unwrap_or(0));
    Ok(all)
}

/// Gives back the vouchers of merchants that the city has stopped with refunds, or ended; gives how many.
/// Done again it finds nothing. May run anywhere, in several processes at once.
pub async fn refund_stopped(services: &Services) -> Result<i64, StoreError> {
    let mut all = 0_i64;
    for stopped in merchant::refunding(&services.database).await? {
        let city = services.city(stopped.city).await?;
        // A round that finds nothing shows that nothing is left: no more can be sold or voided.
        loop {
            let (found, ended) = refund_round(services, &city, stopped.id).await?;
            all = all.saturating_add(ended);
            if !found {
                break;
            }
        }
        let transaction = services.database.begin().await?;
        let locked = merchant::lock(&transaction, stopped.id).await?;
        if let Some(done) = locked.filter(|merchant| merchant.issued == Issued::Refunding) {
            let done = Merchant { issued: Issued::Refunded, ..done };
            merchant::update(&transaction, &done).await?;
            transaction.commit().await?;
        }
    }
    metrics::counter!("tanhui_vouchers_refunded_total").increment(u64::try_from(all).unwrap_or(0));
    Ok(all)
}

async fn refund_round(
    services: &Services,
    city: &City,
    merchant: MerchantId,
) -> Result<(bool, i64), StoreError> {
    let (mut after, mut found, mut all) = (None, false, 0_i64);
    loop {
        let live = voucher::live_of_merchant(&services.database, merchant, after, VOUCHERS_PER_BATCH).await?;
        let Some((expires_at, id, _)) = live.last() else {
            return Ok((found, all));
        };
        (after, found) = (Some((*expires_at, *id)), true);
        let ids: BTreeSet<RedemptionId> = live.iter().map(|(_, _, redemption)| *redemption).collect();
        let ids: Vec<RedemptionId> = ids.into_iter().collect();
        let now = services.clock.now();
        let ended = retrying(|_| end_batch(services, city, &ids, (now, Ending::Stopped))).await?;
        all = all.saturating_add(ended);
    }
}

/// Why vouchers end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Their time is over; the offer says whether the points come back.
    Overdue {
        /// Over before then: no till can tell of a scan in time any more.
        since: DateTime<Utc>,
    },
    /// Their merchant was stopped; the points come back.
    Stopped,
}

async fn end_batch(
    services: &Services,
    city: &City,
    overdue: &[RedemptionId],
    (now, ending): (DateTime<Utc>, Ending),
) -> Result<i64, StoreError> {
    let transaction = services.database.begin().await?;

    // 1. Lock and load. What an offer promises does not change once it is approved.
    let found = redemption::find_many(&transaction, overdue).await?;
    let citizens: BTreeSet<OwnerId> = found.values().map(|redemption| redemption.citizen.into()).collect();
    let accounts = account::lock_many(&transaction, &citizens.into_iter().collect::<Vec<_>>()).await?;
    let offers: BTreeSet<OfferId> = found.values().map(|redemption| redemption.offer).collect();
    let offers = offer::find_many(&transaction, &offers.into_iter().collect::<Vec<_>>()).await?;
    let refunds = |redemption: &Redemption| {
        ending == Ending::Stopped
            || offers.get(&redemption.offer).is_some_and(|offer| offer.conditions.refund_expired)
    };

    // 2. Decide: the guarded update wins or loses against a use and against a cancellation.
    let status = |refund| if refund { VoucherStatus::Refunded } else { VoucherStatus::Expired };
    let endings: Vec<(RedemptionId, VoucherStatus)> =
        found.values().map(|redemption| (redemption.id, status(refunds(redemption)))).collect();
    let until = match ending {
        Ending::Overdue { since } => since,
        Ending::Stopped => DateTime::<Utc>::MAX_UTC,
    };
    let ended = voucher::end_overdue(&transaction, &endings, until).await?;

    // 3. Write, commit.
    let mut backs: BTreeMap<RedemptionId, Back<'_>> = BTreeMap::new();
    for redemption in ended.iter().filter_map(|voucher| found.get(&voucher.redemption)) {
        let none = Back { redemption, vouchers: 0, refund: refunds(redemption) };
        let back = backs.entry(redemption.id).or_insert(none);
        back.vouchers = back.vouchers.saturating_add(1);
    }
    let backs: Vec<Back<'_>> = backs.into_values().collect();
    give_back(&transaction, city, accounts, &backs, now).await?;
    announce_ended(&transaction, &ended, &offers, now).await?;
    transaction.commit().await?;
    Ok(i64::try_from(ended.len()).unwrap_or(i64::MAX))
}

/// Tells merchants of vouchers that nobody can bring to them any more, by what became of each.
async fn announce_ended(
    on: &Transaction,
    ended: &[Voucher],
    offers: &HashMap<OfferId, Offer>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    for (status, kind) in [
        (VoucherStatus::Cancelled, EventKind::VoucherCancelled),
        (VoucherStatus::Expired, EventKind::VoucherExpired),
        (VoucherStatus::Refunded, EventKind::VoucherRefunded),
    ] {
        let of_status = ended.iter().filter(|voucher| voucher.status == status);
        let with_offers: Vec<(&Voucher, &Offer)> =
            of_status.filter_map(|voucher| Some((voucher, offers.get(&voucher.offer)?))).collect();
        announce_vouchers(on, kind, &with_offers, at).await?;
    }
    Ok(())
}

/// Vouchers of a redemption that were live until now.
struct Back<'a> {
    redemption: &'a Redemption,
    vouchers: i64,
    /// Whether their points come back too.
    refund: bool,
}

/// Gives stock and budget back, and the points of what is refunded; gives the offers, locked. The accounts
/// must be those of the citizens, locked; the vouchers no longer live.
async fn give_back(
    on: &Transaction,
    city: &City,
    accounts: Vec<Account>,
    backs: &[Back<'_>],
    now: DateTime<Utc>,
) -> Result<HashMap<OfferId, Offer>, StoreError> {
    if backs.is_empty() {
        return Ok(HashMap::new());
    }
    let offers = refill(on, city, backs).await?;
    let refunds: Vec<&Back<'_>> = backs.iter().filter(|back| back.refund).collect();
    if !refunds.is_empty() {
        let returns = refund(on, city, &refunds, now).await?;
        post(on, city, accounts, (&refunds, &returns), now).await?;
    }
    Ok(offers)
}

/// Puts vouchers back on their shelves; gives these, locked.
async fn refill(
    on: &Transaction,
    city: &City,
    backs: &[Back<'_>],
) -> Result<HashMap<OfferId, Offer>, StoreError> {
    let ids: BTreeSet<OfferId> = backs.iter().map(|back| back.redemption.offer).collect();
    let offers = offer::lock_many(on, &ids.into_iter().collect::<Vec<_>>()).await?;
    let mut shelves: BTreeMap<OfferId, i64> = BTreeMap::new();
    let mut days: BTreeMap<_, i64> = BTreeMap::new();
    for Back { redemption, vouchers, .. } in backs {
        let offer = offers.get(&redemption.offer);
        let offer = offer.ok_or_else(|| StoreError::Corrupt("a redemption of no offer".to_owned()))?;
        let count = shelves.entry(offer.id).or_default();
        *count = count.saturating_sub(*vouchers);
        if offer.conditions.stock_per_day.is_some() {
            let day = civil_day(redemption.redeemed_at, city.timezone);
            let count = days.entry((offer.id, day)).or_default();
            *count = count.saturating_sub(*vouchers);
        }
    }
    let shelf = |(id, quantity): (&OfferId, &i64)| {
        let payout = offers.get(id).map(|offer| offer.payout).unwrap_or_default();
        Ok(ShelfMove { offer: *id, quantity: *quantity, budget: payout.times(*quantity).map_err(overflow)? })
    };
    let shelves: Result<Vec<ShelfMove>, StoreError> = shelves.iter().map(shelf).collect();
    offer::move_shelves(on, &shelves?).await?;
    let days: Vec<DayMove> =
        days.into_iter().map(|((offer, day), quantity)| DayMove { offer, day, quantity }).collect();
    offer::move_days(on, &days).await?;
    Ok(offers)
}

/// Puts points back into their lots; gives what went where.
async fn refund(
    on: &Transaction,
    city: &City,
    refunds: &[&Back<'_>],
    now: DateTime<Utc>,
) -> Result<Vec<LotReturn>, StoreError> {
    let today = civil_day(now, city.timezone);
    let causes: Vec<(CitizenId, Uuid)> =
        refunds.iter().map(|back| (back.redemption.citizen, back.redemption.id.get())).collect();
    let taken = lot::still_taken(on, &causes).await?;
    let mut returns = Vec::new();
    for back in refunds {
        let (citizen, cause) = (back.redemption.citizen, back.redemption.id.get());
        let points = back.redemption.points_of(back.vouchers).map_err(overflow)?;
        let from = taken.get(&cause).map(Vec::as_slice).unwrap_or_default();
        let ended = |key: tanhui_domain::ledger::LotKey| key.expires_on < today;
        let chosen = give_back_to_lots(from, points).into_iter();
        returns.extend(chosen.map(|take| LotReturn { citizen, cause, take, ended: ended(take.key) }));
    }
    lot::give_back(on, &returns).await?;
    let counts: Vec<(RedemptionId, i64)> =
        refunds.iter().map(|back| (back.redemption.id, back.vouchers)).collect();
    redemption::add_returned(on, &counts).await?;
    Ok(returns)
}

/// Posts what came back, then what of it ended, each as one journal; the programme is locked last.
async fn post(
    on: &Transaction,
    city: &City,
    accounts: Vec<Account>,
    (refunds, returns): (&[&Back<'_>], &[LotReturn]),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut accounts: HashMap<OwnerId, Account> =
        accounts.into_iter().map(|account| (account.owner, account)).collect();
    let mut line = |citizen: CitizenId, points: Points, cause: Uuid| -> Result<Posting, StoreError> {
        let account = accounts.get_mut(&citizen.into());
        let account =
            account.ok_or_else(|| StoreError::Corrupt("a citizen without an account".to_owned()))?;
        account.post(Amounts::points(points), Some(cause)).map_err(unpostable)
    };
    let mut back = Vec::with_capacity(refunds.len());
    for one in refunds {
        let points = one.redemption.points_of(one.vouchers).map_err(overflow)?;
        back.push(line(one.redemption.citizen, points, one.redemption.id.get())?);
    }
    let mut over: BTreeMap<(CitizenId, Uuid), Points> = BTreeMap::new();
    for one in returns.iter().filter(|one| one.ended) {
        let sum = over.entry((one.citizen, one.cause)).or_default();
        *sum = sum.plus(one.take.points).map_err(overflow)?;
    }
    let mut ended = Vec::with_capacity(over.len());
    for ((citizen, cause), points) in over {
        ended.push(line(citizen, points.negated().map_err(overflow)?, cause)?);
    }
    let mut programme = account::lock_programme(on, city.id).await?;
    for (kind, mut postings) in [(JournalKind::Cancel, back), (JournalKind::Expire, ended)] {
        if postings.is_empty() {
            continue;
        }
        let mut sum = Amounts::default();
        for posting in &postings {
            sum = sum.plus(posting.amounts).map_err(overflow)?;
        }
        let opposite = sum.negated().map_err(PostingError::from).map_err(unpostable)?;
        postings.push(programme.post(opposite, None).map_err(unpostable)?);
        let journal =
            Journal { city: city.id, kind, cause: None, occurred_at: now, recorded_at: now, postings };
        account::write(on, &journal).await?;
    }
    Ok(())
}
