//! What an import hands out: events, and rows that were refused with the reason.

use tanhui_domain::event::CloudEvent;
use tanhui_domain::text::Text;

/// One result of an import. Rows that only complete another (a ride's entry, a GPS point) yield none.
#[derive(Debug, Clone)]
pub enum Item {
    /// An act to be credited.
    Event(CloudEvent),
    /// A row, or a group of rows named by its last one, that earns nothing.
    Refused(Refused),
}

/// A row that earns nothing, for the file of refusals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file as it was named by the caller.
    pub file: String,
    /// Line number in the file; the header is line 1.
    pub row: u64,
    /// Stable code of the reason.
    pub code: &'static str,
    /// The reason for people.
    pub detail: Text,
    /// The row as read; holds personal ids, so it belongs into the refusal file and not into a log.
    pub raw: String,
}

/// Why a row earns nothing; never quotes an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) code: &'static str,
    pub(crate) detail: Text,
}

impl Reason {
    pub(crate) fn new(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, detail: Text::new(zh, en) }
    }

    pub(crate) fn duplicate() -> Self {
        Self::new(
            "duplicate_row",
            "与本次导入中的另一行记录的是同一件事",
            "records the same act as another row of this import",
        )
    }
}
