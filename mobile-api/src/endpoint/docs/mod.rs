//! `GET /docs` and `GET /openapi.json`: the contract, for people and for machines.
//!
//! The page is ours and loads nothing from elsewhere; it draws `/openapi.json` in the reader's browser.

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;

use crate::state::AppState;

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document as it is served, printed and committed.
pub fn to_json(document: &OpenApi) -> Result<String, serde_json::Error> {
    let mut json = document.to_pretty_json()?;
    json.push('\n');
    Ok(json)
}

/// Routes of the page and the document.
pub fn router(document: &OpenApi) -> Result<Router<AppState>, serde_json::Error> {
    let json = Bytes::from(to_json(document)?);
    Ok(Router::new()
        .route("/openapi.json", get(async move || file("application/json", json.clone())))
        .route("/docs", get(async || file("text/html; charset=utf-8", PAGE.into())))
        .route("/docs/page.js", get(async || file("text/javascript; charset=utf-8", SCRIPT.into())))
        .route("/docs/page.css", get(async || file("text/css; charset=utf-8", STYLE.into()))))
}

fn file(kind: &'static str, content: Bytes) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, content).into_response()
}
