//! Who did what to whose books. Lines are added, never changed.

use tanhui_domain::id::{ActivityId, CitizenId, CityId};
use tanhui_domain::office::{Act, Actor, Deed};
use tanhui_domain::text::Text;
use uuid::Uuid;

use crate::columns::Columns;
use crate::database::{Connected, Transaction};
use crate::error::StoreError;
use crate::row::{Row, execute, micros, query_all, query_one};

/// Stands for no citizen.
const NOBODY: Uuid = Uuid::nil();

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
            deed.citizen.map_or(NOBODY, CitizenId::get).into(),
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

/// The last line about a subject that is one of some acts.
pub async fn last_of<C: Connected>(on: &C, subject: Uuid, acts: &[Act]) -> Result<Option<Deed>, StoreError> {
    let numbers: Vec<String> = acts.iter().map(|act| act_number(*act).to_string()).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM office_log WHERE subject_id = $1 AND act IN ({}) ORDER BY id DESC LIMIT 1",
        numbers.join(", ")
    );
    query_one(on, &sql, [subject.into()]).await?.as_ref().map(read).transpose()
}

/// Why people undid or refused activities, of those that they did.
pub async fn reasons<C: Connected>(
    on: &C,
    ids: &[ActivityId],
) -> Result<Vec<(ActivityId, Text)>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!(
        "SELECT l.subject_id, l.reason_zh, l.reason_en FROM {table} JOIN office_log l ON l.subject_id = r.id
         WHERE l.act IN (1, 6)"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter()
        .map(|row| Ok((ActivityId::new(row.uuid(0)?), Text::new(row.text(1)?, row.text(2)?))))
        .collect()
}

fn read(row: &Row) -> Result<Deed, StoreError> {
    Ok(Deed {
        city: CityId::new(row.bigint(1)?),
        act: act(row.get(2)?)?,
        subject: row.uuid(3)?,
        citizen: Some(row.uuid(4)?).filter(|id| *id != NOBODY).map(CitizenId::new),
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
        Act::MerchantApproved => 41,
        Act::MerchantReturned => 42,
        Act::MerchantRejected => 43,
        Act::MerchantSuspended => 44,
        Act::MerchantReinstated => 45,
        Act::MerchantClosed => 46,
        Act::StaffJoined => 47,
        Act::StaffRemoved => 48,
        Act::StaffInvited => 49,
        Act::InvitationWithdrawn => 50,
        Act::BranchOpened => 51,
        Act::BranchChanged => 52,
        Act::BranchClosed => 53,
        Act::WebhookAdded => 54,
        Act::WebhookRemoved => 55,
        Act::WebhookSecretRenewed => 56,
        Act::WebhookEnabled => 57,
    }
}

fn act(number: i32) -> Result<Act, StoreError> {
    Act::ALL
        .into_iter()
        .find(|act| act_number(*act) == number)
        .ok_or_else(|| StoreError::Corrupt(format!("act {number} in the office log")))
}
