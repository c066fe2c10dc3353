//! The real layers around small test routes, and the real application.

mod calling;
mod problems;
mod serving;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::Value;
use tanhui_domain::time::Clock;
use tanhui_service::Services;
use tanhui_service::cache::Cache;
use tanhui_service::identity::entropy::SystemEntropy;
use tanhui_service::identity::keys::Keys;
use tanhui_service::identity::secret::MasterSecret;
use tanhui_service::sign_in::DemoSender;
use tower::ServiceExt as _;

use super::extract::{AsCitizen, AsCityViewer, AsMerchantStaff, IdempotencyKey, Json, Path, Query};
use super::page::Limit;
use super::{metrics, router};
use crate::config::{Given, HttpLimits, Settings};
use crate::courier::HttpCourier;
use crate::state::AppState;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ride {
    legs: Vec<Leg>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leg {
    distance_m: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    #[serde(default)]
    limit: Limit,
}

/// A clock that stands still.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_424_000, 0).unwrap()
    }
}

/// Services on a database in memory. They live on a runtime of their own, which outlives every test.
fn state() -> AppState {
    static STATE: OnceLock<AppState> = OnceLock::new();
    STATE.get_or_init(|| std::thread::spawn(open).join().unwrap()).clone()
}

fn open() -> AppState {
    let keys = Keys::derive(&MasterSecret::from_hex(&"5a".repeat(32)).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap().keep();
    let url = format!("sqlite://{}/tanhui.db", folder.display());
    let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().unwrap()));
    let services = Services::open(
        &url,
        Cache::memory(),
        keys,
        Arc::new(Noon),
        Arc::new(SystemEntropy),
        Arc::new(DemoSender),
    );
    let services = Arc::new(runtime.block_on(services).unwrap());
    AppState { services, courier: Arc::new(HttpCourier::new(true)), metrics: metrics::install().unwrap() }
}

fn limits() -> HttpLimits {
    Settings::decide(Given::default()).unwrap().http
}

/// Small routes that do on purpose what endpoints should not.
fn routes() -> Router<AppState> {
    Router::new()
        .route("/rides", post(async |Json(ride): Json<Ride>| distance(&ride).to_string()))
        .route("/list", get(async |Query(listing): Query<Listing>| listing.limit.get().to_string()))
        .route("/item/{id}", get(async |Path(id): Path<uuid::Uuid>| id.to_string()))
        .route("/pay", post(async |key: IdempotencyKey| key.as_str().to_owned()))
        .route("/me", get(async |me: AsCitizen| me.citizen().to_string()))
        .route("/till", get(async |staff: AsMerchantStaff| staff.merchant().to_string()))
        .route("/console", get(async |viewer: AsCityViewer| viewer.city().to_string()))
        .route("/panic", get(async || -> String { panic!("secret inside") }))
        .route("/slow", get(std::future::pending::<String>))
}

fn distance(ride: &Ride) -> u64 {
    ride.legs.iter().map(|leg| u64::from(leg.distance_m)).sum()
}

fn application(limits: &HttpLimits) -> Router {
    let state = state();
    router::layered(routes(), Router::new(), Router::new(), &state, limits).with_state(state)
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn send(application: &Router, request: Request<Body>) -> Answer {
    let response = application.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

fn ask(method: &str, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).header("accept-language", "en").body(Body::empty()).unwrap()
}

fn post_json(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method("POST")
        .uri(path)
        .header("accept-language", "en")
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

/// Asserts everything that holds for each problem, and gives its document.
fn problem(answer: &Answer, code: &str) -> Value {
    let document = answer.json();
    assert_eq!(document["code"], code, "{document}");
    assert_eq!(document["status"], answer.status.as_u16());
    assert_eq!(document["type"], format!("/docs#problem-{code}"));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(document["request_id"], answer.header("x-request-id"));
    assert!(!document["title"].as_str().unwrap().is_empty());
    document
}

fn short(limits: HttpLimits) -> HttpLimits {
    HttpLimits { request_timeout: Duration::from_millis(20), ..limits }
}
