//! What a signed-in person may be.

use serde::{Deserialize, Serialize};

/// A role, as tokens and grants name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Earns and spends.
    Citizen,
    /// Checks and uses vouchers of a merchant.
    MerchantStaff,
    /// Sends events.
    Partner,
    /// Sees a city's dashboard.
    CityViewer,
    /// Drafts rules and offers.
    CityEditor,
    /// Approves what others drafted.
    CityApprover,
    /// Works the review queue.
    CityReviewer,
    /// Runs the deployment.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Citizen,
        Self::MerchantStaff,
        Self::Partner,
        Self::CityViewer,
        Self::CityEditor,
        Self::CityApprover,
        Self::CityReviewer,
        Self::Admin,
    ];

    /// The name in tokens, grants and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::MerchantStaff => "merchant_staff",
            Self::Partner => "partner",
            Self::CityViewer => "city_viewer",
            Self::CityEditor => "city_editor",
            Self::CityApprover => "city_approver",
            Self::CityReviewer => "city_reviewer",
            Self::Admin => "admin",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_everywhere() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(Role::from_name(role.as_str()), Some(role));
        }
        assert_eq!(Role::from_name("Citizen"), None);
    }
}
