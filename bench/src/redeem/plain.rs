//! The plain transaction: lock the offer's row, look, take, write, commit, by prepared statements. What one
//! writes without thinking of throughput; tables of its own, as narrow as that needs. It cannot oversell
//! either.

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use super::report::Settings;
use crate::draw::Dice;
use crate::error::BenchError;
use crate::load::{Answer, Caller};
use crate::place::Place;

const TABLES: &str = "
    CREATE TABLE offers (
        id BIGINT PRIMARY KEY, price BIGINT NOT NULL, stock_left BIGINT NOT NULL CHECK (stock_left >= 0))
        WITH (fillfactor = 70);
    CREATE TABLE balances (
        citizen_id BIGINT PRIMARY KEY, points BIGINT NOT NULL CHECK (points >= 0)) WITH (fillfactor = 70);
    CREATE TABLE redemptions (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, citizen_id BIGINT NOT NULL,
        offer_id BIGINT NOT NULL, points BIGINT NOT NULL, redeemed_at TIMESTAMPTZ NOT NULL DEFAULT now());
    CREATE TABLE vouchers (
        code UUID PRIMARY KEY, redemption_id BIGINT NOT NULL, used_at TIMESTAMPTZ);";
const STOCK: i64 = 10_000_000;
const POINTS: i64 = 1_000_000;

/// Makes the tables, every offer and every citizen's balance.
pub async fn found(place: &Place, database: &str, settings: &Settings) -> Result<(), BenchError> {
    let mut connection = place.connect(database).await?;
    connection.execute(TABLES).await?;
    let sql = "INSERT INTO offers SELECT offer, 1, $2 FROM generate_series(0, $1 - 1) AS offer";
    sqlx::query(sql).bind(i64::from(settings.offers)).bind(STOCK).execute(&mut connection).await?;
    let sql = "INSERT INTO balances SELECT citizen, $2 FROM generate_series(0, $1 - 1) AS citizen";
    sqlx::query(sql).bind(i64::from(settings.citizens)).bind(POINTS).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// One connection.
pub struct Clerk {
    connection: PgConnection,
    citizens: u64,
    offers: u64,
    dice: Dice,
    citizen: i64,
    offer: i64,
    code: Uuid,
}

impl Clerk {
    /// Connects; draws citizens and offers alike.
    pub async fn connect(
        place: &Place,
        database: &str,
        (citizens, offers): (u32, u32),
        dice: Dice,
    ) -> Result<Self, BenchError> {
        Ok(Self {
            connection: place.connect(database).await?,
            citizens: u64::from(citizens),
            offers: u64::from(offers),
            dice,
            citizen: 0,
            offer: 0,
            code: Uuid::nil(),
        })
    }
}

impl Caller for Clerk {
    fn events_per_call(&self) -> u64 {
        1
    }

    fn prepare(&mut self) {
        self.citizen = i64::try_from(self.dice.below(self.citizens)).unwrap_or(0);
        self.offer = i64::try_from(self.dice.below(self.offers)).unwrap_or(0);
        self.code = self.dice.uuid();
    }

    async fn call(&mut self) -> Result<Answer, BenchError> {
        let mut transaction = self.connection.begin().await?;
        let on = &mut *transaction;
        let sql = "SELECT price, stock_left FROM offers WHERE id = $1 FOR UPDATE";
        let row = sqlx::query(sql).bind(self.offer).fetch_one(&mut *on).await?;
        let (price, left): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let sql = "SELECT points FROM balances WHERE citizen_id = $1 FOR UPDATE";
        let points: i64 = sqlx::query_scalar(sql).bind(self.citizen).fetch_one(&mut *on).await?;
        if left < 1 || points < price {
            return Ok(Answer::Shed);
        }
        sqlx::query("UPDATE offers SET stock_left = stock_left - 1 WHERE id = $1")
            .bind(self.offer)
            .execute(&mut *on)
            .await?;
        sqlx::query("UPDATE balances SET points = points - $2 WHERE citizen_id = $1")
            .bind(self.citizen)
            .bind(price)
            .execute(&mut *on)
            .await?;
        let sql = "INSERT INTO redemptions (citizen_id, offer_id, points) VALUES ($1, $2, $3) RETURNING id";
        let redemption: i64 = sqlx::query_scalar(sql)
            .bind(self.citizen)
            .bind(self.offer)
            .bind(price)
            .fetch_one(&mut *on)
            .await?;
        sqlx::query("INSERT INTO vouchers (code, redemption_id) VALUES ($1, $2)")
            .bind(self.code)
            .bind(redemption)
            .execute(&mut *on)
            .await?;
        transaction.commit().await?;
        Ok(Answer::Credited)
    }
}

/// Fails unless everything sold is there once, off the shelf and paid for.
pub async fn check(place: &Place, database: &str, sold: u64) -> Result<(), BenchError> {
    let mut connection = place.connect(database).await?;
    let sql = "SELECT (SELECT count(*) FROM redemptions), (SELECT count(*) FROM vouchers),
        (SELECT sum($1 - stock_left) FROM offers)::bigint, (SELECT sum($2 - points) FROM balances)::bigint";
    let row = sqlx::query(sql).bind(STOCK).bind(POINTS).fetch_one(&mut connection).await?;
    connection.close().await?;
    let found: [i64; 4] = [row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?];
    if found.iter().all(|count| u64::try_from(*count) == Ok(sold)) {
        return Ok(());
    }
    Err(BenchError::Wrong(format!("plain: {sold} sold; redemptions, vouchers, stock, points are {found:?}")))
}
