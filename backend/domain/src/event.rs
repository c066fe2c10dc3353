//! CloudEvents 1.0 as partners and importers send them, read strictly and without losing a digit.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::time::to_micros;

/// What every `type` of an activity event begins with.
pub const TYPE_PREFIX: &str = "activity.";
/// Longest `id` of an event, in bytes.
pub const EXTERNAL_ID_BYTES_MAX: usize = 200;
/// Longest `source`, in bytes.
pub const SOURCE_BYTES_MAX: usize = 200;
/// Longest `subject`, in bytes.
pub const SUBJECT_BYTES_MAX: usize = 200;
/// Most members of `data`.
pub const DATA_MEMBERS_MAX: usize = 32;

/// One reported act on the wire. `data` keeps each value as its JSON text, so a number is never read
/// through a float.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: String,
    /// The source's own id of the act, unique within the source for ever.
    pub id: String,
    /// URI of the source.
    pub source: String,
    /// `activity.` and the action's id.
    #[serde(rename = "type")]
    pub kind: String,
    /// Card, meter or account number.
    pub subject: String,
    /// When the act happened, RFC 3339.
    pub time: String,
    /// The action's inputs, with their unit in the name: `{"distance_km": 7.2}`.
    #[serde(default)]
    pub data: BTreeMap<String, Box<RawValue>>,
}

/// What is wrong with an event, for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct EventProblem {
    /// Stable code.
    pub code: &'static str,
    /// JSON pointer to the member at fault, empty for the whole event.
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub detail: String,
}

impl EventProblem {
    fn new(code: &'static str, pointer: &str, detail: impl Into<String>) -> Self {
        Self { code, pointer: pointer.to_owned(), detail: detail.into() }
    }
}

impl CloudEvent {
    /// Reads one event and checks everything that needs no rule file: members, lengths, type prefix, time.
    pub fn parse(json: &str) -> Result<Self, EventProblem> {
        let event: Self = serde_json::from_str(json)
            .map_err(|error| EventProblem::new("invalid_event", "", format!("not a CloudEvent: {error}")))?;
        event.check()?;
        Ok(event)
    }

    /// Checks members, lengths, type prefix and time.
    pub fn check(&self) -> Result<(), EventProblem> {
        if self.specversion != "1.0" {
            return Err(EventProblem::new(
                "invalid_event",
                "/specversion",
                format!("specversion is {:?}; send \"1.0\"", self.specversion),
            ));
        }
        bounded("/id", &self.id, EXTERNAL_ID_BYTES_MAX)?;
        bounded("/source", &self.source, SOURCE_BYTES_MAX)?;
        bounded("/subject", &self.subject, SUBJECT_BYTES_MAX)?;
        if self.data.len() > DATA_MEMBERS_MAX {
            return Err(EventProblem::new(
                "invalid_event",
                "/data",
                format!("data has {} members; at most {DATA_MEMBERS_MAX}", self.data.len()),
            ));
        }
        self.action()?;
        self.occurred_at()?;
        Ok(())
    }

    /// The action's id, from `type`.
    pub fn action(&self) -> Result<&str, EventProblem> {
        match self.kind.strip_prefix(TYPE_PREFIX) {
            Some(action) if !action.is_empty() => Ok(action),
            _ => Err(EventProblem::new(
                "invalid_event",
                "/type",
                format!(
                    "type is {:?}; send \"activity.\" and an action, as in \"activity.metro_ride\"",
                    self.kind
                ),
            )),
        }
    }

    /// When the act happened, cut to microseconds.
    pub fn occurred_at(&self) -> Result<DateTime<Utc>, EventProblem> {
        DateTime::parse_from_rfc3339(&self.time).map(|time| to_micros(time.with_timezone(&Utc))).map_err(
            |_| {
                EventProblem::new(
                    "invalid_time",
                    "/time",
                    format!(
                        "time is {:?}; send RFC 3339 with a zone, as in \"2026-03-02T08:00:00+08:00\"",
                        self.time
                    ),
                )
            },
        )
    }
}

fn bounded(pointer: &str, value: &str, bytes_max: usize) -> Result<(), EventProblem> {
    let name = pointer.trim_start_matches('/');
    if value.is_empty() {
        return Err(EventProblem::new("invalid_event", pointer, format!("{name} is empty")));
    }
    if value.len() > bytes_max {
        return Err(EventProblem::new(
            "invalid_event",
            pointer,
            format!("{name} has {} bytes; at most {bytes_max}", value.len()),
        ));
    }
    if value.contains(char::is_control) {
        return Err(EventProblem::new("invalid_event", pointer, format!("{name} holds a control character")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(time: &str, kind: &str) -> String {
        let start = r#"{"specversion":"1.0","id":"a","source":"urn:s","subject":"c","#;
        format!(r#"{start}"type":"{kind}","time":"{time}","data":{{"distance_km":7.20}}}}"#)
    }

    #[test]
    fn numbers_keep_their_digits() {
        let event = CloudEvent::parse(&json("2026-03-02T08:00:00+08:00", "activity.metro_ride")).unwrap();
        assert_eq!(event.data["distance_km"].get(), "7.20");
        assert_eq!(event.action().unwrap(), "metro_ride");
        assert_eq!(event.occurred_at().unwrap().to_rfc3339(), "2026-03-02T00:00:00+00:00");
    }

    #[test]
    fn each_fault_names_its_member() {
        let no_zone = CloudEvent::parse(&json("2026-03-02T08:00:00", "activity.metro_ride")).unwrap_err();
        assert_eq!((no_zone.code, no_zone.pointer.as_str()), ("invalid_time", "/time"));
        let no_action = CloudEvent::parse(&json("2026-03-02T08:00:00Z", "activity.")).unwrap_err();
        assert_eq!(no_action.pointer, "/type");
        let missing = CloudEvent::parse(r#"{"specversion":"1.0"}"#).unwrap_err();
        assert!(missing.detail.contains("missing field"), "{missing}");
        for length in [EXTERNAL_ID_BYTES_MAX, EXTERNAL_ID_BYTES_MAX + 1] {
            let mut event = CloudEvent::parse(&json("2026-03-02T08:00:00Z", "activity.metro_ride")).unwrap();
            event.id = "x".repeat(length);
            assert_eq!(event.check().is_ok(), length == EXTERNAL_ID_BYTES_MAX);
        }
    }
}
