//! Binding cards, meters and accounts to a citizen. What waited for the subject is credited right after.

use tanhui_domain::city::{Binding, Citizen, Source};
use tanhui_domain::id::{BindingId, CitizenId};
use tanhui_store::binding::{NewBinding, SubjectHash};
use tanhui_store::{StoreError, binding, citizen, source};

use crate::Services;
use crate::random::Random;

/// Most live bindings of one citizen.
pub const BINDINGS_MAX: usize = 50;
const HINT_LETTERS: usize = 4;

/// Why a subject was not bound.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BindError {
    /// No such source in the citizen's city.
    #[error("no such source")]
    NoSource,
    /// Somebody has bound it.
    #[error("bound already")]
    Taken,
    /// The citizen has [`BINDINGS_MAX`].
    #[error("{BINDINGS_MAX} bindings already")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The consent that a source needs before its events may be used.
#[must_use]
pub fn source_purpose(uri: &str) -> String {
    format!("source:{uri}")
}

/// Binds a subject and records the consent to use its source. Binding one's own subject again changes
/// nothing.
pub async fn bind(
    services: &Services,
    citizen: &Citizen,
    source_uri: &str,
    subject: &str,
) -> Result<Binding, BindError> {
    let now = services.clock.now();
    let source = source::find_by_uri(&services.database, source_uri).await?;
    let source = source.filter(|source| source.city == citizen.city).ok_or(BindError::NoSource)?;
    let hash = services.subject_hash(&source, subject);
    let transaction = services.database.begin().await?;
    let live = binding::list(&transaction, citizen.id).await?;
    if binding::owners(&transaction, source.id, &[hash]).await?.get(&hash) == Some(&citizen.id) {
        let hint = hint(subject);
        let same = live.into_iter().find(|own| own.source == source.uri && own.subject_hint == hint);
        return same.ok_or(BindError::Taken);
    }
    if live.len() >= BINDINGS_MAX {
        return Err(BindError::TooMany);
    }
    let id = BindingId::new(services.random.uuid_at(now));
    let new = new_binding(id, citizen.id, &source, hash, subject);
    match binding::insert_many(&transaction, std::slice::from_ref(&new), now).await {
        Err(StoreError::Exists(_)) => return Err(BindError::Taken),
        outcome => outcome?,
    }
    citizen::set_consent(&transaction, citizen.id, &source_purpose(&source.uri), true, now).await?;
    transaction.commit().await?;
    services.something_waits.notify_one();
    Ok(Binding { id, citizen: citizen.id, source: source.uri, subject_hint: new.subject_hint, bound_at: now })
}

/// A citizen's live bindings.
pub async fn list(services: &Services, citizen: CitizenId) -> Result<Vec<Binding>, StoreError> {
    binding::list(&services.database, citizen).await
}

/// Ends a citizen's own binding; false when there is none of this id.
pub async fn unbind(services: &Services, citizen: CitizenId, id: BindingId) -> Result<bool, StoreError> {
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    let ended = binding::end(&transaction, id, citizen, now).await?;
    transaction.commit().await?;
    Ok(ended)
}

pub(crate) fn new_binding(
    id: BindingId,
    citizen: CitizenId,
    source: &Source,
    hash: SubjectHash,
    subject: &str,
) -> NewBinding {
    NewBinding { id, citizen, source: source.id, subject: hash, subject_hint: hint(subject) }
}

/// The last letters of a subject, where it has enough that they do not give it away.
fn hint(subject: &str) -> String {
    let letters: Vec<char> = subject.chars().collect();
    let shown = HINT_LETTERS.min(letters.len().checked_div(2).unwrap_or(0));
    let hidden = letters.len().saturating_sub(shown);
    format!("…{}", letters.iter().skip(hidden).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_never_shows_more_than_half() {
        assert_eq!(hint("A1234567"), "…4567");
        assert_eq!(hint("AB12"), "…12");
        assert_eq!(hint("A"), "…");
        assert_eq!(hint("卡号一二三四五六"), "…三四五六");
    }
}
