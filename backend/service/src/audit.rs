//! Checks every invariant of the ledger from the database alone.

use tanhui_store::audit::{self, Totals, Violation};
use tanhui_store::{Database, StoreError};

/// What an audit found.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Rows that break an invariant; empty when the books are right.
    pub violations: Vec<Violation>,
    /// Sums over the whole ledger.
    pub totals: Totals,
}

/// Checks all invariants in one snapshot, telling each one's name before it is checked.
pub async fn run(database: &Database, mut progress: impl FnMut(&'static str)) -> Result<Audit, StoreError> {
    let snapshot = database.snapshot().await?;
    let mut violations = Vec::new();
    for invariant in audit::invariants() {
        progress(invariant);
        violations.extend(audit::check(&snapshot, invariant).await?);
    }
    Ok(Audit { violations, totals: audit::totals(&snapshot).await? })
}
