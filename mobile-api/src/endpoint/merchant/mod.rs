//! The merchant's side: its people and branches, its till, what it has taken. Answers at the till are for a
//! cashier with a queue.

mod branches;
mod deliveries;
mod people;
mod reconcile;
mod redemptions;
#[cfg(test)]
mod tests;
mod till;
mod webhooks;

use tanhui_domain::merchant::LABEL_BYTES_MAX;
use tanhui_domain::text::Text;
use tanhui_service::staff::{PEOPLE_MAX, StaffError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::problem::{Code, Problem};
use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(people::workplace))
        .routes(routes!(people::people))
        .routes(routes!(people::remove_person))
        .routes(routes!(people::invitations, people::invite))
        .routes(routes!(people::withdraw))
        .routes(routes!(branches::branches, branches::open_branch))
        .routes(routes!(branches::change_branch, branches::close_branch))
        .routes(routes!(till::check))
        .routes(routes!(till::use_voucher))
        .routes(routes!(till::void_voucher))
        .routes(routes!(reconcile::reconcile))
        .routes(routes!(reconcile::conflicts))
        .routes(routes!(redemptions::redemptions))
        .routes(routes!(webhooks::webhooks, webhooks::register_webhook))
        .routes(routes!(webhooks::delete_webhook))
        .routes(routes!(webhooks::renew_webhook_secret))
        .routes(routes!(webhooks::enable_webhook))
        .routes(routes!(webhooks::ping_webhook))
        .routes(routes!(deliveries::deliveries))
        .routes(routes!(deliveries::replay_delivery))
        .routes(routes!(deliveries::replay_deliveries))
}

/// Why a merchant's people did not change, for whoever asked.
pub fn staff_problem(error: StaffError) -> Problem {
    match error {
        StaffError::NoPerson | StaffError::NoInvitation => Problem::new(Code::NotFound),
        StaffError::NoBranch => Problem::new(Code::BranchNotFound),
        StaffError::Label => Problem::new(Code::InvalidBody).field(
            "/label",
            Text::new(
                format!("请填写 1 至 {LABEL_BYTES_MAX} 字节的称呼，不含控制字符"),
                format!("1 to {LABEL_BYTES_MAX} bytes without control characters"),
            ),
        ),
        StaffError::TooMany => Problem::new(Code::TooManyStaff).detail(
            format!("员工和邀请合计最多 {PEOPLE_MAX} 人。"),
            format!("At most {PEOPLE_MAX} people and invitations together."),
        ),
        StaffError::LastOwner => {
            Problem::new(Code::LastOwner).detail("请先邀请另一位店主。", "Invite another owner first.")
        }
        StaffError::Store(error) => error.into(),
    }
}
