//! `GET /v1/me/badges`: my level, my days in a row, my badges.

use axum::extract::State;
use chrono::NaiveDate;
use serde::Serialize;
use tanhui_domain::text::{Language, Text};
use tanhui_service::standing::{self, BadgeStanding, Standing, Step};
use utoipa::ToSchema;

use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me};
use crate::http::problem::Problem;
use crate::state::AppState;

/// Where I stand.
#[derive(Debug, Serialize, ToSchema)]
pub struct StandingAnswer {
    /// All points ever granted, those that wait for a budget among them.
    #[schema(example = 460)]
    points: i64,
    /// All CO2e ever avoided, in milligrams.
    #[schema(example = 4_670_000)]
    reduction_mg: i64,
    /// My level; null where the city has no levels.
    level: Option<LevelAnswer>,
    /// The next one; null on the highest.
    next_level: Option<LevelAnswer>,
    /// Days in a row until today or yesterday on which an act of mine was credited.
    #[schema(example = 3)]
    streak_days: u32,
    /// The most days in a row ever.
    #[schema(example = 12)]
    longest_streak_days: u32,
    /// Every badge of the city, in its order.
    badges: Vec<BadgeAnswer>,
}

/// A level.
#[derive(Debug, Serialize, ToSchema)]
pub struct LevelAnswer {
    /// Its id in the rules.
    #[schema(example = "sapling")]
    id: String,
    /// Its name.
    #[schema(example = "幼树")]
    name: String,
    /// From which total it holds.
    #[schema(example = "50000 gCO2e")]
    from: String,
}

/// A badge.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadgeAnswer {
    /// Its id in the rules.
    #[schema(example = "seven_days")]
    id: String,
    /// Its name.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// What must be reached.
    #[schema(example = "连续 7 天")]
    reach: String,
    /// The first civil day on which I reached it; null while I have not.
    earned_on: Option<NaiveDate>,
}

/// My level, my days in a row and my badges, by the rules in force.
#[utoipa::path(get, path = "/v1/me/badges", tag = "me", security(("bearer" = [])),
    responses((status = 200, body = StandingAnswer)))]
pub async fn badges(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
) -> Result<Json<StandingAnswer>, Problem> {
    let standing = standing::of(&state.services, &me).await?;
    Ok(Json(StandingAnswer::new(standing, context.language)))
}

impl StandingAnswer {
    fn new(standing: Standing, language: Language) -> Self {
        let Standing { points, reduction, level, next, streaks, badges } = standing;
        let said = |text: &Text| text.in_language(language).to_owned();
        let level_of =
            |step: Step| LevelAnswer { id: step.id, name: said(&step.name), from: said(&step.from.told()) };
        let badge = |badge: BadgeStanding| BadgeAnswer {
            id: badge.id,
            name: said(&badge.name),
            description: badge.description.as_ref().map(said),
            reach: said(&badge.reach.told()),
            earned_on: badge.earned_on,
        };
        Self {
            points: points.get(),
            reduction_mg: reduction.get(),
            level: level.map(level_of),
            next_level: next.map(level_of),
            streak_days: streaks.current,
            longest_streak_days: streaks.longest,
            badges: badges.into_iter().map(badge).collect(),
        }
    }
}
