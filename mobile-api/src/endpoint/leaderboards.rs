//! `GET /v1/leaderboards`, `GET /v1/leaderboards/around-me`: who avoids or earns most, and where I stand.

use std::collections::HashMap;

use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use tanhui_domain::id::CitizenId;
use tanhui_domain::leaderboard::{Metric, Scope};
use tanhui_domain::text::Text;
use tanhui_domain::time::{DayRange, Period, civil_day};
use tanhui_service::board::{self, BoardQuery, BoardView, Part};
use tanhui_service::{Services, citizen};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::extract::{Json, Me, Query};
use crate::http::page::{Cursor, Limit};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

const LIST: &str = "leaderboard";
/// Most neighbours on each side.
const NEIGHBOURS_MAX: u32 = 50;
const NEIGHBOURS_DEFAULT: u32 = 5;
/// Deepest place that a page begins after.
const OFFSET_MAX: u64 = 10_000_000;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(around_me))
}

/// What a board ranks by.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricWord {
    /// Milligrams of CO2e avoided.
    #[default]
    Reduction,
    /// Points earned; spending takes nobody down.
    Points,
}

/// Which board, and which part of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BoardParams {
    /// `day`, `week` (from Monday), `month`, `year` or `all`; `week` when absent.
    #[param(value_type = Option<String>, example = "week")]
    period: Option<Period>,
    /// `city`, or `district:` and a district's name; `city` when absent. `team:` is not available yet.
    #[param(example = "city")]
    scope: Option<String>,
    /// `reduction` or `points`; `reduction` when absent.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "reduction")]
    metric: MetricWord,
    /// A civil day inside the period; today when absent.
    on: Option<NaiveDate>,
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// Places to pass over; instead of a cursor.
    offset: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
}

/// Which board around me.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AroundParams {
    /// As of `/v1/leaderboards`.
    #[param(value_type = Option<String>, example = "week")]
    period: Option<Period>,
    /// As of `/v1/leaderboards`.
    #[param(example = "city")]
    scope: Option<String>,
    /// As of `/v1/leaderboards`.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "reduction")]
    metric: MetricWord,
    /// As of `/v1/leaderboards`.
    on: Option<NaiveDate>,
    /// Neighbours on each side, 1 to 50; 5 when absent.
    #[param(minimum = 1, maximum = 50)]
    neighbours: Option<u32>,
}

/// Part of a board, all of one moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardAnswer {
    /// The civil days that count.
    period: PeriodAnswer,
    /// Citizens on the board.
    total: u64,
    /// The places asked for, best first. Equal scores: who got there first stands higher.
    items: Vec<PlaceAnswer>,
    /// My own place; null when I am not on the board.
    me: Option<MyPlace>,
    /// Send this back for the next page; null on the last.
    next_cursor: Option<String>,
}

/// Civil days of the city, both inside; null where the board has no end.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeriodAnswer {
    /// First day.
    from: Option<NaiveDate>,
    /// Last day.
    to: Option<NaiveDate>,
}

/// One place.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceAnswer {
    /// From 1.
    rank: u64,
    /// Who, as they call themselves.
    nickname: String,
    /// Milligrams of CO2e, or points.
    score: i64,
}

/// My place.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyPlace {
    /// From 1.
    rank: u64,
    /// Milligrams of CO2e, or points.
    score: i64,
}

/// A board of my city.
///
/// Citizens who opted out are not on it.
#[utoipa::path(get, path = "/v1/leaderboards", tag = "leaderboards", security(("bearer" = [])),
    params(BoardParams), responses((status = 200, body = BoardAnswer)))]
pub async fn show(
    State(state): State<AppState>,
    me: Me,
    Query(params): Query<BoardParams>,
) -> Result<Json<BoardAnswer>, Problem> {
    let services = &state.services;
    let sealer = services.keys.cursor();
    let offset = match (params.cursor, params.offset) {
        (Some(_), Some(_)) => {
            return Err(misfit("/offset", "offset 与 cursor 只能用一个", "use offset or cursor"));
        }
        (Some(cursor), None) => cursor.read(sealer, LIST)?,
        (None, Some(offset)) if offset > OFFSET_MAX => {
            return Err(misfit("/offset", "最大 10000000", "at most 10000000"));
        }
        (None, offset) => offset.unwrap_or(0),
    };
    let query = query(services, &me, (params.period, params.scope, params.metric, params.on)).await?;
    let part = Part::Page { offset, limit: params.limit.get().into() };
    let view = board::read(services, &query, part, Some(me.id)).await?;
    let last = view.places.last().map(|place| place.rank);
    let mut answer = answer(services, view).await?;
    if let Some(rank) = last.filter(|rank| *rank < answer.total) {
        answer.next_cursor = Some(Cursor::write(sealer, LIST, &rank)?);
    }
    Ok(Json(answer))
}

/// The places around mine; none when I am not on the board.
#[utoipa::path(get, path = "/v1/leaderboards/around-me", tag = "leaderboards", security(("bearer" = [])),
    params(AroundParams), responses((status = 200, body = BoardAnswer)))]
pub async fn around_me(
    State(state): State<AppState>,
    me: Me,
    Query(params): Query<AroundParams>,
) -> Result<Json<BoardAnswer>, Problem> {
    let neighbours = params.neighbours.unwrap_or(NEIGHBOURS_DEFAULT);
    if !(1..=NEIGHBOURS_MAX).contains(&neighbours) {
        return Err(misfit("/neighbours", "应为 1 至 50", "want 1 to 50"));
    }
    let services = &state.services;
    let query = query(services, &me, (params.period, params.scope, params.metric, params.on)).await?;
    let view = board::read(services, &query, Part::Around { neighbours }, Some(me.id)).await?;
    answer(services, view).await.map(Json)
}

fn misfit(pointer: &str, zh: &str, en: &str) -> Problem {
    Problem::new(Code::InvalidQuery).field(pointer, Text::new(zh, en))
}

type Asked = (Option<Period>, Option<String>, MetricWord, Option<NaiveDate>);

async fn query(services: &Services, me: &Me, asked: Asked) -> Result<BoardQuery, Problem> {
    let (period, scope, metric, on) = asked;
    let scope = scope_of(scope.as_deref())?;
    let city = services.city(me.city).await?;
    let on = on.unwrap_or_else(|| civil_day(services.clock.now(), city.timezone));
    let metric = match metric {
        MetricWord::Reduction => Metric::Reduction,
        MetricWord::Points => Metric::Points,
    };
    Ok(BoardQuery { city, period: period.unwrap_or(Period::Week), on, scope, metric })
}

fn scope_of(word: Option<&str>) -> Result<Scope, Problem> {
    match word.map(|word| word.split_once(':').unwrap_or((word, ""))) {
        None | Some(("city", "")) => Ok(Scope::City),
        Some(("district", name)) if (1..=citizen::DISTRICT_BYTES_MAX).contains(&name.len()) => {
            Ok(Scope::District(name.to_owned()))
        }
        Some(("team", _)) => Err(Problem::new(Code::BoardUnavailable)
            .detail("团队排行榜尚未提供。", "Boards of teams are not available yet.")),
        Some(_) => Err(misfit("/scope", "应为 city 或 district:名称", "want city or district:NAME")),
    }
}

async fn answer(services: &Services, view: BoardView) -> Result<BoardAnswer, Problem> {
    let ids: Vec<CitizenId> = view.places.iter().map(|place| place.citizen).collect();
    let names: HashMap<CitizenId, String> = citizen::find_many(services, &ids)
        .await?
        .into_iter()
        .map(|citizen| (citizen.id, citizen.nickname))
        .collect();
    let items = view.places.iter().map(|place| PlaceAnswer {
        rank: place.rank,
        nickname: names.get(&place.citizen).cloned().unwrap_or_default(),
        score: place.score,
    });
    Ok(BoardAnswer {
        items: items.collect(),
        period: period_answer(view.range),
        total: view.total,
        me: view.me.map(|place| MyPlace { rank: place.rank, score: place.score }),
        next_cursor: None,
    })
}

fn period_answer(range: DayRange) -> PeriodAnswer {
    PeriodAnswer {
        from: Some(range.from).filter(|from| *from > NaiveDate::MIN),
        to: Some(range.until).filter(|until| *until < NaiveDate::MAX).and_then(|until| until.pred_opt()),
    }
}
