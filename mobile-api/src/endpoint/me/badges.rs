//! `GET /v1/me/badges`: the level that my acts have reached, and the badges.

use axum::extract::State;
use chrono::NaiveDate;
use serde::Serialize;
use tanhui_domain::rule::{Badge, Level, Reach};
use tanhui_domain::text::Language;
use tanhui_service::honour::{self, Honours};
use utoipa::ToSchema;

use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me};
use crate::http::problem::Problem;
use crate::state::AppState;

/// Level and badges.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadgesAnswer {
    /// The level reached; null where the city has no levels.
    level: Option<LevelAnswer>,
    /// The level after it; null at the top.
    next_level: Option<LevelAnswer>,
    /// Points granted since ever.
    points: i64,
    /// Milligrams of CO2e avoided since ever.
    reduction_mg: i64,
    /// All badges of the city, in its order.
    badges: Vec<BadgeAnswer>,
}

/// One level.
#[derive(Debug, Serialize, ToSchema)]
pub struct LevelAnswer {
    /// Its id in the rule file.
    #[schema(example = "sapling")]
    id: String,
    /// Its name.
    name: String,
    /// From which total it holds.
    #[schema(example = "50000 gCO2e")]
    from: String,
}

/// One badge.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadgeAnswer {
    /// Its id in the rule file.
    #[schema(example = "seven_days")]
    id: String,
    /// Its name.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// What must be reached.
    #[schema(example = "7 days")]
    reach: String,
    /// The civil day on which it was reached; null while it is not.
    earned_on: Option<NaiveDate>,
}

/// My level and badges.
#[utoipa::path(get, path = "/v1/me/badges", tag = "me", security(("bearer" = [])),
    responses((status = 200, body = BadgesAnswer)))]
pub async fn show(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
) -> Result<Json<BadgesAnswer>, Problem> {
    let city = state.services.city(me.city).await?;
    let honours = honour::of(&state.services, &city, me.id).await?;
    Ok(Json(BadgesAnswer::of(&honours, context.language)))
}

impl BadgesAnswer {
    fn of(honours: &Honours, language: Language) -> Self {
        let levels = honours.rules.rules.levels();
        let place = levels.iter().position(|level| Some(level.id()) == honours.level.as_deref());
        let at = |place: usize| levels.get(place).map(|level| LevelAnswer::of(level, language));
        let badges = honours.rules.rules.badges().iter();
        Self {
            level: place.and_then(at),
            next_level: place.and_then(|place| at(place.saturating_add(1))),
            points: honours.points.get(),
            reduction_mg: honours.reduction.get(),
            badges: badges
                .map(|badge| BadgeAnswer::of(badge, honours.badges.get(badge.id()).copied(), language))
                .collect(),
        }
    }
}

impl LevelAnswer {
    fn of(level: &Level, language: Language) -> Self {
        let name = level.name().in_language(language).to_owned();
        Self { id: level.id().to_owned(), name, from: level.from().to_string() }
    }
}

impl BadgeAnswer {
    fn of(badge: &Badge, earned_on: Option<NaiveDate>, language: Language) -> Self {
        let said = |text: &tanhui_domain::text::Text| text.in_language(language).to_owned();
        let reach: Reach = badge.reach();
        Self {
            id: badge.id().to_owned(),
            name: said(badge.name()),
            description: badge.description().map(said),
            reach: reach.to_string(),
            earned_on,
        }
    }
}
