//! Why a benchmark ended early.

use std::path::PathBuf;

/// Why a benchmark ended early, as one line for whoever runs it.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Flags that contradict each other or leave their bounds.
    #[error("{0}")]
    Usage(String),
    /// An address beyond this machine.
    #[error(
        "{what} is at {host}: a benchmark loads this machine's own servers only (127.0.0.1, ::1, localhost)"
    )]
    NotLoopback {
        /// What the address is of.
        what: &'static str,
        /// Where it points.
        host: String,
    },
    /// A database that cannot be reached.
    #[error("PostgreSQL at {address} does not answer: {cause}; start one with `cargo xtask services`")]
    Unreachable {
        /// Where, without credentials.
        address: String,
        /// Why not.
        cause: sqlx::Error,
    },
    /// A statement of ours failed.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The city could not be set up.
    #[error("setting up: {0}")]
    SetUp(String),
    /// The server process did not come up, or went away.
    #[error("the server {what}\n{log}")]
    Server {
        /// What it did.
        what: &'static str,
        /// The end of its log.
        log: String,
    },
    /// The connection to the server broke.
    #[error("http: {0}")]
    Http(#[from] hyper::Error),
    /// An answer that a benchmark has no use for.
    #[error("the server answered {status}: {body}")]
    Answer {
        /// HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// A peer failed.
    #[error("{program}: {what}")]
    Peer {
        /// The program.
        program: PathBuf,
        /// What went wrong.
        what: String,
    },
    /// Something was acknowledged and is not there, or the books do not balance.
    #[error("the results cannot be trusted: {0}")]
    Wrong(String),
    /// JSON that is none.
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
    /// Between us and the machine.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
