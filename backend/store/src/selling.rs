//! What a batch of redemptions writes, in as few statements as there are things to wait for. Decides nothing.

use chrono::{DateTime, Utc};
use tanhui_domain::amount::AmountOverflow;
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::ledger::{Amounts, Journal, JournalKind, LotTake, Posting};
use tanhui_domain::redemption::{Redemption, Voucher};
use uuid::Uuid;

use crate::crediting::post_opposite;
use crate::database::Transaction;
use crate::error::StoreError;
use crate::idempotency::RequestKey;
use crate::offer::{DayMove, ShelfMove};
use crate::write::write_together;
use crate::{account, idempotency, lot, offer, redemption, voucher};

/// Redemptions of one city, made together.
#[derive(Debug, Default)]
pub struct Sale<'a> {
    /// The redemptions.
    pub redemptions: Vec<Redemption>,
    /// Their vouchers.
    pub vouchers: Vec<Voucher>,
    /// From which lots their points come.
    pub takes: Vec<(CitizenId, Uuid, LotTake)>,
    /// Lines on citizens' and projects' accounts.
    pub postings: Vec<Posting>,
    /// What leaves which shelf, each offer once.
    pub shelves: Vec<ShelfMove>,
    /// What is taken on which day, each offer and day once.
    pub days: Vec<DayMove>,
    /// Keys and what they are answered with.
    pub keys: Vec<(&'a RequestKey, String)>,
}

/// HTTP status of a redemption's answer.
const CREATED: i32 = 201;

/// Writes a sale as one journal. Citizens', offers' and projects' rows must be locked by this transaction, in
/// this order; the programme's is locked here, last, and its side is one posting.
pub async fn write(
    on: &Transaction,
    city: CityId,
    sale: &Sale<'_>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let moved = sum(&sale.postings).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let journal = Journal {
        city,
        kind: JournalKind::Redeem,
        cause: None,
        occurred_at: at,
        recorded_at: at,
        postings: Vec::new(),
    };
    let mut writes = vec![redemption::inserting(&sale.redemptions)];
    if !sale.vouchers.is_empty() {
        writes.push(voucher::inserting(&sale.vouchers));
    }
    writes.extend(lot::taking(&sale.takes));
    writes.push(account::posting(at, &sale.postings));
    writes.push(account::balancing(sale.postings.iter()));
    writes.push(offer::moving(&sale.shelves));
    if !sale.days.is_empty() {
        writes.push(offer::counting(&sale.days));
    }
    if !sale.keys.is_empty() {
        writes.push(idempotency::answering(&sale.keys, CREATED, at));
    }
    let id = write_together(on, &journal, writes).await?;
    // Also where donations leave it nothing: whoever follows the books follows the programme's lines.
    post_opposite(on, city, id, moved, at).await
}

fn sum(postings: &[Posting]) -> Result<Amounts, AmountOverflow> {
    postings.iter().try_fold(Amounts::default(), |sum, posting| sum.plus(posting.amounts))
}
