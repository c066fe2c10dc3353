//! Statements that write many rows. Those of one journal travel together where the database can.

use sea_orm::Value;
use tanhui_domain::id::JournalId;
use tanhui_domain::ledger::Journal;

use crate::account;
use crate::columns::Columns;
use crate::database::{Connected as _, Engine, Transaction};
use crate::error::StoreError;
use crate::row::{execute, expect_rows, query_row};

/// Makes the statement, given the table expression of its rows and the id of the journal that it is part of.
type Text = Box<dyn FnOnce(&str, &str) -> String + Send>;

/// One statement that is not yet run.
pub(crate) struct Write {
    columns: Columns,
    text: Text,
    journal: Option<JournalId>,
    expected: Option<(usize, &'static str)>,
}

impl Write {
    /// A statement over the rows of a table expression.
    pub(crate) fn new(columns: Columns, text: impl FnOnce(&str) -> String + Send + 'static) -> Self {
        Self::of_journal(columns, move |table, _| text(table))
    }

    /// A statement that names its journal besides.
    pub(crate) fn of_journal(
        columns: Columns,
        text: impl FnOnce(&str, &str) -> String + Send + 'static,
    ) -> Self {
        Self { columns, text: Box::new(text), journal: None, expected: None }
    }

    /// In a journal that is written already.
    pub(crate) fn in_journal(self, journal: JournalId) -> Self {
        Self { journal: Some(journal), ..self }
    }

    /// Refuses to touch other than so many rows.
    pub(crate) fn touching(self, rows: usize, fault: &'static str) -> Self {
        Self { expected: Some((rows, fault)), ..self }
    }

    /// Runs it alone.
    pub(crate) async fn run(self, on: &Transaction) -> Result<(), StoreError> {
        let (table, mut values) = self.columns.table(on.engine());
        let mut journal = String::new();
        if let Some(id) = self.journal {
            values.push(id.get().into());
            journal = format!("CAST(${} AS BIGINT)", values.len());
        }
        let touched = execute(on, &(self.text)(&table, &journal), values).await?;
        self.expected.map_or(Ok(()), |(rows, fault)| expect_rows(touched, rows, fault))
    }
}

/// Writes the head of a journal and all statements of it: in one round trip on PostgreSQL, one after the other
/// on SQLite, which is no trip away.
pub(crate) async fn write_together(
    on: &Transaction,
    journal: &Journal,
    writes: Vec<Write>,
) -> Result<JournalId, StoreError> {
    match on.engine() {
        Engine::Postgres => at_once(on, journal, writes).await,
        Engine::Sqlite => {
            let id = account::open_journal(on, journal).await?;
            for write in writes {
                write.in_journal(id).run(on).await?;
            }
            Ok(id)
        }
    }
}

async fn at_once(on: &Transaction, journal: &Journal, writes: Vec<Write>) -> Result<JournalId, StoreError> {
    let mut values: Vec<Value> = account::journal_values(journal).into();
    let mut parts = vec![format!("journal AS ({})", account::INSERT_JOURNAL)];
    let mut counts = Vec::new();
    let mut expected = Vec::new();
    for (place, write) in writes.into_iter().enumerate() {
        let (table, own) = write.columns.unnested(values.len());
        values.extend(own);
        let text = (write.text)(&table, "(SELECT id FROM journal)");
        match write.expected {
            None => parts.push(format!("write_{place} AS ({text})")),
            Some(rows) => {
                parts.push(format!("write_{place} AS ({text} RETURNING 1)"));
                counts.push(format!(", (SELECT COUNT(*) FROM write_{place})"));
                expected.push(rows);
            }
        }
    }
    let sql = format!("WITH {} SELECT id{} FROM journal", parts.join(", "), counts.concat());
    let row = query_row(on, &sql, values).await?;
    for (column, (rows, fault)) in (1..).zip(expected) {
        expect_rows(u64::try_from(row.bigint(column)?).unwrap_or(0), rows, fault)?;
    }
    Ok(JournalId::new(row.bigint(0)?))
}
