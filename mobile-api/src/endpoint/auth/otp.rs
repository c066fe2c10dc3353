//! `POST /v1/auth/otp`: sends a one-time code to a phone.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tanhui_service::identity::code::CODE_TTL_SECONDS;
use tanhui_service::office;
use tanhui_service::sign_in::{self, NotSent, SignInError};
use utoipa::ToSchema;

use super::{city_problem, phone};
use crate::http::extract::Json;
use crate::http::problem::{Code, Problem};
use crate::http::rate_limit::{CallerAddress, RateVerdict};
use crate::state::AppState;

/// When to come back to a gateway that failed.
const GATEWAY_RETRY_SECONDS: u64 = 30;

/// Where to send a code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OtpRequest {
    /// 11 digits of a Chinese mobile, or `+` with country code and number.
    #[schema(example = "13800000000")]
    phone: String,
    /// The city to sign in to; checked when given.
    #[schema(example = "jiaxing")]
    city: Option<String>,
}

/// The code is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct OtpAnswer {
    /// Seconds for which the code is good.
    #[schema(example = 300)]
    expires_in: u64,
}

/// Sends a one-time code.
///
/// The answer is the same for known and unknown phones. At most 5 codes for one phone and 300 for one
/// address in 10 minutes; `rate_limited` says when to come back.
/// `unavailable` where no SMS gateway is configured or it does not answer.
#[utoipa::path(post, path = "/v1/auth/otp", tag = "sign-in", request_body = OtpRequest,
    responses((status = 202, body = OtpAnswer)))]
pub async fn send(
    State(state): State<AppState>,
    CallerAddress(address): CallerAddress,
    Json(request): Json<OtpRequest>,
) -> Result<Response, Problem> {
    let phone = phone(&request.phone)?;
    if let Some(code) = request.city.as_deref() {
        office::city(&state.services, Some(code)).await.map_err(city_problem)?;
    }
    let (quota, decision) = sign_in::allow_code(&state.services, &phone, address).await;
    let verdict = RateVerdict::new("codes", quota, decision);
    let outcome = match verdict.refusal() {
        Some(refusal) => Err(refusal),
        None => sign_in::send_code(&state.services, &phone).await.map_err(problem),
    };
    let mut response = match outcome {
        Ok(()) => (StatusCode::ACCEPTED, Json(OtpAnswer { expires_in: CODE_TTL_SECONDS })).into_response(),
        Err(problem) => problem.into_response(),
    };
    verdict.write(response.headers_mut());
    Ok(response)
}

fn problem(error: SignInError) -> Problem {
    match error {
        SignInError::NotSent(NotSent::NotConfigured) => Problem::new(Code::Unavailable).detail(
            "本服务尚未配置短信网关，不能用手机号登录。",
            "Sign-in by phone is not configured here: there is no SMS gateway.",
        ),
        SignInError::NotSent(error @ NotSent::Failed(_)) => Problem::new(Code::Unavailable)
            .detail("短信暂时发不出去，请稍后再试。", "The code could not be sent. Try again shortly.")
            .retry_after(GATEWAY_RETRY_SECONDS)
            .caused_by(error),
        SignInError::Store(error) => error.into(),
        error @ (SignInError::WrongCode
        | SignInError::BadRefreshToken
        | SignInError::NoEntropy(_)
        | SignInError::Seal(_)
        | SignInError::Token(_)) => Problem::internal(error),
    }
}
