//! What partners send: a body is cut into elements, each element is read and answered on its own.
//!
//! Knows nothing of HTTP. A fault inside one element never touches its neighbours.

mod cut;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;
use tanhui_domain::activity::Activity;
use tanhui_domain::city::Source;
use tanhui_domain::event::{CloudEvent, EXTERNAL_ID_BYTES_MAX};
use tanhui_domain::id::ActivityId;
use tanhui_domain::text::Text;
use tanhui_store::{StoreError, activity, waiting};

pub use self::cut::{Format, Malformed};
use crate::Services;
use crate::crediting::{CreditError, EVENTS_PER_CALL_MAX, EventResult, Report};

/// Why a whole body was refused. Nothing of it was credited.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// No JSON array at all.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// More than [`EVENTS_PER_CALL_MAX`] events.
    #[error("more than {EVENTS_PER_CALL_MAX} events in one call")]
    TooMany,
    /// Crediting failed.
    #[error(transparent)]
    Credit(#[from] CreditError),
}

/// What is known of an event that was sent before.
#[derive(Debug, Clone)]
pub enum Known {
    /// It waits for its subject to be bound.
    Waiting(ActivityId),
    /// It was decided.
    Decided(Box<Activity>),
}

/// Credits a body of events and answers each, in the order sent. An id that could not be read is answered as
/// empty.
pub async fn ingest(
    services: &Services,
    source: &Arc<Source>,
    format: Format,
    body: &[u8],
) -> Result<Vec<EventResult>, IngestError> {
    let elements = cut::elements(format, body, EVENTS_PER_CALL_MAX)?;
    if elements.len() > EVENTS_PER_CALL_MAX {
        return Err(IngestError::TooMany);
    }
    let mut results: Vec<Option<EventResult>> = Vec::with_capacity(elements.len());
    let mut reports = Vec::with_capacity(elements.len());
    for element in elements {
        match read(services, source, element) {
            Ok(report) => {
                reports.push(report);
                results.push(None);
            }
            Err(refused) => results.push(Some(*refused)),
        }
    }
    let mut decided = services.crediting.credit(reports).await?.into_iter();
    Ok(results.into_iter().filter_map(|refused| refused.or_else(|| decided.next())).collect())
}

/// What became of an event of this source; none when it was never accepted.
pub async fn find(
    services: &Services,
    source: &Source,
    external_id: &str,
) -> Result<Option<Known>, StoreError> {
    let id = ActivityId::derive(source.id, external_id);
    // An event stops waiting in the transaction that decides it, so looking in this order cannot miss it.
    if waiting::exists(&services.database, id).await? {
        return Ok(Some(Known::Waiting(id)));
    }
    let activity = activity::find(&services.database, id).await?;
    Ok(activity.map(|activity| Known::Decided(Box::new(activity))))
}

fn read(services: &Services, source: &Arc<Source>, element: &[u8]) -> Result<Report, Box<EventResult>> {
    let text = std::str::from_utf8(element).map_err(|error| {
        let at = error.valid_up_to();
        let detail = Text::new(format!("第 {at} 字节起不是 UTF-8"), format!("not UTF-8 from byte {at} on"));
        Box::new(EventResult::rejected("", "invalid_utf8", detail))
    })?;
    let event: CloudEvent = serde_json::from_str(text).map_err(|error| {
        let (code, zh) = match error.classify() {
            Category::Data => ("invalid_event", "不是 CloudEvents 1.0 事件"),
            Category::Syntax | Category::Eof | Category::Io => ("malformed_json", "不是合法的 JSON"),
        };
        let detail = Text::new(format!("{zh}：{error}"), error.to_string());
        Box::new(EventResult::rejected(&id_of(text), code, detail))
    })?;
    let (id, subject) = (shown_id(&event.id), services.subject_hash(source, &event.subject));
    Report::from_event(source, subject, event)
        .map_err(|problem| Box::new(EventResult::of_problem(&id, problem)))
}

/// The id of an element that is no event, where it has one.
fn id_of(text: &str) -> String {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }
    let named = serde_json::from_str::<Named<'_>>(text).ok();
    let id = named.and_then(|named| serde_json::from_str::<String>(named.id?.get()).ok());
    shown_id(&id.unwrap_or_default())
}

/// An id as it is answered: none where it is longer than any id may be.
fn shown_id(id: &str) -> String {
    if id.len() <= EXTERNAL_ID_BYTES_MAX { id.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_event_keeps_the_id_it_has() {
        let longest = "x".repeat(EXTERNAL_ID_BYTES_MAX);
        assert_eq!(id_of(&format!(r#"{{"data":[1,{{}}],"id":"{longest}"}}"#)), longest);
        assert_eq!(id_of(&format!(r#"{{"id":"{longest}x"}}"#)), "");
        assert_eq!(id_of(r#"{"id":"\u884c-1"}"#), "行-1");
        for nameless in ["", "7", "[]", "{", r#"{"id":7}"#, r#"{"id":null}"#, r#"{"id":"a""#] {
            assert_eq!(id_of(nameless), "", "{nameless}");
        }
    }
}
