//! A city that runs a programme, and the people, sources and merchants in it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::id::{BindingId, CitizenId, CityId, MerchantId, OwnerId, SourceId};
use crate::rule::Evidence;
use crate::text::Text;

/// One city of the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct City {
    /// Its row.
    pub id: CityId,
    /// Short name used in files and on the command line.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// Where its civil days begin.
    pub timezone: Tz,
    /// Owner of the programme's account.
    pub programme: OwnerId,
}

/// A citizen without the person behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citizen {
    /// Pseudonym.
    pub id: CitizenId,
    /// Home city.
    pub city: CityId,
    /// Shown on boards.
    pub nickname: String,
    /// District of the city, where told.
    pub district: Option<String>,
    /// Whether boards may show the citizen.
    pub on_boards: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// Who sends events, and what its word is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its row.
    pub id: SourceId,
    /// The city it reports for.
    pub city: CityId,
    /// `source` of its CloudEvents.
    pub uri: String,
    /// Shown to people.
    pub name: String,
    /// Grade of its evidence.
    pub evidence: Evidence,
}

/// A card, meter or account that a citizen has bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Its id.
    pub id: BindingId,
    /// Who bound it.
    pub citizen: CitizenId,
    /// URI of the source that knows the subject.
    pub source: String,
    /// Last characters of the subject, for its owner to recognise.
    pub subject_hint: String,
    /// Since when.
    pub bound_at: DateTime<Utc>,
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Earns and spends; everyone has it.
    Citizen,
    /// Uses vouchers at a merchant's till.
    MerchantStaff,
    /// Sees the city's figures.
    CityViewer,
    /// Drafts rules and offers.
    CityEditor,
    /// Approves what someone else drafted.
    CityApprover,
    /// Decides held activities.
    CityReviewer,
    /// Gives roles.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 7] = [
        Self::Citizen,
        Self::MerchantStaff,
        Self::CityViewer,
        Self::CityEditor,
        Self::CityApprover,
        Self::CityReviewer,
        Self::Admin,
    ];

    /// The word used in tokens and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::MerchantStaff => "merchant_staff",
            Self::CityViewer => "city_viewer",
            Self::CityEditor => "city_editor",
            Self::CityApprover => "city_approver",
            Self::CityReviewer => "city_reviewer",
            Self::Admin => "admin",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// A role of a citizen in a city, for a merchant's staff at one merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// What may be done.
    pub role: Role,
    /// Where.
    pub city: CityId,
    /// At whose till.
    pub merchant: Option<MerchantId>,
}

/// The nil UUID stands for "no merchant" in keys that cannot be empty.
pub const NO_MERCHANT: Uuid = Uuid::nil();
