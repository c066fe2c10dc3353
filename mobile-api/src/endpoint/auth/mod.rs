//! Signing in. Never says whether a phone is known, never logs one.

mod otp;
mod token;

use tanhui_domain::text::Text;
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::office::OfficeError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(otp::send)).routes(routes!(token::issue))
}

fn phone(text: &str) -> Result<PhoneNumber, Problem> {
    PhoneNumber::parse(text).map_err(|_| {
        let detail = Text::new(
            "请填 11 位手机号，或以 + 和国家代码开头的号码",
            "send the 11 digits of a Chinese mobile, or + with country code and number",
        );
        Problem::new(Code::InvalidBody).field("/phone", detail)
    })
}

/// No such city, with those that there are.
pub fn city_problem(error: OfficeError) -> Problem {
    match error {
        OfficeError::NoCity(_, known) => Problem::new(Code::UnknownCity)
            .detail(format!("请用 city 指明其一：{known}。"), format!("Name one with city: {known}.")),
        OfficeError::Store(error) => error.into(),
        error @ (OfficeError::NotKept(_)
        | OfficeError::NoMerchant(_)
        | OfficeError::NoSource(_)
        | OfficeError::MerchantNotActive(_)
        | OfficeError::SourceTaken(_)
        | OfficeError::Bounds(_)
        | OfficeError::Offer(_)
        | OfficeError::NoEntropy(_)) => Problem::internal(error),
    }
}
