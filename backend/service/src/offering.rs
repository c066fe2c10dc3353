//! The life of offers and projects: merchants write, the city approves, citizens see what is left.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tanhui_domain::city::{Citizen, City};
use tanhui_domain::id::{CitizenId, CityId, MerchantId, OfferId, ProjectId, RedemptionId};
use tanhui_domain::merchant::MerchantStatus;
use tanhui_domain::offer::{
    By, Fault, NAME_BYTES_MAX, Offer, OfferDraft, OfferStatus, OfferStep, OfferStepError, Project,
    TEXT_BYTES_MAX,
};
use tanhui_domain::redemption::Had;
use tanhui_domain::text::Text;
use tanhui_domain::time::{Period, civil_day, day_start};
pub use tanhui_store::project::Donation;
use tanhui_store::{StoreError, Transaction, merchant, offer, project};

use crate::Services;
use crate::random::Random;
use crate::retry::{Repeatable, retrying};

/// Why an offer or project is not as someone wants it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OfferingError {
    /// No such offer, or someone else's.
    #[error("no such offer")]
    NoOffer,
    /// No such project in the city.
    #[error("no such project")]
    NoProject,
    /// A member does not fit.
    #[error(transparent)]
    Draft(#[from] Fault),
    /// The step cannot be taken.
    #[error(transparent)]
    Step(#[from] OfferStepError),
    /// Someone else changed it since the version named.
    #[error("it is at version {version}")]
    Changed {
        /// Where it is.
        version: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Repeatable for OfferingError {
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_repeatable())
    }
}

/// Whose offers someone may touch.
#[derive(Debug, Clone, Copy)]
pub enum Of {
    /// Those of one merchant.
    Merchant(MerchantId),
    /// All of a city.
    City(CityId),
}

impl Of {
    fn holds(self, offer: &Offer) -> bool {
        match self {
            Self::Merchant(merchant) => offer.merchant == merchant,
            Self::City(city) => offer.city == city,
        }
    }
}

/// A new draft of a merchant.
pub async fn write(
    services: &Services,
    merchant: MerchantId,
    draft: OfferDraft,
) -> Result<Offer, OfferingError> {
    draft.check()?;
    let now = services.clock.now();
    let id = OfferId::new(services.random.uuid_at(now));
    let transaction = services.database.begin().await?;
    // Whoever stops the merchant now comes before this draft, or halts it too.
    let merchant = merchant::lock(&transaction, merchant).await?.ok_or(OfferingError::NoOffer)?;
    check_project(&transaction, merchant.city, &draft).await?;
    let halted = merchant.status != MerchantStatus::Active;
    let offer = Offer { halted, ..draft.offer(id, merchant.city, merchant.id, merchant.about.name) };
    offer::insert(&transaction, &offer, now).await?;
    transaction.commit().await?;
    Ok(offer)
}

/// Writes a draft anew, if it still is at the version that its writer saw.
pub async fn rewrite(
    services: &Services,
    merchant: MerchantId,
    id: OfferId,
    draft: &OfferDraft,
    version: i64,
) -> Result<Offer, OfferingError> {
    draft.check()?;
    let transaction = services.database.begin().await?;
    let mut offer = lock(&transaction, Of::Merchant(merchant), id, Some(version)).await?;
    check_project(&transaction, offer.city, draft).await?;
    offer.rewrite(draft.clone())?;
    offer::update(&transaction, &offer).await?;
    transaction.commit().await?;
    Ok(offer)
}

/// Throws a draft away that was never handed in.
pub async fn discard(services: &Services, merchant: MerchantId, id: OfferId) -> Result<(), OfferingError> {
    let transaction = services.database.begin().await?;
    let offer = lock(&transaction, Of::Merchant(merchant), id, None).await?;
    if !offer::delete_draft(&transaction, id).await? {
        return Err(OfferStepError::OutOfOrder { status: offer.status }.into());
    }
    Ok(transaction.commit().await?)
}

/// Takes a step with an offer, at the version that was seen where one is named.
pub async fn step(
    services: &Services,
    of: Of,
    id: OfferId,
    (step, by): (&OfferStep, By),
    version: Option<i64>,
) -> Result<Offer, OfferingError> {
    let now = services.clock.now();
    retrying(|again| try_step(services, of, id, (step, by, version), (now, again))).await
}

async fn try_step(
    services: &Services,
    of: Of,
    id: OfferId,
    (step, by, version): (&OfferStep, By, Option<i64>),
    (now, again): (DateTime<Utc>, bool),
) -> Result<Offer, OfferingError> {
    let transaction = services.database.begin().await?;
    if again {
        // An earlier try at this very instant was committed and its answer lost.
        let offer = lock(&transaction, of, id, None).await?;
        if offer::was_taken_at(&transaction, &offer, by, now).await? {
            return Ok(offer);
        }
    }
    let mut offer = lock(&transaction, of, id, version).await?;
    offer.step(step.clone(), by)?;
    let note = if let OfferStep::Return(reason) = step { Some(reason.as_str()) } else { None };
    offer::update(&transaction, &offer).await?;
    offer::log_step(&transaction, &offer, by, note, now).await?;
    transaction.commit().await?;
    Ok(offer)
}

async fn lock(on: &Transaction, of: Of, id: OfferId, version: Option<i64>) -> Result<Offer, OfferingError> {
    let offer = offer::lock(on, id).await?.filter(|offer| of.holds(offer)).ok_or(OfferingError::NoOffer)?;
    match version {
        Some(seen) if seen != offer.version => Err(OfferingError::Changed { version: offer.version }),
        Some(_) | None => Ok(offer),
    }
}

async fn check_project(on: &Transaction, city: CityId, draft: &OfferDraft) -> Result<(), OfferingError> {
    let Some(id) = draft.kind.project() else { return Ok(()) };
    let project = project::find(on, id).await?;
    project.filter(|project| project.city == city).map(|_| ()).ok_or(OfferingError::NoProject)
}

/// One offer of those that someone may see.
pub async fn find(services: &Services, of: Of, id: OfferId) -> Result<Option<Offer>, StoreError> {
    Ok(offer::find(&services.database, id).await?.filter(|offer| of.holds(offer)))
}

/// A merchant's offers in id order, beginning after an id.
pub async fn of_merchant(
    services: &Services,
    merchant: MerchantId,
    after: Option<OfferId>,
    limit: i64,
) -> Result<Vec<Offer>, StoreError> {
    offer::page_of_merchant(&services.database, merchant, after, limit).await
}

/// A city's offers of one status in id order, beginning after an id.
pub async fn of_city(
    services: &Services,
    city: CityId,
    status: OfferStatus,
    after: Option<OfferId>,
    limit: i64,
) -> Result<Vec<Offer>, StoreError> {
    offer::page(&services.database, city, status, after, limit).await
}

/// An offer as one citizen sees it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The offer.
    pub offer: Offer,
    /// How many can still be redeemed today, by anyone.
    pub left: i64,
    /// How many more the citizen may have by the limits per person; none without one.
    pub remaining: Option<i64>,
}

/// Offers as a citizen sees them.
pub async fn shown(
    services: &Services,
    offers: Vec<Offer>,
    citizen: &Citizen,
    city: &City,
) -> Result<Vec<Shown>, StoreError> {
    let today = civil_day(services.clock.now(), city.timezone);
    let week = day_start(Period::Week.range(today).from, city.timezone);
    let limited = |offer: &&Offer| offer.per_person.or(offer.conditions.per_person_week).is_some();
    let asked: Vec<_> = offers.iter().filter(limited).map(|offer| (citizen.id, offer.id, week)).collect();
    let had = match asked.as_slice() {
        [] => HashMap::new(),
        asked => offer::had(&services.database, asked).await?,
    };
    let daily = offers.iter().filter(|offer| offer.conditions.stock_per_day.is_some());
    let daily: Vec<_> = daily.map(|offer| (offer.id, today)).collect();
    let taken = match daily.as_slice() {
        [] => HashMap::new(),
        daily => offer::taken_on(&services.database, daily).await?,
    };
    let show = |offer: Offer| Shown {
        left: offer.left_today(taken.get(&offer.id).copied().unwrap_or(0)),
        remaining: remaining(&offer, had.get(&(citizen.id, offer.id)).copied().unwrap_or_default()),
        offer,
    };
    Ok(offers.into_iter().map(show).collect())
}

fn remaining(offer: &Offer, had: Had) -> Option<i64> {
    let ever = offer.per_person.map(|allowed| allowed.saturating_sub(had.ever));
    let week = offer.conditions.per_person_week.map(|allowed| allowed.saturating_sub(had.this_week));
    ever.into_iter().chain(week).min().map(|left| left.max(0))
}

/// A new public project of a city.
pub async fn open_project(
    services: &Services,
    city: CityId,
    by: CitizenId,
    (title, text): (Text, Text),
) -> Result<Project, OfferingError> {
    for (field, name) in [("title/zh", &title.zh), ("title/en", &title.en)] {
        check_words(name, 1..=NAME_BYTES_MAX, field)?;
    }
    for (field, words) in [("text/zh", &text.zh), ("text/en", &text.en)] {
        check_words(words, 0..=TEXT_BYTES_MAX, field)?;
    }
    let now = services.clock.now();
    let id = ProjectId::new(services.random.uuid_at(now));
    let project = Project { id, city, title, text, points: tanhui_domain::amount::Points::ZERO };
    let transaction = services.database.begin().await?;
    project::insert(&transaction, &project, Some(by), now).await?;
    transaction.commit().await?;
    Ok(project)
}

fn check_words(
    words: &str,
    bytes: std::ops::RangeInclusive<usize>,
    field: &'static str,
) -> Result<(), Fault> {
    let printable = !words.contains(|letter: char| letter.is_control() && letter != '\n');
    if printable && bytes.contains(&words.trim().len()) {
        return Ok(());
    }
    let (least, most) = (bytes.start(), bytes.end());
    let detail = Text::new(
        format!("{least} 至 {most} 字节，不含控制字符"),
        format!("{least} to {most} printable bytes"),
    );
    Err(Fault { field, detail })
}

/// Public projects with what was given to them, in id order, beginning after one.
pub async fn projects(
    services: &Services,
    after: Option<ProjectId>,
    limit: i64,
) -> Result<Vec<Project>, StoreError> {
    project::page(&services.database, after, limit).await
}

/// What a citizen gave to projects, the last first, beginning before a donation.
pub async fn donations(
    services: &Services,
    citizen: CitizenId,
    before: Option<RedemptionId>,
    limit: i64,
) -> Result<Vec<Donation>, StoreError> {
    project::donations(&services.database, citizen, before, limit).await
}
