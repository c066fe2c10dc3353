//! The raw floor: the rows that the server writes, by hand-written array SQL, and nothing else. No subject is
//! resolved, no rule evaluated, no usage read, no lock waited for: each connection has citizens of its own.
//!
//! It follows the store's layout, so a new layout is a new floor; the audit of its database says whether the
//! rows are still the same.

use sqlx::{Connection as _, PgConnection, PgTransaction, Row as _};
use tanhui_domain::time::{Clock as _, to_micros};
use tanhui_service::clock::SystemClock;
use uuid::Uuid;

use crate::draw::Dice;
use crate::error::BenchError;
use crate::load::{Answer, Caller};
use crate::place::Place;

/// What every row has in common, read from the first event that the server itself credited.
#[derive(Debug, Clone)]
pub struct Pattern {
    city: i64,
    programme: Uuid,
    source: i32,
    rule_set: i32,
    action: String,
    occurred_at_us: i64,
    points: i64,
    reduction_mg: i64,
    receipt: Vec<u8>,
    day: i32,
    quantity: i64,
    expires_day: i32,
    spendable_day: i32,
}

impl Pattern {
    /// Reads it from a founded town.
    pub async fn read(place: &Place, database: &str) -> Result<Self, BenchError> {
        let sql =
            "SELECT c.id, c.programme_id, a.source_id, a.rule_set_id, a.action, a.occurred_at_us, a.points,
                a.reduction_mg, a.receipt, d.day, d.quantity, l.expires_day, l.spendable_day
            FROM cities c, activities a JOIN activity_days d ON d.citizen_id = a.citizen_id
            JOIN lots l ON l.citizen_id = a.citizen_id";
        let mut connection = place.connect(database).await?;
        let row = sqlx::query(sql).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(Self {
            city: row.try_get(0)?,
            programme: row.try_get(1)?,
            source: row.try_get(2)?,
            rule_set: row.try_get(3)?,
            action: row.try_get(4)?,
            occurred_at_us: row.try_get(5)?,
            points: row.try_get(6)?,
            reduction_mg: row.try_get(7)?,
            receipt: row.try_get(8)?,
            day: row.try_get(9)?,
            quantity: row.try_get(10)?,
            expires_day: row.try_get(11)?,
            spendable_day: row.try_get(12)?,
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Account {
    owner: Uuid,
    version: i64,
    points: i64,
    reduction_mg: i64,
}

/// One connection with its own citizens.
pub struct Mason {
    connection: PgConnection,
    pattern: Pattern,
    accounts: Vec<Account>,
    batch: u32,
    dice: Dice,
    prefix: String,
    serial: u64,
    rows: Rows,
}

/// A batch column by column.
#[derive(Debug, Default)]
struct Rows {
    recorded_at_us: i64,
    ids: Vec<Uuid>,
    external_ids: Vec<String>,
    owners: Vec<Uuid>,
    versions: Vec<i32>,
    points_after: Vec<i64>,
    reductions_after: Vec<i64>,
    /// Per citizen: places in [`Mason::accounts`], and how many events.
    changed: Vec<usize>,
    counts: Vec<i64>,
}

impl Mason {
    /// Connects and takes every `of`-th citizen, beginning with the `nth`.
    pub async fn connect(
        place: &Place,
        database: &str,
        pattern: &Pattern,
        batch: u32,
        (nth, of): (u32, u32),
        prefix: String,
        seed: u64,
    ) -> Result<Self, BenchError> {
        let mut connection = place.connect(database).await?;
        let sql = "SELECT owner_id, version, points, reduction_mg FROM (
                SELECT a.*, row_number() OVER (ORDER BY owner_id) AS number
                FROM accounts a WHERE kind = 1) AS a
            WHERE number % $2 = $1";
        let rows =
            sqlx::query(sql).bind(i64::from(nth)).bind(i64::from(of)).fetch_all(&mut connection).await?;
        let account = |row: &sqlx::postgres::PgRow| {
            Ok::<_, sqlx::Error>(Account {
                owner: row.try_get(0)?,
                version: row.try_get(1)?,
                points: row.try_get(2)?,
                reduction_mg: row.try_get(3)?,
            })
        };
        let accounts = rows.iter().map(account).collect::<Result<_, _>>()?;
        let (pattern, dice) = (pattern.clone(), Dice::seeded(seed));
        Ok(Self { connection, pattern, accounts, batch, dice, prefix, serial: 0, rows: Rows::default() })
    }

    fn draw(&mut self) -> usize {
        let bound = u64::try_from(self.accounts.len()).unwrap_or(0);
        usize::try_from(self.dice.below(bound)).unwrap_or(0)
    }
}

impl Caller for Mason {
    fn events_per_call(&self) -> u64 {
        u64::from(self.batch)
    }

    fn prepare(&mut self) {
        let mut rows =
            Rows { recorded_at_us: to_micros(SystemClock.now()).timestamp_micros(), ..Rows::default() };
        let mut drawn: Vec<usize> = (0..self.batch).map(|_| self.draw()).collect();
        drawn.sort_unstable();
        for place in drawn {
            let Some(account) = self.accounts.get_mut(place) else { continue };
            account.version = account.version.saturating_add(1);
            account.points = account.points.saturating_add(self.pattern.points);
            account.reduction_mg = account.reduction_mg.saturating_add(self.pattern.reduction_mg);
            self.serial = self.serial.saturating_add(1);
            rows.ids.push(self.dice.uuid());
            rows.external_ids.push(format!("{}-{:07}", self.prefix, self.serial));
            rows.owners.push(account.owner);
            rows.versions.push(i32::try_from(account.version).unwrap_or(i32::MAX));
            rows.points_after.push(account.points);
            rows.reductions_after.push(account.reduction_mg);
            match (rows.changed.last(), rows.counts.last_mut()) {
                (Some(last), Some(count)) if *last == place => *count = count.saturating_add(1),
                (_, _) => {
                    rows.changed.push(place);
                    rows.counts.push(1);
                }
            }
        }
        self.rows = rows;
    }

    async fn call(&mut self) -> Result<Answer, BenchError> {
        let changed: Vec<Account> =
            self.rows.changed.iter().filter_map(|place| self.accounts.get(*place).copied()).collect();
        let mut transaction = self.connection.begin().await?;
        let batch = Batch { pattern: &self.pattern, rows: &self.rows, changed: &changed };
        let journal = batch.open_journal(&mut transaction).await?;
        batch.write_activities(&mut transaction, journal).await?;
        batch.write_sums(&mut transaction).await?;
        batch.close_journal(&mut transaction, journal).await?;
        transaction.commit().await?;
        Ok(Answer::Credited)
    }
}

struct Batch<'a> {
    pattern: &'a Pattern,
    rows: &'a Rows,
    changed: &'a [Account],
}

impl Batch<'_> {
    async fn open_journal(&self, on: &mut PgTransaction<'_>) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(
            "INSERT INTO journals (city_id, kind, occurred_at_us, recorded_at_us) VALUES ($1, 1, $2, $2)
             RETURNING id",
        )
        .bind(self.pattern.city)
        .bind(self.rows.recorded_at_us)
        .fetch_one(&mut **on)
        .await
    }

    async fn write_activities(&self, on: &mut PgTransaction<'_>, journal: i64) -> Result<(), sqlx::Error> {
        let (pattern, rows) = (self.pattern, self.rows);
        sqlx::query(
            "INSERT INTO activity_keys (id, citizen_id, recorded_at_us)
             SELECT *, $3 FROM UNNEST($1::uuid[], $2::uuid[])",
        )
        .bind(&rows.ids)
        .bind(&rows.owners)
        .bind(rows.recorded_at_us)
        .execute(&mut **on)
        .await?;
        sqlx::query(
            "INSERT INTO activities (id, citizen_id, external_id, posting_version, points_after,
                reduction_after_mg, journal_id, source_id, action, status, rule_set_id, occurred_at_us,
                recorded_at_us, points, reduction_mg, code, receipt)
             SELECT *, $7, $8, $9, 1, $10, $11, $12, $13, $14, '', $15
             FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::bigint[], $6::bigint[])",
        )
        .bind(&rows.ids)
        .bind(&rows.owners)
        .bind(&rows.external_ids)
        .bind(&rows.versions)
        .bind(&rows.points_after)
        .bind(&rows.reductions_after)
        .bind(journal)
        .bind(pattern.source)
        .bind(&pattern.action)
        .bind(pattern.rule_set)
        .bind(pattern.occurred_at_us)
        .bind(rows.recorded_at_us)
        .bind(pattern.points)
        .bind(pattern.reduction_mg)
        .bind(&pattern.receipt)
        .execute(&mut **on)
        .await?;
        Ok(())
    }

    async fn write_sums(&self, on: &mut PgTransaction<'_>) -> Result<(), sqlx::Error> {
        let (pattern, rows) = (self.pattern, self.rows);
        let owners: Vec<Uuid> = self.changed.iter().map(|account| account.owner).collect();
        sqlx::query(
            "INSERT INTO activity_days AS d (citizen_id, events, action, day, points, reduction_mg, quantity,
                changed_at_us)
             SELECT citizen_id, n, $3, $4, n * $5, n * $6, n * $7, $8
             FROM UNNEST($1::uuid[], $2::bigint[]) AS r(citizen_id, n)
             ON CONFLICT (citizen_id, action, day) DO UPDATE SET events = d.events + excluded.events,
                points = d.points + excluded.points, reduction_mg = d.reduction_mg + excluded.reduction_mg,
                quantity = d.quantity + excluded.quantity, changed_at_us = excluded.changed_at_us",
        )
        .bind(&owners)
        .bind(&rows.counts)
        .bind(&pattern.action)
        .bind(pattern.day)
        .bind(pattern.points)
        .bind(pattern.reduction_mg)
        .bind(pattern.quantity)
        .bind(rows.recorded_at_us)
        .execute(&mut **on)
        .await?;
        sqlx::query(
            "INSERT INTO lots AS l (citizen_id, expires_day, spendable_day, points_granted, points_left,
                points_expired)
             SELECT citizen_id, $3, $5, n * $4, n * $4, 0
             FROM UNNEST($1::uuid[], $2::bigint[]) AS r(citizen_id, n)
             ON CONFLICT (citizen_id, expires_day, spendable_day) DO UPDATE SET
                points_granted = l.points_granted + excluded.points_granted,
                points_left = l.points_left + excluded.points_left",
        )
        .bind(&owners)
        .bind(&rows.counts)
        .bind(pattern.expires_day)
        .bind(pattern.points)
        .bind(pattern.spendable_day)
        .execute(&mut **on)
        .await?;
        sqlx::query(
            "UPDATE accounts SET version = r.version, points = r.points, reduction_mg = r.reduction_mg
             FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])
                AS r(owner_id, version, points, reduction_mg)
             WHERE accounts.owner_id = r.owner_id",
        )
        .bind(&owners)
        .bind(self.changed.iter().map(|account| account.version).collect::<Vec<_>>())
        .bind(self.changed.iter().map(|account| account.points).collect::<Vec<_>>())
        .bind(self.changed.iter().map(|account| account.reduction_mg).collect::<Vec<_>>())
        .execute(&mut **on)
        .await?;
        Ok(())
    }

    /// The programme's row is locked by its update, so this comes last.
    async fn close_journal(&self, on: &mut PgTransaction<'_>, journal: i64) -> Result<(), sqlx::Error> {
        let (pattern, rows) = (self.pattern, self.rows);
        let count = i64::try_from(rows.ids.len()).unwrap_or(i64::MAX);
        sqlx::query(
            "WITH programme AS (
                UPDATE accounts SET version = version + 1, points = points - $2,
                    reduction_mg = reduction_mg - $3
                WHERE owner_id = $1 RETURNING version, points, reduction_mg)
             INSERT INTO postings (owner_id, version, journal_id, recorded_at_us, points, reduction_mg,
                payable_fen, points_after, reduction_after_mg, payable_after_fen)
             SELECT $1, version, $4, $5, -$2, -$3, 0, points, reduction_mg, 0 FROM programme",
        )
        .bind(pattern.programme)
        .bind(count.saturating_mul(pattern.points))
        .bind(count.saturating_mul(pattern.reduction_mg))
        .bind(journal)
        .bind(rows.recorded_at_us)
        .execute(&mut **on)
        .await?;
        Ok(())
    }
}
