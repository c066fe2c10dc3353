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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn references(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                let name = members.get("$ref").and_then(Value::as_str);
                into.extend(name.map(|name| name.trim_start_matches('#').to_owned()));
                members.values().for_each(|member| references(member, into));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
        let document = serde_json::to_value(crate::endpoint::document()).unwrap();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        let dangling: Vec<_> = found.iter().filter(|name| document.pointer(name).is_none()).collect();
        assert_eq!(dangling, Vec::<&String>::new());
        let operations =
            || document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
        let names: BTreeSet<_> =
            operations().map(|(_, operation)| operation["operationId"].as_str().unwrap()).collect();
        assert_eq!(names.len(), operations().count());
    }

    /// The committed description is what clients are generated from; `cargo xtask openapi` writes it anew.
    #[test]
    fn the_committed_description_is_the_one_served() {
        let served = to_json(&crate::endpoint::document()).unwrap();
        let same = served == include_str!("../../../openapi.json");
        assert!(same, "mobile-api/openapi.json is out of date: run `cargo xtask openapi`");
    }
}
