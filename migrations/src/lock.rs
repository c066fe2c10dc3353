//! One migrator at a time: an advisory lock on PostgreSQL, a lock file beside the database on SQLite.

use std::fs::File;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement, TransactionTrait,
    TryGetable,
};

/// Any number that no other program uses on the same database.
const ADVISORY_LOCK: i64 = 0x7461_6e68_7569;

pub(crate) enum MigrationLock {
    Advisory(DatabaseTransaction),
    File(File),
    /// A database in memory belongs to one process.
    Private,
}

pub(crate) async fn acquire(database: &DatabaseConnection) -> Result<MigrationLock, DbErr> {
    match database.get_database_backend() {
        DbBackend::Postgres => {
            let transaction = database.begin().await?;
            let sql = format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})");
            transaction.execute_unprepared(&sql).await?;
            Ok(MigrationLock::Advisory(transaction))
        }
        _ => lock_file(database).await,
    }
}

async fn lock_file(database: &DatabaseConnection) -> Result<MigrationLock, DbErr> {
    let list = Statement::from_string(
        DbBackend::Sqlite,
        "SELECT file FROM pragma_database_list WHERE name = 'main'",
    );
    let row = database.query_one_raw(list).await?;
    let path = row.map(|row| String::try_get(&row, "", "file")).transpose()?.unwrap_or_default();
    if path.is_empty() {
        return Ok(MigrationLock::Private);
    }
    let waited = tokio::task::spawn_blocking(move || {
        let file = File::create(format!("{path}.migrate.lock"))?;
        file.lock().map(|()| file)
    });
    let file = waited.await.map_err(std::io::Error::other).flatten().map_err(|error| locking(&error))?;
    Ok(MigrationLock::File(file))
}

impl MigrationLock {
    pub(crate) async fn release(self) -> Result<(), DbErr> {
        match self {
            Self::Advisory(transaction) => transaction.commit().await,
            Self::File(file) => file.unlock().map_err(|error| locking(&error)),
            Self::Private => Ok(()),
        }
    }
}

fn locking(error: &std::io::Error) -> DbErr {
    DbErr::Migration(format!("cannot lock the database for migration: {error}"))
}
