//! What changes at a merchant by its own people or by the operator: lines of the record that the city reads.
//!
//! A line is written in the transaction of the change and never says more than the city may know: no phone,
//! no name by which a merchant knows a person, no secret of an address.

use chrono::{DateTime, Utc};
use tanhui_domain::id::CitizenId;
use tanhui_domain::merchant::Merchant;
use tanhui_domain::office::{Act, Actor, Deed};
use tanhui_domain::text::Text;
use tanhui_store::{StoreError, Transaction, office_log};

/// A change at a merchant.
#[derive(Debug)]
pub(crate) struct Change {
    /// What.
    pub(crate) act: Act,
    /// Which of its people; none for the others.
    pub(crate) person: Option<CitizenId>,
    /// The same in words.
    pub(crate) what: Text,
}

impl Change {
    /// A change of no person in particular.
    pub(crate) const fn new(act: Act, what: Text) -> Self {
        Self { act, person: None, what }
    }
}

/// Writes a change down.
pub(crate) async fn record(
    on: &Transaction,
    at: &Merchant,
    change: Change,
    (actor, done_at): (Actor, DateTime<Utc>),
) -> Result<(), StoreError> {
    let Change { act, person, what } = change;
    let deed =
        Deed { city: at.city, act, subject: at.id.get(), citizen: person, actor, reason: what, done_at };
    office_log::insert(on, &deed).await
}
