//! The program itself, in two processes on one database, doing what is commanded through its use cases.

mod life;
mod look;
mod offers;
mod people;
mod shop;
mod till;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;
use tanhui_domain::city::{City, Source};
use tanhui_domain::id::{ActivityId, AdjustmentId, CitizenId, MerchantId, OfferId, ProjectId, RedemptionId};
use tanhui_domain::rule::Evidence;
use tanhui_domain::text::Text;
use tanhui_service::cache::Cache;
use tanhui_service::redemption::{Answered, RedeemError};
use tanhui_service::{Services, expiry, offering, office, payout, redemption, worker};
use tanhui_tests::{Outcome, Programme, Stage, id, publish};
use uuid::Uuid;

use crate::command::{ActKey, Command, PROCESSES};
use crate::law::Law;
use crate::oracle::external_id;
use crate::play::Setting;

const EVIDENCE: [Evidence; 3] = [Evidence::Operator, Evidence::Device, Evidence::SelfDeclared];
/// Who begins a matter of the office, and who decides it.
const OFFICERS: [u64; 2] = [1, 2];

/// What came of a command.
enum Came {
    Said(Vec<String>),
    /// To be put into words once it is known what else was redeemed.
    Redeemed(u32, Box<Result<Answered, RedeemError>>),
}

impl Came {
    fn nothing() -> Self {
        Self::Said(Vec::new())
    }
}

fn is_before(outcome: &Result<Answered, RedeemError>) -> bool {
    matches!(outcome, Ok(Answered::Before(_)))
}

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
    project: ProjectId,
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
            project: ProjectId::new(Uuid::nil()),
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
        let (by, words) = (CitizenId::new(id(OFFICERS[0])), || Text::new("植树", "Trees"));
        real.project =
            offering::open_project(&first.services, first.city.id, by, (words(), words())).await?.id;
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

    fn city(&self, process: usize) -> &City {
        &self.processes[process].city
    }

    /// What the program answers.
    pub async fn perform(&mut self, command: &Command) -> Outcome<Vec<String>> {
        match command {
            Command::Enrol { citizen, source, card } => Ok(vec![self.enrol(*citizen, *source, *card).await?]),
            Command::Open { offer, opening } => self.open(*offer, *opening).await,
            Command::Propose { adjustment, citizen, points, milligrams } => {
                Ok(vec![self.propose(*adjustment, *citizen, (*points, *milligrams)).await?])
            }
            Command::Restart { process } => self.restart(*process).await,
            Command::AtOnce(both) => self.at_once(both).await,
            Command::Report { acts, .. } => {
                self.name(acts);
                self.alone(command).await
            }
            Command::Pass(_)
            | Command::Publish { .. }
            | Command::Bind { .. }
            | Command::Unbind { .. }
            | Command::Move { .. }
            | Command::Review { .. }
            | Command::CreditWaiting { .. }
            | Command::Turn { .. }
            | Command::Rein { .. }
            | Command::Redeem { .. }
            | Command::Cancel { .. }
            | Command::Use { .. }
            | Command::Void { .. }
            | Command::Scan { .. }
            | Command::Close { .. }
            | Command::Settle { .. }
            | Command::Pay { .. }
            | Command::Expire { .. }
            | Command::Reverse { .. }
            | Command::Decide { .. }
            | Command::KeepUp { .. }
            | Command::EmptyCache
            | Command::Look { .. } => self.alone(command).await,
        }
    }

    async fn alone(&mut self, command: &Command) -> Outcome<Vec<String>> {
        match self.beside(command).await? {
            Came::Said(lines) => Ok(lines),
            Came::Redeemed(number, outcome) => Ok(vec![self.told(number, *outcome)?]),
        }
    }

    /// Both are under way at the same time.
    async fn at_once(&mut self, both: &[Command; 2]) -> Outcome<Vec<String>> {
        for command in both {
            if let Command::Report { acts, .. } = command {
                self.name(acts);
            }
        }
        let [one, other] = both;
        let (one, other) = tokio::join!(self.beside(one), self.beside(other));
        let mut lines = Vec::new();
        let mut said = [one?, other?];
        // Who is told what was made before is told after that was made.
        let swap = matches!(&said[0], Came::Redeemed(_, outcome) if is_before(outcome));
        if swap {
            said.reverse();
        }
        for came in said {
            lines.push(match came {
                Came::Said(lines) => lines,
                Came::Redeemed(number, outcome) => vec![self.told(number, *outcome)?],
            });
        }
        if swap {
            lines.reverse();
        }
        Ok(lines.concat())
    }

    /// What comes of a command that may go on beside another.
    async fn beside(&self, command: &Command) -> Outcome<Came> {
        let answer = match command {
            Command::Pass(by) => {
                self.stage.clock.advance(*by);
                return Ok(Came::nothing());
            }
            Command::Publish { process, law } => return self.publish(*process, *law).await,
            Command::Bind { citizen, source, card } => self.bind(*citizen, *source, *card).await?,
            Command::Unbind { citizen, source, card } => self.unbind(*citizen, *source, *card).await?,
            Command::Move { process, citizen, south } => self.move_house(*process, *citizen, *south).await?,
            Command::Report { process, acts } => return Ok(Came::Said(self.report(*process, acts).await?)),
            Command::Review { process, act, release } => self.review(*process, *act, *release).await?,
            Command::Turn { process, offer, turn } => self.turn(*process, *offer, *turn).await?,
            Command::Rein { process, merchant, rein } => self.rein(*process, *merchant, *rein).await?,
            Command::Redeem { process, redemption, wish } => {
                return self.redeem(*process, *redemption, *wish).await;
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
            Command::Scan { process, merchant, redemption, voucher, scanned_at } => {
                self.scan(*process, *merchant, (*redemption, *voucher), *scanned_at).await?
            }
            Command::Close { process } => self.close(*process).await?,
            Command::Settle { process, merchant, number, step, other } => {
                self.settle(*process, (*merchant, *number), (*step, *other)).await?
            }
            Command::Reverse { process, act } => self.reverse(*process, *act).await?,
            Command::Decide { process, adjustment, approve, other } => {
                self.decide(*process, *adjustment, (*approve, *other)).await?
            }
            Command::CreditWaiting { .. }
            | Command::Pay { .. }
            | Command::Expire { .. }
            | Command::KeepUp { .. }
            | Command::EmptyCache => return self.work(command).await,
            Command::Look { process, day, from, until } => {
                return Ok(Came::Said(self.look(*process, *day, (*from, *until)).await?));
            }
            Command::Enrol { .. }
            | Command::Open { .. }
            | Command::Propose { .. }
            | Command::Restart { .. }
            | Command::AtOnce(_) => return Err("this goes on beside nothing".into()),
        };
        Ok(Came::Said(vec![answer]))
    }

    /// Workers see to all cities: how much they did says nothing here.
    async fn work(&self, command: &Command) -> Outcome<Came> {
        if let Command::CreditWaiting { process } = command {
            worker::credit_waiting(self.services(*process)).await?;
        }
        if let Command::Pay { process } = command {
            payout::pay(self.services(*process)).await?;
        }
        if let Command::Expire { process } = command {
            let services = self.services(*process);
            expiry::expire(services).await?;
            redemption::expire_vouchers(services).await?;
            redemption::refund_stopped(services).await?;
        }
        if let Command::KeepUp { process } = command {
            worker::keep_up(self.services(*process)).await?;
        }
        if let Command::EmptyCache = command {
            self.setting.empty_cache()?;
        }
        Ok(Came::nothing())
    }

    fn activity_id(&self, (source, id): ActKey) -> ActivityId {
        ActivityId::derive(self.sources[source].id, &external_id(id))
    }

    fn name_of(&self, activity: ActivityId) -> Outcome<ActKey> {
        Ok(*self.names.get(&activity).ok_or("an activity that nobody reported")?)
    }

    async fn publish(&self, process: usize, law: u32) -> Outcome<Came> {
        let rules = Law::of(law).rules(&self.city, self.zone)?;
        publish(self.services(process), &rules).await?;
        for process in &self.processes {
            process.services.rules.refresh(&process.services.database).await?;
        }
        Ok(Came::nothing())
    }

    async fn restart(&mut self, process: usize) -> Outcome<Vec<String>> {
        self.processes[process].services.stop().await?;
        self.processes[process] = self.start_process(process).await?;
        Ok(Vec::new())
    }
}
