//! `GET /v1/public/factors`: the catalogue of factors with their units, validity and sources.

use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use tanhui_domain::rule::{Confidence, Parameter, ParameterValue};
use tanhui_domain::text::Language;
use tanhui_service::action;
use utoipa::{IntoParams, ToSchema};

use super::city_of;
use crate::endpoint::me::SourceAnswer;
use crate::http::context::RequestContext;
use crate::http::extract::{Json, Query};
use crate::http::page::{Cursor, Limit, Page};
use crate::http::problem::Problem;
use crate::state::AppState;

const LIST: &str = "factors";

/// Which part of the catalogue of which city.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FactorsQuery {
    /// Code of the city; may be left out where there is one.
    city: Option<String>,
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
}

/// A named number with all its values.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactorAnswer {
    /// Its name in formulas.
    #[schema(example = "metro_saving")]
    id: String,
    /// What it is.
    label: String,
    /// Its values in order of time.
    values: Vec<FactorValue>,
}

/// A value over a half-open range of civil days.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactorValue {
    /// The number, exact.
    #[schema(example = "46.7")]
    value: String,
    /// Its unit; empty for what has none.
    #[schema(example = "gCO2e/km")]
    unit: String,
    /// First day.
    from: NaiveDate,
    /// First day after; null while it holds on.
    until: Option<NaiveDate>,
    /// How far to trust it: `high`, `medium`, `low`, `proposed`.
    #[schema(value_type = String, example = "high")]
    confidence: Confidence,
    /// Where it was published; null for a proposal.
    source: Option<SourceAnswer>,
    /// Anything a reader should know.
    note: Option<String>,
}

/// The factors of the rule set in force, by id.
#[utoipa::path(get, path = "/v1/public/factors", tag = "public", params(FactorsQuery),
    responses((status = 200, body = Page<FactorAnswer>)))]
pub async fn list(
    State(state): State<AppState>,
    context: RequestContext,
    Query(query): Query<FactorsQuery>,
) -> Result<Json<Page<FactorAnswer>>, Problem> {
    let services = &state.services;
    let sealer = services.keys.cursor();
    let after: Option<String> = query.cursor.map(|cursor| cursor.read(sealer, LIST)).transpose()?;
    let city = city_of(services, query.city.as_deref(), None).await?;
    let rules = action::rules_now(services, &city).await?;
    let one_more = usize::from(query.limit.get()).saturating_add(1);
    let items = rules
        .rules
        .parameters()
        .filter(|parameter| after.as_ref().is_none_or(|after| parameter.id > *after))
        .take(one_more)
        .map(|parameter| factor(parameter, parameter.values.iter(), context.language))
        .collect();
    Page::cut(items, query.limit, (sealer, LIST), |last: &FactorAnswer| last.id.clone()).map(Json)
}

/// A factor with the value that holds on a day; none where none does.
pub fn factor_now(parameter: &Parameter, day: NaiveDate, language: Language) -> Option<FactorAnswer> {
    Some(factor(parameter, std::iter::once(parameter.on(day)?), language))
}

fn factor<'a>(
    parameter: &Parameter,
    values: impl Iterator<Item = &'a ParameterValue>,
    language: Language,
) -> FactorAnswer {
    FactorAnswer {
        id: parameter.id.clone(),
        label: parameter.label.in_language(language).to_owned(),
        values: values.map(|value| value_answer(value, language)).collect(),
    }
}

fn value_answer(value: &ParameterValue, language: Language) -> FactorValue {
    let (number, unit) = split(&value.value);
    FactorValue {
        value: number.to_owned(),
        unit: unit.to_owned(),
        from: value.from,
        until: value.until,
        confidence: value.confidence,
        source: value.source.clone().map(|source| SourceAnswer::new(source, language)),
        note: value.note.as_ref().map(|note| note.in_language(language).to_owned()),
    }
}

/// Number and unit of a quantity as written, as in `46.7 gCO2e/km` or `80%`.
fn split(written: &str) -> (&str, &str) {
    match (written.split_once(' '), written.strip_suffix('%')) {
        (Some((number, unit)), _) => (number, unit),
        (None, Some(number)) => (number, "%"),
        (None, None) => (written, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_quantity_is_number_and_unit() {
        assert_eq!(split("46.7 gCO2e/km"), ("46.7", "gCO2e/km"));
        assert_eq!(split("80%"), ("80", "%"));
        assert_eq!(split("3"), ("3", ""));
    }
}
