//! An act as a format found it, before source, zone and replay shift make it an event.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, SecondsFormat, TimeDelta};
use chrono_tz::Tz;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tanhui_domain::event::{CloudEvent, TYPE_PREFIX};

use crate::civil;
use crate::item::Reason;
use crate::kind::Kind;

/// An act in its file's local time.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) action: &'static str,
    pub(crate) subject: String,
    pub(crate) at: NaiveDateTime,
    /// What tells this act from all others of its subject, as the file has it.
    pub(crate) identity: Vec<String>,
    /// Values as JSON text.
    pub(crate) data: Vec<(&'static str, String)>,
}

impl Draft {
    pub(crate) fn new(action: &'static str, subject: &str, at: NaiveDateTime, identity: &[&str]) -> Self {
        Self {
            action,
            subject: subject.to_owned(),
            at,
            identity: identity.iter().map(|&part| part.to_owned()).collect(),
            data: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, json: impl Into<String>) -> Self {
        self.data.push((name, json.into()));
        self
    }
}

/// What turns the drafts of one format into events.
#[derive(Debug, Clone)]
pub(crate) struct Mould {
    pub(crate) kind: Kind,
    pub(crate) source: String,
    pub(crate) zone: Tz,
    pub(crate) shift: TimeDelta,
}

impl Mould {
    /// Makes the event and checks it as the server will.
    pub(crate) fn event(&self, draft: &Draft) -> Result<CloudEvent, Reason> {
        let local = draft.at.checked_add_signed(self.shift);
        let instant = local
            .and_then(|local| civil::instant(local, self.zone))
            .ok_or_else(|| Reason::new("bad_date", "时间超出范围", "the time lies outside the calendar"))?;
        let mut data = BTreeMap::new();
        for (name, json) in &draft.data {
            let value = RawValue::from_string(json.clone()).map_err(|error| invalid(&error.to_string()))?;
            data.insert((*name).to_owned(), value);
        }
        let event = CloudEvent {
            specversion: "1.0".to_owned(),
            id: self.id(draft),
            source: self.source.clone(),
            kind: format!("{TYPE_PREFIX}{}", draft.action),
            subject: draft.subject.clone(),
            time: instant.to_rfc3339_opts(SecondsFormat::Secs, true),
            data,
        };
        event.check().map_err(|problem| invalid(&problem.detail))?;
        Ok(event)
    }

    /// The first half of a SHA-256 over kind, subject and identity: the same act always has the same id,
    /// whatever file it stands in and wherever it is replayed to.
    fn id(&self, draft: &Draft) -> String {
        let identity = draft.identity.iter().map(String::as_str);
        let parts = [self.kind.name(), draft.subject.as_str(), draft.action].into_iter().chain(identity);
        let (high, low) = digest(parts);
        format!("{high:016x}{low:016x}")
    }
}

fn invalid(problem: &str) -> Reason {
    Reason::new(
        "invalid_event",
        format!("无法成为事件：{problem}"),
        format!("makes no valid event: {problem}"),
    )
}

/// The first and the second 64 bits of a SHA-256 over the parts and their lengths.
fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> (u64, u64) {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    let bytes: [u8; 32] = hasher.finalize().into();
    let word = |from: usize| {
        bytes.iter().skip(from).take(8).fold(0, |word: u64, byte| word.wrapping_shl(8) | u64::from(*byte))
    };
    (word(0), word(8))
}

/// A key that stands for the texts in memory: 64 bits of their SHA-256.
pub(crate) fn key(parts: &[&str]) -> u64 {
    digest(parts.iter().copied()).0
}
