//! Plays a draft of the rules against the rules in force over past events, on all processors.
//!
//! Events are spilled to temporary files by citizen, then each file is played alone: however many events
//! there are, memory holds one file's worth of them for each processor, and sixteen bytes for each citizen.
//! Knows no database and no HTTP.

mod kept;
mod ndjson;
mod play;
mod spill;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;

use std::path::PathBuf;

use tanhui_domain::simulation::{RowError, SchemaError, SideError};

pub use kept::{Keeper, kept_schema, read_kept};
pub use ndjson::{Reading, read_ndjson};
pub use play::play;
pub use spill::Spill;

/// Tells how far a simulation has come: what it does, how much of it is done, how much there is.
pub type Progress<'a> = &'a (dyn Fn(Phase, u64, u64) + Sync);

/// What a simulation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading events, counted in bytes.
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
    /// Temporary files failed.
    #[error("temporary files: {0}")]
    Spill(std::io::Error),
    /// The file holds no kept events, or those of another version.
    #[error("{0}: not a file of kept events; make it with --save-events")]
    NotKept(PathBuf),
    /// Kept events that cannot be read.
    #[error("kept events: {0}")]
    Row(#[from] RowError),
    /// The events do not fit the rules.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The events cannot be decided.
    #[error(transparent)]
    Side(#[from] SideError),
    /// More citizens, districts or actions than numbers for them.
    #[error("too many different {0}")]
    TooMany(&'static str),
    /// A worker fell over.
    #[error("a worker of the simulation ended early")]
    Worker,
}
