//! The program itself, in two processes on one database, doing what is commanded through its use cases.

mod life;
mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::value::RawValue;
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::city::Source;
use tanhui_domain::id::{AdjustmentId, CitizenId, MerchantId, OfferId, RedemptionId};
use tanhui_domain::redemption::Refusal;
use tanhui_domain::rule::Evidence;
use tanhui_domain::text::Text;
use tanhui_service::cache::Cache;
use tanhui_service::crediting::{EventResult, EventStatus, Report, Subject};
use tanhui_service::office::{self, NewOffer};
use tanhui_service::redemption::{Answered, RedeemError, RedeemRequest, request_key};
use tanhui_service::till::{Till, TillError};
use tanhui_service::{Services, binding, enroll, expiry, redemption, till, worker};
use tanhui_store::{binding as bindings, citizen};
use tanhui_tests::{Outcome, Programme, Stage};
use uuid::Uuid;

use crate::command::{Act, Command, Deed, Opening, PROCESSES, Wish};
use crate::law::Law;
use crate::oracle::external_id;
use crate::play::Setting;

const EVIDENCE: [Evidence; 3] = [Evidence::Operator, Evidence::Device, Evidence::SelfDeclared];
/// Fits no voucher.
const NO_CODE: &str = "0000000000000000";

/// The program on one city.
pub struct Real {
    stage: Stage,
    city: String,
    zone: Tz,
    setting: Setting,
    processes: Vec<Programme>,
    starts: u64,
    pub sources: Vec<Arc<Source>>,
    merchants: Vec<MerchantId>,
    pub citizens: BTreeMap<u32, CitizenId>,
    offers: BTreeMap<u32, OfferId>,
    redemptions: BTreeMap<u32, RedemptionId>,
    adjustments: BTreeMap<u32, AdjustmentId>,
    /// Activities that should be there.
    pub decided: BTreeSet<(usize, u32)>,
}

impl Real {
    pub async fn start(stage: &Stage, city: &str, setting: &Setting) -> Outcome<Self> {
        setting.empty_cache()?;
        let mut real = Self {
            stage: stage.clone(),
            city: city.to_owned(),
            zone: setting.zone,
            setting: setting.clone(),
            processes: Vec::new(),
            starts: setting.starts(),
            sources: Vec::new(),
            merchants: Vec::new(),
            citizens: BTreeMap::new(),
            offers: BTreeMap::new(),
            redemptions: BTreeMap::new(),
            adjustments: BTreeMap::new(),
            decided: BTreeSet::new(),
        };
        for process in 0..PROCESSES {
            let started = real.start_process(process).await?;
            real.processes.push(started);
        }
        let first = &real.processes[0];
        for (name, evidence) in ["metro", "phone", "self"].into_iter().zip(EVIDENCE) {
            let uri = format!("urn:{city}:{name}");
            let services = &first.services;
            let source = office::ensure_source(services, first.city.id, &uri, name, evidence).await?;
            real.sources.push(source);
        }
        for name in ["one", "other"] {
            real.merchants.push(office::create_merchant(&first.services, &first.city, name).await?);
        }
        Ok(real)
    }

    /// The first process has the setting's cache, the others their own memory.
    async fn start_process(&mut self, process: usize) -> Outcome<Programme> {
        self.starts += 1;
        let cache = if process == 0 { self.setting.cache.clone() } else { Cache::memory() };
        let rules = Law::of(self.setting.first_law).rules(&self.city, self.zone)?;
        Programme::start_under(&self.stage, &rules, cache, self.starts).await
    }

    pub async fn stop(self) -> Outcome {
        for process in self.processes {
            process.services.stop().await?;
        }
        Ok(())
    }

    fn services(&self, process: usize) -> &Services {
        &self.processes[process].services
    }

    /// What the program answers.
    pub async fn perform(&mut self, command: &Command) -> Outcome<Vec<String>> {
        let answer = match command {
            Command::Pass(by) => {
                self.stage.clock.advance(*by);
                return Ok(Vec::new());
            }
            Command::Publish { process, law } => return self.publish(*process, *law).await,
            Command::Enrol { citizen, source, card } => self.enrol(*citizen, *source, *card).await?,
            Command::Bind { citizen, source, card } => self.bind(*citizen, *source, *card).await?,
            Command::Unbind { citizen, source, card } => self.unbind(*citizen, *source, *card).await?,
            Command::Report { process, acts } => return self.report(*process, acts).await,
            Command::CreditWaiting { process } => {
                // Those of other cities are credited as well: how many says nothing here.
                worker::credit_waiting(self.services(*process)).await?;
                return Ok(Vec::new());
            }
            Command::Open { offer, opening } => return self.open(*offer, *opening).await,
            Command::End { offer } => {
                let id = self.offer(*offer);
                format!("ended {}", office::end_offer(self.services(0), id).await?)
            }
            Command::Redeem { process, redemption, wish } => {
                self.redeem(*process, *redemption, *wish).await?
            }
            Command::Cancel { process, redemption, citizen } => {
                self.cancel(*process, *redemption, *citizen).await?
            }
            Command::Use { process, merchant, redemption, voucher } => {
                self.use_voucher(*process, *merchant, (*redemption, *voucher)).await?
            }
            Command::Expire { process } => {
                expiry::expire(self.services(*process)).await?;
                return Ok(Vec::new());
            }
            Command::Reverse { process, source, id } => self.reverse(*process, (*source, *id)).await?,
            Command::Propose { adjustment, citizen, points, milligrams } => {
                self.propose(*adjustment, *citizen, (*points, *milligrams)).await?
            }
            Command::Decide { process, adjustment, approve, other } => {
                self.decide(*process, *adjustment, (*approve, *other)).await?
            }
            Command::KeepUp { process } => {
                worker::keep_up(self.services(*process)).await?;
                return Ok(Vec::new());
            }
            Command::Restart { process } => return self.restart(*process).await,
            Command::EmptyCache => {
                self.setting.empty_cache()?;
                return Ok(Vec::new());
            }
            Command::Look { process, day, from, until } => {
                return self.look(*process, *day, (*from, *until)).await;
            }
        };
        Ok(vec![answer])
    }

    async fn publish(&self, process: usize, law: u32) -> Outcome<Vec<String>> {
        let rules = Law::of(law).rules(&self.city, self.zone)?;
        office::publish(self.services(process), &rules).await?;
        for process in &self.processes {
            process.services.rules.refresh(&process.services.database).await?;
        }
        Ok(Vec::new())
    }

    async fn restart(&mut self, process: usize) -> Outcome<Vec<String>> {
        self.processes[process].services.stop().await?;
        self.processes[process] = self.start_process(process).await?;
        Ok(Vec::new())
    }

    async fn enrol(&mut self, number: u32, source: usize, card: u32) -> Outcome<String> {
        let (source, card) = (&self.sources[source], card_name(card));
        let made = enroll::enroll(self.services(0), source, &[&card]).await?;
        let hash = self.services(0).subject_hash(source, &card);
        let owners = bindings::owners(&self.services(0).database, source.id, &[hash]).await?;
        if made > 0 {
            self.citizens.insert(number, *owners.get(&hash).ok_or("not enrolled")?);
        }
        Ok(format!("enrolled {made}"))
    }

    async fn bind(&self, number: u32, source: usize, card: u32) -> Outcome<String> {
        let Some(id) = self.citizens.get(&number) else { return Ok("nobody".to_owned()) };
        let services = self.services(0);
        let citizen = citizen::find(&services.database, *id).await?.ok_or("no citizen")?;
        let uri = &self.sources[source].uri;
        match binding::bind(services, &citizen, uri, &card_name(card)).await {
            Ok(_) => Ok("bound".to_owned()),
            Err(binding::BindError::Taken) => Ok("taken".to_owned()),
            Err(error) => Err(error.into()),
        }
    }

    async fn unbind(&self, number: u32, source: usize, card: u32) -> Outcome<String> {
        let Some(id) = self.citizens.get(&number) else { return Ok("not bound".to_owned()) };
        let services = self.services(0);
        let (uri, name) = (&self.sources[source].uri, card_name(card));
        let bound = binding::list(services, *id).await?;
        let same = |own: &&tanhui_domain::city::Binding| {
            own.source == *uri && name.ends_with(own.subject_hint.trim_start_matches('…'))
        };
        let Some(found) = bound.iter().find(same) else { return Ok("not bound".to_owned()) };
        let ended = binding::unbind(services, *id, found.id).await?;
        Ok(if ended { "unbound" } else { "not bound" }.to_owned())
    }

    async fn report(&self, process: usize, acts: &[Act]) -> Outcome<Vec<String>> {
        let reports: Outcome<Vec<Report>> = acts.iter().map(|act| self.report_of(*act)).collect();
        let results = self.services(process).crediting.credit(reports?).await?;
        Ok(results.iter().map(told).collect())
    }

    fn report_of(&self, act: Act) -> Outcome<Report> {
        let source = Arc::clone(&self.sources[act.source]);
        let mut data = BTreeMap::new();
        if matches!(act.deed, Deed::Ride | Deed::Walk | Deed::Flight) {
            data.insert("distance_m".to_owned(), RawValue::from_string(act.metres.to_string())?);
        }
        let subject = Subject::Hash(self.services(0).subject_hash(&source, &card_name(act.card)));
        Ok(Report {
            source,
            external_id: external_id(act.id),
            action: act.deed.word().to_owned(),
            subject,
            occurred_at: act.at,
            data,
            waited: false,
        })
    }

    async fn open(&mut self, number: u32, opening: Opening) -> Outcome<Vec<String>> {
        let new = NewOffer {
            merchant: self.merchants[opening.merchant],
            title: Text::new("礼品", "Gift"),
            price: Points::new(opening.price),
            payout: Fen::new(opening.payout),
            stock: opening.stock,
            per_person: opening.per_person,
            voucher_days: opening.days,
        };
        let id = office::create_offer(self.services(0), new).await?;
        self.offers.insert(number, id);
        Ok(Vec::new())
    }

    fn offer(&self, number: u32) -> OfferId {
        self.offers.get(&number).copied().unwrap_or(OfferId::new(Uuid::nil()))
    }

    async fn redeem(&mut self, process: usize, number: u32, wish: Wish) -> Outcome<String> {
        let Some(citizen) = self.citizens.get(&wish.citizen).copied() else { return Ok("nobody".to_owned()) };
        let (offer, quantity) = (self.offer(wish.offer), wish.quantity);
        let key = wish.key.map(|key| request_key(citizen, &format!("key-{key}"), offer, quantity));
        let city = self.processes[process].city.clone();
        let request = RedeemRequest { citizen, city, offer, quantity, key };
        let answered = redemption::redeem(self.services(process), &request).await;
        Ok(match answered {
            Ok(Answered::Now(made)) => {
                self.redemptions.insert(number, made.redemption.id);
                let until = made.vouchers.first().ok_or("no voucher")?.expires_at;
                format!("redeemed for {}, good until {until}", made.redemption.points)
            }
            Ok(Answered::Before(made)) => {
                let known = self.redemptions.iter().find(|(_, id)| **id == made.redemption.id);
                format!("as before {}", known.ok_or("an answer to nobody")?.0)
            }
            Err(error) => refusal(error)?,
        })
    }

    async fn cancel(&self, process: usize, number: u32, citizen: u32) -> Outcome<String> {
        let Some(citizen) = self.citizens.get(&citizen).copied() else { return Ok("nobody".to_owned()) };
        let id = self.redemptions.get(&number).copied().unwrap_or(RedemptionId::new(Uuid::nil()));
        let city = &self.processes[process].city;
        match redemption::cancel(self.services(process), citizen, city, id).await {
            Ok(redeemed) => Ok(format!("gave back {}", redeemed.redemption.points)),
            Err(error) => refusal(error),
        }
    }

    async fn use_voucher(
        &self,
        process: usize,
        merchant: usize,
        (redemption, voucher): (u32, usize),
    ) -> Outcome<String> {
        let codes = match self.redemptions.get(&redemption) {
            Some(id) => self.codes(*id).await?,
            None => Vec::new(),
        };
        let code = codes.get(voucher).map_or(NO_CODE, String::as_str);
        let staff = self.citizens.values().next().copied().unwrap_or(CitizenId::new(Uuid::nil()));
        let city = &self.processes[process].city;
        let at = Till { merchant: self.merchants[merchant], staff, branch: None };
        let used = till::use_voucher(self.services(process), city, &at, code).await;
        Ok(match used {
            Ok(_) => "used",
            Err(TillError::NoVoucher | TillError::Elsewhere) => "no voucher",
            Err(TillError::Used { .. }) => "used before",
            Err(TillError::Cancelled) => "was cancelled",
            Err(TillError::Expired { .. }) => "expired",
            Err(error) => return Err(error.into()),
        }
        .to_owned())
    }

    async fn codes(&self, id: RedemptionId) -> Outcome<Vec<String>> {
        let vouchers = tanhui_store::voucher::of_redemption(&self.services(0).database, id).await?;
        Ok(vouchers.into_iter().map(|voucher| voucher.code).collect())
    }
}

/// As it is embossed.
fn card_name(card: u32) -> String {
    format!("card-{card:06}")
}

fn told(result: &EventResult) -> String {
    let code = result.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
    let granted = || {
        let (points, reduction) = (result.points.unwrap_or_default(), result.reduction.unwrap_or_default());
        format!("{points} pt {reduction} mg")
    };
    match result.status {
        EventStatus::Credited => format!("credited {}{code}", granted()),
        EventStatus::Duplicate => format!("duplicate{code}"),
        EventStatus::Pending => format!("pending{code}"),
        EventStatus::Held => format!("held{code}"),
        EventStatus::Rejected => format!("rejected{code}"),
    }
}

fn refusal(error: RedeemError) -> Outcome<String> {
    Ok(match error {
        RedeemError::NoOffer => "no offer".to_owned(),
        RedeemError::NoRedemption => "no redemption".to_owned(),
        RedeemError::Refused(Refusal::Quantity) => "quantity".to_owned(),
        RedeemError::Refused(Refusal::OfferClosed) => "closed".to_owned(),
        RedeemError::Refused(Refusal::OutOfStock { left }) => format!("stock {left}"),
        RedeemError::Refused(Refusal::LimitReached { had, .. }) => format!("limit, had {had}"),
        RedeemError::Refused(Refusal::InsufficientPoints(short)) => {
            format!("points {} of {}", short.available, short.wanted)
        }
        RedeemError::VoucherUsed => "a voucher was used".to_owned(),
        RedeemError::VoucherExpired => "a voucher has expired".to_owned(),
        RedeemError::AlreadyCancelled => "cancelled before".to_owned(),
        RedeemError::KeyReused => "key reused".to_owned(),
        RedeemError::Refused(_) | RedeemError::Donated | RedeemError::Busy | RedeemError::Stopping => {
            return Err(error.into());
        }
        RedeemError::Store(error) => return Err(error.into()),
    })
}
