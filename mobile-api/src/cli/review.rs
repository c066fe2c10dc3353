//! `tanhui review`: acts that wait for a person, and what that person says.

use clap::Subcommand;
use tanhui_domain::activity::Activity;
use tanhui_domain::city::Role;
use tanhui_domain::id::ActivityId;
use tanhui_domain::text::Text;
use tanhui_service::review::{self, Verdict};
use tanhui_service::{Services, office};

use super::books::{Reasoned, authorized};
use super::{CommandError, open};
use crate::config::Settings;

/// Rows on a page of the list.
const PAGE: i64 = 100;

/// What is done with held acts.
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// Print what waits: id, code, action, when it happened, why it is held
    List {
        /// In which city [default: the only one]
        #[arg(long)]
        city: Option<String>,
    },
    /// Let a held act go on to the rules
    Release {
        /// The activity
        activity: ActivityId,
        #[command(flatten)]
        why: Reasoned,
    },
    /// Refuse a held act
    Reject {
        /// The activity
        activity: ActivityId,
        #[command(flatten)]
        why: Reasoned,
    },
}

/// `tanhui review`
pub async fn run(settings: &Settings, command: ReviewCommand) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    match command {
        ReviewCommand::List { city } => list(&services, city.as_deref()).await?,
        ReviewCommand::Release { activity, why } => {
            decide(&services, activity, why, Verdict::Release).await?;
        }
        ReviewCommand::Reject { activity, why } => decide(&services, activity, why, Verdict::Reject).await?,
    }
    Ok(services.stop().await?)
}

async fn list(services: &Services, city: Option<&str>) -> Result<(), CommandError> {
    let city = office::city(services, city).await?;
    let mut after = None;
    loop {
        let held = review::page(services, &city, after, PAGE).await?;
        let Some((last, _)) = held.last() else { return Ok(()) };
        after = Some((last.recorded_at, last.id));
        for (activity, reason) in held {
            super::print(&line(&activity, &reason))?;
        }
    }
}

fn line(activity: &Activity, reason: &Text) -> String {
    let code = activity.code.as_deref().unwrap_or_default();
    let Text { zh, en } = reason;
    format!(
        "{}  {code}  {}  {}  {zh} / {en}",
        activity.id,
        activity.action,
        activity.occurred_at.to_rfc3339()
    )
}

async fn decide(
    services: &Services,
    id: ActivityId,
    why: Reasoned,
    verdict: Verdict,
) -> Result<(), CommandError> {
    let (city, person) = authorized(services, &why.officer, Role::CityReviewer).await?;
    let reason = Text::new(why.reason_zh, why.reason_en);
    let decided = review::decide(services, &city, id, person, (verdict, &reason)).await?;
    super::print(&format!("{} {} {} pt", decided.id, decided.status.word(), decided.points))
}
