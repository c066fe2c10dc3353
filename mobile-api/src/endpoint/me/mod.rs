//! A citizen's own things. Someone else's are not found.

mod activities;
mod badges;
mod balance;
mod bindings;
mod consents;
mod declare;
mod explanation;
mod export;
mod invitations;
mod lots;
mod prizes;
mod profile;
mod statement;

pub use self::explanation::SourceAnswer;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(profile::show, profile::change, profile::erase))
        .routes(routes!(export::export))
        .routes(routes!(consents::list))
        .routes(routes!(consents::show, consents::change))
        .routes(routes!(bindings::list, bindings::bind))
        .routes(routes!(bindings::unbind))
        .routes(routes!(balance::show))
        .routes(routes!(lots::list))
        .routes(routes!(badges::badges))
        .routes(routes!(prizes::prizes))
        .routes(routes!(activities::list, declare::declare))
        .routes(routes!(activities::show))
        .routes(routes!(explanation::show))
        .routes(routes!(statement::show))
        .routes(routes!(invitations::my_invitations))
        .routes(routes!(invitations::accept_invitation))
        .routes(routes!(invitations::decline_invitation))
}
