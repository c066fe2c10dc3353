//! Merchants on their way in and out: people apply, the city office decides.

mod of_applicant;
mod of_city;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use tanhui_domain::id::CitizenId;
use tanhui_domain::merchant::{ABOUT_BYTES_MAX, Application, Merchant, MerchantStepError, NAME_BYTES_MAX};
use tanhui_domain::text::Text;
use tanhui_service::merchant::{APPLICATIONS_MAX, BRANCHES_MAX, MerchantError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::city::reason_problem;
use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(of_applicant::my_merchants, of_applicant::apply))
        .routes(routes!(of_applicant::amend))
        .routes(routes!(of_city::city_merchants))
        .routes(routes!(of_city::city_merchant))
        .routes(routes!(of_city::approve_merchant))
        .routes(routes!(of_city::return_merchant))
        .routes(routes!(of_city::reject_merchant))
        .routes(routes!(of_city::suspend_merchant))
        .routes(routes!(of_city::reinstate_merchant))
        .routes(routes!(of_city::close_merchant))
}

/// What a merchant says about itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Shown to people: 1 to 200 bytes.
    #[schema(example = "南湖茶馆")]
    name: String,
    /// What it sells, for the city: 1 to 1,000 bytes.
    #[schema(example = "茶饮，两家门店")]
    description: String,
    /// Its number in the register of companies, where it has one.
    #[serde(default)]
    #[schema(example = "91330400MA00000000")]
    registration_no: String,
    /// How the city reaches it: 1 to 1,000 bytes. Forgotten with the person who applied.
    #[schema(example = "店长，0573-0000000")]
    contact: String,
}

impl From<About> for Application {
    fn from(about: About) -> Self {
        let About { name, description, registration_no, contact } = about;
        Self { name, description, registration_no, contact }
    }
}

/// A merchant as the city and whoever applied see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantAnswer {
    /// The merchant.
    id: Uuid,
    /// What it says about itself.
    #[serde(flatten)]
    about: About,
    /// `applied`, `returned`, `rejected`, `active`, `suspended` or `closed`.
    #[schema(example = "applied")]
    status: &'static str,
    /// What becomes of its vouchers: they `work`, are `refunding` or `refunded`.
    #[schema(example = "work")]
    vouchers: &'static str,
    /// Who applied; null where the city set it up itself.
    applied_by: Option<Uuid>,
}

impl From<Merchant> for MerchantAnswer {
    fn from(merchant: Merchant) -> Self {
        let Application { name, description, registration_no, contact } = merchant.about;
        Self {
            id: merchant.id.get(),
            about: About { name, description, registration_no, contact },
            status: merchant.status.word(),
            vouchers: merchant.issued.word(),
            applied_by: merchant.applied_by.map(CitizenId::get),
        }
    }
}

/// Why something was not done with a merchant, for whoever asked.
pub fn merchant_problem(error: MerchantError) -> Problem {
    match error {
        MerchantError::NoMerchant => Problem::new(Code::NotFound),
        MerchantError::NoBranch => Problem::new(Code::BranchNotFound),
        MerchantError::Field(field) => Problem::new(Code::InvalidBody).field(
            format!("/{field}"),
            Text::new(
                format!("名称不超过 {NAME_BYTES_MAX} 字节，其他不超过 {ABOUT_BYTES_MAX} 字节，不含控制字符"),
                format!(
                    "names up to {NAME_BYTES_MAX} bytes, others {ABOUT_BYTES_MAX}, no control characters"
                ),
            ),
        ),
        MerchantError::TooManyApplications => Problem::new(Code::TooManyApplications).detail(
            format!("最多同时有 {APPLICATIONS_MAX} 份待审核的申请。"),
            format!("At most {APPLICATIONS_MAX} may wait at once."),
        ),
        MerchantError::TooManyBranches => Problem::new(Code::TooManyBranches)
            .detail(format!("最多 {BRANCHES_MAX} 家。"), format!("At most {BRANCHES_MAX}.")),
        MerchantError::NotKept => Problem::new(Code::MerchantOutOfOrder).detail(
            "此版本尚不能退还已发的券，请先让其继续有效。",
            "This version cannot refund vouchers yet; let them work on.",
        ),
        MerchantError::Reason => reason_problem(),
        MerchantError::Step(MerchantStepError::OutOfOrder { status }) => {
            let word = status.word();
            Problem::new(Code::MerchantOutOfOrder)
                .detail(format!("商户状态为 {word}。"), format!("The merchant is {word}."))
        }
        MerchantError::Step(MerchantStepError::SamePerson) => Problem::new(Code::SamePerson)
            .detail("申请人不能审批自己的申请。", "Nobody decides about their own application."),
        MerchantError::Step(MerchantStepError::Refunding) => Problem::new(Code::MerchantOutOfOrder)
            .detail("券仍在退还中，请稍后再试。", "Its vouchers are still being refunded; try again later."),
        MerchantError::Store(error) => error.into(),
    }
}
