//! Plays a draft of the rules against the rules in force over past events, each side on a processor of its
//! own.
//!
//! Events are first kept as blocks of columns, in a file that the caller names or in a temporary one, then
//! played block by block in their order. Memory holds a few blocks and what later events can ask for: counts
//! of people, cards and budgets, and points that wait. It grows with people, not with events, as long as
//! events are about in the order of their days. Knows no HTTP.

mod kept;
mod ndjson;
mod play;
mod stored;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;

use std::path::PathBuf;

use tanhui_domain::simulation::{RowError, SchemaError, SideError};
use tanhui_store::StoreError;

pub use kept::{Keeper, Kept};
pub use ndjson::{Reading, read_districts, read_ndjson};
pub use play::play;
pub use stored::{Stored, read_stored};

/// Tells how far a simulation has come: what it does, how much of it is done, how much there is.
pub type Progress<'a> = &'a (dyn Fn(Phase, u64, u64) + Sync);

/// What a simulation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading events, counted in bytes of a file or in activities of the database.
    Reading,
    /// Playing them, counted in events.
    Playing,
}

/// Why a simulation ended early.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// A file that cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The file holds no kept events, or those of another version.
    #[error("{0}: not a file of kept events; make it with --save-events")]
    NotKept(PathBuf),
    /// A line of the districts' file is not `subject,district`.
    #[error("{path}:{line}: expected `subject,district`")]
    Districts {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// Kept events that cannot be read.
    #[error("kept events: {0}")]
    Row(#[from] RowError),
    /// The events do not fit the rules.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The events cannot be decided.
    #[error(transparent)]
    Side(#[from] SideError),
    /// The database failed, or holds what this program cannot read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More citizens, districts or actions than numbers for them.
    #[error("too many different {0}")]
    TooMany(&'static str),
    /// A worker fell over.
    #[error("a worker of the simulation ended early")]
    Worker,
}
