//! Citizens, the persons behind them, their roles and consents.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tanhui_domain::city::{Citizen, Grant, NO_MERCHANT, Role};
use tanhui_domain::id::{CitizenId, CityId, MerchantId};
use tanhui_domain::ledger::OwnerKind;
use tanhui_domain::merchant::StaffRole;

use crate::account;
use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one};

const COLUMNS: &str = "id, city_id, nickname, district, on_boards, created_at_us";

/// A living citizen.
pub async fn find<C: Connected>(on: &C, id: CitizenId) -> Result<Option<Citizen>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM citizens WHERE id = $1 AND erased_at_us IS NULL");
    query_one(on, &sql, [id.get().into()]).await?.as_ref().map(read).transpose()
}

/// The citizens of some ids; order and gaps are the database's.
pub async fn find_many<C: Connected>(on: &C, ids: &[CitizenId]) -> Result<Vec<Citizen>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!("SELECT {COLUMNS} FROM citizens WHERE id IN (SELECT r.id FROM {table})");
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// New citizens with their accounts.
pub async fn insert_many(on: &Transaction, citizens: &[Citizen]) -> Result<(), StoreError> {
    let (table, values) = Columns::new()
        .uuid("id", citizens.iter().map(|citizen| citizen.id.get()))
        .bigint("city_id", citizens.iter().map(|citizen| citizen.city.get()))
        .text("nickname", citizens.iter().map(|citizen| citizen.nickname.clone()))
        .maybe_text("district", citizens.iter().map(|citizen| citizen.district.clone()))
        .int("on_boards", citizens.iter().map(|citizen| i32::from(citizen.on_boards)))
        .bigint("created_at_us", citizens.iter().map(|citizen| micros(citizen.created_at)))
        .table(on.engine());
    let sql = format!(
        "INSERT INTO citizens (id, city_id, nickname, district, on_boards, created_at_us)
         SELECT id, city_id, nickname, district, on_boards = 1, created_at_us FROM {table} WHERE true"
    );
    execute(on, &sql, values).await?;
    account::open_many(
        on,
        citizens.iter().map(|citizen| (citizen.id.into(), citizen.city)),
        OwnerKind::Citizen,
    )
    .await
}

/// Changes nickname, district and whether boards show the citizen.
pub async fn update(on: &Transaction, citizen: &Citizen) -> Result<(), StoreError> {
    execute(
        on,
        "UPDATE citizens SET nickname = $2, district = $3, on_boards = $4 WHERE id = $1",
        [
            citizen.id.get().into(),
            citizen.nickname.clone().into(),
            citizen.district.clone().into(),
            citizen.on_boards.into(),
        ],
    )
    .await
    .map(|_| ())
}

/// Forgets the person: phone, nickname, district, tokens, roles, consents, invitations and the contact of an
/// application go, the pseudonym stays for the ledger.
pub async fn erase(on: &Transaction, id: CitizenId, at: DateTime<Utc>) -> Result<(), StoreError> {
    let key = || sea_orm::Value::from(id.get());
    let invited = "DELETE FROM staff_invitations
                   WHERE phone_key = (SELECT phone_key FROM persons WHERE citizen_id = $1)";
    execute(on, invited, [key()]).await?;
    execute(on, "UPDATE merchants SET contact = '' WHERE applied_by = $1", [key()]).await?;
    for table in ["persons", "refresh_tokens", "role_grants", "consents"] {
        execute(on, &format!("DELETE FROM {table} WHERE citizen_id = $1"), [key()]).await?;
    }
    execute(
        on,
        "UPDATE bindings SET ended_at_us = COALESCE(ended_at_us, $2), subject_hint = ''
            WHERE citizen_id = $1",
        [key(), micros(at).into()],
    )
    .await?;
    execute(
        on,
        "UPDATE citizens SET nickname = '', district = NULL, on_boards = false, erased_at_us = $2
            WHERE id = $1",
        [key(), micros(at).into()],
    )
    .await
    .map(|_| ())
}

/// The living of some citizens, with the district of those who have told theirs.
pub async fn homes<C: Connected>(
    on: &C,
    citizens: &[CitizenId],
) -> Result<HashMap<CitizenId, Option<String>>, StoreError> {
    let ids = citizens.iter().map(|citizen| citizen.get());
    let (table, values) = Columns::new().uuid("id", ids).table(on.engine());
    let sql = format!(
        "SELECT c.id, c.district FROM {table} JOIN citizens c ON c.id = r.id WHERE c.erased_at_us IS NULL"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter().map(|row| Ok((CitizenId::new(row.uuid(0)?), row.get(1)?))).collect()
}

/// The citizen of a phone number, found by the number's keyed hash.
pub async fn find_by_phone<C: Connected>(on: &C, phone_key: &[u8]) -> Result<Option<CitizenId>, StoreError> {
    let sql = "SELECT citizen_id FROM persons WHERE phone_key = $1";
    let row = query_one(on, sql, [phone_key.to_vec().into()]).await?;
    row.map(|row| Ok(CitizenId::new(row.uuid(0)?))).transpose()
}

/// The sealed phone number of a citizen.
pub async fn sealed_phone<C: Connected>(on: &C, id: CitizenId) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT phone_sealed FROM persons WHERE citizen_id = $1";
    query_one(on, sql, [id.get().into()]).await?.map(|row| row.get(0)).transpose()
}

/// Ties a person to a citizen.
pub async fn insert_person(
    on: &Transaction,
    id: CitizenId,
    phone_key: &[u8],
    phone_sealed: &[u8],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute(
        on,
        "INSERT INTO persons (citizen_id, phone_key, phone_sealed, created_at_us) VALUES ($1, $2, $3, $4)",
        [id.get().into(), phone_key.to_vec().into(), phone_sealed.to_vec().into(), micros(at).into()],
    )
    .await
    .map(|_| ())
}

/// The roles of a citizen.
pub async fn grants<C: Connected>(on: &C, id: CitizenId) -> Result<Vec<Grant>, StoreError> {
    let sql = "SELECT role, city_id, merchant_id FROM role_grants WHERE citizen_id = $1 ORDER BY role,
               city_id, merchant_id";
    let rows = query_all(on, sql, [id.get().into()]).await?;
    rows.iter()
        .map(|row| {
            let merchant = row.uuid(2)?;
            Ok(Grant {
                role: row.known(0, Role::from_word)?,
                city: CityId::new(row.bigint(1)?),
                merchant: (merchant != NO_MERCHANT).then(|| MerchantId::new(merchant)),
            })
        })
        .collect()
}

/// Gives a role; false when they had it, and nothing changes. Whom the city makes a merchant's staff is its
/// owner.
pub async fn grant(
    on: &Transaction,
    id: CitizenId,
    grant: &Grant,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let granted = execute(
        on,
        "INSERT INTO role_grants
           (citizen_id, role, city_id, merchant_id, granted_at_us, staff_role, staff_label)
         VALUES ($1, $2, $3, $4, $5, $6, '') ON CONFLICT DO NOTHING",
        [
            id.get().into(),
            grant.role.word().into(),
            grant.city.get().into(),
            grant.merchant.map_or(NO_MERCHANT, MerchantId::get).into(),
            micros(at).into(),
            grant.merchant.map(|_| StaffRole::Owner.word()).into(),
        ],
    )
    .await?;
    Ok(granted == 1)
}

/// What a citizen consented to, by purpose.
pub async fn consents<C: Connected>(
    on: &C,
    id: CitizenId,
) -> Result<Vec<(String, bool, DateTime<Utc>)>, StoreError> {
    let sql = "SELECT purpose, granted, changed_at_us FROM consents WHERE citizen_id = $1 ORDER BY purpose";
    let rows = query_all(on, sql, [id.get().into()]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.get(1)?, row.instant(2)?))).collect()
}

/// Gives or withdraws a consent.
pub async fn set_consent(
    on: &Transaction,
    id: CitizenId,
    purpose: &str,
    granted: bool,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    execute(
        on,
        "INSERT INTO consents (citizen_id, purpose, granted, changed_at_us) VALUES ($1, $2, $3, $4)
         ON CONFLICT (citizen_id, purpose) DO UPDATE SET granted = excluded.granted,
             changed_at_us = excluded.changed_at_us",
        [id.get().into(), purpose.into(), granted.into(), micros(at).into()],
    )
    .await
    .map(|_| ())
}

fn read(row: &Row) -> Result<Citizen, StoreError> {
    Ok(Citizen {
        id: CitizenId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        nickname: row.text(2)?,
        district: row.get(3)?,
        on_boards: row.get(4)?,
        created_at: row.instant(5)?,
    })
}
