//! What can happen in a simulated city. Everything has a number of its own, so that any command can be left
//! out.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Sources of a simulated city: the operator's record, a device, the citizen's own word.
pub const SOURCES: usize = 3;
/// Processes that share the database.
pub const PROCESSES: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    Ride,
    Walk,
    Sorting,
    /// No rule set knows it.
    Flight,
}

impl Deed {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ride => "ride",
            Self::Walk => "walk",
            Self::Sorting => "sorting",
            Self::Flight => "flight",
        }
    }
}

/// An event as a source reports it.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    pub source: usize,
    pub id: u32,
    pub card: u32,
    pub deed: Deed,
    pub metres: i64,
    pub at: DateTime<Utc>,
}

/// An offer to be opened.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    pub merchant: usize,
    pub price: i64,
    pub payout: i64,
    pub stock: i64,
    pub per_person: Option<i64>,
    pub days: i32,
}

/// A wish to redeem.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub citizen: u32,
    pub offer: u32,
    pub quantity: i64,
    pub key: Option<u32>,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// The clock goes on, or back.
    Pass(TimeDelta),
    /// A law is published on one process; the others hear of it.
    Publish {
        process: usize,
        law: u32,
    },
    Enrol {
        citizen: u32,
        source: usize,
        card: u32,
    },
    Bind {
        citizen: u32,
        source: usize,
        card: u32,
    },
    Unbind {
        citizen: u32,
        source: usize,
        card: u32,
    },
    Report {
        process: usize,
        acts: Vec<Act>,
    },
    CreditWaiting {
        process: usize,
    },
    Open {
        offer: u32,
        opening: Opening,
    },
    End {
        offer: u32,
    },
    Redeem {
        process: usize,
        redemption: u32,
        wish: Wish,
    },
    Cancel {
        process: usize,
        redemption: u32,
        citizen: u32,
    },
    Use {
        process: usize,
        merchant: usize,
        redemption: u32,
        voucher: usize,
    },
    /// What ended is posted, what is owed is taken.
    Expire {
        process: usize,
    },
    Reverse {
        process: usize,
        source: usize,
        id: u32,
    },
    Propose {
        adjustment: u32,
        citizen: u32,
        points: i64,
        milligrams: i64,
    },
    /// By another officer, or by the one who proposed it.
    Decide {
        process: usize,
        adjustment: u32,
        approve: bool,
        other: bool,
    },
    KeepUp {
        process: usize,
    },
    /// A process ends and begins again.
    Restart {
        process: usize,
    },
    /// The cache that the first process uses loses everything.
    EmptyCache,
    /// Everything that can be seen is compared.
    Look {
        process: usize,
        day: NaiveDate,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    },
}
