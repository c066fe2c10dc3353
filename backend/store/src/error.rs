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

/// SQLSTATE of PostgreSQL, extended result codes of SQLite.
fn sort_by_code(code: Option<&str>, error: DbErr) -> StoreError {
    match code.unwrap_or_default() {
        // serialization failure, deadlock, lock not available; SQLITE_BUSY and its kinds, SQLITE_LOCKED
        "40001" | "40P01" | "55P03" | "5" | "261" | "517" | "6" => StoreError::Repeat(error),
        // unique violation; SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY, _ROWID
        "23505" | "2067" | "1555" | "2579" => StoreError::Exists(error),
        // foreign key, check, not null
        "23503" | "23514" | "23502" | "787" | "275" | "1299" => StoreError::Constraint(error),
        // shutting down, starting up, too many connections, disk full, statement timeout, read-only after
        // failover;
        // SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN
        "57P01" | "57P02" | "57P03" | "53300" | "53100" | "57014" | "25006" | "13" | "10" | "14" => {
            StoreError::Unavailable(error)
        }
        _ => StoreError::Other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_what_to_do() {
        let error = || DbErr::Custom("x".to_owned());
        assert!(sort_by_code(Some("40001"), error()).is_repeatable());
        assert!(sort_by_code(Some("57P01"), error()).is_repeatable());
        assert!(!sort_by_code(Some("23505"), error()).is_repeatable());
        assert!(matches!(sort_by_code(Some("1555"), error()), StoreError::Exists(_)));
        assert!(matches!(sort_by_code(None, error()), StoreError::Other(_)));
    }
}
