//! Why a whole import stops.

use std::path::PathBuf;

use crate::kind::Kind;

/// Stops an import; single bad rows never do.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No file was given.
    #[error("no files to import; name at least one .csv or .csv.gz")]
    NoFiles,
    /// The file could not be opened or read, or its compressed stream is broken.
    #[error("{file}: cannot read after line {line}: {problem}")]
    Io {
        /// The file.
        file: String,
        /// The last line that was read whole, 0 before the header.
        line: u64,
        /// What the system said.
        problem: std::io::Error,
    },
    /// The file has no header line.
    #[error("{0}: the file is empty; its first line must name the columns")]
    Empty(String),
    /// The header fits none of the kind's formats.
    #[error("{file}: no {kind} format has these columns: {found}\nknown formats:\n{known}{hint}")]
    UnknownHeader {
        /// The file.
        file: String,
        /// The kind that was asked for.
        kind: Kind,
        /// The columns found.
        found: String,
        /// One line for each format of the kind, with the columns it needs.
        known: String,
        /// What the file may be instead, empty or beginning with a line break.
        hint: String,
    },
    /// More rows than an import holds in memory.
    #[error("more than {max} rows in one import; split the files by day and import them one after another")]
    TooManyRows {
        /// The bound.
        max: u32,
    },
    /// The records carry no date and none was given.
    #[error("{kind} records carry no date; give --date DAY, or --replay-at DAY")]
    DateNeeded {
        /// The kind.
        kind: Kind,
    },
    /// A reference table (stations, edges, aliases, gates) cannot be used.
    #[error("{file}, line {line}: {problem}", file = file.display())]
    Reference {
        /// The table.
        file: PathBuf,
        /// Its line, 1 for the header.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The file had other rows when it was read the second time.
    #[error("{0}: the file changed while it was being imported; import it again")]
    Changed(String),
}
