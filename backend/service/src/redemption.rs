//! Redeeming an offer and giving it back: points, stock and vouchers move together or not at all.
//!
//! Locks are taken in one order by everyone: citizen, offer, programme.

use chrono::{DateTime, Days, Utc};
use sha2::{Digest, Sha256};
use tanhui_domain::amount::Points;
use tanhui_domain::city::City;
use tanhui_domain::id::{CitizenId, OfferId, RedemptionId, VoucherId};
use tanhui_domain::ledger::{
    Amounts, InsufficientPoints, JournalKind, LotTake, PostingError, take_from_lots,
};
use tanhui_domain::pass::{CODE_LENGTH, CODE_LETTERS};
use tanhui_domain::redemption::{Offer, OfferStatus, QUANTITY_MAX, Redemption, Voucher, VoucherStatus};
use tanhui_domain::time::civil_day;
use tanhui_store::idempotency::{self, RequestKey, StoredAnswer};
use tanhui_store::{StoreError, Transaction, lot, offer, redemption, voucher};

use crate::Services;
use crate::draft::{Draft, overflow, unpostable};
use crate::random::Random;
use crate::retry::{Repeatable, retrying};
use crate::till::{Checked, with_offers};

/// What a citizen asks for.
#[derive(Debug, Clone)]
pub struct RedeemRequest {
    /// Who.
    pub citizen: CitizenId,
    /// Of which city.
    pub city: City,
    /// What.
    pub offer: OfferId,
    /// How many.
    pub quantity: i64,
    /// The client's `Idempotency-Key`.
    pub key: Option<RequestKey>,
}

/// A redemption with its vouchers.
#[derive(Debug, Clone)]
pub struct Redeemed {
    /// The redemption.
    pub redemption: Redemption,
    /// Its vouchers.
    pub vouchers: Vec<Voucher>,
}

/// A fresh answer, or the one given to the same key before.
#[derive(Debug, Clone)]
pub enum Answered {
    /// Done now; the rendered answer.
    Now(String),
    /// Done before; the answer of then.
    Before(StoredAnswer),
}

/// Why an offer was not redeemed or not given back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RedeemError {
    /// No such offer, or of another city.
    #[error("no such offer")]
    NoOffer,
    /// No such redemption of this citizen.
    #[error("no such redemption")]
    NoRedemption,
    /// Nothing, or more than [`QUANTITY_MAX`].
    #[error("quantity must be 1 to {QUANTITY_MAX}")]
    Quantity,
    /// The offer has ended.
    #[error("the offer has ended")]
    OfferClosed,
    /// Fewer are left than asked for.
    #[error("{left} left")]
    OutOfStock {
        /// How many are left.
        left: i64,
    },
    /// The citizen may have no more of this offer.
    #[error("{allowed} per person, {had} had")]
    LimitReached {
        /// How many one citizen may have.
        allowed: i64,
        /// How many the citizen has.
        had: i64,
    },
    /// The citizen has fewer points than the price.
    #[error(transparent)]
    InsufficientPoints(#[from] InsufficientPoints),
    /// A voucher of it was used.
    #[error("a voucher of it was used")]
    VoucherUsed,
    /// It was given back before.
    #[error("it was given back before")]
    AlreadyCancelled,
    /// The key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Repeatable for RedeemError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

/// The name that a client's `Idempotency-Key` has here: the same citizen, key and wish are the same request.
#[must_use]
pub fn request_key(citizen: CitizenId, key: &str, offer: OfferId, quantity: i64) -> RequestKey {
    let mut wish = Sha256::new();
    wish.update(offer.get().as_bytes());
    wish.update(quantity.to_be_bytes());
    let body_hash = wish.finalize().into();
    RequestKey { owner: citizen.into(), route: "redemptions", key: key.to_owned(), body_hash }
}

/// A citizen's own redemption with its vouchers.
pub async fn find(
    services: &Services,
    citizen: CitizenId,
    id: RedemptionId,
) -> Result<Option<Redeemed>, StoreError> {
    let Some(redemption) = redemption::find(&services.database, id, citizen).await? else {
        return Ok(None);
    };
    let vouchers = voucher::of_redemption(&services.database, id).await?;
    Ok(Some(Redeemed { redemption, vouchers }))
}

/// A citizen's vouchers with what they are for, the newest redemption first, beginning after a (redemption,
/// voucher).
pub async fn vouchers(
    services: &Services,
    citizen: CitizenId,
    after: Option<(RedemptionId, VoucherId)>,
    limit: i64,
) -> Result<Vec<Checked>, StoreError> {
    let vouchers = voucher::page_of_citizen(&services.database, citizen, after, limit).await?;
    with_offers(services, vouchers).await
}

/// Redeems an offer. `render` makes the answer that a repetition of the same key gets again.
pub async fn redeem(
    services: &Services,
    request: &RedeemRequest,
    render: impl Fn(&Redeemed) -> String,
) -> Result<Answered, RedeemError> {
    if !(1..=QUANTITY_MAX).contains(&request.quantity) {
        return Err(RedeemError::Quantity);
    }
    let request = RedeemRequest {
        key: Some(request.key.clone().unwrap_or_else(|| key_of_one_call(services, request))),
        ..request.clone()
    };
    retrying(|_| try_redeem(services, &request, &render)).await
}

/// Without the client's key one of our own, so that a repeated transaction finds a commit whose answer was
/// lost.
fn key_of_one_call(services: &Services, request: &RedeemRequest) -> RequestKey {
    let key = services.random.uuid_at(services.clock.now()).to_string();
    RequestKey { owner: request.citizen.into(), route: "redemptions of one call", key, body_hash: [0; 32] }
}

async fn try_redeem(
    services: &Services,
    request: &RedeemRequest,
    render: &impl Fn(&Redeemed) -> String,
) -> Result<Answered, RedeemError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    if let Some(before) = claim_key(&transaction, request.key.as_ref(), now).await? {
        return Ok(Answered::Before(before));
    }

    // 1. Load and lock.
    let mut draft = Draft::open(&transaction, request.citizen)
        .await?
        .ok_or_else(|| StoreError::Corrupt("a citizen without an account".to_owned()))?;
    let offer = offer::lock(&transaction, request.offer).await?;
    let offer = offer.filter(|offer| offer.city == request.city.id).ok_or(RedeemError::NoOffer)?;
    let had = offer::count_of_citizen(&transaction, offer.id, request.citizen).await?;
    let lots = lot::open(&transaction, request.citizen).await?;
    let lots = draft.settle(&transaction, lots).await?;

    // 2. Decide.
    let price = price(&offer, request.quantity, had)?;
    let takes = take_from_lots(&lots, price, civil_day(now, request.city.timezone))?;
    let redeemed = make(services, request, &offer, price, now);

    // 3. Write.
    redemption::insert(&transaction, &redeemed.redemption).await?;
    voucher::insert_many(&transaction, &redeemed.vouchers).await?;
    offer::change_stock(&transaction, offer.id, request.quantity.saturating_neg()).await?;
    let cause = redeemed.redemption.id.get();
    lot::take(&transaction, request.citizen, cause, &takes).await?;
    draft.take(JournalKind::Redeem, price, Some(cause))?;
    draft.write(&transaction, &request.city, now).await?;
    let answer = render(&redeemed);
    if let Some(key) = &request.key {
        idempotency::complete(&transaction, key, 201, &answer).await?;
    }

    // 4. Commit, then answer.
    transaction.commit().await?;
    metrics::counter!("tanhui_redemptions_total").increment(1);
    Ok(Answered::Now(answer))
}

/// Claims the key, or gives the answer it has had.
pub(crate) async fn claim_key(
    on: &Transaction,
    key: Option<&RequestKey>,
    now: DateTime<Utc>,
) -> Result<Option<StoredAnswer>, RedeemError> {
    let Some(key) = key else {
        return Ok(None);
    };
    if idempotency::claim(on, key, now).await? {
        return Ok(None);
    }
    let before = idempotency::find(on, key)
        .await?
        .ok_or_else(|| StoreError::Corrupt("an idempotency key that cannot be read".to_owned()))?;
    if before.body_hash == key.body_hash { Ok(Some(before)) } else { Err(RedeemError::KeyReused) }
}

fn price(offer: &Offer, quantity: i64, had: i64) -> Result<Points, RedeemError> {
    match offer.status {
        OfferStatus::Live => {}
        OfferStatus::Ended => return Err(RedeemError::OfferClosed),
    }
    if let Some(allowed) = offer.per_person
        && had.saturating_add(quantity) > allowed
    {
        return Err(RedeemError::LimitReached { allowed, had });
    }
    if offer.stock_left < quantity {
        return Err(RedeemError::OutOfStock { left: offer.stock_left });
    }
    Ok(offer.price.times(quantity).map_err(PostingError::from).map_err(unpostable)?)
}

fn make(
    services: &Services,
    request: &RedeemRequest,
    offer: &Offer,
    price: Points,
    now: DateTime<Utc>,
) -> Redeemed {
    let redemption = Redemption {
        id: RedemptionId::new(services.random.uuid_at(now)),
        city: offer.city,
        citizen: request.citizen,
        offer: offer.id,
        quantity: request.quantity,
        points: price,
        redeemed_at: now,
        cancelled_at: None,
    };
    let days = Days::new(u64::from(offer.voucher_days.unsigned_abs()));
    let expires_at = now.checked_add_days(days).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let mut vouchers: Vec<Voucher> = (0..request.quantity)
        .map(|_| Voucher {
            id: VoucherId::new(services.random.uuid_at(now)),
            redemption: redemption.id,
            offer: offer.id,
            merchant: offer.merchant,
            code: new_code(services),
            status: VoucherStatus::Live,
            expires_at,
            used_at: None,
        })
        .collect();
    // As they are read later.
    vouchers.sort_by_key(|voucher| voucher.id);
    Redeemed { redemption, vouchers }
}

fn new_code(services: &Services) -> String {
    let mut bytes = [0; CODE_LENGTH];
    services.random.fill_surely(&mut bytes);
    bytes
        .iter()
        .filter_map(|byte| CODE_LETTERS.get(usize::from(byte & 31)))
        .map(|letter| char::from(*letter))
        .collect()
}

/// Gives a redemption back while none of its vouchers is used: the same lots, the stock, the vouchers.
///
/// Points of a lot whose last day is over come back and end in the same transaction; the statement shows
/// both.
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

    // 1. Load and lock.
    let mut draft = Draft::open(&transaction, citizen).await?.ok_or(RedeemError::NoRedemption)?;
    let redemption = redemption::find(&transaction, id, citizen).await?.ok_or(RedeemError::NoRedemption)?;
    if let Some(cancelled_at) = redemption.cancelled_at {
        // An earlier try at this very instant was committed and its answer lost.
        if again && cancelled_at == now {
            let vouchers = voucher::of_redemption(&transaction, id).await?;
            return Ok(Redeemed { redemption, vouchers });
        }
        return Err(RedeemError::AlreadyCancelled);
    }
    let today = civil_day(now, city.timezone);
    let takes = lot::taken(&transaction, citizen, id.get()).await?;
    let (ended, good): (Vec<LotTake>, Vec<LotTake>) =
        takes.into_iter().partition(|take| take.key.expires_on < today);

    // 2. Decide: the guarded updates below win or lose against a use at the till.
    let cancelled = voucher::mark_cancelled(&transaction, id).await?;
    if i64::try_from(cancelled) != Ok(redemption.quantity) {
        return Err(RedeemError::VoucherUsed);
    }
    if !redemption::mark_cancelled(&transaction, id, now).await? {
        return Err(RedeemError::AlreadyCancelled);
    }

    // 3. Write.
    offer::change_stock(&transaction, redemption.offer, redemption.quantity).await?;
    lot::give_back(&transaction, citizen, &good).await?;
    lot::give_back_expired(&transaction, citizen, &ended).await?;
    let cause = Some(id.get());
    draft.post(JournalKind::Cancel, Amounts::points(redemption.points), cause).map_err(unpostable)?;
    let ended = Points::total(ended.iter().map(|take| take.points)).map_err(overflow)?;
    draft.take(JournalKind::Expire, ended, cause)?;
    draft.write(&transaction, city, now).await?;
    let vouchers = voucher::of_redemption(&transaction, id).await?;

    // 4. Commit, then answer.
    transaction.commit().await?;
    Ok(Redeemed { redemption: Redemption { cancelled_at: Some(now), ..redemption }, vouchers })
}
