//! Schema steps as SQL files, filled in per database, applied once, in order, by one process at a time.
//!
//! Imports no entity: an old step must not change when an entity does.

mod checksum;
mod lock;
mod partition;
mod step;

pub use checksum::{ChecksumMismatch, checksum};
pub use partition::{MONTHS_AHEAD, Month, create_partitions};

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseConnection;

use step::Step;

/// Every step in the order of application: its name and its SQL with `${...}` words.
pub const STEPS: &[(&str, &str)] = &[
    ("0001_foundation", include_str!("../sql/0001_foundation.sql")),
    ("0002_one_row_per_event", include_str!("../sql/0002_one_row_per_event.sql")),
    ("0003_life", include_str!("../sql/0003_life.sql")),
    ("0004_rule_state", include_str!("../sql/0004_rule_state.sql")),
    ("0005_settlement", include_str!("../sql/0005_settlement.sql")),
    ("0006_payout", include_str!("../sql/0006_payout.sql")),
    ("0007_offers", include_str!("../sql/0007_offers.sql")),
    ("0008_shop", include_str!("../sql/0008_shop.sql")),
];

/// The ordered list of steps.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        STEPS.iter().map(|&(name, sql)| Box::new(Step { name, sql }) as Box<dyn MigrationTrait>).collect()
    }
}

/// Brings the schema up to date, safely when several processes start at once.
///
/// # Errors
/// A step that fails, or a step that was changed after it had been applied.
pub async fn migrate(database: &DatabaseConnection, now: Month) -> Result<(), DbErr> {
    let lock = lock::acquire(database).await?;
    let outcome = apply(database, now).await;
    lock.release().await?;
    outcome
}

async fn apply(database: &DatabaseConnection, now: Month) -> Result<(), DbErr> {
    checksum::verify(database).await?;
    Migrator::up(database, None).await?;
    checksum::record(database).await?;
    create_partitions(database, now).await
}

/// Whether every step is applied; changes nothing.
///
/// # Errors
/// A database that does not answer.
pub async fn is_current(database: &DatabaseConnection) -> Result<bool, DbErr> {
    Ok(Migrator::get_pending_migrations_read_only(database).await?.is_empty())
}
