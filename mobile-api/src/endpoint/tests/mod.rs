//! The real application on a real SQLite database, with the shipped rules and a clock that the test moves.

mod acting;
mod comparing;
mod knowing;
mod owning;
mod rising;
mod signing_in;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tanhui_domain::rule::Evidence;
use tanhui_domain::time::Clock;
use tanhui_service::cache::Cache;
use tanhui_service::crediting::{EventResult, Report, Subject};
use tanhui_service::identity::entropy::SystemEntropy;
use tanhui_service::identity::keys::Keys;
use tanhui_service::identity::secret::MasterSecret;
use tanhui_service::sign_in::{CodeSender, DemoSender};
use tanhui_service::{Services, office, shipped};
use tower::ServiceExt as _;

use super::town::publish;
use crate::config::{Given, Settings};
use crate::courier::HttpCourier;
use crate::http::{metrics, router};
use crate::state::AppState;

const METRO: &str = "urn:test:metro";

/// A clock in microseconds that stands still until it is moved.
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct World {
    application: Router,
    services: Arc<Services>,
    hands: Arc<Hands>,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

/// A city with the shipped rules, at noon of a Monday in Shanghai.
async fn world() -> World {
    world_with(Arc::new(DemoSender)).await
}

async fn world_with(sender: Arc<dyn CodeSender>) -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/tanhui.db", folder.path().display());
    let noon: DateTime<Utc> = "2026-03-02T04:00:00Z".parse().unwrap();
    let hands = Arc::new(Hands(AtomicI64::new(noon.timestamp_micros())));
    let keys = Keys::derive(&MasterSecret::from_hex(&"5a".repeat(32)).unwrap()).unwrap();
    let entropy = Arc::new(SystemEntropy);
    let services = Services::open(&url, Cache::memory(), keys, hands.clone(), entropy, sender).await.unwrap();
    publish(&services, shipped::default_rules().unwrap()).await;
    let services = Arc::new(services);
    let state = AppState {
        services: services.clone(),
        courier: Arc::new(HttpCourier::new(true)),
        metrics: metrics::install().unwrap(),
    };
    let limits = Settings::decide(Given::default()).unwrap().http;
    let application = router::application(state, &limits).unwrap();
    World { application, services, hands, _folder: folder }
}

impl World {
    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.application.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        self.send(request(method, path, token, body)).await
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call(Method::POST, path, token, Some(body)).await
    }

    /// A citizen's access token.
    async fn citizen(&self, phone: &str) -> String {
        let sent = self.post("/v1/auth/otp", "", json!({"phone": phone})).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.body);
        let body = json!({"grant_type": "otp", "phone": phone, "code": "000000"});
        let answer = self.post("/v1/auth/token", "", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// One metro ride of a card, as its operator reports it.
    async fn ride(&self, id: &str, card: &str, kilometres: &str) -> EventResult {
        self.act((id, card), "metro_ride", [("distance", &format!("{kilometres} km"))]).await
    }

    /// One act of a card, as its operator reports it.
    async fn act<const COUNT: usize>(
        &self,
        (id, card): (&str, &str),
        action: &str,
        inputs: [(&str, &str); COUNT],
    ) -> EventResult {
        let city = office::city(&self.services, None).await.unwrap();
        let source = office::ensure_source(&self.services, city.id, METRO, "Metro", Evidence::Operator);
        let source = source.await.unwrap();
        let data =
            |(name, value): (&str, &str)| (name.to_owned(), serde_json::value::to_raw_value(value).unwrap());
        let report = Report {
            external_id: id.to_owned(),
            action: action.to_owned(),
            subject: Subject::Hash(self.services.subject_hash(&source, card)),
            source,
            occurred_at: self.services.clock.now(),
            data: inputs.into_iter().map(data).collect(),
            waited: false,
        };
        self.services.crediting.credit(vec![report]).await.unwrap().remove(0)
    }

    /// A citizen with a bound card.
    async fn rider(&self, phone: &str, card: &str) -> String {
        let city = office::city(&self.services, None).await.unwrap();
        office::ensure_source(&self.services, city.id, METRO, "Metro", Evidence::Operator).await.unwrap();
        let token = self.citizen(phone).await;
        let bound = self.post("/v1/me/bindings", &token, json!({"source": METRO, "subject": card})).await;
        assert_eq!(bound.status, StatusCode::CREATED, "{}", bound.body);
        token
    }

    fn wait_seconds(&self, seconds: i64) {
        self.hands.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Answer {
    /// Asserts a problem with this status and code.
    #[track_caller]
    fn refused(&self, status: u16, code: &str) -> &Value {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        &self.body
    }

    #[track_caller]
    fn ok(&self) -> &Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.body);
        &self.body
    }
}

fn request(method: Method, path: &str, token: &str, body: Option<Value>) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path).header("accept-language", "en");
    if !token.is_empty() {
        builder = builder.header("authorization", format!("Bearer {token}"));
    }
    match body {
        None => builder.body(Body::empty()).unwrap(),
        Some(body) => {
            builder.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
        }
    }
}
