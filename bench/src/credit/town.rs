//! The town that events are credited in: its rules, its partner, its citizens with their cards.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tanhui_domain::event::CloudEvent;
use tanhui_domain::rule::{Evidence, RuleSet, SourceFile};
use tanhui_service::cache::Cache;
use tanhui_service::clock::SystemClock;
use tanhui_service::crediting::{EventStatus, Report};
use tanhui_service::examination::{TIME_MAX, examine};
use tanhui_service::identity::entropy::SystemEntropy;
use tanhui_service::identity::keys::Keys;
use tanhui_service::identity::secret::MasterSecret;
use tanhui_service::sign_in::NoSender;
use tanhui_service::{Services, enroll, office};

use crate::error::BenchError;
use crate::server::Program;

/// The partner's source.
pub const SOURCE: &str = "urn:tanhui:bench";
const RULES: &str = include_str!("town.yaml");
const CITIZENS_PER_CALL: usize = 1_000;

/// What the load needs to know of the town.
#[derive(Debug, Clone)]
pub struct Town {
    /// The partner's key.
    pub key: String,
    /// How many citizens there are.
    pub citizens: u32,
    /// When all acts happened.
    pub occurred_at: DateTime<Utc>,
    /// Points of one act.
    pub points: i64,
    /// Milligrams of one act.
    pub reduction_mg: i64,
    /// Events credited in setting up.
    pub events: u64,
}

/// The card of a citizen, by number.
pub fn card(citizen: u64) -> String {
    format!("card-{citizen:08}")
}

/// Makes the town in an empty database, and credits its first event, from which others take their pattern.
pub async fn found(program: &Program, database_url: &str, citizens: u32) -> Result<Town, BenchError> {
    let services = open(program, database_url).await?;
    let town = settle(&services, citizens).await;
    services.stop().await.map_err(set_up)?;
    town
}

/// Opens the services on the town's database, in this process.
pub async fn open(program: &Program, database_url: &str) -> Result<Services, BenchError> {
    let secret = MasterSecret::from_file(&program.secret(), &SystemEntropy).map_err(set_up)?;
    let keys = Keys::derive(&secret).map_err(set_up)?;
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    Services::open(database_url, Cache::memory(), keys, clock, entropy, Arc::new(NoSender))
        .await
        .map_err(set_up)
}

async fn settle(services: &Services, citizens: u32) -> Result<Town, BenchError> {
    let file = SourceFile { name: "town.yaml".to_owned(), text: RULES.to_owned() };
    let rules = RuleSet::compile(&file, &[]).map_err(|faults| {
        BenchError::SetUp(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    let rules = examine(rules, Vec::new(), TIME_MAX).await.map_err(set_up)?;
    let city = office::publish(services, &rules).await.map_err(set_up)?;
    let source = office::ensure_source(services, city, SOURCE, "Benchmark", Evidence::Operator);
    let source = source.await.map_err(set_up)?;
    let key = office::issue_key(services, source.id).await.map_err(set_up)?.reveal().to_owned();
    let cards: Vec<String> = (0..u64::from(citizens)).map(card).collect();
    for cards in cards.chunks(CITIZENS_PER_CALL) {
        let cards: Vec<&str> = cards.iter().map(String::as_str).collect();
        enroll::enroll(services, &source, &cards).await.map_err(set_up)?;
    }
    let now = services.clock.now();
    let occurred_at = now.checked_sub_signed(TimeDelta::hours(1)).unwrap_or(now);
    let event = CloudEvent::parse(&event("pattern", 0, &moment(occurred_at))).map_err(set_up)?;
    let subject = services.subject_hash(&source, &event.subject);
    let report = Report::from_event(&source, subject, event).map_err(set_up)?;
    let results = services.crediting.credit(vec![report]).await.map_err(set_up)?;
    match results.first() {
        Some(result) if result.status == EventStatus::Credited => Ok(Town {
            key,
            citizens,
            occurred_at,
            points: result.points.map_or(0, tanhui_domain::amount::Points::get),
            reduction_mg: result.reduction.map_or(0, tanhui_domain::amount::ReductionMg::get),
            events: 1,
        }),
        other => Err(BenchError::SetUp(format!("the first event was not credited: {other:?}"))),
    }
}

/// An instant as events carry it.
pub fn moment(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A metro ride as a `CloudEvent`.
pub fn event(id: &str, citizen: u64, moment: &str) -> String {
    let card = card(citizen);
    let head =
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"{SOURCE}","type":"activity.metro_ride""#);
    head + &format!(r#","subject":"{card}","time":"{moment}","data":{{"distance_km":7.2}}}}"#)
}

fn set_up(error: impl std::fmt::Display) -> BenchError {
    BenchError::SetUp(error.to_string())
}
