//! Merchants and their accounts.

use chrono::{DateTime, Utc};
use tanhui_domain::id::{CityId, MerchantId};
use tanhui_domain::ledger::OwnerKind;
use tanhui_domain::redemption::Merchant;

use crate::account;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{execute, micros, query_one};

/// One merchant.
pub async fn find<C: Connected>(on: &C, id: MerchantId) -> Result<Option<Merchant>, StoreError> {
    let row =
        query_one(on, "SELECT id, city_id, name FROM merchants WHERE id = $1", [id.get().into()]).await?;
    row.map(|row| {
        Ok(Merchant {
            id: MerchantId::new(row.uuid(0)?),
            city: CityId::new(row.bigint(1)?),
            name: row.text(2)?,
        })
    })
    .transpose()
}

/// A new merchant with its account.
pub async fn insert(on: &Transaction, merchant: &Merchant, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "INSERT INTO merchants (id, city_id, name, created_at_us) VALUES ($1, $2, $3, $4)";
    let values = [
        merchant.id.get().into(),
        merchant.city.get().into(),
        merchant.name.clone().into(),
        micros(at).into(),
    ];
    execute(on, sql, values).await?;
    account::open(on, merchant.id.into(), merchant.city, OwnerKind::Merchant).await
}
