//! `POST /v1/auth/token`: exchanges a one-time code or a refresh token for a pair of tokens.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tanhui_service::office;
use tanhui_service::sign_in::{self, SignInError, Tokens};
use utoipa::ToSchema;

use super::{city_problem, phone};
use crate::http::extract::Json;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// What is exchanged.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "grant_type", rename_all = "snake_case", deny_unknown_fields)]
pub enum TokenRequest {
    /// A one-time code. A phone that signs in for the first time becomes a citizen of the city.
    Otp {
        /// The phone that the code was sent to.
        #[schema(example = "13800000000")]
        phone: String,
        /// The code.
        #[schema(example = "000000")]
        code: String,
        /// The city; may be left out where there is one.
        #[schema(example = "jiaxing")]
        city: Option<String>,
    },
    /// A refresh token. It turns over: the answer holds the next one, and this one is used up.
    RefreshToken {
        /// The token.
        refresh_token: String,
    },
}

/// A signed-in caller's tokens.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Send it as `Authorization: Bearer`.
    access_token: String,
    /// Exchange it here when the access token has expired.
    refresh_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds for which the access token is good.
    #[schema(example = 900)]
    expires_in: i64,
}

/// Signs in.
///
/// `invalid_code` for a code that is wrong, used, expired or tried too often; `invalid_refresh_token` for a
/// token that was exchanged before, is too old, or belongs to someone erased.
#[utoipa::path(post, path = "/v1/auth/token", tag = "sign-in", request_body = TokenRequest,
    responses((status = 200, body = TokenAnswer)))]
pub async fn issue(
    State(state): State<AppState>,
    Json(request): Json<TokenRequest>,
) -> Result<Json<TokenAnswer>, Problem> {
    let services = &state.services;
    let tokens = match request {
        TokenRequest::Otp { phone: text, code, city } => {
            let phone = phone(&text)?;
            let city = office::city(services, city.as_deref()).await.map_err(city_problem)?;
            sign_in::sign_in(services, &city, &phone, &code).await
        }
        TokenRequest::RefreshToken { refresh_token } => sign_in::refresh(services, &refresh_token).await,
    };
    tokens.map(answer).map_err(problem)
}

fn answer(tokens: Tokens) -> Json<TokenAnswer> {
    Json(TokenAnswer {
        access_token: tokens.access,
        refresh_token: tokens.refresh,
        token_type: "Bearer",
        expires_in: tokens.expires_in_seconds,
    })
}

fn problem(error: SignInError) -> Problem {
    match error {
        SignInError::WrongCode => Problem::new(Code::InvalidCode),
        SignInError::BadRefreshToken => Problem::new(Code::InvalidRefreshToken),
        SignInError::Store(error) => error.into(),
        error @ (SignInError::NotSent(_)
        | SignInError::NoEntropy(_)
        | SignInError::Seal(_)
        | SignInError::Token(_)) => Problem::internal(error),
    }
}
