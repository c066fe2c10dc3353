//! `tanhui partner`, `grant`, `merchant`, `offer`: what an operator sets up. What was made is alone on the
//! last line.

use clap::Subcommand;
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::city::{Grant, Role};
use tanhui_domain::id::MerchantId;
use tanhui_domain::text::Text;
use tanhui_service::identity::api_key::BearerSecret;
use tanhui_service::identity::known_keys::KNOWN_FOR;
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::office::NewOffer;
use tanhui_service::{Services, office, sign_in};

use super::{CommandError, open};
use crate::config::Settings;

/// What is done with partners.
#[derive(Debug, Subcommand)]
pub enum PartnerCommand {
    /// Make a partner; prints its API key once, alone on the last line
    Create {
        /// Shown to people
        name: String,
        /// `source` of its CloudEvents, such as urn:metro:jiaxing
        #[arg(long, value_name = "URI")]
        source: String,
        /// City that it reports for [default: the only one]
        #[arg(long)]
        city: Option<String>,
    },
    /// Make a further key for a partner; prints it once, alone on the last line
    AddKey {
        /// `source` of its CloudEvents
        #[arg(long, value_name = "URI")]
        source: String,
    },
    /// Revoke a partner's keys but the newest; when it ends no server takes them any more
    RevokeKeys {
        /// `source` of its CloudEvents
        #[arg(long, value_name = "URI")]
        source: String,
        /// The newest too
        #[arg(long)]
        all: bool,
    },
}

/// What is done with merchants.
#[derive(Debug, Subcommand)]
pub enum MerchantCommand {
    /// Make an approved merchant; prints its id alone on the last line
    Create {
        /// Shown to people
        name: String,
        /// Its city [default: the only one]
        #[arg(long)]
        city: Option<String>,
    },
}

/// What is done with offers.
#[derive(Debug, Subcommand)]
pub enum OfferCommand {
    /// Make a live offer; prints its id alone on the last line
    Create(OfferArguments),
}

/// A new offer.
#[derive(Debug, clap::Args)]
pub struct OfferArguments {
    /// Who gives it
    #[arg(long)]
    pub merchant: MerchantId,
    /// What it is
    #[arg(long)]
    pub title: String,
    /// What it is, in English [default: the title]
    #[arg(long)]
    pub title_en: Option<String>,
    /// Price of one
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub price_points: i64,
    /// What the city owes the merchant for each use, in fen
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub payout_fen: i64,
    /// How many there are
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub stock: i64,
    /// How many one citizen may have
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub per_person: Option<i64>,
    /// For how many days a voucher is good
    #[arg(long, value_name = "N", default_value_t = 30, allow_negative_numbers = true)]
    pub voucher_days: i32,
}

/// A role to be given.
#[derive(Debug, clap::Args)]
pub struct GrantArguments {
    /// Whose: a phone number
    #[arg(long)]
    pub phone: String,
    /// `citizen`, `merchant_staff`, `city_viewer`, `city_editor`, `city_approver`, `city_reviewer` or
    /// `admin`
    #[arg(long)]
    pub role: String,
    /// Where [default: the only city]
    #[arg(long)]
    pub city: Option<String>,
    /// Of which merchant, as an owner; needed for `merchant_staff`
    #[arg(long)]
    pub merchant: Option<MerchantId>,
}

/// `tanhui partner`
pub async fn partner(settings: &Settings, command: PartnerCommand) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    let told = match command {
        PartnerCommand::Create { name, source, city } => {
            let city = office::city(&services, city.as_deref()).await?;
            told_once(&office::create_partner(&services, &city, &name, &source).await?)
        }
        PartnerCommand::AddKey { source } => {
            let source = office::source(&services, &source).await?;
            told_once(&office::issue_key(&services, source.id).await?)
        }
        PartnerCommand::RevokeKeys { source, all } => {
            let source = office::source(&services, &source).await?;
            let revoked = office::revoke_keys(&services, source.id, all).await?;
            // Until no server knows them any more.
            tokio::time::sleep(KNOWN_FOR.to_std().unwrap_or_default()).await;
            format!("已撤销 {revoked} 个密钥 / {revoked} keys revoked")
        }
    };
    services.stop().await?;
    super::print(&told)
}

fn told_once(key: &BearerSecret) -> String {
    format!("密钥只显示这一次 / this key is shown once only\n{}", key.reveal())
}

/// `tanhui merchant`
pub async fn merchant(settings: &Settings, command: MerchantCommand) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    let MerchantCommand::Create { name, city } = command;
    let city = office::city(&services, city.as_deref()).await?;
    let id = office::create_merchant(&services, &city, &name).await?;
    services.stop().await?;
    super::print(&id.to_string())
}

/// `tanhui offer`
pub async fn offer(settings: &Settings, command: OfferCommand) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    let OfferCommand::Create(arguments) = command;
    let title_en = arguments.title_en.unwrap_or_else(|| arguments.title.clone());
    let new = NewOffer {
        merchant: arguments.merchant,
        title: Text::new(arguments.title, title_en),
        price: Points::new(arguments.price_points),
        payout: Fen::new(arguments.payout_fen),
        stock: arguments.stock,
        per_person: arguments.per_person,
        voucher_days: arguments.voucher_days,
    };
    let id = office::create_offer(&services, new).await?;
    services.stop().await?;
    super::print(&id.to_string())
}

/// `tanhui grant`
pub async fn grant(settings: &Settings, arguments: &GrantArguments) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    give(&services, arguments).await?;
    services.stop().await?;
    super::print(&format!("已授予 / granted {}", arguments.role))
}

/// Gives a role to the person of a phone number, who need not have signed in before.
pub async fn give(services: &Services, arguments: &GrantArguments) -> Result<(), CommandError> {
    let role = Role::from_word(&arguments.role).ok_or_else(|| {
        let known = Role::ALL.map(Role::word).join(", ");
        CommandError::Usage(format!("no role {:?}; one of {known}", arguments.role))
    })?;
    if (role == Role::MerchantStaff) != arguments.merchant.is_some() {
        return Err(CommandError::Usage(
            "--merchant goes with --role merchant_staff, and only there".to_owned(),
        ));
    }
    let phone =
        PhoneNumber::parse(&arguments.phone).map_err(|error| CommandError::Usage(error.to_string()))?;
    let city = office::city(services, arguments.city.as_deref()).await?;
    let citizen = sign_in::ensure_person(services, &city, &phone).await?;
    let grant = Grant { role, city: city.id, merchant: arguments.merchant };
    Ok(office::grant(services, citizen.id, &grant).await?)
}
