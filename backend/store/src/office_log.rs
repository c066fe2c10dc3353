//! Who did what to whose books. Lines are added, never changed.

use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::office::{Act, Actor, Deed};
use tanhui_domain::text::Text;
use uuid::Uuid;

use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one};

const COLUMNS: &str = "id, city_id, act, subject_id, citizen_id, actor, reason_zh, reason_en, done_at_us";

/// Adds a line.
pub async fn insert(on: &Transaction, deed: &Deed) -> Result<(), StoreError> {
    execute(
        on,
        "INSERT INTO office_log
           (city_id, act, subject_id, citizen_id, actor, reason_zh, reason_en, done_at_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            deed.city.get().into(),
            act_number(deed.act).into(),
            deed.subject.into(),
            deed.citizen.get().into(),
            deed.actor.word().into(),
            deed.reason.zh.clone().into(),
            deed.reason.en.clone().into(),
            micros(deed.done_at).into(),
        ],
    )
    .await
    .map(|_| ())
}

/// Lines of a city with their numbers, the last first, beginning before a number.
pub async fn page<C: Connected>(
    on: &C,
    city: CityId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<(i64, Deed)>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM office_log WHERE city_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    let before = before.unwrap_or(i64::MAX);
    let rows = query_all(on, &sql, [city.get().into(), before.into(), limit.into()]).await?;
    rows.iter().map(|row| Ok((row.bigint(0)?, read(row)?))).collect()
}

/// The last line about an activity or adjustment.
pub async fn last_about<C: Connected>(on: &C, subject: Uuid) -> Result<Option<Deed>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM office_log WHERE subject_id = $1 ORDER BY id DESC LIMIT 1");
    query_one(on, &sql, [subject.into()]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Deed, StoreError> {
    Ok(Deed {
        city: CityId::new(row.bigint(1)?),
        act: act(row.get(2)?)?,
        subject: row.uuid(3)?,
        citizen: CitizenId::new(row.uuid(4)?),
        actor: row.known(5, Actor::from_word)?,
        reason: Text::new(row.text(6)?, row.text(7)?),
        done_at: row.instant(8)?,
    })
}

fn act_number(act: Act) -> i32 {
    match act {
        Act::Reversed => 1,
        Act::AdjustmentProposed => 2,
        Act::AdjustmentApproved => 3,
        Act::AdjustmentRefused => 4,
        Act::Released => 5,
        Act::Rejected => 6,
    }
}

fn act(number: i32) -> Result<Act, StoreError> {
    Act::ALL
        .into_iter()
        .find(|act| act_number(*act) == number)
        .ok_or_else(|| StoreError::Corrupt(format!("act {number} in the office log")))
}
