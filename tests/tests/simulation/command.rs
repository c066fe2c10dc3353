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
    /// Of the body, with a ticket perhaps; its points settle later.
    Trip,
    /// Of the body, without a ticket.
    Cycle,
    Walk,
    Sorting,
    /// Whoever passes it, with whatever card, under campaigns and budgets.
    Gate,
    /// A reading, held against earlier ones.
    Meter,
    /// Its points wait until their week is over, and share a budget.
    Swim,
    /// No rule set knows it.
    Flight,
}

impl Deed {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ride => "ride",
            Self::Trip => "trip",
            Self::Cycle => "cycle",
            Self::Walk => "walk",
            Self::Sorting => "sorting",
            Self::Gate => "gate",
            Self::Meter => "meter",
            Self::Swim => "swim",
            Self::Flight => "flight",
        }
    }

    /// Whether it moves the body some metres.
    pub fn is_travel(self) -> bool {
        matches!(self, Self::Ride | Self::Trip | Self::Cycle | Self::Walk)
    }

    /// Whether it takes the body's time, which it cannot spend twice.
    pub fn takes_time(self) -> bool {
        matches!(self, Self::Trip | Self::Cycle)
    }
}

/// The name that a source gives an act, and which source that is.
pub type ActKey = (usize, u32);

/// An event as a source reports it.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    pub source: usize,
    pub id: u32,
    pub card: u32,
    pub deed: Deed,
    /// Metres of travel or water, tenths of a kilowatt hour of a reading.
    pub size: i64,
    pub minutes: i64,
    /// The ticket, 0 for none, or the gate.
    pub mark: u32,
    pub at: DateTime<Utc>,
}

impl Act {
    pub fn key(&self) -> ActKey {
        (self.source, self.id)
    }
}

/// What an officer does with a merchant's statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Submit,
    Approve,
    Return,
    Pay,
}

/// What becomes of an offer that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Pause,
    Resume,
    End,
}

/// What the city does with a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rein {
    Suspend { refund: bool },
    Reinstate,
    Close,
}

/// An offer to be opened.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    pub merchant: usize,
    pub price: i64,
    /// None for points that are given to the project.
    pub payout: Option<i64>,
    pub stock: i64,
    pub per_person: Option<i64>,
    pub per_person_week: Option<i64>,
    pub stock_per_day: Option<i64>,
    pub opens_at: Option<DateTime<Utc>>,
    pub closes_at: Option<DateTime<Utc>>,
    /// For citizens of the south only.
    pub in_south: bool,
    /// For citizens who have climbed to the level of trees only.
    pub for_trees: bool,
    /// What the city sets aside, in fen.
    pub budget: Option<i64>,
    pub refund_expired: bool,
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
    /// A citizen moves to another district.
    Move {
        process: usize,
        citizen: u32,
        south: bool,
    },
    Report {
        process: usize,
        acts: Vec<Act>,
    },
    /// Somebody looks at a held act.
    Review {
        process: usize,
        act: ActKey,
        release: bool,
    },
    CreditWaiting {
        process: usize,
    },
    Open {
        offer: u32,
        opening: Opening,
    },
    Turn {
        process: usize,
        offer: u32,
        turn: Turn,
    },
    Rein {
        process: usize,
        merchant: usize,
        rein: Rein,
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
    /// The merchant undoes a use.
    Void {
        process: usize,
        merchant: usize,
        redemption: u32,
        voucher: usize,
    },
    /// A till that had no network tells of a scan.
    Scan {
        process: usize,
        merchant: usize,
        redemption: u32,
        voucher: usize,
        scanned_at: DateTime<Utc>,
    },
    /// Statements of all merchants are closed up to this instant.
    Close {
        process: usize,
    },
    /// One of two officers moves a statement on.
    Settle {
        process: usize,
        merchant: usize,
        number: i64,
        step: Step,
        other: bool,
    },
    /// Points that waited are paid as far as budgets reach.
    Pay {
        process: usize,
    },
    /// What ended is posted, what is owed is taken, vouchers end or are given back.
    Expire {
        process: usize,
    },
    Reverse {
        process: usize,
        act: ActKey,
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
    /// On both processes: the one comes first, or the other, and nothing else.
    AtOnce(Box<[Command; 2]>),
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

impl Command {
    /// The process that does it, where it matters to nobody which one does.
    pub fn process_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Pass(_)
            | Self::Enrol { .. }
            | Self::Bind { .. }
            | Self::Unbind { .. }
            | Self::Open { .. }
            | Self::Propose { .. }
            | Self::AtOnce(_)
            | Self::Restart { .. }
            | Self::EmptyCache => None,
            Self::Publish { process, .. }
            | Self::Move { process, .. }
            | Self::Report { process, .. }
            | Self::Review { process, .. }
            | Self::CreditWaiting { process }
            | Self::Turn { process, .. }
            | Self::Rein { process, .. }
            | Self::Redeem { process, .. }
            | Self::Cancel { process, .. }
            | Self::Use { process, .. }
            | Self::Void { process, .. }
            | Self::Scan { process, .. }
            | Self::Close { process }
            | Self::Settle { process, .. }
            | Self::Pay { process }
            | Self::Expire { process }
            | Self::Reverse { process, .. }
            | Self::Decide { process, .. }
            | Self::KeepUp { process }
            | Self::Look { process, .. } => Some(process),
        }
    }
}
