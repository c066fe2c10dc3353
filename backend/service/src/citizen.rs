//! A citizen's own profile, consents, export and erasure.

use chrono::{DateTime, Utc};
use tanhui_domain::city::{Citizen, Grant};
use tanhui_domain::id::CitizenId;
use tanhui_store::{StoreError, binding, citizen, city};

use crate::Services;
use crate::binding::source_purpose;

/// Longest nickname, in characters.
pub const NICKNAME_LETTERS_MAX: usize = 20;
/// Longest district name, in bytes.
pub const DISTRICT_BYTES_MAX: usize = 64;
/// The consent to be shown on boards.
pub const BOARDS_PURPOSE: &str = "leaderboard";
/// The consent to count in aggregates that leave the city.
pub const AGGREGATION_PURPOSE: &str = "aggregation";

/// What a citizen changes; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    /// New nickname.
    pub nickname: Option<String>,
    /// New district, or none.
    pub district: Option<Option<String>>,
    /// Whether boards may show the citizen.
    pub on_boards: Option<bool>,
}

/// Why a profile or consent was not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProfileError {
    /// Empty, too long, or with control characters.
    #[error("nickname must have 1 to {NICKNAME_LETTERS_MAX} printable characters")]
    Nickname,
    /// Too long, or with control characters.
    #[error("district must have at most {DISTRICT_BYTES_MAX} bytes")]
    District,
    /// Not a purpose that can be consented to.
    #[error("no such purpose")]
    NoPurpose,
    /// The citizen is gone.
    #[error("no such citizen")]
    NoCitizen,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A living citizen.
pub async fn find(services: &Services, id: CitizenId) -> Result<Option<Citizen>, StoreError> {
    citizen::find(&services.database, id).await
}

/// Citizens by id, for the names on a board.
pub async fn find_many(services: &Services, ids: &[CitizenId]) -> Result<Vec<Citizen>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    citizen::find_many(&services.database, ids).await
}

/// Changes a profile. Boards follow at once.
pub async fn change(
    services: &Services,
    id: CitizenId,
    change: ProfileChange,
) -> Result<Citizen, ProfileError> {
    let transaction = services.database.begin().await?;
    let before = citizen::find(&transaction, id).await?.ok_or(ProfileError::NoCitizen)?;
    let after = Citizen {
        nickname: match change.nickname {
            None => before.nickname.clone(),
            Some(nickname) => checked_nickname(&nickname)?,
        },
        district: match change.district {
            None => before.district.clone(),
            Some(district) => district.map(|name| checked_district(&name)).transpose()?,
        },
        on_boards: change.on_boards.unwrap_or(before.on_boards),
        ..before.clone()
    };
    citizen::update(&transaction, &after).await?;
    if after.on_boards != before.on_boards || after.district != before.district {
        city::renew_boards(&transaction, after.city).await?;
    }
    if after.on_boards != before.on_boards {
        let now = services.clock.now();
        citizen::set_consent(&transaction, id, BOARDS_PURPOSE, after.on_boards, now).await?;
    }
    transaction.commit().await?;
    Ok(after)
}

fn checked_nickname(nickname: &str) -> Result<String, ProfileError> {
    let nickname = nickname.trim();
    let letters = nickname.chars().count();
    let printable = !nickname.contains(char::is_control);
    if (1..=NICKNAME_LETTERS_MAX).contains(&letters) && printable {
        Ok(nickname.to_owned())
    } else {
        Err(ProfileError::Nickname)
    }
}

fn checked_district(district: &str) -> Result<String, ProfileError> {
    let district = district.trim();
    let fits = (1..=DISTRICT_BYTES_MAX).contains(&district.len()) && !district.contains(char::is_control);
    if fits { Ok(district.to_owned()) } else { Err(ProfileError::District) }
}

/// Consents by purpose, with when each was last changed.
pub async fn consents(
    services: &Services,
    id: CitizenId,
) -> Result<Vec<(String, bool, DateTime<Utc>)>, StoreError> {
    citizen::consents(&services.database, id).await
}

/// A consent as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// To what.
    pub purpose: String,
    /// Whether it is given.
    pub granted: bool,
    /// When that was said; none while nothing was.
    pub changed_at: Option<DateTime<Utc>>,
}

/// All consents that a citizen can give: to boards, to aggregation, and to each source that was ever bound.
pub async fn all_consents(services: &Services, citizen: &Citizen) -> Result<Vec<Consent>, StoreError> {
    let said = consents(services, citizen.id).await?;
    let mut all: Vec<Consent> = said
        .into_iter()
        .map(|(purpose, granted, at)| Consent { purpose, granted, changed_at: Some(at) })
        .collect();
    for (purpose, granted) in [(BOARDS_PURPOSE, citizen.on_boards), (AGGREGATION_PURPOSE, false)] {
        if !all.iter().any(|consent| consent.purpose == purpose) {
            all.push(Consent { purpose: purpose.to_owned(), granted, changed_at: None });
        }
    }
    all.sort_by(|one, other| one.purpose.cmp(&other.purpose));
    Ok(all)
}

/// The roles of a citizen beyond that of a citizen.
pub async fn grants(services: &Services, id: CitizenId) -> Result<Vec<Grant>, StoreError> {
    citizen::grants(&services.database, id).await
}

/// Gives or withdraws a consent. Withdrawing a source's consent ends the bindings to it.
pub async fn consent(
    services: &Services,
    id: CitizenId,
    purpose: &str,
    granted: bool,
) -> Result<(), ProfileError> {
    if purpose == BOARDS_PURPOSE {
        let change_boards = ProfileChange { on_boards: Some(granted), ..ProfileChange::default() };
        return change(services, id, change_boards).await.map(|_| ());
    }
    let now = services.clock.now();
    let transaction = services.database.begin().await?;
    if purpose != AGGREGATION_PURPOSE {
        let bindings = binding::list(&transaction, id).await?;
        let known = citizen::consents(&transaction, id).await?;
        if !known.iter().any(|(known, _, _)| known == purpose) {
            return Err(ProfileError::NoPurpose);
        }
        if !granted {
            for binding in bindings.iter().filter(|binding| source_purpose(&binding.source) == purpose) {
                binding::end(&transaction, binding.id, id, now).await?;
            }
        }
    }
    citizen::set_consent(&transaction, id, purpose, granted, now).await?;
    transaction.commit().await?;
    Ok(())
}

/// Forgets the person. The ledger keeps the pseudonym and its amounts.
pub async fn erase(services: &Services, id: CitizenId) -> Result<(), ProfileError> {
    let transaction = services.database.begin().await?;
    let citizen = citizen::find(&transaction, id).await?.ok_or(ProfileError::NoCitizen)?;
    citizen::erase(&transaction, id, services.clock.now()).await?;
    city::renew_boards(&transaction, citizen.city).await?;
    transaction.commit().await?;
    Ok(())
}
