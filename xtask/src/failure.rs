//! What can go wrong in a task, and the exit code that tells it.

use std::fmt;
use std::io;
use std::process::{ExitCode, ExitStatus};

/// Why a task stopped.
#[derive(Debug)]
pub enum Failure {
    /// The command line asks for something that does not exist.
    Usage(String),
    /// Something the task needs is not there; the text says how to get it.
    Missing(String),
    /// A step ran and said no. It has printed its own reasons.
    Step {
        /// The step's name.
        name: String,
        /// The code it ended with.
        code: u8,
    },
    /// The operating system refused.
    Io {
        /// What was being done.
        doing: String,
        /// The refusal.
        source: io::Error,
    },
}

impl Failure {
    /// A step that ended with this status.
    pub fn step(name: &str, status: ExitStatus) -> Self {
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Self::Step { name: name.to_owned(), code }
    }

    /// For `map_err`: adds what was being done.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Tells the developer. A failed test step is left to the runner's own last lines.
    pub fn report(&self) {
        match self {
            Self::Step { name, .. } if name == crate::test::TESTS => {}
            Self::Usage(_) | Self::Missing(_) | Self::Step { .. } | Self::Io { .. } => {
                eprintln!("xtask: {self}");
            }
        }
    }

    /// The code of the failed step; 2 for a bad command line; 1 for the rest.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Step { code, .. } => ExitCode::from(*code),
            Self::Missing(_) | Self::Io { .. } => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => write!(f, "{text}\n\n{}", crate::args::HELP),
            Self::Missing(text) => f.write_str(text),
            Self::Step { name, code } => write!(f, "{name} failed with code {code}"),
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}
