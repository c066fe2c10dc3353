//! Merchants: applying, being admitted, stopped and ended by the city, and the branches they open.
//!
//! Locks are taken in one order by everyone: the merchant's row, its account, its offers.

use chrono::{DateTime, Utc};
use tanhui_domain::city::{Citizen, City};
use tanhui_domain::id::{BranchId, CitizenId, CityId, MerchantId};
use tanhui_domain::merchant::{
    ABOUT_BYTES_MAX, Application, Branch, Issued, Merchant, MerchantStatus, MerchantStep, MerchantStepError,
    NAME_BYTES_MAX, Staff, StaffRole, fits,
};
use tanhui_domain::office::{Act, Actor, Deed, reason_fits};
use tanhui_domain::text::Text;
use tanhui_store::{StoreError, Transaction, account, merchant, offer, office_log, staff};

use crate::Services;
use crate::merchant_log::{self, Change};
use crate::random::Random;
use crate::retry::{Repeatable, retrying};

/// Most applications of one person that wait for an answer.
pub const APPLICATIONS_MAX: usize = 3;
/// Most branches of a merchant, closed ones included.
pub const BRANCHES_MAX: usize = 200;

/// What the city says about a merchant as a whole.
const DECISIONS: [Act; 6] = [
    Act::MerchantApproved,
    Act::MerchantReturned,
    Act::MerchantRejected,
    Act::MerchantSuspended,
    Act::MerchantReinstated,
    Act::MerchantClosed,
];

/// Why something was not done with a merchant.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MerchantError {
    /// No such merchant in this city, or none that this person applied for.
    #[error("no such merchant")]
    NoMerchant,
    /// A field that does not fit.
    #[error("{0} does not fit")]
    Field(&'static str),
    /// As many applications wait as one person may have.
    #[error("{APPLICATIONS_MAX} applications wait already")]
    TooManyApplications,
    /// Not both languages, or too long.
    #[error("a reason is needed in both languages")]
    Reason,
    /// The step cannot be taken.
    #[error(transparent)]
    Step(#[from] MerchantStepError),
    /// No such branch of this merchant.
    #[error("no such branch")]
    NoBranch,
    /// As many branches as a merchant may have.
    #[error("{BRANCHES_MAX} branches already")]
    TooManyBranches,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Repeatable for MerchantError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

/// A person asks the city to admit a merchant.
pub async fn apply(services: &Services, by: &Citizen, about: Application) -> Result<Merchant, MerchantError> {
    refuse_fault(&about)?;
    let waits = |one: &Merchant| matches!(one.status, MerchantStatus::Applied | MerchantStatus::Returned);
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    // Two applications at once are counted one after the other.
    account::lock(&transaction, by.id.into()).await?;
    let before = merchant::of_applicant(&transaction, by.id).await?;
    if before.iter().filter(|one| waits(one)).count() >= APPLICATIONS_MAX {
        return Err(MerchantError::TooManyApplications);
    }
    let applied = Merchant {
        id: MerchantId::new(services.random.uuid_at(now)),
        city: by.city,
        about,
        status: MerchantStatus::Applied,
        issued: Issued::Work,
        applied_by: Some(by.id),
    };
    merchant::insert(&transaction, &applied, now).await?;
    transaction.commit().await?;
    Ok(applied)
}

/// The applicant amends what was sent back.
pub async fn amend(
    services: &Services,
    by: CitizenId,
    id: MerchantId,
    about: Application,
) -> Result<Merchant, MerchantError> {
    refuse_fault(&about)?;
    let transaction = services.database.begin().await?;
    let found = merchant::lock(&transaction, id).await?.filter(|found| found.applied_by == Some(by));
    let mut found = found.ok_or(MerchantError::NoMerchant)?;
    if !found.amend(about) {
        return Err(MerchantStepError::OutOfOrder { status: found.status }.into());
    }
    merchant::update(&transaction, &found).await?;
    transaction.commit().await?;
    Ok(found)
}

fn refuse_fault(about: &Application) -> Result<(), MerchantError> {
    about.fault().map_or(Ok(()), |field| Err(MerchantError::Field(field)))
}

/// What a person applied for, with the last reason that the city gave.
pub async fn mine(services: &Services, by: CitizenId) -> Result<Vec<(Merchant, Option<Text>)>, StoreError> {
    let mut all = Vec::new();
    for one in merchant::of_applicant(&services.database, by).await? {
        let last = office_log::last_of(&services.database, one.id.get(), &DECISIONS).await?;
        all.push((one, last.map(|deed| deed.reason)));
    }
    Ok(all)
}

/// Merchants of a city in one state, in id order, beginning after one.
pub async fn page(
    services: &Services,
    city: CityId,
    status: MerchantStatus,
    after: Option<MerchantId>,
    limit: i64,
) -> Result<Vec<Merchant>, StoreError> {
    merchant::page(&services.database, city, status, after, limit).await
}

/// One merchant of a city.
pub async fn find(services: &Services, city: CityId, id: MerchantId) -> Result<Option<Merchant>, StoreError> {
    let found = merchant::find(&services.database, id).await?;
    Ok(found.filter(|found| found.city == city))
}

/// The city takes a step with a merchant and says why.
pub async fn step(
    services: &Services,
    city: &City,
    id: MerchantId,
    step: MerchantStep,
    (by, reason): (CitizenId, &Text),
) -> Result<Merchant, MerchantError> {
    if !reason_fits(reason) {
        return Err(MerchantError::Reason);
    }
    let deed = Deed {
        city: city.id,
        act: act(step),
        subject: id.get(),
        citizen: None,
        actor: Actor::Person(by),
        reason: reason.clone(),
        done_at: services.clock.now(),
    };
    retrying(|again| try_step(services, id, step, (by, &deed), again)).await
}

async fn try_step(
    services: &Services,
    id: MerchantId,
    step: MerchantStep,
    (by, deed): (CitizenId, &Deed),
    again: bool,
) -> Result<Merchant, MerchantError> {
    let transaction = services.database.begin().await?;

    // 1. Load and lock.
    let found = merchant::lock(&transaction, id).await?.filter(|found| found.city == deed.city);
    let mut found = found.ok_or(MerchantError::NoMerchant)?;
    // An earlier try at this very instant was committed and its answer lost.
    if again && office_log::last_of(&transaction, id.get(), &DECISIONS).await?.as_ref() == Some(deed) {
        return Ok(found);
    }

    // 2. Decide.
    found.step(step, by)?;

    // 3. Write.
    take_effect(&transaction, &found, step, deed.done_at).await?;
    merchant::update(&transaction, &found).await?;
    office_log::insert(&transaction, deed).await?;

    // 4. Commit, then answer.
    transaction.commit().await?;
    Ok(found)
}

/// What a step means beyond the merchant's own row. A till and a redemption under way end first, or see it.
async fn take_effect(
    on: &Transaction,
    merchant: &Merchant,
    step: MerchantStep,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    match step {
        MerchantStep::Approve => {
            merchant::open_account(on, merchant).await?;
            let Some(citizen) = merchant.applied_by else { return Ok(()) };
            let owner = Staff {
                citizen,
                merchant: merchant.id,
                role: StaffRole::Owner,
                label: String::new(),
                branch: None,
            };
            staff::put(on, merchant.city, &owner, now).await
        }
        MerchantStep::Suspend { .. } | MerchantStep::Close => {
            account::lock(on, merchant.id.into()).await?;
            offer::halt(on, merchant.id, true).await
        }
        MerchantStep::Reinstate => offer::halt(on, merchant.id, false).await,
        MerchantStep::Return | MerchantStep::Reject => Ok(()),
    }
}

fn act(step: MerchantStep) -> Act {
    match step {
        MerchantStep::Approve => Act::MerchantApproved,
        MerchantStep::Return => Act::MerchantReturned,
        MerchantStep::Reject => Act::MerchantRejected,
        MerchantStep::Suspend { .. } => Act::MerchantSuspended,
        MerchantStep::Reinstate => Act::MerchantReinstated,
        MerchantStep::Close => Act::MerchantClosed,
    }
}

/// Branches of a merchant, in the order in which they opened.
pub async fn branches(services: &Services, of: MerchantId) -> Result<Vec<Branch>, StoreError> {
    merchant::branches(&services.database, of).await
}

/// Opens a branch.
pub async fn open_branch(
    services: &Services,
    (of, by): (MerchantId, CitizenId),
    name: String,
    address: String,
) -> Result<Branch, MerchantError> {
    let now = services.clock.now();
    let branch =
        Branch { id: BranchId::new(services.random.uuid_at(now)), merchant: of, name, address, open: true };
    refuse_branch(&branch)?;
    let transaction = services.database.begin().await?;
    let merchant = merchant::lock(&transaction, of).await?.ok_or(MerchantError::NoMerchant)?;
    if merchant::branches(&transaction, of).await?.len() >= BRANCHES_MAX {
        return Err(MerchantError::TooManyBranches);
    }
    merchant::insert_branch(&transaction, &branch, now).await?;
    let change = Change::new(Act::BranchOpened, told("开设门店", "Opened branch", &branch.name));
    merchant_log::record(&transaction, &merchant, change, (Actor::Person(by), now)).await?;
    transaction.commit().await?;
    Ok(branch)
}

/// Changes a branch's name and address.
pub async fn change_branch(
    services: &Services,
    at: (MerchantId, CitizenId),
    id: BranchId,
    (name, address): (String, String),
) -> Result<Branch, MerchantError> {
    let change = |branch: &Branch| Branch { name, address, ..branch.clone() };
    write_branch(services, at, id, (Act::BranchChanged, "修改门店", "Changed branch"), change).await
}

/// Closes a branch: nothing is used there any more. Closing it twice changes nothing.
pub async fn close_branch(
    services: &Services,
    at: (MerchantId, CitizenId),
    id: BranchId,
) -> Result<Branch, MerchantError> {
    let change = |branch: &Branch| Branch { open: false, ..branch.clone() };
    write_branch(services, at, id, (Act::BranchClosed, "关闭门店", "Closed branch"), change).await
}

/// The merchant's lock keeps two changes of a branch from undoing each other.
async fn write_branch(
    services: &Services,
    (of, by): (MerchantId, CitizenId),
    id: BranchId,
    (act, zh, en): (Act, &str, &str),
    change: impl FnOnce(&Branch) -> Branch,
) -> Result<Branch, MerchantError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let merchant = merchant::lock(&transaction, of).await?.ok_or(MerchantError::NoBranch)?;
    let found = merchant::branch(&transaction, of, id).await?.ok_or(MerchantError::NoBranch)?;
    let changed = change(&found);
    refuse_branch(&changed)?;
    if changed != found {
        merchant::update_branch(&transaction, &changed, now).await?;
        let change = Change::new(act, told(zh, en, &found.name));
        merchant_log::record(&transaction, &merchant, change, (Actor::Person(by), now)).await?;
    }
    transaction.commit().await?;
    Ok(changed)
}

fn told(zh: &str, en: &str, name: &str) -> Text {
    Text::new(format!("{zh}“{name}”"), format!("{en} \"{name}\""))
}

fn refuse_branch(branch: &Branch) -> Result<(), MerchantError> {
    if !fits(&branch.name, 1, NAME_BYTES_MAX) {
        return Err(MerchantError::Field("name"));
    }
    if fits(&branch.address, 0, ABOUT_BYTES_MAX) { Ok(()) } else { Err(MerchantError::Field("address")) }
}
