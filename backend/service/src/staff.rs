//! A merchant's people: invited by phone, joining of their own will, removed at once.

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::id::{BranchId, CitizenId, InvitationId, MerchantId};
use tanhui_domain::merchant::{LABEL_BYTES_MAX, Merchant, Staff, StaffRole, fits};
use tanhui_domain::office::{Act, Actor};
use tanhui_domain::text::Text;
pub use tanhui_store::staff::Invitation;
use tanhui_store::{StoreError, Transaction, merchant, staff};

use crate::Services;
use crate::identity::phone::PhoneNumber;
use crate::merchant_log::{self, Change};
use crate::random::Random;

/// Most people and open invitations of a merchant together.
pub const PEOPLE_MAX: usize = 500;
/// How long an invitation can be taken.
pub const INVITED_FOR: TimeDelta = TimeDelta::days(7);

/// Why a merchant's people did not change.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StaffError {
    /// No such person at this merchant.
    #[error("no such person at this merchant")]
    NoPerson,
    /// No such invitation, or its time is over.
    #[error("no such invitation")]
    NoInvitation,
    /// No such branch, or it is closed.
    #[error("no such open branch")]
    NoBranch,
    /// The name does not fit.
    #[error("a label must have 1 to {LABEL_BYTES_MAX} printable bytes")]
    Label,
    /// As many people as a merchant may have.
    #[error("{PEOPLE_MAX} people already")]
    TooMany,
    /// A merchant is never without an owner.
    #[error("the last owner stays")]
    LastOwner,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where a person works, as the books say now. Who works for several merchants names one.
pub async fn workplace(
    services: &Services,
    citizen: CitizenId,
    named: Option<MerchantId>,
) -> Result<Option<(Staff, Merchant)>, StoreError> {
    staff::workplace(&services.database, citizen, named).await
}

/// A merchant's people.
pub async fn people(services: &Services, of: MerchantId) -> Result<Vec<Staff>, StoreError> {
    staff::of_merchant(&services.database, of).await
}

/// A merchant's open invitations.
pub async fn invitations(services: &Services, of: MerchantId) -> Result<Vec<Invitation>, StoreError> {
    staff::invitations(&services.database, of, services.clock.now()).await
}

/// A person to be invited.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Who.
    pub phone: PhoneNumber,
    /// As what.
    pub role: StaffRole,
    /// By which name the merchant knows them.
    pub label: String,
    /// The only branch at which they are to work; none: any.
    pub branch: Option<BranchId>,
}

/// Invites a person. Nothing is told about whether the phone is known; inviting again replaces.
pub async fn invite(
    services: &Services,
    of: MerchantId,
    by: CitizenId,
    new: NewInvitation,
) -> Result<Invitation, StaffError> {
    if !fits(&new.label, 1, LABEL_BYTES_MAX) {
        return Err(StaffError::Label);
    }
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let merchant = merchant::lock(&transaction, of).await?.ok_or(StaffError::NoPerson)?;
    if let Some(branch) = new.branch {
        let branch = merchant::branch(&transaction, of, branch).await?;
        branch.filter(|branch| branch.open).ok_or(StaffError::NoBranch)?;
    }
    let people = staff::of_merchant(&transaction, of).await?.len();
    let invited = staff::invitations(&transaction, of, now).await?.len();
    if people.saturating_add(invited) >= PEOPLE_MAX {
        return Err(StaffError::TooMany);
    }
    let invitation = Invitation {
        id: InvitationId::new(services.random.uuid_at(now)),
        merchant: of,
        phone_key: services.keys.phone_lookup(&new.phone).to_vec(),
        role: new.role,
        label: new.label,
        branch: new.branch,
        invited_by: by,
        expires_at: now.checked_add_signed(INVITED_FOR).unwrap_or(now),
    };
    staff::invite(&transaction, &invitation).await?;
    let what = match new.role {
        StaffRole::Owner => Text::new("邀请一位店主", "Invited an owner"),
        StaffRole::Cashier => Text::new("邀请一位收银员", "Invited a cashier"),
    };
    let change = Change::new(Act::StaffInvited, what);
    merchant_log::record(&transaction, &merchant, change, (Actor::Person(by), now)).await?;
    transaction.commit().await?;
    Ok(invitation)
}

/// Takes an invitation back.
pub async fn withdraw(
    services: &Services,
    (of, by): (MerchantId, CitizenId),
    id: InvitationId,
) -> Result<(), StaffError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let merchant = merchant::lock(&transaction, of).await?.ok_or(StaffError::NoInvitation)?;
    let open = staff::invitations(&transaction, of, now).await?;
    if !open.iter().any(|one| one.id == id) || !staff::end_invitation(&transaction, id).await? {
        return Err(StaffError::NoInvitation);
    }
    let change = Change::new(Act::InvitationWithdrawn, Text::new("撤回邀请", "Took an invitation back"));
    merchant_log::record(&transaction, &merchant, change, (Actor::Person(by), now)).await?;
    Ok(transaction.commit().await?)
}

/// Open invitations to a person, with the merchants' names.
pub async fn invitations_of(
    services: &Services,
    citizen: CitizenId,
) -> Result<Vec<(Invitation, String)>, StoreError> {
    staff::invitations_of(&services.database, citizen, services.clock.now()).await
}

/// Takes an invitation, or declines it.
pub async fn answer(
    services: &Services,
    citizen: CitizenId,
    id: InvitationId,
    accept: bool,
) -> Result<(), StaffError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let open = staff::invitations_of(&transaction, citizen, now).await?;
    let invitation = open.into_iter().map(|(one, _)| one).find(|one| one.id == id);
    let invitation = invitation.ok_or(StaffError::NoInvitation)?;
    if !staff::end_invitation(&transaction, id).await? {
        return Err(StaffError::NoInvitation);
    }
    if accept {
        join(&transaction, citizen, invitation, now).await?;
    }
    Ok(transaction.commit().await?)
}

async fn join(
    on: &Transaction,
    citizen: CitizenId,
    invitation: Invitation,
    now: DateTime<Utc>,
) -> Result<(), StaffError> {
    let merchant = merchant::lock(on, invitation.merchant).await?.ok_or(StaffError::NoInvitation)?;
    let there = staff::of_merchant(on, merchant.id).await?.into_iter().find(|one| one.citizen == citizen);
    // The last owner cannot become a cashier by an invitation.
    if there.is_some_and(|one| one.role == StaffRole::Owner)
        && invitation.role != StaffRole::Owner
        && staff::owners(on, merchant.id).await? <= 1
    {
        return Err(StaffError::LastOwner);
    }
    let Invitation { role, label, branch, invited_by, .. } = invitation;
    let person = Staff { citizen, merchant: merchant.id, role, label, branch };
    staff::put(on, merchant.city, &person, now).await?;
    let change = joined(citizen, role);
    Ok(merchant_log::record(on, &merchant, change, (Actor::Person(invited_by), now)).await?)
}

pub(crate) fn joined(citizen: CitizenId, role: StaffRole) -> Change {
    let what = match role {
        StaffRole::Owner => Text::new("成为店主", "Became an owner"),
        StaffRole::Cashier => Text::new("成为收银员", "Became a cashier"),
    };
    Change { act: Act::StaffJoined, person: Some(citizen), what }
}

/// Removes a person, or leaves. Their next request, whatever token it carries, is no longer the merchant's.
pub async fn remove(
    services: &Services,
    of: MerchantId,
    citizen: CitizenId,
    by: CitizenId,
) -> Result<(), StaffError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let merchant = merchant::lock(&transaction, of).await?.ok_or(StaffError::NoPerson)?;
    if !staff::remove(&transaction, of, citizen).await? {
        return Err(StaffError::NoPerson);
    }
    if staff::owners(&transaction, of).await? == 0 {
        return Err(StaffError::LastOwner);
    }
    let what = if by == citizen { Text::new("离开", "Left") } else { Text::new("被移除", "Removed") };
    let change = Change { act: Act::StaffRemoved, person: Some(citizen), what };
    merchant_log::record(&transaction, &merchant, change, (Actor::Person(by), now)).await?;
    Ok(transaction.commit().await?)
}
