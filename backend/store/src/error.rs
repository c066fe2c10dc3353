//! What can go wrong in the store, sorted by what a caller can do about it.

use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// A failed store call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another transaction was in the way; running the whole transaction again may succeed.
    #[error("transaction must be repeated: {0}")]
    Repeat(DbErr),
    /// A value that must be unique exists already.
    #[error("already exists: {0}")]
    Exists(DbErr),
    /// The database refused a value: a check or a foreign key.
    #[error("refused by a constraint: {0}")]
    Constraint(DbErr),
    /// The database cannot be reached, is full or too slow.
    #[error("database unavailable: {0}")]
    Unavailable(DbErr),
    /// A stored value that this program does not understand.
    #[error("stored value not understood: {0}")]
    Corrupt(String),
    /// Anything else; a fault of this program.
    #[error("database error: {0}")]
    Other(DbErr),
}

impl StoreError {
    /// Whether repeating the whole transaction may help.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Repeat(_) | Self::Unavailable(_) => true,
            Self::Exists(_) | Self::Constraint(_) | Self::Corrupt(_) | Self::Other(_) => false,
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match &error {
            DbErr::Conn(RuntimeErr::SqlxError(cause)) if is_busy(cause) => Self::Repeat(error),
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                match cause.as_ref() {
                    SqlxError::Database(refusal) => sort_by_code(refusal.code().as_deref(), error.clone()),
                    SqlxError::Io(_)
                    | SqlxError::PoolTimedOut
                    | SqlxError::PoolClosed
                    | SqlxError::WorkerCrashed => Self::Unavailable(error),
                    _ => Self::Other(error),
                }
            }
            _ => Self::Other(error),
        }
    }
}

/// Whether another process holds the SQLite file: busy, recovering, or in a snapshot.
fn is_busy(cause: &SqlxError) -> bool {
    let code = match cause {
        SqlxError::Database(refusal) => refusal.code(),
        _ => None,
    };
    matches!(code.as_deref(), Some("5" | "261" | "517"))
}

/// SQLSTATE of PostgreSQL has five characters; result codes of SQLite have fewer.
fn sort_by_code(code: Option<&str>, error: DbErr) -> StoreError {
    match code {
        Some(state) if state.len() == 5 => sort_by_state(state, error),
        Some(number) => sort_by_result(number.parse().unwrap_or_default(), error),
        None => StoreError::Other(error),
    }
}

/// By SQLSTATE; its first two characters are its class.
fn sort_by_state(state: &str, error: DbErr) -> StoreError {
    match state {
        // serialization failure, deadlock, lock not available
        "40001" | "40P01" | "55P03" => StoreError::Repeat(error),
        // unique violation
        "23505" => StoreError::Exists(error),
        // statement timeout, shut down, crashed, starting up, idle for too long; read-only after failover
        "57014" | "57P01" | "57P02" | "57P03" | "57P05" | "25006" => StoreError::Unavailable(error),
        _ => match state.get(..2) {
            // constraints
            Some("23") => StoreError::Constraint(error),
            // connection lost; out of disk, memory or connections; failing disk
            Some("08" | "53" | "58") => StoreError::Unavailable(error),
            _ => StoreError::Other(error),
        },
    }
}

/// By extended result code; its lowest byte is the kind of result.
fn sort_by_result(number: u32, error: DbErr) -> StoreError {
    match number {
        // unique, primary key, row id
        2067 | 1555 | 2579 => return StoreError::Exists(error),
        _ => {}
    }
    match number & 0xFF {
        // busy, locked
        5 | 6 => StoreError::Repeat(error),
        // constraint
        19 => StoreError::Constraint(error),
        // read-only, failing disk, full, cannot open
        8 | 10 | 13 | 14 => StoreError::Unavailable(error),
        _ => StoreError::Other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(code: Option<&str>) -> &'static str {
        match sort_by_code(code, DbErr::Custom("x".to_owned())) {
            StoreError::Repeat(_) => "repeat",
            StoreError::Exists(_) => "exists",
            StoreError::Constraint(_) => "constraint",
            StoreError::Unavailable(_) => "unavailable",
            StoreError::Corrupt(_) => "corrupt",
            StoreError::Other(_) => "other",
        }
    }

    #[test]
    fn codes_tell_what_to_do() {
        let of_postgres = [
            ("40001", "repeat"),
            ("40P01", "repeat"),
            ("23505", "exists"),
            ("23514", "constraint"),
            ("57P01", "unavailable"),
            ("08006", "unavailable"),
            ("53200", "unavailable"),
            ("42601", "other"),
        ];
        // busy (2), primary key, unique, check, foreign key, disk, cannot open, full, misuse
        let of_sqlite = [
            ("5", "repeat"),
            ("517", "repeat"),
            ("1555", "exists"),
            ("2067", "exists"),
            ("275", "constraint"),
            ("787", "constraint"),
            ("778", "unavailable"),
            ("14", "unavailable"),
            ("13", "unavailable"),
            ("21", "other"),
        ];
        for (code, what) in of_postgres.into_iter().chain(of_sqlite) {
            assert_eq!(sorted(Some(code)), what, "{code}");
        }
        assert_eq!(sorted(None), "other");
    }
}
