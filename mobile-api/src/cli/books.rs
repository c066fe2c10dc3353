//! `tanhui expire`, `payout`, `reverse`, `adjust`: what workers do too, and corrections of citizens' books by
//! people of a city office, each with the role that the same act needs through the API.

use clap::Subcommand;
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::city::{City, Role};
use tanhui_domain::id::{ActivityId, AdjustmentId, CitizenId};
use tanhui_domain::office::Actor;
use tanhui_domain::text::Text;
use tanhui_service::adjustment::{self, Proposal, Verdict};
use tanhui_service::expiry::{self, Expired};
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::{Services, office, payout, prize, redemption, reversal, sign_in};

use super::{CommandError, open};
use crate::config::Settings;

/// Who acts, and why.
#[derive(Debug, clap::Args)]
pub struct Reasoned {
    #[command(flatten)]
    pub officer: Officer,
    /// Why, in Chinese
    #[arg(long, value_name = "TEXT")]
    pub reason_zh: String,
    /// Why, in English
    #[arg(long, value_name = "TEXT")]
    pub reason_en: String,
}

/// Who acts.
#[derive(Debug, clap::Args)]
pub struct Officer {
    /// Who does it: the phone of a person with the role that it needs
    #[arg(long, value_name = "PHONE")]
    by: String,
    /// In which city [default: the only one]
    #[arg(long)]
    city: Option<String>,
}

/// A credited activity to be undone.
#[derive(Debug, clap::Args)]
pub struct ReverseArguments {
    /// The activity
    activity: ActivityId,
    #[command(flatten)]
    why: Reasoned,
}

/// What is done with adjustments.
#[derive(Debug, Subcommand)]
pub enum AdjustCommand {
    /// Propose a correction; prints its id alone on the last line
    Propose {
        /// Whose balances
        #[arg(long)]
        citizen: CitizenId,
        /// Points up or down
        #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
        points: i64,
        /// Milligrams of CO2e up or down
        #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
        reduction_mg: i64,
        #[command(flatten)]
        why: Reasoned,
    },
    /// Approve and post what another person proposed
    Approve {
        /// The adjustment
        id: AdjustmentId,
        #[command(flatten)]
        officer: Officer,
    },
    /// Refuse what another person proposed
    Refuse {
        /// The adjustment
        id: AdjustmentId,
        #[command(flatten)]
        officer: Officer,
    },
}

/// `tanhui expire`
pub async fn expire(settings: &Settings) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    let Expired { citizens, points } = expiry::expire(&services).await?;
    let vouchers = redemption::expire_vouchers(&services).await?;
    let refunded = redemption::refund_stopped(&services).await?;
    services.stop().await?;
    super::print(&format!(
        "{citizens} 人的 {points} 积分到期，{vouchers} 张券到期，{refunded} 张停用商户的券退还 / \
         {points} points of {citizens} citizens ended, {vouchers} vouchers ended, {refunded} of stopped \
         merchants given back"
    ))
}

/// `tanhui payout`
pub async fn payout(settings: &Settings) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    let paid = payout::pay(&services).await?;
    let given = prize::give(&services).await?;
    services.stop().await?;
    let (points, acts, given_up, prizes) = (paid.points, paid.acts, paid.given_up, given.prizes);
    super::print(&format!(
        "补发 {acts} 项行为的 {points} 积分, 不再发放 {given_up}; 发出 {prizes} 项奖品 / \
         {points} points of {acts} acts paid, {given_up} given up; {prizes} prizes given"
    ))
}

/// `tanhui reverse`
pub async fn reverse(settings: &Settings, arguments: ReverseArguments) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    let Reasoned { officer, reason_zh, reason_en } = arguments.why;
    let (city, person) = authorized(&services, &officer, Role::CityApprover).await?;
    let reason = Text::new(reason_zh, reason_en);
    let actor = Actor::Person(person);
    let undone = reversal::reverse(&services, &city, arguments.activity, actor, &reason).await?;
    services.stop().await?;
    super::print(&format!("{} {}", undone.status.word(), undone.id))
}

/// `tanhui adjust`
pub async fn adjust(settings: &Settings, command: AdjustCommand) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    let adjusted = match command {
        AdjustCommand::Propose { citizen, points, reduction_mg, why } => {
            let (city, person) = authorized(&services, &why.officer, Role::CityEditor).await?;
            let (points, reduction) = (Points::new(points), ReductionMg::new(reduction_mg));
            let reason = Text::new(why.reason_zh, why.reason_en);
            let proposal = Proposal { citizen, points, reduction, reason };
            adjustment::propose(&services, &city, person, proposal).await?
        }
        AdjustCommand::Approve { id, officer } => decide(&services, id, &officer, Verdict::Approve).await?,
        AdjustCommand::Refuse { id, officer } => decide(&services, id, &officer, Verdict::Refuse).await?,
    };
    services.stop().await?;
    super::print(&format!("{}\n{}", adjusted.status.word(), adjusted.id))
}

async fn decide(
    services: &Services,
    id: AdjustmentId,
    officer: &Officer,
    verdict: Verdict,
) -> Result<tanhui_domain::office::Adjustment, CommandError> {
    let (city, person) = authorized(services, officer, Role::CityApprover).await?;
    Ok(adjustment::decide(services, &city, id, person, verdict).await?)
}

/// The city and the person, who must hold the role there.
pub async fn authorized(
    services: &Services,
    officer: &Officer,
    role: Role,
) -> Result<(City, CitizenId), CommandError> {
    let phone = PhoneNumber::parse(&officer.by).map_err(|error| CommandError::Usage(error.to_string()))?;
    let city = office::city(services, officer.city.as_deref()).await?;
    let person = sign_in::ensure_person(services, &city, &phone).await?;
    if office::holds_role(services, city.id, person.id, role).await? {
        return Ok((city, person.id));
    }
    let role = role.word();
    Err(CommandError::Usage(format!("此人没有角色 {role} / this person does not hold the role {role}")))
}
