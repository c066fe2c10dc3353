//! Merchants: how one is admitted, stopped and ended, and who may do what for it.

use crate::id::{BranchId, CitizenId, CityId, MerchantId};

/// Longest name of a merchant or branch, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest description, address or contact, in bytes.
pub const ABOUT_BYTES_MAX: usize = 1_000;
/// Longest name by which a merchant knows one of its people, in bytes.
pub const LABEL_BYTES_MAX: usize = 60;

macro_rules! words {
    ($name:ident { $($variant:ident $word:literal),+ $(,)? }) => {
        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word used in answers and rows.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What a word means.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.word() == word)
            }
        }
    };
}

/// Where a merchant is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MerchantStatus {
    /// Waits for the city.
    Applied,
    /// Waits for the applicant to amend the application.
    Returned,
    /// Turned down for good.
    Rejected,
    /// Open.
    Active,
    /// Stopped by the city: nothing of it can be redeemed.
    Suspended,
    /// Ended for good.
    Closed,
}

words!(MerchantStatus {
    Applied "applied",
    Returned "returned",
    Rejected "rejected",
    Active "active",
    Suspended "suspended",
    Closed "closed",
});

/// What becomes of vouchers in people's hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Issued {
    /// They can be used.
    Work,
    /// They are being given back to their holders.
    Refunding,
    /// They were given back.
    Refunded,
}

words!(Issued { Work "work", Refunding "refunding", Refunded "refunded" });

/// What a merchant says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Application {
    /// Shown to people.
    pub name: String,
    /// What it sells, for the city.
    pub description: String,
    /// Its number in the register of companies; may be empty.
    pub registration_no: String,
    /// How the city reaches it. Forgotten with the person who applied.
    pub contact: String,
}

/// A merchant of a city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its id.
    pub id: MerchantId,
    /// Its city.
    pub city: CityId,
    /// What it says about itself.
    pub about: Application,
    /// Where it is in its life.
    pub status: MerchantStatus,
    /// What becomes of its vouchers.
    pub issued: Issued,
    /// Who applied; none where the city set it up itself.
    pub applied_by: Option<CitizenId>,
}

/// What is done with a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MerchantStep {
    /// Admit it.
    Approve,
    /// Ask the applicant to amend the application.
    Return,
    /// Turn it down.
    Reject,
    /// Stop it. Its vouchers work on, or are refunded.
    Suspend {
        /// Whether they are refunded.
        refund: bool,
    },
    /// Let it go on.
    Reinstate,
    /// End it. Its vouchers are refunded.
    Close,
}

/// Why a step cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MerchantStepError {
    /// It does not begin in this state.
    #[error("the merchant is {}", status.word())]
    OutOfOrder {
        /// Where the merchant is.
        status: MerchantStatus,
    },
    /// Nobody decides about their own application.
    #[error("decided by whoever applied")]
    SamePerson,
    /// Its vouchers are still being refunded.
    #[error("its vouchers are still being refunded")]
    Refunding,
}

impl Merchant {
    /// One that is open from the start.
    #[must_use]
    pub fn active(id: MerchantId, city: CityId, name: impl Into<String>) -> Self {
        let about = Application { name: name.into(), ..Application::default() };
        Self { id, city, about, status: MerchantStatus::Active, issued: Issued::Work, applied_by: None }
    }

    /// Takes a step, or says why it cannot be taken.
    pub fn step(&mut self, step: MerchantStep, by: CitizenId) -> Result<(), MerchantStepError> {
        use MerchantStatus::{Active, Applied, Closed, Rejected, Returned, Suspended};
        let decides = matches!(step, MerchantStep::Approve | MerchantStep::Return | MerchantStep::Reject);
        if decides && self.applied_by == Some(by) {
            return Err(MerchantStepError::SamePerson);
        }
        match (step, self.status) {
            (MerchantStep::Approve, Applied) => self.status = Active,
            (MerchantStep::Return, Applied) => self.status = Returned,
            (MerchantStep::Reject, Applied | Returned) => self.status = Rejected,
            (MerchantStep::Suspend { refund }, Active) => {
                self.status = Suspended;
                self.issued = if refund { Issued::Refunding } else { Issued::Work };
            }
            (MerchantStep::Reinstate, Suspended) => {
                if self.issued == Issued::Refunding {
                    return Err(MerchantStepError::Refunding);
                }
                self.status = Active;
                self.issued = Issued::Work;
            }
            (MerchantStep::Close, Active | Suspended) => {
                self.status = Closed;
                self.issued = Issued::Refunding;
            }
            (
                MerchantStep::Approve
                | MerchantStep::Return
                | MerchantStep::Reject
                | MerchantStep::Suspend { .. }
                | MerchantStep::Reinstate
                | MerchantStep::Close,
                status,
            ) => return Err(MerchantStepError::OutOfOrder { status }),
        }
        Ok(())
    }

    /// Takes the applicant's amended application; false where none is waited for.
    pub fn amend(&mut self, about: Application) -> bool {
        if self.status != MerchantStatus::Returned {
            return false;
        }
        self.about = about;
        self.status = MerchantStatus::Applied;
        true
    }
}

impl Application {
    /// The first field that does not fit: a name must be there, all must be bounded and printable.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let fields = [
            ("name", &self.name, 1, NAME_BYTES_MAX),
            ("description", &self.description, 1, ABOUT_BYTES_MAX),
            ("registration_no", &self.registration_no, 0, NAME_BYTES_MAX),
            ("contact", &self.contact, 1, ABOUT_BYTES_MAX),
        ];
        fields.into_iter().find(|(_, text, least, most)| !fits(text, *least, *most)).map(|(name, ..)| name)
    }
}

/// Whether a text has so many bytes, not counting blanks around it, and no control characters.
#[must_use]
pub fn fits(text: &str, least: usize, most: usize) -> bool {
    text.trim().len() >= least && text.len() <= most && !text.contains(char::is_control)
}

/// What one of a merchant's people may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StaffRole {
    /// Everything: offers, branches, people, webhooks, and the till.
    Owner,
    /// Works at the till and sees what it took.
    Cashier,
}

words!(StaffRole { Owner "owner", Cashier "cashier" });

/// One of a merchant's people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// Who.
    pub citizen: CitizenId,
    /// Whose.
    pub merchant: MerchantId,
    /// As what.
    pub role: StaffRole,
    /// By which name the merchant knows them.
    pub label: String,
    /// The only branch at which they work; none: any.
    pub branch: Option<BranchId>,
}

/// A place of a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its id.
    pub id: BranchId,
    /// Whose.
    pub merchant: MerchantId,
    /// Shown to people.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// Whether it is open.
    pub open: bool,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn person(number: u128) -> CitizenId {
        CitizenId::new(Uuid::from_u128(number))
    }

    fn merchant(status: MerchantStatus) -> Merchant {
        let open = Merchant::active(MerchantId::new(Uuid::nil()), CityId::new(1), "Shop");
        Merchant { status, applied_by: Some(person(1)), ..open }
    }

    #[test]
    fn every_step_begins_in_its_own_states_only() {
        use MerchantStatus::{Active, Applied, Closed, Rejected, Returned, Suspended};
        for (step, begins, ends) in [
            (MerchantStep::Approve, vec![Applied], Active),
            (MerchantStep::Return, vec![Applied], Returned),
            (MerchantStep::Reject, vec![Applied, Returned], Rejected),
            (MerchantStep::Suspend { refund: false }, vec![Active], Suspended),
            (MerchantStep::Reinstate, vec![Suspended], Active),
            (MerchantStep::Close, vec![Active, Suspended], Closed),
        ] {
            for status in MerchantStatus::ALL.iter().copied() {
                let mut one = merchant(status);
                let outcome = one.step(step, person(2));
                let expected = if begins.contains(&status) { (Ok(()), ends) } else { (outcome, status) };
                assert_eq!((outcome, one.status), expected, "{step:?} {status:?}");
                assert_eq!(outcome.is_ok(), begins.contains(&status), "{step:?} {status:?}");
            }
        }
    }

    #[test]
    fn nobody_decides_about_their_own_shop() {
        for step in [MerchantStep::Approve, MerchantStep::Return, MerchantStep::Reject] {
            let mut one = merchant(MerchantStatus::Applied);
            assert_eq!(one.step(step, person(1)), Err(MerchantStepError::SamePerson));
        }
    }

    #[test]
    fn vouchers_work_on_or_are_refunded() {
        for (refund, issued) in [(false, Issued::Work), (true, Issued::Refunding)] {
            let mut one = merchant(MerchantStatus::Active);
            one.step(MerchantStep::Suspend { refund }, person(2)).unwrap();
            assert_eq!(one.issued, issued);
            let back = one.step(MerchantStep::Reinstate, person(2));
            assert_eq!(back, if refund { Err(MerchantStepError::Refunding) } else { Ok(()) });
        }
        let mut one = merchant(MerchantStatus::Suspended);
        one.issued = Issued::Refunded;
        one.step(MerchantStep::Reinstate, person(2)).unwrap();
        assert_eq!(one.issued, Issued::Work);
        one.step(MerchantStep::Close, person(2)).unwrap();
        assert_eq!(one.issued, Issued::Refunding);
    }

    #[test]
    fn an_application_is_amended_only_when_it_was_sent_back() {
        for status in MerchantStatus::ALL.iter().copied() {
            let mut one = merchant(status);
            let amended = one.amend(Application { name: "New".to_owned(), ..Application::default() });
            assert_eq!(amended, status == MerchantStatus::Returned, "{status:?}");
            assert_eq!(one.about.name == "New", amended);
        }
    }

    #[test]
    fn applications_are_bounded() {
        let good = Application {
            name: "n".repeat(NAME_BYTES_MAX),
            description: "d".repeat(ABOUT_BYTES_MAX),
            registration_no: String::new(),
            contact: "c".to_owned(),
        };
        assert_eq!(good.fault(), None);
        let bad = |change: fn(&mut Application)| {
            let mut bad = good.clone();
            change(&mut bad);
            bad.fault()
        };
        assert_eq!(bad(|it| it.name.push('n')), Some("name"));
        assert_eq!(bad(|it| it.name = " ".to_owned()), Some("name"));
        assert_eq!(bad(|it| it.description.push('d')), Some("description"));
        assert_eq!(bad(|it| it.registration_no = "1\n".to_owned()), Some("registration_no"));
        assert_eq!(bad(|it| it.contact = String::new()), Some("contact"));
    }
}
