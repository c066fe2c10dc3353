//! Redeeming an offer and giving it back: points, stock, limits, budget and vouchers move together or not at
//! all.
//!
//! Locks are taken in one order by everyone: citizens, vouchers, offers, projects, programme.

mod known;
mod returning;
mod selling;
mod shelves;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tanhui_domain::city::City;
use tanhui_domain::id::{CitizenId, OfferId, RedemptionId, VoucherId};
use tanhui_domain::offer::OfferStatus;
pub use tanhui_domain::pass::{CODE_LENGTH, CODE_LETTERS};
use tanhui_domain::redemption::Redeemed;
use tanhui_domain::redemption::{QUANTITY_MAX, Refusal};
use tanhui_domain::time::Clock;
use tanhui_store::idempotency::RequestKey;
use tanhui_store::{Connected as _, Database, StoreError, offer, redemption, voucher};

use crate::Services;
use crate::group_commit::{Queue, QueueError};
use crate::random::Random;
use crate::retry::Repeatable;
use crate::rule_book::RuleBook;
use crate::till::{Checked, with_offers};
pub use returning::{cancel, expire_vouchers, refund_stopped};
use selling::{Order, Selling};

/// Most offers that are remembered as sold out.
const SOLD_OUT_MAX: usize = 10_000;

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

/// A fresh answer, or the one given to the same key before.
#[derive(Debug, Clone)]
pub enum Answered {
    /// Done now.
    Now(Redeemed),
    /// Done before; as it was then.
    Before(Redeemed),
}

impl Answered {
    /// What was made, now or before.
    #[must_use]
    pub fn made(self) -> Redeemed {
        match self {
            Self::Now(redeemed) | Self::Before(redeemed) => redeemed,
        }
    }
}

/// Why an offer was not redeemed or not given back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RedeemError {
    /// No such citizen, or no longer.
    #[error("no such citizen")]
    NoCitizen,
    /// No such offer, or of another city.
    #[error("no such offer")]
    NoOffer,
    /// No such redemption of this citizen.
    #[error("no such redemption")]
    NoRedemption,
    /// The offer or the citizen does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A voucher of it was used.
    #[error("a voucher of it was used")]
    VoucherUsed,
    /// The time of its vouchers is over.
    #[error("its vouchers have expired")]
    VoucherExpired,
    /// What was given to a project is not given back.
    #[error("a donation is not given back")]
    Donated,
    /// It was given back before.
    #[error("it was given back before")]
    AlreadyCancelled,
    /// The key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// Too many are waiting: come back later.
    #[error("too many are waiting")]
    Busy,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Repeatable for RedeemError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

impl From<QueueError> for RedeemError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Full => Self::Busy,
            QueueError::Stopping => Self::Stopping,
            QueueError::Store(error) => Self::Store(error),
        }
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

/// The way from points to vouchers: a queue whose writers take what waits in one transaction.
#[derive(Clone)]
pub struct Redeeming {
    queue: Queue<Selling>,
    sold_out: Arc<Mutex<HashSet<OfferId>>>,
}

impl Redeeming {
    /// Starts the writers on the current runtime.
    #[must_use]
    pub fn start(database: &Database, rules: Arc<RuleBook>, clock: &Arc<dyn Clock>) -> Self {
        let selling = Selling { database: database.clone(), rules };
        Self { queue: Queue::start(database.engine(), clock, selling), sold_out: Arc::default() }
    }

    /// Lets what is queued be written, then stops the writers.
    pub async fn stop(&self) {
        self.queue.stop().await;
    }

    async fn submit(&self, order: Order) -> Result<Answered, RedeemError> {
        self.queue.submit(vec![order]).await?.pop().ok_or(RedeemError::Stopping)?
    }

    /// A hint, and no more: whoever finds an offer here looks at the database before believing it.
    fn seems_sold_out(&self, offer: OfferId) -> bool {
        self.sold_out.lock().unwrap_or_else(PoisonError::into_inner).contains(&offer)
    }

    fn remember(&self, offer: OfferId, sold_out: bool) {
        let mut known = self.sold_out.lock().unwrap_or_else(PoisonError::into_inner);
        if !sold_out {
            known.remove(&offer);
            return;
        }
        if known.len() >= SOLD_OUT_MAX {
            known.clear();
        }
        known.insert(offer);
    }
}

/// Redeems an offer.
pub async fn redeem(services: &Services, request: &RedeemRequest) -> Result<Answered, RedeemError> {
    if !(1..=QUANTITY_MAX).contains(&request.quantity) {
        return Err(Refusal::Quantity.into());
    }
    if let Some(outcome) = answer_without_queueing(services, request).await? {
        return outcome;
    }
    let outcome = services.redeeming.submit(order(services, request)).await;
    if matches!(outcome, Err(RedeemError::Refused(Refusal::OutOfStock { left: 0 }))) {
        services.redeeming.remember(request.offer, true);
    }
    outcome
}

/// Who comes after the last one was sold does not queue behind those who buy something else.
async fn answer_without_queueing(
    services: &Services,
    request: &RedeemRequest,
) -> Result<Option<Result<Answered, RedeemError>>, RedeemError> {
    if !services.redeeming.seems_sold_out(request.offer) {
        return Ok(None);
    }
    let found = offer::find(&services.database, request.offer).await?;
    let still = found.is_some_and(|offer| {
        offer.city == request.city.id
            && offer.status == OfferStatus::Live
            && !offer.halted
            && offer.stock_left == 0
    });
    if !still {
        services.redeeming.remember(request.offer, false);
        return Ok(None);
    }
    let before = known::of_key(&services.database, request.key.as_ref()).await?;
    Ok(Some(before.unwrap_or(Err(Refusal::OutOfStock { left: 0 }.into()))))
}

/// Ids and codes are drawn before the first try: a try whose commit was not answered is found by them.
fn order(services: &Services, request: &RedeemRequest) -> Order {
    let now = services.clock.now();
    let mut tickets: Vec<(VoucherId, String)> = (0..request.quantity)
        .map(|_| (VoucherId::new(services.random.uuid_at(now)), new_code(services)))
        .collect();
    // As they are read later.
    tickets.sort();
    Order { id: RedemptionId::new(services.random.uuid_at(now)), request: request.clone(), tickets }
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
