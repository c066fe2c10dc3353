//! `GET /v1/public/voucher-keys`: the keys by which tills check vouchers without a network.

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::extract::Json;
use crate::state::AppState;

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VoucherKeys {
    /// The keys whose signatures count, the oldest first.
    pub keys: Vec<VoucherKey>,
}

/// A public Ed25519 key (RFC 8037).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VoucherKey {
    /// Its name: eight hex digits, also inside each voucher that it signs.
    #[schema(example = "fe812c12")]
    pub kid: String,
    /// Always `OKP`.
    #[schema(example = "OKP")]
    pub kty: String,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    pub crv: String,
    /// The key in base64url.
    #[schema(example = "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw")]
    pub x: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub purpose: String,
    /// From when on it signs: a key is here a day before.
    pub signs_from: DateTime<Utc>,
}

/// The keys by which vouchers' QR codes are checked. Fetch them once a day, and whenever a voucher names a
/// key
/// that you do not have.
#[utoipa::path(get, path = "/v1/public/voucher-keys", tag = "public",
    responses((status = 200, body = VoucherKeys)))]
pub async fn voucher_keys(State(state): State<AppState>) -> Json<VoucherKeys> {
    Json(VoucherKeys::of(&state.services.passes))
}

impl VoucherKeys {
    /// The keys of a deployment.
    pub fn of(passes: &tanhui_service::pass::PassBook) -> Self {
        let key = |key: tanhui_service::pass::PublicKey| VoucherKey {
            kid: key.id.to_string(),
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(key.bytes),
            purpose: "sig".to_owned(),
            signs_from: key.signs_from,
        };
        Self { keys: passes.public().into_iter().map(key).collect() }
    }
}
