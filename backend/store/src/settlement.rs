//! Merchants' statements: runs of lines on a merchant's account, and the steps that people took with them.

use chrono::{DateTime, Utc};
use tanhui_domain::amount::{Fen, Points};
use tanhui_domain::id::{CitizenId, CityId, MerchantId, StatementId};
use tanhui_domain::ledger::JournalKind;
use tanhui_domain::settlement::{Due, MerchantStatement, StatementStatus};
use tanhui_domain::text::Text;

use crate::account::journal_kind;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, expect_rows, micros, query_all, query_one};

const COLUMNS: &str = "s.id, s.city_id, s.merchant_id, s.number, s.after_line, s.last_line, s.uses, s.voids,
    s.adjustments, s.due_fen, s.status, s.closed_at_us, s.submitted_by, s.approved_by, s.paid_at_us, s.note";

/// Merchants of a city whose account has lines that no statement holds, in id order, beginning after one.
pub async fn merchants_with_open_lines<C: Connected>(
    on: &C,
    city: CityId,
    after: MerchantId,
    limit: i64,
) -> Result<Vec<MerchantId>, StoreError> {
    let sql = "SELECT m.id FROM merchants m JOIN accounts a ON a.owner_id = m.id
               WHERE m.city_id = $1 AND m.id > $2 AND a.version > COALESCE(
                 (SELECT MAX(s.last_line) FROM merchant_statements s WHERE s.merchant_id = m.id), 0)
               ORDER BY m.id LIMIT $3";
    let rows = query_all(on, sql, [city.get().into(), after.get().into(), limit.into()]).await?;
    rows.iter().map(|row| Ok(MerchantId::new(row.uuid(0)?))).collect()
}

/// A merchant's last statement.
pub async fn last<C: Connected>(
    on: &C,
    merchant: MerchantId,
) -> Result<Option<MerchantStatement>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM merchant_statements s WHERE s.merchant_id = $1 ORDER BY s.number DESC LIMIT 1"
    );
    query_one(on, &sql, [merchant.get().into()]).await?.as_ref().map(read).transpose()
}

/// The number of a merchant's last line written before an instant.
pub async fn last_line_before<C: Connected>(
    on: &C,
    merchant: MerchantId,
    before: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let sql = "SELECT version FROM postings WHERE owner_id = $1 AND recorded_at_us < $2
               ORDER BY version DESC LIMIT 1";
    let row = query_one(on, sql, [merchant.get().into(), micros(before).into()]).await?;
    row.map_or(Ok(0), |row| row.bigint(0))
}

/// What the lines of a merchant's account come to, from one line (not in it) to another.
pub async fn due<C: Connected>(
    on: &C,
    merchant: MerchantId,
    after_line: i64,
    last_line: i64,
) -> Result<Due, StoreError> {
    let sql = "SELECT j.kind, COUNT(*), CAST(SUM(p.payable_fen) AS BIGINT)
               FROM postings p JOIN journals j ON j.id = p.journal_id
               WHERE p.owner_id = $1 AND p.version > $2 AND p.version <= $3 GROUP BY j.kind";
    let values = [merchant.get().into(), after_line.into(), last_line.into()];
    let rows = query_all(on, sql, values).await?;
    rows.iter().try_fold(Due::default(), |due, row| {
        due.add(journal_kind(row.get(0)?)?, row.bigint(1)?, Fen::new(row.bigint(2)?))
            .map_err(|error| StoreError::Corrupt(error.to_string()))
    })
}

/// A new statement.
pub async fn insert(on: &Transaction, statement: &MerchantStatement) -> Result<(), StoreError> {
    execute(
        on,
        "INSERT INTO merchant_statements (id, city_id, merchant_id, number, after_line, last_line, uses,
            voids, adjustments, due_fen, status, closed_at_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            statement.id.get().into(),
            statement.city.get().into(),
            statement.merchant.get().into(),
            statement.number.into(),
            statement.after_line.into(),
            statement.last_line.into(),
            statement.due.uses.into(),
            statement.due.voids.into(),
            statement.due.adjustments.into(),
            statement.due.fen.get().into(),
            statement.status.word().into(),
            micros(statement.closed_at).into(),
        ],
    )
    .await
    .map(|_| ())
}

/// Locks a statement of a city and reads it.
pub async fn lock(
    on: &Transaction,
    city: CityId,
    id: StatementId,
) -> Result<Option<MerchantStatement>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM merchant_statements s WHERE s.id = $1 AND s.city_id = $2{}",
        on.for_update()
    );
    query_one(on, &sql, [id.get().into(), city.get().into()]).await?.as_ref().map(read).transpose()
}

/// Writes where a locked statement is now, and who took it there.
pub async fn write_step(
    on: &Transaction,
    statement: &MerchantStatement,
    by: CitizenId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "UPDATE merchant_statements SET status = $2, submitted_by = $3, approved_by = $4,
                 paid_at_us = $5, note = $6 WHERE id = $1";
    let values = [
        statement.id.get().into(),
        statement.status.word().into(),
        statement.submitted_by.map(CitizenId::get).into(),
        statement.approved_by.map(CitizenId::get).into(),
        statement.paid_at.map(micros).into(),
        statement.note.clone().into(),
    ];
    expect_rows(execute(on, sql, values).await?, 1, "a statement is missing")?;
    let sql =
        "INSERT INTO merchant_statement_steps (statement_id, step_no, status, taken_by, taken_at_us, note)
               SELECT $1, COUNT(*) + 1, $2, $3, $4, $5 FROM merchant_statement_steps WHERE statement_id = $1";
    let values = [
        statement.id.get().into(),
        statement.status.word().into(),
        by.get().into(),
        micros(at).into(),
        statement.note.clone().into(),
    ];
    execute(on, sql, values).await.map(|_| ())
}

/// Whether a person took a step with a statement at one instant.
pub async fn was_taken_at<C: Connected>(
    on: &C,
    id: StatementId,
    by: CitizenId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM merchant_statement_steps
               WHERE statement_id = $1 AND taken_by = $2 AND taken_at_us = $3 LIMIT 1";
    Ok(query_one(on, sql, [id.get().into(), by.get().into(), micros(at).into()]).await?.is_some())
}

/// One statement of a merchant.
pub async fn find_of_merchant<C: Connected>(
    on: &C,
    merchant: MerchantId,
    id: StatementId,
) -> Result<Option<MerchantStatement>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM merchant_statements s WHERE s.id = $1 AND s.merchant_id = $2");
    query_one(on, &sql, [id.get().into(), merchant.get().into()]).await?.as_ref().map(read).transpose()
}

/// A merchant's statements, the last first, beginning before a number.
pub async fn page_of_merchant<C: Connected>(
    on: &C,
    merchant: MerchantId,
    before_number: i64,
    limit: i64,
) -> Result<Vec<MerchantStatement>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM merchant_statements s WHERE s.merchant_id = $1 AND s.number < $2
         ORDER BY s.number DESC LIMIT $3"
    );
    let values = [merchant.get().into(), before_number.into(), limit.into()];
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// A city's statements of one status with the merchants' names, in id order, beginning after one.
pub async fn page_of_city<C: Connected>(
    on: &C,
    city: CityId,
    status: StatementStatus,
    after: Option<StatementId>,
    limit: i64,
) -> Result<Vec<(MerchantStatement, String)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, m.name FROM merchant_statements s JOIN merchants m ON m.id = s.merchant_id
         WHERE s.city_id = $1 AND s.status = $2 AND s.id > $3 ORDER BY s.id LIMIT $4"
    );
    let after = after.map_or(uuid::Uuid::nil(), StatementId::get);
    let values = [city.get().into(), status.word().into(), after.into(), limit.into()];
    query_all(on, &sql, values).await?.iter().map(|row| Ok((read(row)?, row.text(16)?))).collect()
}

/// One line of a merchant's statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledLine {
    /// Its number on the merchant's account.
    pub number: i64,
    /// Why it was written.
    pub kind: JournalKind,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// The voucher's code, where one is behind it.
    pub code: Option<String>,
    /// What the voucher was for and its price in points.
    pub offer: Option<(Text, Points)>,
    /// What the city owes more for it.
    pub payable: Fen,
    /// What the city owes in all after it.
    pub payable_after: Fen,
}

/// Lines of a merchant's account after one line up to another, in order.
pub async fn lines<C: Connected>(
    on: &C,
    merchant: MerchantId,
    after_line: i64,
    last_line: i64,
    limit: i64,
) -> Result<Vec<SettledLine>, StoreError> {
    let sql = "SELECT p.version, j.kind, p.recorded_at_us, v.code, o.title_zh, o.title_en, o.price_points,
                 p.payable_fen, p.payable_after_fen
               FROM postings p JOIN journals j ON j.id = p.journal_id
               LEFT JOIN vouchers v ON v.id = p.cause LEFT JOIN offers o ON o.id = v.offer_id
               WHERE p.owner_id = $1 AND p.version > $2 AND p.version <= $3 ORDER BY p.version LIMIT $4";
    let values = [merchant.get().into(), after_line.into(), last_line.into(), limit.into()];
    let rows = query_all(on, sql, values).await?;
    rows.iter()
        .map(|row| {
            let title = row.get::<Option<String>>(4)?.zip(row.get::<Option<String>>(5)?);
            let price = row.get::<Option<i64>>(6)?.map(Points::new);
            Ok(SettledLine {
                number: row.bigint(0)?,
                kind: journal_kind(row.get(1)?)?,
                recorded_at: row.instant(2)?,
                code: row.get(3)?,
                offer: title.map(|(zh, en)| Text::new(zh, en)).zip(price),
                payable: Fen::new(row.bigint(7)?),
                payable_after: Fen::new(row.bigint(8)?),
            })
        })
        .collect()
}

fn read(row: &Row) -> Result<MerchantStatement, StoreError> {
    Ok(MerchantStatement {
        id: StatementId::new(row.uuid(0)?),
        city: CityId::new(row.bigint(1)?),
        merchant: MerchantId::new(row.uuid(2)?),
        number: row.bigint(3)?,
        after_line: row.bigint(4)?,
        last_line: row.bigint(5)?,
        due: Due {
            uses: row.bigint(6)?,
            voids: row.bigint(7)?,
            adjustments: row.bigint(8)?,
            fen: Fen::new(row.bigint(9)?),
        },
        status: row.known(10, StatementStatus::from_word)?,
        closed_at: row.instant(11)?,
        submitted_by: row.get::<Option<uuid::Uuid>>(12)?.map(CitizenId::new),
        approved_by: row.get::<Option<uuid::Uuid>>(13)?.map(CitizenId::new),
        paid_at: row.maybe_instant(14)?,
        note: row.get(15)?,
    })
}
