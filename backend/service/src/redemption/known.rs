//! Answers that were given before: to the same key, or in an earlier try whose commit nobody heard of.

use std::collections::HashMap;

use tanhui_domain::id::RedemptionId;
use tanhui_store::idempotency::{self, RequestKey, StoredAnswer};
use tanhui_store::{Connected, StoreError, redemption, voucher};

use super::selling::Order;
use super::{Answered, RedeemError, Redeemed};

/// What is known of a batch, by place.
pub(super) type Known = HashMap<usize, Result<Answered, RedeemError>>;

/// The answer to a key, if it has one.
pub(super) async fn of_key<C: Connected>(
    on: &C,
    key: Option<&RequestKey>,
) -> Result<Option<Result<Answered, RedeemError>>, StoreError> {
    let Some(key) = key else { return Ok(None) };
    Ok(of_keys(on, &[(0, key)]).await?.remove(&0))
}

/// The answers to keys of a batch.
pub(super) async fn of_keys<C: Connected>(
    on: &C,
    keys: &[(usize, &RequestKey)],
) -> Result<Known, StoreError> {
    if keys.is_empty() {
        return Ok(Known::new());
    }
    let asked: Vec<&RequestKey> = keys.iter().map(|(_, key)| *key).collect();
    let stored = idempotency::find_many(on, &asked).await?;
    if stored.is_empty() {
        return Ok(Known::new());
    }
    let read = |answer: &StoredAnswer| answer.answer.parse::<RedemptionId>().ok();
    let made = find_many(on, &stored.values().filter_map(read).collect::<Vec<_>>()).await?;
    let mut known = Known::new();
    for (at, (place, key)) in keys.iter().enumerate() {
        let Some(answer) = stored.get(&at) else { continue };
        let before = read(answer).and_then(|id| made.get(&id)).cloned();
        let outcome = if answer.body_hash == key.body_hash {
            before.map(|made| Answered::Before(made.as_made())).ok_or_else(|| unreadable().into())
        } else {
            Err(RedeemError::KeyReused)
        };
        known.insert(*place, outcome);
    }
    Ok(known)
}

/// What an earlier try made of a batch.
pub(super) async fn of_earlier_try<C: Connected>(on: &C, orders: &[Order]) -> Result<Known, StoreError> {
    let ids: Vec<RedemptionId> = orders.iter().map(|order| order.id).collect();
    let mut made = find_many(on, &ids).await?;
    let found = ids.iter().enumerate().filter_map(|(place, id)| Some((place, made.remove(id)?)));
    Ok(found.map(|(place, made)| (place, Ok(Answered::Now(made)))).collect())
}

async fn find_many<C: Connected>(
    on: &C,
    ids: &[RedemptionId],
) -> Result<HashMap<RedemptionId, Redeemed>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let redemptions = redemption::find_many(on, ids).await?;
    let with_none = |(id, redemption)| (id, Redeemed { redemption, vouchers: Vec::new() });
    let mut found: HashMap<RedemptionId, Redeemed> = redemptions.into_iter().map(with_none).collect();
    for voucher in voucher::of_redemptions(on, ids).await? {
        if let Some(redeemed) = found.get_mut(&voucher.redemption) {
            redeemed.vouchers.push(voucher);
        }
    }
    Ok(found)
}

fn unreadable() -> StoreError {
    StoreError::Corrupt("an idempotency key that answers with no redemption".to_owned())
}
