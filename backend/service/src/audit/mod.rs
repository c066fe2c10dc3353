//! Checks the books: every invariant from the database alone, credits computed again from their receipts,
//! cached boards held against the ledger. Mends nothing.

mod boards;
mod counts;
mod recompute;

use std::collections::BTreeMap;

use tanhui_store::audit::{self, VIOLATIONS_NAMED_MAX};
pub use tanhui_store::audit::{Totals, Violation};
use tanhui_store::{Database, StoreError};

pub use boards::{Boards, BoardsError, boards};
pub use recompute::{Recomputed, Sample, recompute};

/// What an audit found.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Rows that break an invariant, the first of each; empty when the books are right.
    pub violations: Vec<Violation>,
    /// How many rows break each invariant that is broken.
    pub broken: BTreeMap<&'static str, u64>,
    /// Sums over the whole ledger.
    pub totals: Totals,
}

/// How far an audit is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// What is being checked.
    pub name: &'static str,
    /// Ranges done.
    pub done: usize,
    /// Ranges in all; none where that is not known.
    pub of: Option<usize>,
}

/// Opens a database as it is, migrating and starting nothing; none when its schema is not this program's.
pub async fn open(database_url: &str) -> Result<Option<Database>, StoreError> {
    let database = Database::connect(database_url).await?;
    Ok(if database.is_current().await? { Some(database) } else { None })
}

/// Checks all invariants in one snapshot: while others write, it sees the books of the instant it began.
pub async fn run(database: &Database, mut progress: impl FnMut(Progress)) -> Result<Audit, StoreError> {
    let snapshot = database.snapshot().await?;
    let mut violations = Vec::new();
    let mut broken = BTreeMap::new();
    for name in audit::invariants() {
        let tell = |done, of| progress(Progress { name, done, of: Some(of) });
        let found = audit::check(&snapshot, name, tell).await?;
        if found.total > 0 {
            broken.insert(name, found.total);
        }
        violations.extend(found.named);
    }
    progress(Progress { name: "totals", done: 0, of: None });
    let mut audit = Audit { violations, broken, totals: audit::totals(&snapshot).await? };
    drop(snapshot);
    counts::check(database, &mut audit, &mut progress).await?;
    Ok(audit)
}

/// Adds a row at fault to those named while there is room.
fn name(named: &mut Vec<Violation>, invariant: &'static str, detail: String) {
    if named.len() < VIOLATIONS_NAMED_MAX {
        named.push(Violation { invariant, detail });
    }
}
