//! Which citizen a card, meter or account belongs to. Subjects are known by keyed hash only.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tanhui_domain::city::Binding;
use tanhui_domain::id::{BindingId, CitizenId, SourceId};

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all};

/// Keyed hash of a subject.
pub type SubjectHash = [u8; 32];

/// A binding to be made.
#[derive(Debug, Clone)]
pub struct NewBinding {
    /// Its id.
    pub id: BindingId,
    /// Who binds.
    pub citizen: CitizenId,
    /// The source that knows the subject.
    pub source: SourceId,
    /// The subject.
    pub subject: SubjectHash,
    /// Last characters of the subject.
    pub subject_hint: String,
}

/// Who has bound which of these subjects of a source.
pub async fn owners<C: Connected>(
    on: &C,
    source: SourceId,
    subjects: &[SubjectHash],
) -> Result<HashMap<SubjectHash, CitizenId>, StoreError> {
    let (table, mut values) =
        Columns::new().bytes("subject", subjects.iter().map(|hash| hash.to_vec())).table(on.engine());
    values.push(source.get().into());
    let sql = format!(
        "SELECT b.subject_hash, b.citizen_id FROM bindings b
         WHERE b.source_id = $2 AND b.ended_at_us IS NULL AND b.subject_hash IN (SELECT r.subject
             FROM {table})"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter().map(|row| Ok((subject(row, 0)?, CitizenId::new(row.uuid(1)?)))).collect()
}

/// The live bindings of a citizen, oldest first.
pub async fn list<C: Connected>(on: &C, citizen: CitizenId) -> Result<Vec<Binding>, StoreError> {
    let sql = "SELECT b.id, b.citizen_id, s.uri, b.subject_hint, b.bound_at_us
               FROM bindings b JOIN sources s ON s.id = b.source_id
               WHERE b.citizen_id = $1 AND b.ended_at_us IS NULL ORDER BY b.bound_at_us, b.id";
    let rows = query_all(on, sql, [citizen.get().into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Binding {
                id: BindingId::new(row.uuid(0)?),
                citizen: CitizenId::new(row.uuid(1)?),
                source: row.text(2)?,
                subject_hint: row.text(3)?,
                bound_at: row.instant(4)?,
            })
        })
        .collect()
}

/// Makes bindings; fails with [`StoreError::Exists`] where a subject is bound already.
pub async fn insert_many(
    on: &Transaction,
    bindings: &[NewBinding],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (table, values) = Columns::new()
        .uuid("id", bindings.iter().map(|binding| binding.id.get()))
        .uuid("citizen_id", bindings.iter().map(|binding| binding.citizen.get()))
        .bigint("source_id", bindings.iter().map(|binding| binding.source.get()))
        .bytes("subject_hash", bindings.iter().map(|binding| binding.subject.to_vec()))
        .text("subject_hint", bindings.iter().map(|binding| binding.subject_hint.clone()))
        .bigint("bound_at_us", bindings.iter().map(|_| micros(at)))
        .table(on.engine());
    let sql = format!(
        "INSERT INTO bindings (id, citizen_id, source_id, subject_hash, subject_hint, bound_at_us)
         SELECT id, citizen_id, source_id, subject_hash, subject_hint, bound_at_us FROM {table} WHERE true"
    );
    execute(on, &sql, values).await.map(|_| ())
}

/// Ends a citizen's own binding; false when there is no such binding.
pub async fn end(
    on: &Transaction,
    id: BindingId,
    citizen: CitizenId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql =
        "UPDATE bindings SET ended_at_us = $3 WHERE id = $1 AND citizen_id = $2 AND ended_at_us IS NULL";
    let ended = execute(on, sql, [id.get().into(), citizen.get().into(), micros(at).into()]).await?;
    Ok(ended > 0)
}

pub(crate) fn subject(row: &Row, column: usize) -> Result<SubjectHash, StoreError> {
    let bytes: Vec<u8> = row.get(column)?;
    SubjectHash::try_from(bytes).map_err(|_| StoreError::Corrupt("subject hash is not 32 bytes".to_owned()))
}
