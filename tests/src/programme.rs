//! One process of the program on a test's database: real services, a told clock, seeded randomness.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use tanhui_domain::city::{City, Source};
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::rule::{Evidence, RuleSet, SourceFile};
use tanhui_service::Services;
use tanhui_service::cache::Cache;
use tanhui_service::crediting::{EventResult, Report, Subject};
use tanhui_service::examination::{TIME_MAX, examine};
use tanhui_service::identity::entropy::{Entropy, NoEntropy};
use tanhui_service::identity::keys::Keys;
use tanhui_service::identity::secret::MasterSecret;
use tanhui_service::sign_in::NoSender;
use tanhui_service::{audit, enroll, office};
use tanhui_store::{Database, binding};

use crate::stage::Stage;
use crate::trouble::Outcome;

const RULES: &str = include_str!("rules.yaml");
const TRAVEL: &str = include_str!("travel.yaml");

/// Rules whose text says CITY where the city's name belongs.
pub fn rules_from(city: &str, text: &str) -> Outcome<RuleSet> {
    let file = SourceFile { name: format!("{city}.yaml"), text: text.replace("CITY", city) };
    let refused = |diagnostics: Vec<_>| format!("{diagnostics:?}");
    Ok(RuleSet::compile(&file, &[]).map_err(refused)?)
}

/// The rule file of a test city: a kilometre saves 50 g and gives 5 points, up to 100 a day, 300 a week.
pub fn rules_of(city: &str) -> Outcome<RuleSet> {
    rules_from(city, RULES)
}

/// Rules of travel: overlapping rides are one, too fast ones are held, and spent points are dealt with in one
/// way, `allow_negative` or `claw_back`.
pub fn rules_of_travel(city: &str, spent: &str) -> Outcome<RuleSet> {
    rules_from(city, &TRAVEL.replace("SPENT", spent))
}

/// Puts rules in force from now on, as far as they stand.
pub async fn publish(services: &Services, rules: &RuleSet) -> Outcome<CityId> {
    let again = RuleSet::from_bundle(rules.bundle()).map_err(|all| format!("{all:?}"))?;
    Ok(office::publish(services, &examine(again, Vec::new(), TIME_MAX).await?).await?)
}

/// A running process with one city and one source.
#[derive(Clone)]
pub struct Programme {
    /// The use cases.
    pub services: Arc<Services>,
    /// The city.
    pub city: City,
    /// Who reports.
    pub source: Arc<Source>,
    stage: Stage,
}

/// A ride as the source reports it.
#[derive(Debug, Clone)]
pub struct Ride {
    /// The source's id of it.
    pub external_id: String,
    /// Whose card.
    pub card: String,
    /// How far.
    pub metres: u32,
    /// When.
    pub at: DateTime<Utc>,
}

impl Programme {
    /// Starts a process with the cache in memory.
    pub async fn start(stage: &Stage) -> Outcome<Self> {
        Self::start_with(stage, "testcity", Cache::memory(), 1).await
    }

    /// Starts a process with another seed, city and cache.
    pub async fn start_with(stage: &Stage, city: &str, cache: Cache, seed: u64) -> Outcome<Self> {
        Self::start_under(stage, &rules_of(city)?, cache, seed).await
    }

    /// Starts a process that publishes these rules.
    pub async fn start_under(stage: &Stage, rules: &RuleSet, cache: Cache, seed: u64) -> Outcome<Self> {
        let services = Arc::new(services(stage, stage.another_process().await?, cache, seed).await?);
        let id = publish(&services, rules).await?;
        let uri = format!("urn:{}:metro", rules.city());
        let source = office::ensure_source(&services, id, &uri, "Metro", Evidence::Operator).await?;
        let city = services.city(id).await?;
        Ok(Self { services, city, source, stage: stage.clone() })
    }

    /// Puts rules of travel in force from now on.
    pub async fn publish_travel(&self, spent: &str) -> Outcome {
        publish(&self.services, &rules_of_travel(&self.city.code, spent)?).await?;
        Ok(())
    }

    /// Makes a citizen whose card is bound.
    pub async fn enroll(&self, card: &str) -> Outcome<CitizenId> {
        enroll::enroll(&self.services, &self.source, &[card]).await?;
        let hash = self.services.subject_hash(&self.source, card);
        let owners = binding::owners(&self.services.database, self.source.id, &[hash]).await?;
        Ok(owners.get(&hash).copied().ok_or("not enrolled")?)
    }

    /// A ride of so many metres now.
    #[must_use]
    pub fn ride(&self, external_id: &str, card: &str, metres: u32) -> Ride {
        let (external_id, card) = (external_id.to_owned(), card.to_owned());
        Ride { external_id, card, metres, at: self.stage.now() }
    }

    /// What the source sends.
    pub fn report(&self, ride: &Ride) -> Outcome<Report> {
        self.report_of(ride, "ride", &[("distance_m", &ride.metres.to_string())])
    }

    /// What the source sends, with any action and inputs.
    pub fn report_of(&self, ride: &Ride, action: &str, inputs: &[(&str, &str)]) -> Outcome<Report> {
        let mut data = BTreeMap::new();
        for (name, json) in inputs {
            data.insert((*name).to_owned(), RawValue::from_string((*json).to_owned())?);
        }
        Ok(Report {
            source: Arc::clone(&self.source),
            external_id: ride.external_id.clone(),
            action: action.to_owned(),
            subject: Subject::Hash(self.services.subject_hash(&self.source, &ride.card)),
            occurred_at: ride.at,
            data,
            waited: false,
        })
    }

    /// Credits rides in one call.
    pub async fn credit(&self, rides: &[Ride]) -> Outcome<Vec<EventResult>> {
        let reports: Outcome<Vec<Report>> = rides.iter().map(|ride| self.report(ride)).collect();
        Ok(self.services.crediting.credit(reports?).await?)
    }

    /// Fails with what the audit finds.
    pub async fn expect_clean_books(&self) -> Outcome {
        let audit = audit::run(&self.services.database, |_| {}).await?;
        if audit.violations.is_empty() { Ok(()) } else { Err(format!("{:?}", audit.violations).into()) }
    }

    /// Checks the books and stops the process.
    pub async fn stop(self) -> Outcome {
        self.expect_clean_books().await?;
        Ok(self.services.stop().await?)
    }
}

async fn services(stage: &Stage, database: Database, cache: Cache, seed: u64) -> Outcome<Services> {
    let keys = Keys::derive(&MasterSecret::from_hex(&"5a".repeat(32))?)?;
    let (clock, random) = (Arc::new(stage.clock.clone()), Arc::new(Seeded(AtomicU64::new(seed << 32))));
    Ok(Services::start(database, cache, keys, clock, random, Arc::new(NoSender)).await?)
}

/// The same bytes in every run, others for every seed: splitmix64.
struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for part in bytes.chunks_mut(8) {
            let mut word = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let word = (word ^ (word >> 31)).to_be_bytes();
            part.iter_mut().zip(word).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}
