//! What the OpenAPI document says beyond the single endpoints: title, sign-in, problems.

use tanhui_domain::text::Language;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, Content, ContentBuilder, OpenApi as Document, PathItem, Ref, RefOr, ResponseBuilder,
};
use utoipa::{Modify, OpenApi};

use crate::http::page::{Cursor, Limit};
use crate::http::problem::{Code, FieldDocument, PROBLEM_JSON, ProblemDocument};

/// Title, servers and shared schemas.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "碳惠 tanhui",
        description = "Carbon-inclusive points for cities. \
                       Amounts are integers in the smallest unit: points, mg, fen.\n\n\
                       碳普惠积分平台接口。数量均为最小单位的整数：积分、毫克、分。"
    ),
    components(schemas(ProblemDocument, FieldDocument, Limit, Cursor)),
    modifiers(&SignIn)
)]
pub struct Description;

struct SignIn;

impl Modify for SignIn {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Components::new);
        let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let key = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("tanhui_pk_...").build();
        components.add_security_scheme("partner_key", SecurityScheme::Http(key));
    }
}

/// Gives every operation a name of its own, a problem document to every refusal, and to the document the
/// table of problem codes.
#[must_use]
pub fn complete(mut document: Document) -> Document {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
            let problem = ResponseBuilder::new().description("Problem").build();
            operation.responses.responses.entry("default".to_owned()).or_insert(RefOr::T(problem));
            for (status, response) in &mut operation.responses.responses {
                match response {
                    RefOr::T(response) if is_refusal(status) && response.content.is_empty() => {
                        response.content.insert(PROBLEM_JSON.to_owned(), problem_content());
                    }
                    RefOr::T(_) | RefOr::Ref(_) => {}
                }
            }
        }
    }
    let codes: Vec<_> = Code::ALL.iter().map(|code| code_entry(*code)).collect();
    document.extensions = Some(Extensions::builder().add("x-problem-codes", codes).build());
    document
}

fn is_refusal(status: &str) -> bool {
    status == "default" || status.starts_with(['4', '5'])
}

fn problem_content() -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, patch, delete, .. } = item;
    [("get", get), ("put", put), ("post", post), ("patch", patch), ("delete", delete)]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// `get_offers_id` for `GET /v1/offers/{id}`: what generated clients call it.
fn operation_id(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

fn code_entry(code: Code) -> serde_json::Value {
    serde_json::json!({
        "code": code.as_str(),
        "status": code.status().as_u16(),
        "title": {"zh": code.title(Language::Zh), "en": code.title(Language::En)},
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_reference_has_its_schema_and_every_operation_its_own_name() {
        let document = serde_json::to_value(crate::endpoint::document()).unwrap();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap_or_default();
                assert!(!name.is_empty() && names.insert(name.to_owned()), "{method} {path}: {name}");
            }
        }
    }
}
