//! Turns foreign record files (card taps, bike trips, meter readings, weighings) into `CloudEvents`.
//!
//! Reads files and nothing else: no database, no network, no clock, nothing asynchronous. A row that cannot
//! be credited comes back as [`Refused`] with its line and reason; only a file that cannot be understood as a
//! whole stops an import. Memory is bounded by [`ROWS_MAX`] compact rows.

mod bikes;
mod civil;
mod decimal;
mod draft;
mod error;
mod ev;
mod format;
mod geo;
mod import;
mod item;
mod kind;
mod network;
mod oyster;
mod pv;
mod steps;
mod table;
mod taps;
#[cfg(test)]
mod trial;
mod waste;

pub use decimal::Decimal;
pub use error::ImportError;
pub use import::{Import, ROWS_MAX, open};
pub use item::{Item, Refused};
pub use kind::{Kind, Options, UnknownKind, default_source};
pub use table::ROW_BYTES_MAX;
