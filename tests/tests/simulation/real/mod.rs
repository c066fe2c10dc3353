//! The program itself, in two processes on one database, doing what is commanded through its use cases.

mod life;
mod look;
mod people;
mod shop;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;
use tanhui_domain::city::Source;
use tanhui_domain::id::{ActivityId, AdjustmentId, CitizenId, MerchantId, OfferId, RedemptionId};
use tanhui_domain::rule::Evidence;
use tanhui_service::cache::Cache;
use tanhui_service::{Services, expiry, office, worker};
use tanhui_tests::{Outcome, Programme, Stage, publish};

use crate::command::{ActKey, Command, PROCESSES};
use crate::law::Law;
use crate::oracle::external_id;
use crate::play::Setting;

const EVIDENCE: [Evidence; 3] = [Evidence::Operator, Evidence::Device, Evidence::SelfDeclared];
/// Who begins a matter of the office, and who decides it.
const OFFICERS: [u64; 2] = [1, 2];

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
    /// Of all acts that were ever reported.
    names: HashMap<ActivityId, ActKey>,
    /// Activities that should be there.
    pub decided: BTreeSet<ActKey>,
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
            names: HashMap::new(),
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
            Command::Move { process, citizen, south } => self.move_house(*process, *citizen, *south).await?,
            Command::Report { process, acts } => return self.report(*process, acts).await,
            Command::Review { process, act, release } => self.review(*process, *act, *release).await?,
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
            Command::Void { process, merchant, redemption, voucher } => {
                self.void(*process, *merchant, (*redemption, *voucher)).await?
            }
            Command::Close { process } => self.close(*process).await?,
            Command::Settle { process, merchant, number, step, other } => {
                self.settle(*process, (*merchant, *number), (*step, *other)).await?
            }
            Command::Expire { process } => {
                expiry::expire(self.services(*process)).await?;
                return Ok(Vec::new());
            }
            Command::Reverse { process, act } => self.reverse(*process, *act).await?,
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

    fn activity_id(&self, (source, id): ActKey) -> ActivityId {
        ActivityId::derive(self.sources[source].id, &external_id(id))
    }

    fn name_of(&self, activity: ActivityId) -> Outcome<ActKey> {
        Ok(*self.names.get(&activity).ok_or("an activity that nobody reported")?)
    }

    async fn publish(&self, process: usize, law: u32) -> Outcome<Vec<String>> {
        let rules = Law::of(law).rules(&self.city, self.zone)?;
        publish(self.services(process), &rules).await?;
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
}
