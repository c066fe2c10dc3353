//! The shop that is bought in: citizens with points, a merchant with offers, someone at its till.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::value::RawValue;
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::city::{City, Grant, Role};
use tanhui_domain::id::{CitizenId, MerchantId};
use tanhui_domain::rule::Evidence;
use tanhui_domain::text::Text;
use tanhui_service::crediting::{EventStatus, Report, Subject};
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::identity::token::Claims;
use tanhui_service::office::{self, NewOffer};
use tanhui_service::random::Random as _;
use tanhui_service::{Services, sign_in};
use uuid::Uuid;

use super::report::Settings;
use crate::credit::town;
use crate::error::BenchError;
use crate::server::Program;

/// More than any run sells.
const STOCK: i64 = 10_000_000;
/// Rides that each citizen has made, of the longest that count.
const RIDES: u32 = 20;
const RIDES_PER_CALL: usize = 1_000;

/// What the load needs to know of the shop.
pub struct Shop {
    services: Services,
    city: City,
    merchant: MerchantId,
    citizens: Vec<CitizenId>,
    staff: CitizenId,
    offers: Vec<Uuid>,
}

impl Shop {
    /// Makes the shop in an empty database.
    pub async fn found(program: &Program, url: &str, settings: &Settings) -> Result<Self, BenchError> {
        town::found(program, url, 1).await?;
        let services = town::open(program, url).await?;
        let city = office::city(&services, None).await.map_err(set_up)?;
        let merchant = office::create_merchant(&services, &city, "Benchmark shop").await.map_err(set_up)?;
        let staff = person(&services, &city, u32::MAX).await?;
        let grant = Grant { role: Role::MerchantStaff, city: city.id, merchant: Some(merchant) };
        office::grant(&services, staff, &grant).await.map_err(set_up)?;
        let mut citizens = Vec::new();
        for number in 0..settings.citizens {
            citizens.push(person(&services, &city, number).await?);
        }
        give_points(&services, &city, &citizens).await?;
        let mut shop = Self { services, city, merchant, citizens, staff, offers: Vec::new() };
        for _ in 0..settings.offers {
            let offer = shop.open_offer(STOCK).await?;
            shop.offers.push(offer);
        }
        Ok(shop)
    }

    /// A new offer of one point.
    pub async fn open_offer(&self, stock: i64) -> Result<Uuid, BenchError> {
        let new = NewOffer {
            merchant: self.merchant,
            title: Text::new("压测商品", "Benchmark offer"),
            price: Points::new(1),
            payout: Fen::new(100),
            stock,
            per_person: None,
            voucher_days: 30,
        };
        Ok(office::create_offer(&self.services, new).await.map_err(set_up)?.get())
    }

    /// The first so many offers.
    pub fn offers(&self, count: u32) -> Vec<Uuid> {
        self.offers.iter().take(usize::try_from(count).unwrap_or(usize::MAX)).copied().collect()
    }

    /// A fresh token for each citizen.
    pub fn tokens(&self) -> Result<Arc<Vec<String>>, BenchError> {
        let tokens: Result<Vec<String>, BenchError> =
            self.citizens.iter().map(|citizen| self.token(*citizen, Role::Citizen, None)).collect();
        tokens.map(Arc::new)
    }

    /// A fresh token for the till.
    pub fn staff_token(&self) -> Result<String, BenchError> {
        self.token(self.staff, Role::MerchantStaff, Some(self.merchant))
    }

    fn token(
        &self,
        citizen: CitizenId,
        role: Role,
        merchant: Option<MerchantId>,
    ) -> Result<String, BenchError> {
        let now = self.services.clock.now();
        let claims = Claims::new(citizen, self.city.id, vec![role], self.services.random.uuid_at(now), now);
        self.services.keys.token().sign(&Claims { merchant, ..claims }).map_err(set_up)
    }
}

/// Phone numbers are of this benchmark's own making; nobody is called.
async fn person(services: &Services, city: &City, number: u32) -> Result<CitizenId, BenchError> {
    let phone = PhoneNumber::parse(&format!("138{:08}", number % 100_000_000)).map_err(set_up)?;
    Ok(sign_in::ensure_person(services, city, &phone).await.map_err(set_up)?.id)
}

async fn give_points(services: &Services, city: &City, citizens: &[CitizenId]) -> Result<(), BenchError> {
    let source = office::ensure_source(services, city.id, town::SOURCE, "Benchmark", Evidence::Operator);
    let source = source.await.map_err(set_up)?;
    let now = services.clock.now();
    let occurred_at = now.checked_sub_signed(TimeDelta::hours(1)).unwrap_or(now);
    let distance = RawValue::from_string("80".to_owned())?;
    let mut rides = Vec::new();
    for ride in 0..RIDES {
        rides.extend(citizens.iter().map(|citizen| Report {
            source: Arc::clone(&source),
            external_id: format!("ride-{citizen}-{ride}"),
            action: "metro_ride".to_owned(),
            subject: Subject::Citizen(*citizen),
            occurred_at,
            data: [("distance_km".to_owned(), distance.clone())].into(),
            waited: false,
        }));
    }
    for rides in rides.chunks(RIDES_PER_CALL) {
        let results = services.crediting.credit(rides.to_vec()).await.map_err(set_up)?;
        if let Some(result) = results.iter().find(|result| result.status != EventStatus::Credited) {
            return Err(BenchError::SetUp(format!("a ride was not credited: {result:?}")));
        }
    }
    Ok(())
}

fn set_up(error: impl std::fmt::Display) -> BenchError {
    BenchError::SetUp(error.to_string())
}
