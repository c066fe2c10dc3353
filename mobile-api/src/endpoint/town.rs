//! A city to try endpoints in: the real application on a database of its own, with the shipped rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::city::{Citizen, City, Grant, Role};
use tanhui_domain::id::{MerchantId, OfferId};
use tanhui_domain::rule::RuleSet;
use tanhui_domain::text::Text;
use tanhui_domain::time::Clock;
use tanhui_service::cache::Cache;
use tanhui_service::examination::{TIME_MAX, examine};
use tanhui_service::identity::code::DEMO_CODE;
use tanhui_service::identity::entropy::SystemEntropy;
use tanhui_service::identity::keys::Keys;
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::identity::secret::MasterSecret;
use tanhui_service::office::{self, NewOffer};
use tanhui_service::sign_in::{self, DemoSender};
use tanhui_service::{Services, binding, shipped};
use tower::ServiceExt as _;

use crate::config::{Given, Settings};
use crate::courier::HttpCourier;
use crate::http::{metrics, router};
use crate::state::AppState;

/// The source that the town's partner speaks for.
pub const METRO: &str = "urn:test:metro";
/// 2026-03-02, noon in the town.
const NOON: i64 = 1_772_424_000;

/// A clock that only tests move.
struct Moved(Arc<AtomicI64>);

impl Clock for Moved {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap()
    }
}

/// The town.
pub struct Town {
    pub services: Arc<Services>,
    pub city: City,
    pub key: String,
    app: Router,
    seconds: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

/// Puts rules in force from now on.
pub async fn publish(services: &Services, rules: RuleSet) {
    let examined = examine(rules, Vec::new(), TIME_MAX).await.unwrap();
    office::publish(services, &examined).await.unwrap();
}

/// Someone signed in.
pub struct Person {
    pub citizen: Citizen,
    pub token: String,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Town {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seconds = Arc::new(AtomicI64::new(NOON));
        let url = format!("sqlite://{}/town.db", folder.path().display());
        let services = Services::open(
            &url,
            Cache::memory(),
            Keys::derive(&MasterSecret::from_hex(&"5a".repeat(32)).unwrap()).unwrap(),
            Arc::new(Moved(Arc::clone(&seconds))),
            Arc::new(SystemEntropy),
            Arc::new(DemoSender),
        );
        let services = Arc::new(services.await.unwrap());
        publish(&services, shipped::default_rules().unwrap()).await;
        services.rules.refresh(&services.database).await.unwrap();
        let city = office::city(&services, None).await.unwrap();
        let key = office::create_partner(&services, &city, "Metro", METRO).await.unwrap();
        let state = AppState {
            services: Arc::clone(&services),
            courier: Arc::new(HttpCourier::new(true)),
            metrics: metrics::install().unwrap(),
        };
        let limits = Settings::decide(Given::default()).unwrap().http;
        let app = router::application(state, &limits).unwrap();
        Self { services, city, key: key.reveal().to_owned(), app, seconds, _folder: folder }
    }

    /// Lets time pass.
    pub fn wait_seconds(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Signs in by phone; the first time makes a citizen.
    pub async fn person(&self, phone: &str) -> Person {
        let phone = PhoneNumber::parse(phone).unwrap();
        sign_in::send_code(&self.services, &phone).await.unwrap();
        let tokens = sign_in::sign_in(&self.services, &self.city, &phone, DEMO_CODE).await.unwrap();
        let citizen = sign_in::ensure_person(&self.services, &self.city, &phone).await.unwrap();
        Person { citizen, token: tokens.access }
    }

    /// A citizen who has bound a card.
    pub async fn rider(&self, phone: &str, card: &str) -> Person {
        let person = self.person(phone).await;
        binding::bind(&self.services, &person.citizen, METRO, card).await.unwrap();
        person
    }

    /// A citizen with 33 points for each ride.
    pub async fn rich(&self, phone: &str, rides: usize) -> Person {
        let person = self.rider(phone, phone).await;
        let rides = (0..rides).map(|ride| event(&format!("{phone}-{ride}"), phone));
        let batch = Value::Array(rides.collect()).to_string();
        let answer = self.report("application/cloudevents-batch+json", batch).await;
        assert_eq!(answer.body["rejected"], 0, "{}", answer.body);
        person
    }

    /// Someone of the city office.
    pub async fn officer(&self, phone: &str, roles: &[Role]) -> Person {
        let person = self.person(phone).await;
        for &role in roles {
            let grant = Grant { role, city: self.city.id, merchant: None };
            office::grant(&self.services, person.citizen.id, &grant).await.unwrap();
        }
        self.person(phone).await
    }

    pub async fn merchant(&self, name: &str) -> MerchantId {
        office::create_merchant(&self.services, &self.city, name).await.unwrap()
    }

    /// Someone at the till of a merchant.
    pub async fn staff(&self, phone: &str, merchant: MerchantId) -> Person {
        let person = self.person(phone).await;
        let grant = Grant { role: Role::MerchantStaff, city: self.city.id, merchant: Some(merchant) };
        office::grant(&self.services, person.citizen.id, &grant).await.unwrap();
        self.person(phone).await
    }

    pub async fn offer(&self, merchant: MerchantId, price: i64, stock: i64, most: Option<i64>) -> OfferId {
        let new = NewOffer {
            merchant,
            title: Text::new("咖啡", "Coffee"),
            price: Points::new(price),
            payout: Fen::new(500),
            stock,
            per_person: most,
            voucher_days: 30,
        };
        office::create_offer(&self.services, new).await.unwrap()
    }

    pub async fn report(&self, kind: &str, body: impl Into<Body>) -> Answer {
        let key = self.key.clone();
        self.send(request("POST", "/v1/partner/events", &key).header("content-type", kind), body).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(request("GET", path, token), Body::empty()).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        let request = request("POST", path, token).header("content-type", "application/json");
        self.send(request, body.to_string()).await
    }

    pub async fn send(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Answer {
        let (status, headers, bytes) = self.answer(request, body).await;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    /// What a good answer says, as it came.
    pub async fn raw(
        &self,
        request: axum::http::request::Builder,
        body: impl Into<Body>,
    ) -> (HeaderMap, Vec<u8>) {
        let (status, headers, bytes) = self.answer(request, body).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
        (headers, bytes)
    }

    async fn answer(
        &self,
        request: axum::http::request::Builder,
        body: impl Into<Body>,
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let response = self.app.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }
}

impl Answer {
    /// Asserts that it is this problem, and gives its detail.
    pub fn problem(&self, code: &str) -> &str {
        assert_eq!(self.body["code"], code, "{}", self.body);
        assert_eq!(self.body["status"], self.status.as_u16());
        self.body["detail"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A request in English.
pub fn request(method: &str, path: &str, token: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path).header("accept-language", "en");
    if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) }
}

/// A metro ride this morning.
pub fn event(id: &str, card: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": METRO, "type": "activity.metro_ride", "subject": card,
        "time": "2026-03-02T08:00:00+08:00", "data": {"distance_km": 7.2},
    })
}
