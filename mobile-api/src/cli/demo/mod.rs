//! `tanhui demo`: a small city that works, on an SQLite database in a folder of its own. Running it again
//! goes on with the same city.

mod guide;
mod samples;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Days;
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::city::{City, Grant, Role, Source};
use tanhui_domain::event::CloudEvent;
use tanhui_domain::id::{MerchantId, OfferId};
use tanhui_domain::rule::Evidence;
use tanhui_domain::text::Text;
use tanhui_domain::time::civil_day;
use tanhui_importers::{Kind, default_source};
use tanhui_service::crediting::Report;
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::office::NewOffer;
use tanhui_service::{Services, binding, citizen, office, sign_in};

use super::import::{self, ImportArguments};
use super::{CommandError, open, serve};
use crate::config::{Given, Settings};
use crate::http::server;
use guide::Guide;

/// The demo's citizen.
const CITIZEN_PHONE: &str = "13800000001";
/// The demo's cashier.
const CASHIER_PHONE: &str = "13900000001";
/// The demo's city officer.
const OFFICER_PHONE: &str = "13700000001";
/// A card whose rides wait until somebody binds it.
const WAITING_CARD: &str = "DEMO-CARD-1";
/// A sample card that is the demo citizen's from the start.
const OWN_CARD: &str = "SAMPLEAAF";

/// Where the demo keeps its things.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArguments {
    /// Folder of the database, the secret and the samples
    #[arg(long, value_name = "FOLDER", default_value = "tanhui-data")]
    pub data: PathBuf,
}

/// The settings of the demo: whatever was given, with a database and a secret in its folder.
pub fn settings(given: Given, data: &Path) -> Result<Settings, CommandError> {
    let in_folder = Given {
        database_url: Some(format!("sqlite://{}/tanhui.db", data.display())),
        secret_file: Some(data.join("secret.key")),
        demo: Some(true),
        ..Given::default()
    };
    Ok(Settings::decide(in_folder.or(given))?)
}

/// Sets the city up, imports the samples, serves, and says what to try.
pub async fn run(settings: &Settings, arguments: &DemoArguments) -> Result<(), CommandError> {
    let stop = server::stop_signal()?;
    let services = open::services(settings).await?;
    let listener = serve::listen(settings).await?;
    let city = office::city(&services, None).await?;
    let key = partner(&services, &city).await?;
    let (merchant, offer) = shop(&services, &city).await?;
    people(&services, &city, merchant).await?;
    let imported = import_samples(&services, &arguments.data).await?;
    ride_with_unbound_card(&services, &city).await?;
    let guide = Guide { address: listener.local_addr()?, key, offer, imported };
    super::print(&guide.to_string())?;
    serve::serve(settings, services, listener, stop).await
}

/// The demo's partner; its key is renewed at each start, since only its hash is kept.
async fn partner(services: &Services, city: &City) -> Result<String, CommandError> {
    let uri = guide::PARTNER_SOURCE;
    let source =
        office::ensure_source(services, city.id, uri, "演示地铁 Demo Metro", Evidence::Operator).await?;
    Ok(office::issue_key(services, source.id).await?.reveal().to_owned())
}

async fn shop(services: &Services, city: &City) -> Result<(MerchantId, OfferId), CommandError> {
    if let Some(offer) = office::offers(services, city.id, None, 1).await?.pop() {
        return Ok((offer.merchant, offer.id));
    }
    let merchant = office::create_merchant(services, city, "南湖茶馆 Nanhu Teahouse").await?;
    let new = NewOffer {
        merchant,
        title: Text::new("热茶一杯", "A cup of tea"),
        price: Points::new(20),
        payout: Fen::new(800),
        stock: 100,
        per_person: Some(3),
        voucher_days: 30,
    };
    let tea = office::create_offer(services, new.clone()).await?;
    let title = Text::new("公交充值五元", "5 yuan of bus fare");
    let ride = NewOffer { title, price: Points::new(60), payout: Fen::new(500), per_person: None, ..new };
    office::create_offer(services, ride).await?;
    Ok((merchant, tea))
}

async fn people(services: &Services, city: &City, merchant: MerchantId) -> Result<(), CommandError> {
    let person = async |phone: &str| {
        let phone = PhoneNumber::parse(phone).map_err(|error| CommandError::Usage(error.to_string()))?;
        Ok::<_, CommandError>(sign_in::ensure_person(services, city, &phone).await?)
    };
    let resident = person(CITIZEN_PHONE).await?;
    let cashier = person(CASHIER_PHONE).await?;
    let officer = person(OFFICER_PHONE).await?;
    let staff = Grant { role: Role::MerchantStaff, city: city.id, merchant: Some(merchant) };
    office::grant(services, cashier.id, &staff).await?;
    for role in [Role::CityViewer, Role::CityEditor] {
        office::grant(services, officer.id, &Grant { role, city: city.id, merchant: None }).await?;
    }
    let taps = default_source(Kind::Taps);
    office::ensure_source(services, city.id, &taps, &taps, Evidence::Operator).await?;
    match binding::bind(services, &resident, &taps, OWN_CARD).await {
        Ok(_) | Err(binding::BindError::Taken) => {}
        Err(error) => return Err(CommandError::Usage(error.to_string())),
    }
    let change = citizen::ProfileChange {
        nickname: Some("小嘉".to_owned()),
        district: Some(Some("nanhu".to_owned())),
        ..citizen::ProfileChange::default()
    };
    citizen::change(services, resident.id, change)
        .await
        .map_err(|error| CommandError::Usage(error.to_string()))?;
    Ok(())
}

/// Imports every sample as if it had been recorded three weeks ago.
async fn import_samples(
    services: &Services,
    data: &Path,
) -> Result<Vec<(&'static str, import::Summary)>, CommandError> {
    let folder = data.join("samples");
    samples::write(&folder)?;
    let zone = chrono_tz::Asia::Shanghai;
    let today = civil_day(services.clock.now(), zone);
    let weeks_ago = today.checked_sub_days(Days::new(21)).unwrap_or(today);
    let mut imported = Vec::new();
    for (kind, file) in samples::IMPORTS {
        let arguments = ImportArguments {
            enroll: true,
            replay_at: Some(weeks_ago),
            refused: Some(folder.join(format!("{kind}.refused.csv"))),
            zone: Some(zone),
            ..ImportArguments::of(kind, vec![folder.join(file)])
        };
        imported.push((kind.name(), import::import(services, &arguments).await?));
    }
    Ok(imported)
}

/// One ride that waits for the curl line that binds its card.
async fn ride_with_unbound_card(services: &Services, city: &City) -> Result<(), CommandError> {
    let uri = guide::PARTNER_SOURCE;
    let source: Arc<Source> = office::ensure_source(services, city.id, uri, uri, Evidence::Operator).await?;
    let yesterday = services.clock.now().checked_sub_days(Days::new(1)).unwrap_or(services.clock.now());
    let json = serde_json::json!({
        "specversion": "1.0", "id": "demo-ride-1", "source": uri, "type": "activity.metro_ride",
        "subject": WAITING_CARD, "time": yesterday.to_rfc3339(), "data": { "distance_km": 12.4 },
    });
    let event =
        CloudEvent::parse(&json.to_string()).map_err(|fault| CommandError::Usage(fault.to_string()))?;
    let subject = services.subject_hash(&source, WAITING_CARD);
    let report = Report::from_event(&source, subject, event)
        .map_err(|fault| CommandError::Usage(fault.to_string()))?;
    services.crediting.credit(vec![report]).await?;
    Ok(())
}
