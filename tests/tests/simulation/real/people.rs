//! People, their cards, and what sources report of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use tanhui_service::citizen::{self, ProfileChange};
use tanhui_service::crediting::{EventResult, EventStatus, Report, Subject};
use tanhui_service::{binding, enroll};
use tanhui_store::{binding as bindings, citizen as citizens};
use tanhui_tests::Outcome;

use super::Real;
use crate::command::{Act, Deed};
use crate::oracle::external_id;

impl Real {
    pub(super) async fn enrol(&mut self, number: u32, source: usize, card: u32) -> Outcome<String> {
        let (source, card) = (&self.sources[source], card_name(card));
        let made = enroll::enroll(self.services(0), source, &[&card]).await?;
        let hash = self.services(0).subject_hash(source, &card);
        let owners = bindings::owners(&self.services(0).database, source.id, &[hash]).await?;
        if made > 0 {
            self.citizens.insert(number, *owners.get(&hash).ok_or("not enrolled")?);
        }
        Ok(format!("enrolled {made}"))
    }

    pub(super) async fn bind(&self, number: u32, source: usize, card: u32) -> Outcome<String> {
        let Some(id) = self.citizens.get(&number) else { return Ok("nobody".to_owned()) };
        let services = self.services(0);
        let citizen = citizens::find(&services.database, *id).await?.ok_or("no citizen")?;
        let uri = &self.sources[source].uri;
        match binding::bind(services, &citizen, uri, &card_name(card)).await {
            Ok(_) => Ok("bound".to_owned()),
            Err(binding::BindError::Taken) => Ok("taken".to_owned()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn unbind(&self, number: u32, source: usize, card: u32) -> Outcome<String> {
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

    pub(super) async fn move_house(&self, process: usize, number: u32, south: bool) -> Outcome<String> {
        let Some(id) = self.citizens.get(&number) else { return Ok("nobody".to_owned()) };
        let district = Some(Some(if south { "south" } else { "north" }.to_owned()));
        let change = ProfileChange { district, ..ProfileChange::default() };
        citizen::change(self.services(process), *id, change).await?;
        Ok("moved".to_owned())
    }

    pub(super) fn name(&mut self, acts: &[Act]) {
        for act in acts {
            self.names.insert(self.activity_id(act.key()), act.key());
        }
    }

    pub(super) async fn report(&self, process: usize, acts: &[Act]) -> Outcome<Vec<String>> {
        let reports: Outcome<Vec<Report>> = acts.iter().map(|act| self.report_of(*act)).collect();
        let results = self.services(process).crediting.credit(reports?).await?;
        results.iter().map(|result| self.answer(result)).collect()
    }

    fn report_of(&self, act: Act) -> Outcome<Report> {
        let source = Arc::clone(&self.sources[act.source]);
        let mut data = BTreeMap::new();
        for (name, json) in inputs(act) {
            data.insert(name.to_owned(), RawValue::from_string(json)?);
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
}

/// As it is embossed.
fn card_name(card: u32) -> String {
    format!("card-{card:06}")
}

/// What an event says besides who and when.
fn inputs(act: Act) -> Vec<(&'static str, String)> {
    let (metres, minutes) = (("distance_m", act.size.to_string()), ("minutes_min", act.minutes.to_string()));
    match act.deed {
        Deed::Ride | Deed::Walk | Deed::Swim | Deed::Flight => vec![metres],
        Deed::Cycle => vec![metres, minutes],
        Deed::Trip if act.mark == 0 => vec![metres, minutes],
        Deed::Trip => vec![metres, minutes, ("ticket", format!("\"T-{}\"", act.mark))],
        Deed::Sorting => Vec::new(),
        Deed::Gate => vec![("gate", format!("\"gate-{}\"", act.mark))],
        Deed::Meter => vec![("used_kWh", format!("{}.{}", act.size / 10, act.size % 10))],
    }
}

impl Real {
    fn answer(&self, result: &EventResult) -> Outcome<String> {
        let code = result.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
        Ok(match result.status {
            EventStatus::Credited => {
                let (points, reduction) =
                    (result.points.unwrap_or_default(), result.reduction.unwrap_or_default());
                format!("credited {points} pt {reduction} mg{code}")
            }
            EventStatus::Duplicate if code.is_empty() => "duplicate".to_owned(),
            EventStatus::Duplicate => {
                let first = result.activity.ok_or("nothing was counted before")?;
                format!("duplicate{code} {:?}", self.name_of(first)?)
            }
            EventStatus::Pending => format!("pending{code}"),
            EventStatus::Held => format!("held{code}"),
            EventStatus::Rejected => format!("rejected{code}"),
        })
    }
}
