//! `POST /v1/city/projects` and `GET /v1/public/projects`: public projects and what was given to them.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tanhui_domain::id::ProjectId;
use tanhui_domain::offer::Project;
use tanhui_domain::text::Language;
use tanhui_service::offering;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Words, problem};
use crate::http::context::RequestContext;
use crate::http::extract::{AsCityEditor, Json, Query};
use crate::http::page::{Listing, Page};
use crate::http::problem::{Problem, ProblemDocument};
use crate::state::AppState;

const LIST: &str = "projects";

/// A project that citizens can give points to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectWish {
    /// What it is called, up to 200 bytes in each language.
    title: Words,
    /// What it does, up to 4,000 bytes in each language.
    #[serde(default)]
    text: Words,
}

/// A public project.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectAnswer {
    /// The project.
    id: Uuid,
    /// What it is called, in the caller's language.
    #[schema(example = "A wood on the south shore")]
    title: String,
    /// What it does, in the caller's language.
    text: String,
    /// Points given to it so far, by everyone.
    #[schema(example = 123_400)]
    points: i64,
}

impl ProjectAnswer {
    fn of(project: &Project, language: Language) -> Self {
        Self {
            id: project.id.get(),
            title: project.title.in_language(language).to_owned(),
            text: project.text.in_language(language).to_owned(),
            points: project.points.get(),
        }
    }
}

/// A new public project of my city. Needs the role `city_editor`.
///
/// An organisation's `donation` offers name it; the city approves each of them.
#[utoipa::path(post, path = "/v1/city/projects", tag = "city", security(("bearer" = [])),
    request_body = ProjectWish,
    responses((status = 201, body = ProjectAnswer),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json",
            description = "`invalid_body` with the member that does not fit")))]
pub async fn open_project(
    State(state): State<AppState>,
    editor: AsCityEditor,
    context: RequestContext,
    Json(wish): Json<ProjectWish>,
) -> Result<(StatusCode, Json<ProjectAnswer>), Problem> {
    let words = (wish.title.into(), wish.text.into());
    let made = offering::open_project(&state.services, editor.city(), editor.citizen(), words).await;
    let project = made.map_err(problem)?;
    Ok((StatusCode::CREATED, Json(ProjectAnswer::of(&project, context.language))))
}

/// Public projects of all cities here, with the points given to each so far.
#[utoipa::path(get, path = "/v1/public/projects", tag = "public", params(Listing),
    responses((status = 200, body = Page<ProjectAnswer>)))]
pub async fn projects(
    State(state): State<AppState>,
    context: RequestContext,
    Query(listing): Query<Listing>,
) -> Result<Json<Page<ProjectAnswer>>, Problem> {
    let sealer = state.services.keys.cursor();
    let after: Option<ProjectId> = listing.after(sealer, LIST)?;
    let found = offering::projects(&state.services, after, listing.rows()).await?;
    let page = Page::cut(found, listing.limit, (sealer, LIST), |project| project.id)?;
    Ok(Json(page.map(|project| ProjectAnswer::of(&project, context.language))))
}
