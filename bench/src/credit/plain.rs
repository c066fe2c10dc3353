//! One transaction an event: event row, two transfers, two balances, by prepared statements. What one writes
//! without thinking of throughput; tables of its own, as narrow as that needs.

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use super::town::Town;
use crate::draw::{Dice, Draw};
use crate::error::BenchError;
use crate::load::{Answer, Caller};
use crate::place::Place;

const TABLES: &str = "
    CREATE TABLE events (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source_id INT NOT NULL, external_id TEXT NOT NULL,
        citizen_id BIGINT NOT NULL, action_id INT NOT NULL, occurred_at_us BIGINT NOT NULL,
        UNIQUE (source_id, external_id));
    CREATE TABLE transfers (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id BIGINT NOT NULL,
        citizen_id BIGINT NOT NULL, asset_id INT NOT NULL, amount BIGINT NOT NULL);
    CREATE TABLE balances (
        citizen_id BIGINT NOT NULL, asset_id INT NOT NULL, amount BIGINT NOT NULL,
        PRIMARY KEY (citizen_id, asset_id)) WITH (fillfactor = 70);";
const POINTS: i32 = 1;
const REDUCTION: i32 = 2;

/// Makes the tables and every citizen's two balances.
pub async fn found(place: &Place, database: &str, citizens: u32) -> Result<(), BenchError> {
    let mut connection = place.connect(database).await?;
    connection.execute(TABLES).await?;
    let sql = "INSERT INTO balances SELECT citizen, asset, 0
               FROM generate_series(0, $1 - 1) AS citizen, generate_series(1, 2) AS asset";
    sqlx::query(sql).bind(i64::from(citizens)).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// One connection.
pub struct Clerk {
    connection: PgConnection,
    town: Town,
    draw: Draw,
    dice: Dice,
    prefix: String,
    serial: u64,
    external_id: String,
    citizen: i64,
}

impl Clerk {
    /// Connects. The prefix must be no other caller's.
    pub async fn connect(
        place: &Place,
        database: &str,
        town: &Town,
        draw: Draw,
        prefix: String,
        seed: u64,
    ) -> Result<Self, BenchError> {
        Ok(Self {
            connection: place.connect(database).await?,
            town: town.clone(),
            draw,
            dice: Dice::seeded(seed),
            prefix,
            serial: 0,
            external_id: String::new(),
            citizen: 0,
        })
    }
}

impl Caller for Clerk {
    fn events_per_call(&self) -> u64 {
        1
    }

    fn prepare(&mut self) {
        self.serial = self.serial.saturating_add(1);
        self.external_id = format!("{}-{:07}", self.prefix, self.serial);
        self.citizen = i64::try_from(self.draw.next(&mut self.dice)).unwrap_or(0);
    }

    async fn call(&mut self) -> Result<Answer, BenchError> {
        let mut transaction = self.connection.begin().await?;
        let event: i64 = sqlx::query_scalar(
            "INSERT INTO events (source_id, external_id, citizen_id, action_id, occurred_at_us)
             VALUES (1, $1, $2, 1, $3) RETURNING id",
        )
        .bind(&self.external_id)
        .bind(self.citizen)
        .bind(self.town.occurred_at.timestamp_micros())
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO transfers (event_id, citizen_id, asset_id, amount)
             VALUES ($1, $2, $3, $4), ($1, $2, $5, $6)",
        )
        .bind(event)
        .bind(self.citizen)
        .bind(POINTS)
        .bind(self.town.points)
        .bind(REDUCTION)
        .bind(self.town.reduction_mg)
        .execute(&mut *transaction)
        .await?;
        for (asset, amount) in [(POINTS, self.town.points), (REDUCTION, self.town.reduction_mg)] {
            sqlx::query("UPDATE balances SET amount = amount + $3 WHERE citizen_id = $1 AND asset_id = $2")
                .bind(self.citizen)
                .bind(asset)
                .bind(amount)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(Answer::Credited)
    }
}

/// Fails unless every acknowledged event is there once and the balances are what they gave.
pub async fn check(place: &Place, database: &str, town: &Town, acknowledged: u64) -> Result<(), BenchError> {
    let mut connection = place.connect(database).await?;
    let sql = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM transfers),
        (SELECT sum(amount) FROM balances WHERE asset_id = 1)::bigint,
        (SELECT sum(amount) FROM balances WHERE asset_id = 2)::bigint";
    let row = sqlx::query(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    let found: [i64; 4] = [row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?];
    let events = i64::try_from(acknowledged).unwrap_or(i64::MAX);
    let times = |factor: i64| events.saturating_mul(factor);
    let expected = [events, times(2), times(town.points), times(town.reduction_mg)];
    if found == expected {
        return Ok(());
    }
    Err(BenchError::Wrong(format!(
        "plain: events, transfers, points, mg are {found:?}, expected {expected:?}"
    )))
}
