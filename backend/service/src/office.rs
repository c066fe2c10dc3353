//! What a city office or an operator sets up: rule sets, partners, merchants, offers, roles.

use std::sync::Arc;

use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::city::{City, Grant, Role, Source};
use tanhui_domain::id::{CitizenId, CityId, MerchantId, OfferId, OwnerId, SourceId};
use tanhui_domain::merchant::{Merchant, MerchantStatus};
use tanhui_domain::offer::{
    About, Conditions, Fault, NAME_BYTES_MAX, Offer, OfferDraft, OfferKind, OfferStatus,
};
use tanhui_domain::office::Deed;
use tanhui_domain::rule::{BoardOf, Evidence, RuleSet};
use tanhui_domain::text::Text;
use tanhui_store::{StoreError, citizen, city, merchant, offer, office_log, rule_set, source};

use crate::Services;
use crate::examination::Examined;
use crate::identity::api_key::BearerSecret;
use crate::identity::entropy::NoEntropy;
use crate::random::Random;

/// Why something was not set up.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OfficeError {
    /// No city of this code; or none named and there is more than one.
    #[error("no city {0:?}; name one of: {1}")]
    NoCity(String, String),
    /// No such merchant.
    #[error("no merchant {0}")]
    NoMerchant(MerchantId),
    /// The merchant cannot offer anything now.
    #[error("the merchant is {}", .0.word())]
    MerchantNotActive(MerchantStatus),
    /// The source's URI is taken.
    #[error("a source {0:?} exists already")]
    SourceTaken(String),
    /// The rule set asks for what this version does not keep yet.
    #[error("this version cannot run rules with: {0}")]
    NotKept(String),
    /// A value out of its bounds.
    #[error("{0}")]
    Bounds(&'static str),
    /// A member of an offer out of its bounds.
    #[error(transparent)]
    Offer(#[from] Fault),
    /// No randomness for a key.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new offer.
#[derive(Debug, Clone)]
pub struct NewOffer {
    /// Who gives it.
    pub merchant: MerchantId,
    /// What it is.
    pub title: Text,
    /// Price of one.
    pub price: Points,
    /// What the city owes for each use.
    pub payout: Fen,
    /// How many there are.
    pub stock: i64,
    /// How many one citizen may have.
    pub per_person: Option<i64>,
    /// For how many days a voucher is good.
    pub voucher_days: i32,
}

/// Publishes a rule set from now on, and makes its city when it is new. The only way to put rules in force.
pub async fn publish(services: &Services, examined: &Examined) -> Result<CityId, OfficeError> {
    let rules = examined.rules();
    if rules.prizes().iter().any(|prize| prize.board() == BoardOf::Team) {
        return Err(OfficeError::NotKept("prizes: board: team".to_owned()));
    }
    let id = match try_to_publish(services, rules).await {
        // Another process made the city just now; the second try finds it.
        Err(StoreError::Exists(_)) => try_to_publish(services, rules).await?,
        outcome => outcome?,
    };
    services.rules.refresh(&services.database).await?;
    Ok(id)
}

async fn try_to_publish(services: &Services, rules: &RuleSet) -> Result<CityId, StoreError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let id = if let Some(city) = city::find_by_code(&transaction, rules.city()).await? {
        city.id
    } else {
        let programme = OwnerId::new(services.random.uuid_at(now));
        let zone = rules.timezone().name();
        city::insert(&transaction, rules.city(), rules.title(), zone, programme).await?
    };
    match rule_set::insert(&transaction, id, &rules.hash(), rules.bundle(), now, now).await {
        // Another process published the same text just now.
        Err(StoreError::Exists(_)) => {}
        outcome => {
            outcome?;
            transaction.commit().await?;
        }
    }
    Ok(id)
}

/// The city of a code; the only one when none is named.
pub async fn city(services: &Services, code: Option<&str>) -> Result<City, OfficeError> {
    city_in(&services.database, code).await
}

/// The city of a code in a database; the only one where none is named.
pub async fn city_in(database: &tanhui_store::Database, code: Option<&str>) -> Result<City, OfficeError> {
    let mut cities = city::list(database).await?;
    let codes = cities.iter().map(|city| city.code.as_str()).collect::<Vec<_>>().join(", ");
    match code {
        None if cities.len() == 1 => cities.pop().ok_or(OfficeError::NoCity(String::new(), codes)),
        None => Err(OfficeError::NoCity(String::new(), codes)),
        Some(code) => cities
            .into_iter()
            .find(|city| city.code == code)
            .ok_or_else(|| OfficeError::NoCity(code.to_owned(), codes)),
    }
}

/// A new partner with the key that speaks for it.
pub async fn create_partner(
    services: &Services,
    city: &City,
    name: &str,
    uri: &str,
) -> Result<BearerSecret, OfficeError> {
    named(name)?;
    if uri.is_empty() || uri.len() > tanhui_domain::event::SOURCE_BYTES_MAX {
        return Err(OfficeError::Bounds("a source URI must have 1 to 200 bytes"));
    }
    let now = services.clock.now();
    let key = BearerSecret::new_api_key(services.random.as_ref())?;
    let transaction = services.database.begin().await?;
    let id = match source::insert(&transaction, city.id, uri, name, Evidence::Operator, now).await {
        Err(StoreError::Exists(_)) => return Err(OfficeError::SourceTaken(uri.to_owned())),
        outcome => outcome?,
    };
    source::insert_key(&transaction, &key.hash(), id, now).await?;
    transaction.commit().await?;
    Ok(key)
}

/// A further key that speaks for a source.
pub async fn issue_key(services: &Services, source: SourceId) -> Result<BearerSecret, OfficeError> {
    let key = BearerSecret::new_api_key(services.random.as_ref())?;
    let transaction = services.database.begin().await?;
    source::insert_key(&transaction, &key.hash(), source, services.clock.now()).await?;
    transaction.commit().await?;
    Ok(key)
}

/// The source of a URI, made when it is new.
pub async fn ensure_source(
    services: &Services,
    city: CityId,
    uri: &str,
    name: &str,
    evidence: Evidence,
) -> Result<Arc<Source>, StoreError> {
    if let Some(source) = source::find_by_uri(&services.database, uri).await? {
        return Ok(Arc::new(source));
    }
    let transaction = services.database.begin().await?;
    match source::insert(&transaction, city, uri, name, evidence, services.clock.now()).await {
        Ok(_) => transaction.commit().await?,
        Err(StoreError::Exists(_)) => drop(transaction),
        Err(error) => return Err(error),
    }
    let source = source::find_by_uri(&services.database, uri).await?;
    source.map(Arc::new).ok_or_else(|| StoreError::Corrupt(format!("source {uri} vanished")))
}

/// All sources.
pub async fn sources(services: &Services) -> Result<Vec<Source>, StoreError> {
    source::list(&services.database).await
}

/// The source that a partner's key speaks for. A key that was live a few seconds ago is not looked up again.
pub async fn source_of_key(
    services: &Services,
    key_hash: [u8; 32],
) -> Result<Option<Arc<Source>>, StoreError> {
    let now = services.clock.now();
    if let Some(known) = services.known_keys.find(&key_hash, now) {
        return Ok(Some(known));
    }
    let found = source::find_by_key(&services.database, &key_hash).await?.map(Arc::new);
    if let Some(source) = &found {
        services.known_keys.keep(key_hash, now, source);
    }
    Ok(found)
}

/// A new, approved merchant.
pub async fn create_merchant(
    services: &Services,
    city: &City,
    name: &str,
) -> Result<MerchantId, OfficeError> {
    named(name)?;
    let now = services.clock.now();
    let id = MerchantId::new(services.random.uuid_at(now));
    let transaction = services.database.begin().await?;
    merchant::insert(&transaction, &Merchant::active(id, city.id, name), now).await?;
    transaction.commit().await?;
    Ok(id)
}

/// One merchant.
pub async fn merchant(services: &Services, id: MerchantId) -> Result<Option<Merchant>, StoreError> {
    merchant::find(&services.database, id).await
}

/// A new, live offer of the operator's own making, approved by nobody.
pub async fn create_offer(services: &Services, new: NewOffer) -> Result<OfferId, OfficeError> {
    let merchant = merchant::find(&services.database, new.merchant).await?;
    let merchant = merchant.ok_or(OfficeError::NoMerchant(new.merchant))?;
    if merchant.status != MerchantStatus::Active {
        return Err(OfficeError::MerchantNotActive(merchant.status));
    }
    let draft = OfferDraft {
        kind: OfferKind::Coupon,
        title: new.title,
        about: About::default(),
        price: new.price,
        payout: new.payout,
        stock: new.stock,
        per_person: new.per_person,
        conditions: Conditions::default(),
        voucher_days: new.voucher_days,
    };
    draft.check()?;
    let now = services.clock.now();
    let id = OfferId::new(services.random.uuid_at(now));
    let offer = draft.offer(id, merchant.city, merchant.id, merchant.about.name);
    let transaction = services.database.begin().await?;
    offer::insert(&transaction, &Offer { status: OfferStatus::Live, ..offer }, now).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Ends an offer: it is redeemed no more, while its vouchers stay good. False when it was not live.
pub async fn end_offer(services: &Services, id: OfferId) -> Result<bool, StoreError> {
    let transaction = services.database.begin().await?;
    let ended = offer::end(&transaction, id).await?;
    transaction.commit().await?;
    Ok(ended)
}

/// Live offers of a city in id order, beginning after an id.
pub async fn offers(
    services: &Services,
    city: CityId,
    after: Option<OfferId>,
    limit: i64,
) -> Result<Vec<Offer>, StoreError> {
    offer::page(&services.database, city, OfferStatus::Live, after, limit).await
}

/// What was done to citizens' books in a city, with numbers, the last first, beginning before a number.
pub async fn log(
    services: &Services,
    city: CityId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<(i64, Deed)>, StoreError> {
    office_log::page(&services.database, city, before, limit).await
}

/// Whether a person holds a role in a city.
pub async fn holds_role(
    services: &Services,
    city: CityId,
    person: CitizenId,
    role: Role,
) -> Result<bool, StoreError> {
    let grants = citizen::grants(&services.database, person).await?;
    Ok(grants.iter().any(|grant| grant.role == role && grant.city == city))
}

/// Gives a role to a citizen.
pub async fn grant(services: &Services, id: CitizenId, grant: &Grant) -> Result<(), OfficeError> {
    if let Some(merchant) = grant.merchant {
        let known = merchant::find(&services.database, merchant).await?;
        known.ok_or(OfficeError::NoMerchant(merchant))?;
    }
    let transaction = services.database.begin().await?;
    citizen::grant(&transaction, id, grant, services.clock.now()).await?;
    transaction.commit().await?;
    Ok(())
}

fn named(name: &str) -> Result<(), OfficeError> {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.trim().len()) && !name.contains(char::is_control);
    if fits { Ok(()) } else { Err(OfficeError::Bounds("a name must have 1 to 200 printable bytes")) }
}
