//! Use cases and workers: each function reads as load and lock, decide, write, announce.
//!
//! Nothing here speaks SQL, Redis or HTTP; the wall clock and randomness come in through [`Services`].

pub mod action;
pub mod activity;
pub mod adjustment;
pub mod audit;
pub mod binding;
pub mod board;
pub mod cache;
pub mod citizen;
pub mod clock;
pub mod crediting;
mod draft;
pub mod enroll;
pub mod examination;
pub mod expiry;
mod group_commit;
pub mod identity;
pub mod ingest;
mod known_cities;
pub mod merchant;
mod merchant_log;
pub mod offering;
pub mod office;
pub mod pass;
pub mod payout;
pub mod prize;
pub mod random;
pub mod reconcile;
pub mod redemption;
pub mod retry;
pub mod reversal;
pub mod review;
pub mod rule_book;
pub mod settlement;
pub mod shipped;
pub mod sign_in;
pub mod simulation;
pub mod staff;
pub mod standing;
pub mod statement;
pub mod till;
pub mod webhook;
pub mod worker;

use std::sync::Arc;

use chrono::{DateTime, Datelike, Utc};
use tanhui_domain::city::{Citizen, City, Source};
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::time::Clock;
pub use tanhui_store::StoreError;
pub use tanhui_store::idempotency::RequestKey;
use tanhui_store::{Database, city, setting};
use tokio::sync::Notify;

use crate::cache::Cache;
use crate::crediting::Crediting;
use crate::identity::entropy::Entropy;
use crate::identity::keys::Keys;
use crate::identity::known_keys::KnownKeys;
use crate::known_cities::KnownCities;
use crate::pass::PassBook;
use crate::random::Random;
use crate::redemption::Redeeming;
use crate::rule_book::RuleBook;
use crate::sign_in::CodeSender;

const SECRET_SETTING: &str = "secret_fingerprint";

/// Everything that a use case may reach.
pub struct Services {
    /// The truth.
    pub database: Database,
    /// What can be rebuilt from it.
    pub cache: Cache,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Entropy>,
    /// Keys derived from the secret.
    pub keys: Keys,
    /// Partners' keys that were live a moment ago.
    pub known_keys: KnownKeys,
    /// Keys that sign vouchers.
    pub passes: Arc<PassBook>,
    /// Cities that were looked up.
    cities: KnownCities,
    /// Published rule sets.
    pub rules: Arc<RuleBook>,
    /// Sends one-time codes.
    pub code_sender: Arc<dyn CodeSender>,
    /// The way into the ledger.
    pub crediting: Crediting,
    /// The way from points to vouchers.
    pub redeeming: Redeeming,
    /// Wakes the worker that credits waiting events.
    pub something_waits: Notify,
}

/// Why the services did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database was made with another secret: its hashes and seals cannot be read with this one.
    #[error("this database was made with another secret key; give the key it was made with")]
    OtherSecret,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Services {
    /// Opens the database at an address, then [`Services::start`].
    pub async fn open(
        database_url: &str,
        cache: Cache,
        keys: Keys,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Entropy>,
        code_sender: Arc<dyn CodeSender>,
    ) -> Result<Self, StartError> {
        let database = Database::connect(database_url).await?;
        Self::start(database, cache, keys, clock, random, code_sender).await
    }

    /// Migrates the database, checks that the secret is the one it was made with, and starts the writers.
    pub async fn start(
        database: Database,
        cache: Cache,
        keys: Keys,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Entropy>,
        code_sender: Arc<dyn CodeSender>,
    ) -> Result<Self, StartError> {
        let now = clock.now();
        database.migrate(now.year(), now.month()).await?;
        check_secret(&database, keys.fingerprint()).await?;
        let passes = Arc::new(PassBook::open(&database, &keys, now).await?);
        let rules = Arc::new(RuleBook::default());
        rules.refresh(&database).await?;
        let crediting = Crediting::start(&database, Arc::clone(&rules), Arc::clone(&clock));
        let redeeming = Redeeming::start(&database, Arc::clone(&rules), &clock);
        Ok(Self {
            database,
            cache,
            clock,
            random,
            keys,
            known_keys: KnownKeys::default(),
            passes,
            cities: KnownCities::default(),
            rules,
            code_sender,
            crediting,
            redeeming,
            something_waits: Notify::new(),
        })
    }

    /// Writes what is queued and closes the database.
    pub async fn stop(&self) -> Result<(), StoreError> {
        self.crediting.stop().await;
        self.redeeming.stop().await;
        self.database.clone().close().await
    }

    /// Whether the database answers and its schema is the one that this program knows.
    pub async fn is_ready(&self) -> Result<bool, StoreError> {
        self.database.is_current().await
    }

    /// The city of a citizen or an offer.
    pub async fn city(&self, id: CityId) -> Result<City, StoreError> {
        if let Some(city) = self.cities.find(id) {
            return Ok(city);
        }
        self.cities.keep(city::list(&self.database).await?);
        self.cities.find(id).ok_or_else(|| StoreError::Corrupt(format!("no city {id}")))
    }

    /// The keyed hash under which a subject is known here.
    #[must_use]
    pub fn subject_hash(&self, source: &Source, subject: &str) -> [u8; 32] {
        self.keys.subject(source.id, subject)
    }

    /// A citizen with a nickname that says nothing about anybody.
    #[must_use]
    pub fn new_citizen(&self, id: CitizenId, city: CityId, created_at: DateTime<Utc>) -> Citizen {
        let mut bytes = [0; 3];
        self.random.fill_surely(&mut bytes);
        let nickname = format!("碳友{}", hex::encode_upper(bytes));
        Citizen { id, city, nickname, district: None, on_boards: true, created_at }
    }
}

async fn check_secret(database: &Database, fingerprint: &str) -> Result<(), StartError> {
    let transaction = database.begin().await?;
    setting::insert_if_absent(&transaction, SECRET_SETTING, fingerprint).await?;
    transaction.commit().await?;
    let stored = setting::find(database, SECRET_SETTING).await?;
    if stored.as_deref() == Some(fingerprint) { Ok(()) } else { Err(StartError::OtherSecret) }
}
