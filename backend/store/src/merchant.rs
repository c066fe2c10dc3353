//! Merchants, their branches and accounts.

use chrono::{DateTime, Utc};
use tanhui_domain::id::{BranchId, CitizenId, CityId, MerchantId};
use tanhui_domain::ledger::OwnerKind;
use tanhui_domain::merchant::{Application, Branch, Issued, Merchant, MerchantStatus};
use uuid::Uuid;

use crate::account;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, expect_rows, micros, query_all, query_one, query_row};

const COLUMNS: &str = "id, city_id, name, description, registration_no, contact, status, issued, applied_by";

/// One merchant.
pub async fn find<C: Connected>(on: &C, id: MerchantId) -> Result<Option<Merchant>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM merchants WHERE id = $1");
    query_one(on, &sql, [id.get().into()]).await?.as_ref().map(read).transpose()
}

/// Locks a merchant and reads it.
pub async fn lock(on: &Transaction, id: MerchantId) -> Result<Option<Merchant>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM merchants WHERE id = $1{}", on.for_change());
    query_one(on, &sql, [id.get().into()]).await?.as_ref().map(read).transpose()
}

/// Merchants of a city in one state, in id order, beginning after one.
pub async fn page<C: Connected>(
    on: &C,
    city: CityId,
    status: MerchantStatus,
    after: Option<MerchantId>,
    limit: i64,
) -> Result<Vec<Merchant>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM merchants WHERE city_id = $1 AND status = $2 AND id > $3 ORDER BY id LIMIT $4"
    );
    let after = after.map_or(Uuid::nil(), MerchantId::get);
    let values = [city.get().into(), status.word().into(), after.into(), limit.into()];
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// What a person applied for, in id order.
pub async fn of_applicant<C: Connected>(on: &C, by: CitizenId) -> Result<Vec<Merchant>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM merchants WHERE applied_by = $1 ORDER BY id");
    query_all(on, &sql, [by.get().into()]).await?.iter().map(read).collect()
}

/// Merchants whose vouchers are being given back.
pub async fn refunding<C: Connected>(on: &C) -> Result<Vec<Merchant>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM merchants WHERE issued = 'refunding' ORDER BY id");
    query_all(on, &sql, []).await?.iter().map(read).collect()
}

/// A new merchant; its account is opened with it, or when it is admitted.
pub async fn insert(on: &Transaction, merchant: &Merchant, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO merchants ({COLUMNS}, created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    );
    let values = [
        merchant.id.get().into(),
        merchant.city.get().into(),
        merchant.about.name.clone().into(),
        merchant.about.description.clone().into(),
        merchant.about.registration_no.clone().into(),
        merchant.about.contact.clone().into(),
        merchant.status.word().into(),
        merchant.issued.word().into(),
        merchant.applied_by.map(CitizenId::get).into(),
        micros(at).into(),
    ];
    execute(on, &sql, values).await?;
    if merchant.status == MerchantStatus::Active { open_account(on, merchant).await } else { Ok(()) }
}

/// Opens the account of a merchant that is admitted.
pub async fn open_account(on: &Transaction, merchant: &Merchant) -> Result<(), StoreError> {
    account::open(on, merchant.id.into(), merchant.city, OwnerKind::Merchant).await
}

/// Writes what a locked merchant is now.
pub async fn update(on: &Transaction, merchant: &Merchant) -> Result<(), StoreError> {
    let sql = "UPDATE merchants SET name = $2, description = $3, registration_no = $4, contact = $5,
                 status = $6, issued = $7 WHERE id = $1";
    let values = [
        merchant.id.get().into(),
        merchant.about.name.clone().into(),
        merchant.about.description.clone().into(),
        merchant.about.registration_no.clone().into(),
        merchant.about.contact.clone().into(),
        merchant.status.word().into(),
        merchant.issued.word().into(),
    ];
    expect_rows(execute(on, sql, values).await?, 1, "a merchant is missing")
}

/// What becomes of a merchant's vouchers, read anew.
pub async fn issued<C: Connected>(on: &C, id: MerchantId) -> Result<Issued, StoreError> {
    let row = query_row(on, "SELECT issued FROM merchants WHERE id = $1", [id.get().into()]).await?;
    row.known(0, Issued::from_word)
}

fn read(row: &Row) -> Result<Merchant, StoreError> {
    Ok(Merchant {
        id: MerchantId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        about: Application {
            name: row.text(2)?,
            description: row.text(3)?,
            registration_no: row.text(4)?,
            contact: row.text(5)?,
        },
        status: row.known(6, MerchantStatus::from_word)?,
        issued: row.known(7, Issued::from_word)?,
        applied_by: row.get::<Option<Uuid>>(8)?.map(CitizenId::new),
    })
}

/// Branches of a merchant, open and closed, in id order.
pub async fn branches<C: Connected>(on: &C, merchant: MerchantId) -> Result<Vec<Branch>, StoreError> {
    let sql = "SELECT id, merchant_id, name, address, closed_at_us FROM merchant_branches
               WHERE merchant_id = $1 ORDER BY id";
    query_all(on, sql, [merchant.get().into()]).await?.iter().map(read_branch).collect()
}

/// One branch of a merchant.
pub async fn branch<C: Connected>(
    on: &C,
    merchant: MerchantId,
    id: BranchId,
) -> Result<Option<Branch>, StoreError> {
    let sql = "SELECT id, merchant_id, name, address, closed_at_us FROM merchant_branches
               WHERE merchant_id = $1 AND id = $2";
    let values = [merchant.get().into(), id.get().into()];
    query_one(on, sql, values).await?.as_ref().map(read_branch).transpose()
}

/// A new branch.
pub async fn insert_branch(on: &Transaction, branch: &Branch, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "INSERT INTO merchant_branches (id, merchant_id, name, address, opened_at_us)
               VALUES ($1, $2, $3, $4, $5)";
    let values = [
        branch.id.get().into(),
        branch.merchant.get().into(),
        branch.name.clone().into(),
        branch.address.clone().into(),
        micros(at).into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// Writes a branch's name, address and, once, when it closed.
pub async fn update_branch(on: &Transaction, branch: &Branch, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "UPDATE merchant_branches SET name = $3, address = $4,
                 closed_at_us = COALESCE(closed_at_us, $5) WHERE merchant_id = $1 AND id = $2";
    let values = [
        branch.merchant.get().into(),
        branch.id.get().into(),
        branch.name.clone().into(),
        branch.address.clone().into(),
        (!branch.open).then(|| micros(at)).into(),
    ];
    expect_rows(execute(on, sql, values).await?, 1, "a branch is missing")
}

fn read_branch(row: &Row) -> Result<Branch, StoreError> {
    Ok(Branch {
        id: BranchId::new(row.uuid(0)?),
        merchant: MerchantId::new(row.uuid(1)?),
        name: row.text(2)?,
        address: row.text(3)?,
        open: row.maybe_instant(4)?.is_none(),
    })
}
