//! A merchant's people and whom it has invited. Read anew with each request, so that a removal counts at
//! once.

use chrono::{DateTime, Utc};
use tanhui_domain::city::Role;
use tanhui_domain::id::{BranchId, CitizenId, CityId, InvitationId, MerchantId};
use tanhui_domain::merchant::{Merchant, Staff, StaffRole};
use uuid::Uuid;

use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_row};

const COLUMNS: &str = "citizen_id, merchant_id, staff_role, staff_label, branch_id";

/// An invitation to join a merchant's staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// By which merchant.
    pub merchant: MerchantId,
    /// Keyed hash of the phone that it is for.
    pub phone_key: Vec<u8>,
    /// As what.
    pub role: StaffRole,
    /// By which name the merchant knows the person.
    pub label: String,
    /// The only branch, where it is one.
    pub branch: Option<BranchId>,
    /// By whom.
    pub invited_by: CitizenId,
    /// Until when it can be taken.
    pub expires_at: DateTime<Utc>,
}

/// For which merchants a person works, in id order.
pub async fn of_citizen<C: Connected>(on: &C, citizen: CitizenId) -> Result<Vec<Staff>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM role_grants WHERE citizen_id = $1 AND role = $2 ORDER BY merchant_id");
    let values = [citizen.get().into(), Role::MerchantStaff.word().into()];
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// A merchant's people, in id order.
pub async fn of_merchant<C: Connected>(on: &C, merchant: MerchantId) -> Result<Vec<Staff>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM role_grants WHERE merchant_id = $1 ORDER BY citizen_id");
    query_all(on, &sql, [merchant.get().into()]).await?.iter().map(read).collect()
}

/// Adds a person; one who is there already gets this role and place.
pub async fn put(on: &Transaction, city: CityId, staff: &Staff, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "INSERT INTO role_grants
                 (citizen_id, role, city_id, merchant_id, granted_at_us, staff_role, staff_label, branch_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (citizen_id, role, city_id, merchant_id) DO UPDATE SET
                 staff_role = excluded.staff_role, staff_label = excluded.staff_label,
                 branch_id = excluded.branch_id";
    let values = [
        staff.citizen.get().into(),
        Role::MerchantStaff.word().into(),
        city.get().into(),
        staff.merchant.get().into(),
        micros(at).into(),
        staff.role.word().into(),
        staff.label.clone().into(),
        staff.branch.map(BranchId::get).into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// Removes a person; false when they were not there.
pub async fn remove(on: &Transaction, merchant: MerchantId, citizen: CitizenId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM role_grants WHERE merchant_id = $1 AND citizen_id = $2";
    Ok(execute(on, sql, [merchant.get().into(), citizen.get().into()]).await? == 1)
}

fn read(row: &Row) -> Result<Staff, StoreError> {
    Ok(Staff {
        citizen: CitizenId::new(row.uuid(0)?),
        merchant: MerchantId::new(row.uuid(1)?),
        role: row.known(2, StaffRole::from_word)?,
        label: row.text(3)?,
        branch: row.get::<Option<Uuid>>(4)?.map(BranchId::new),
    })
}

const INVITATION: &str =
    "i.id, i.merchant_id, i.phone_key, i.staff_role, i.staff_label, i.branch_id, i.invited_by,
     i.expires_at_us";

/// A new invitation; one for the same phone is replaced.
pub async fn invite(on: &Transaction, invitation: &Invitation) -> Result<(), StoreError> {
    let sql = "INSERT INTO staff_invitations
                 (id, merchant_id, phone_key, staff_role, staff_label, branch_id, invited_by, expires_at_us)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (merchant_id, phone_key) DO UPDATE SET id = excluded.id,
                 staff_role = excluded.staff_role, staff_label = excluded.staff_label,
                 branch_id = excluded.branch_id, invited_by = excluded.invited_by,
                 expires_at_us = excluded.expires_at_us";
    let values = [
        invitation.id.get().into(),
        invitation.merchant.get().into(),
        invitation.phone_key.clone().into(),
        invitation.role.word().into(),
        invitation.label.clone().into(),
        invitation.branch.map(BranchId::get).into(),
        invitation.invited_by.get().into(),
        micros(invitation.expires_at).into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// A merchant's open invitations, in id order.
pub async fn invitations<C: Connected>(
    on: &C,
    merchant: MerchantId,
    now: DateTime<Utc>,
) -> Result<Vec<Invitation>, StoreError> {
    let sql = format!(
        "SELECT {INVITATION} FROM staff_invitations i
         WHERE i.merchant_id = $1 AND i.expires_at_us > $2 ORDER BY i.id"
    );
    let rows = query_all(on, &sql, [merchant.get().into(), micros(now).into()]).await?;
    rows.iter().map(read_invitation).collect()
}

/// Open invitations to a person with the merchants' names, in id order.
pub async fn invitations_of<C: Connected>(
    on: &C,
    citizen: CitizenId,
    now: DateTime<Utc>,
) -> Result<Vec<(Invitation, String)>, StoreError> {
    let sql = format!(
        "SELECT {INVITATION}, m.name FROM persons p JOIN staff_invitations i ON i.phone_key = p.phone_key
         JOIN merchants m ON m.id = i.merchant_id
         WHERE p.citizen_id = $1 AND i.expires_at_us > $2 ORDER BY i.id"
    );
    let rows = query_all(on, &sql, [citizen.get().into(), micros(now).into()]).await?;
    rows.iter().map(|row| Ok((read_invitation(row)?, row.text(8)?))).collect()
}

/// Ends an invitation; false when somebody else did.
pub async fn end_invitation(on: &Transaction, id: InvitationId) -> Result<bool, StoreError> {
    Ok(execute(on, "DELETE FROM staff_invitations WHERE id = $1", [id.get().into()]).await? == 1)
}

/// Forgets invitations whose time is over.
pub async fn forget_invitations(on: &Transaction, before: DateTime<Utc>) -> Result<u64, StoreError> {
    execute(on, "DELETE FROM staff_invitations WHERE expires_at_us < $1", [micros(before).into()]).await
}

/// How many owners a merchant has.
pub async fn owners(on: &Transaction, merchant: MerchantId) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM role_grants WHERE merchant_id = $1 AND staff_role = 'owner'";
    query_row(on, sql, [merchant.get().into()]).await?.bigint(0)
}

/// The merchant of a person's work, where it may be named; see [`of_citizen`].
pub async fn workplace<C: Connected>(
    on: &C,
    citizen: CitizenId,
    named: Option<MerchantId>,
) -> Result<Option<(Staff, Merchant)>, StoreError> {
    let works = of_citizen(on, citizen).await?;
    let Some(staff) = works.into_iter().find(|staff| named.is_none_or(|id| id == staff.merchant)) else {
        return Ok(None);
    };
    let merchant = crate::merchant::find(on, staff.merchant).await?;
    Ok(merchant.map(|merchant| (staff, merchant)))
}

fn read_invitation(row: &Row) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: InvitationId::new(row.uuid(0)?),
        merchant: MerchantId::new(row.uuid(1)?),
        phone_key: row.get(2)?,
        role: row.known(3, StaffRole::from_word)?,
        label: row.text(4)?,
        branch: row.get::<Option<Uuid>>(5)?.map(BranchId::new),
        invited_by: CitizenId::new(row.uuid(6)?),
        expires_at: row.instant(7)?,
    })
}
