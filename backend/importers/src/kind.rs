//! The kinds of record that can be imported, and how a caller steers an import.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::decimal::Decimal;

/// What a set of files records. Each kind tells its file formats apart by their header lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Transit card taps: metro gates and bus readers.
    Taps,
    /// Shared bike trips, or the GPS points of them.
    Bikes,
    /// Rooftop PV meters: counter readings or mean power.
    Pv,
    /// Electric car charging sessions.
    Ev,
    /// Household weighings by material.
    Waste,
    /// Step totals of a day.
    Steps,
    /// London Oyster journeys.
    Oyster,
}

impl Kind {
    /// Every kind, in the order of the help text.
    pub const ALL: [Self; 7] =
        [Self::Taps, Self::Bikes, Self::Pv, Self::Ev, Self::Waste, Self::Steps, Self::Oyster];

    /// The word that names this kind on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taps => "taps",
            Self::Bikes => "bikes",
            Self::Pv => "pv",
            Self::Ev => "ev",
            Self::Waste => "waste",
            Self::Steps => "steps",
            Self::Oyster => "oyster",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A word that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind {0:?}; one of taps, bikes (or bike-trips, bike-points), pv, ev, waste, steps, oyster")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        match word {
            "bike-trips" | "bike-points" => Ok(Self::Bikes),
            _ => Self::ALL
                .into_iter()
                .find(|kind| kind.name() == word)
                .ok_or_else(|| UnknownKind(word.to_owned())),
        }
    }
}

/// The `CloudEvents` source of a kind when the caller names none.
#[must_use]
pub fn default_source(kind: Kind) -> String {
    format!("urn:tanhui:import:{kind}")
}

/// How to read the files. `Options::default()` reads them as published.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `CloudEvents` source; empty for [`default_source`].
    pub source: String,
    /// Station tables; when every table is empty, the usual names beside the first file are looked for.
    pub stations: Vec<PathBuf>,
    /// Tables of neighbouring stations and their distance.
    pub edges: Vec<PathBuf>,
    /// Tables of other spellings of station names.
    pub aliases: Vec<PathBuf>,
    /// Tables that name the station of a gate number's first six digits.
    pub gates: Vec<PathBuf>,
    /// Moves all records by whole weeks, so that the earliest falls into this day's week.
    pub replay_at: Option<NaiveDate>,
    /// Time zone of the records; without it each format's own.
    pub zone: Option<Tz>,
    /// Subject for files that name none (single meters).
    pub subject: Option<String>,
    /// Day of records that carry none (weighings; any day of the week for Oyster).
    pub date: Option<NaiveDate>,
    /// PV power above which a day is refused; 50 kW without it.
    pub capacity_kw: Option<Decimal>,
}
