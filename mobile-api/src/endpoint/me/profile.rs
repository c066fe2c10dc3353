//! `GET`, `PATCH`, `DELETE /v1/me`: who I am here, what boards show of me, and to be forgotten.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use tanhui_domain::city::{Citizen, Role};
use tanhui_domain::text::{Language, Text};
use tanhui_service::Services;
use tanhui_service::citizen::{self, DISTRICT_BYTES_MAX, NICKNAME_LETTERS_MAX, ProfileChange, ProfileError};
use tanhui_service::sign_in::{self, SignInError};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::context::RequestContext;
use crate::http::extract::{Json, Me};
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// A citizen as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Profile {
    /// Pseudonym, the same in every answer.
    id: Uuid,
    /// Code of the home city.
    #[schema(example = "jiaxing")]
    city: String,
    /// Name of its programme.
    #[schema(example = "嘉兴碳普惠积分规则")]
    programme: String,
    /// The phone with its middle hidden; null for a citizen without one.
    #[schema(example = "+86138****0000")]
    phone: Option<String>,
    /// Shown on boards.
    nickname: String,
    /// District of the city, where told.
    district: Option<String>,
    /// Whether boards leave the citizen out.
    leaderboard_opt_out: bool,
    /// What the citizen may do here; `citizen` is everyone's.
    #[schema(example = json!(["citizen"]))]
    roles: Vec<&'static str>,
    /// Since when.
    created_at: DateTime<Utc>,
}

/// What to change; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileRequest {
    /// 1 to 20 printable characters.
    #[schema(example = "骑行者小陈")]
    nickname: Option<String>,
    /// At most 64 bytes; null takes it away.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "nanhu")]
    #[expect(clippy::option_option, reason = "a null takes away, an absent member keeps")]
    district: Option<Option<String>>,
    /// Whether boards leave me out. Boards follow at once.
    leaderboard_opt_out: Option<bool>,
}

/// Tells a null from what is absent.
#[expect(clippy::option_option, reason = "a null takes away, an absent member keeps")]
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// My profile.
#[utoipa::path(get, path = "/v1/me", tag = "me", security(("bearer" = [])),
    responses((status = 200, body = Profile)))]
pub async fn show(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
) -> Result<Json<Profile>, Problem> {
    profile(&state.services, &me, context.language).await.map(Json)
}

/// Changes nickname, district or the wish to be left out of boards.
#[utoipa::path(patch, path = "/v1/me", tag = "me", security(("bearer" = [])), request_body = ProfileRequest,
    responses((status = 200, body = Profile)))]
pub async fn change(
    State(state): State<AppState>,
    me: Me,
    context: RequestContext,
    Json(request): Json<ProfileRequest>,
) -> Result<Json<Profile>, Problem> {
    let change = ProfileChange {
        nickname: request.nickname,
        district: request.district,
        on_boards: request.leaderboard_opt_out.map(|out| !out),
    };
    let changed = citizen::change(&state.services, me.id, change).await.map_err(problem)?;
    profile(&state.services, &changed, context.language).await.map(Json)
}

/// Forgets me.
///
/// Phone, nickname, district, tokens, roles, consents and bindings go. The ledger keeps a pseudonym without
/// a person, so that the books still add up. Cannot be undone.
#[utoipa::path(delete, path = "/v1/me", tag = "me", security(("bearer" = [])), responses((status = 204)))]
pub async fn erase(State(state): State<AppState>, me: Me) -> Result<StatusCode, Problem> {
    citizen::erase(&state.services, me.id).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The profile of a citizen, for themselves.
pub async fn profile(services: &Services, citizen: &Citizen, language: Language) -> Result<Profile, Problem> {
    let city = services.city(citizen.city).await?;
    let phone = sign_in::masked_phone(services, citizen.id).await.map_err(hidden_phone)?;
    let grants = citizen::grants(services, citizen.id).await?;
    let mut roles = vec![Role::Citizen.word()];
    roles.extend(grants.iter().map(|grant| grant.role.word()).filter(|role| *role != Role::Citizen.word()));
    roles.dedup();
    Ok(Profile {
        id: citizen.id.get(),
        city: city.code,
        programme: city.name.in_language(language).to_owned(),
        phone,
        nickname: citizen.nickname.clone(),
        district: citizen.district.clone(),
        leaderboard_opt_out: !citizen.on_boards,
        roles,
        created_at: citizen.created_at,
    })
}

fn hidden_phone(error: SignInError) -> Problem {
    match error {
        SignInError::Store(error) => error.into(),
        error @ (SignInError::WrongCode
        | SignInError::BadRefreshToken
        | SignInError::NotSent(_)
        | SignInError::NoEntropy(_)
        | SignInError::Seal(_)
        | SignInError::Token(_)) => Problem::internal(error),
    }
}

/// A profile or consent that was not changed.
pub fn problem(error: ProfileError) -> Problem {
    match error {
        ProfileError::Nickname => Problem::new(Code::InvalidBody).field(
            "/nickname",
            Text::new(
                format!("昵称应为 1 至 {NICKNAME_LETTERS_MAX} 个可见字符"),
                format!("a nickname has 1 to {NICKNAME_LETTERS_MAX} printable characters"),
            ),
        ),
        ProfileError::District => Problem::new(Code::InvalidBody).field(
            "/district",
            Text::new(
                format!("区县应为 1 至 {DISTRICT_BYTES_MAX} 字节，或 null"),
                format!("a district has 1 to {DISTRICT_BYTES_MAX} bytes, or is null"),
            ),
        ),
        ProfileError::NoPurpose => Problem::new(Code::NotFound).detail(
            "没有这项授权；数据来源的授权在绑定时产生。",
            "No such purpose. A source's consent begins with a binding.",
        ),
        ProfileError::NoCitizen => Problem::new(Code::Unauthorized),
        ProfileError::Store(error) => error.into(),
    }
}
