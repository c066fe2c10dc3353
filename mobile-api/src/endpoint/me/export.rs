//! `GET /v1/me/export`: everything that is kept about me, streamed page by page.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Serialize;
use tanhui_domain::city::Citizen;
use tanhui_domain::id::AwardId;
use tanhui_domain::text::Language;
use tanhui_service::activity::{self, ActivityCursor};
use tanhui_service::citizen::{self, Consent};
use tanhui_service::statement::{self, Range, StatementQuery};
use tanhui_service::{Services, StoreError, binding, prize};
use utoipa::ToSchema;

use super::activities::ActivityAnswer;
use super::bindings::BindingAnswer;
use super::consents::ConsentAnswer;
use super::prizes::PrizeAnswer;
use super::profile::{Profile, profile};
use super::statement::{PostingAnswer, posting};
use crate::http::context::RequestContext;
use crate::http::extract::Me;
use crate::http::problem::Problem;
use crate::state::AppState;

/// Rows read at once.
const PART: i64 = 500;

/// All that is kept about a citizen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Export {
    /// Who.
    profile: Profile,
    /// What they agreed to.
    consents: Vec<ConsentAnswer>,
    /// What they bound.
    bindings: Vec<BindingAnswer>,
    /// What they did, the last recorded first.
    activities: Vec<ActivityAnswer>,
    /// Every line of their account, oldest first.
    postings: Vec<PostingAnswer>,
    /// What they won, the last first.
    prizes: Vec<PrizeAnswer>,
}

/// Everything that is kept about me, as one JSON document.
///
/// Streamed. A document that breaks off is not whole: ask again.
#[utoipa::path(get, path = "/v1/me/export", tag = "me", security(("bearer" = [])),
    responses((status = 200, body = Export)))]
pub async fn export(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
) -> Result<Response, Problem> {
    let head = head(&state.services, &me, context.language).await?;
    let parts = Parts {
        services: state.services,
        range: statement::everything(),
        citizen: (*me).clone(),
        language: context.language,
    };
    let body = stream::try_unfold((Place::Head(head), parts), |(place, parts)| async move {
        let next = parts.next(place).await?;
        Ok::<_, ExportError>(next.map(|(text, place)| (Bytes::from(text), (place, parts))))
    });
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CONTENT_DISPOSITION, "attachment; filename=\"tanhui-export.json\""),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Why the document broke off.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

struct Parts {
    services: Arc<Services>,
    citizen: Citizen,
    language: Language,
    range: Range,
}

/// What comes next.
enum Place {
    Head(String),
    Activities(Option<ActivityCursor>),
    Postings(i64),
    Prizes(Option<AwardId>),
    End,
}

impl Parts {
    async fn next(&self, place: Place) -> Result<Option<(String, Place)>, ExportError> {
        match place {
            Place::Head(text) => Ok(Some((text, Place::Activities(None)))),
            Place::Activities(after) => self.activities(after).await.map(Some),
            Place::Postings(after) => self.postings(after).await.map(Some),
            Place::Prizes(after) => self.prizes(after).await.map(Some),
            Place::End => Ok(None),
        }
    }

    async fn activities(&self, after: Option<ActivityCursor>) -> Result<(String, Place), ExportError> {
        let found = activity::page(&self.services, self.citizen.id, after, PART).await?;
        let Some(last) = found.last() else { return Ok(("],\"postings\":[".to_owned(), Place::Postings(0))) };
        let next = ActivityCursor { recorded_at: last.activity.recorded_at, id: last.activity.id };
        let answers = found.into_iter().map(|named| ActivityAnswer::new(named, self.language));
        Ok((listed(answers, after.is_none())?, Place::Activities(Some(next))))
    }

    async fn postings(&self, after: i64) -> Result<(String, Place), ExportError> {
        let query = StatementQuery { range: self.range, after, limit: PART };
        let found = statement::statement(&self.services, self.citizen.id, query).await?;
        let Some(last) = found.lines.last() else {
            return Ok(("],\"prizes\":[".to_owned(), Place::Prizes(None)));
        };
        Ok((listed(found.lines.iter().map(posting), after == 0)?, Place::Postings(last.version)))
    }

    async fn prizes(&self, after: Option<AwardId>) -> Result<(String, Place), ExportError> {
        let found = prize::page(&self.services, self.citizen.id, after, PART).await?;
        let Some(last) = found.last() else { return Ok(("]}".to_owned(), Place::End)) };
        let next = Place::Prizes(Some(last.award.id));
        let answers = found.into_iter().map(|won| PrizeAnswer::new(won, self.language));
        Ok((listed(answers, after.is_none())?, next))
    }
}

async fn head(services: &Services, me: &Citizen, language: Language) -> Result<String, Problem> {
    let json = |text: Result<String, serde_json::Error>| text.map_err(Problem::internal);
    let profile = profile(services, me, language).await?;
    let consents: Vec<Consent> = citizen::all_consents(services, me).await?;
    let consents: Vec<ConsentAnswer> = consents.into_iter().map(ConsentAnswer::from).collect();
    let bindings = binding::list(services, me.id).await?;
    let bindings: Vec<BindingAnswer> = bindings.into_iter().map(BindingAnswer::from).collect();
    Ok(format!(
        "{{\"profile\":{},\"consents\":{},\"bindings\":{},\"activities\":[",
        json(serde_json::to_string(&profile))?,
        json(serde_json::to_string(&consents))?,
        json(serde_json::to_string(&bindings))?,
    ))
}

/// Items of a list with commas between them, and one before them unless they are the first.
fn listed(items: impl Iterator<Item = impl Serialize>, first: bool) -> Result<String, serde_json::Error> {
    let texts: Result<Vec<String>, _> = items.map(|item| serde_json::to_string(&item)).collect();
    let joined = texts?.join(",");
    Ok(if first { joined } else { format!(",{joined}") })
}
