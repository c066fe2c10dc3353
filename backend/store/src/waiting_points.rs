//! Points that wait for a budget, from the promise to the last payment. Decides nothing; the citizens whose
//! rows are changed must be locked.

use chrono::{DateTime, NaiveDate, Utc};
use tanhui_domain::amount::Points;
use tanhui_domain::crediting::WaitingPoints;
use tanhui_domain::id::{ActivityId, CitizenId, CityId, RuleSetId};
use tanhui_domain::ledger::JournalKind;
use tanhui_domain::rule::{Shares, Spare};
use tanhui_domain::time::DayRange;

use crate::account::journal_kind_number;
use crate::columns::Columns;
use crate::database::{Connected, Transaction, day_numbers};
use crate::error::StoreError;
use crate::row::{Row, day_number, execute, expect_rows, micros, query_all, query_one, query_row};
use crate::write::Write;

const COLUMNS: &str = "w.place, w.activity_id, w.citizen_id, w.city_id, w.rule_set_id, w.credited_at_us,
    w.points_promised, w.points_due, w.points_paid, w.points_given_up, w.shares_from_day, w.shares_until_day,
    w.budget, w.action";
/// As the index of those that wait says it.
const OPEN: &str = "points_paid + points_given_up < points_promised";

/// Keeps what was promised, not yet run. Whoever promises under one budget holds its lock, so that places
/// are in order of the commits.
pub(crate) fn promising(all: &[WaitingPoints]) -> Write {
    let days = |waiting: &WaitingPoints| waiting.shares.map_or((0, 0), day_numbers);
    let columns = Columns::new()
        .int("n", (0..).take(all.len()))
        .uuid("activity_id", all.iter().map(|waiting| waiting.activity.get()))
        .uuid("citizen_id", all.iter().map(|waiting| waiting.citizen.get()))
        .bigint("city_id", all.iter().map(|waiting| waiting.city.get()))
        .bigint("rule_set_id", all.iter().map(|waiting| waiting.rule_set.get()))
        .bigint("credited_at_us", all.iter().map(|waiting| micros(waiting.credited_at)))
        .bigint("points_promised", all.iter().map(|waiting| waiting.promised.get()))
        .int("shares_from_day", all.iter().map(|waiting| days(waiting).0))
        .int("shares_until_day", all.iter().map(|waiting| days(waiting).1))
        .text("budget", all.iter().map(|waiting| waiting.budget.clone()))
        .text("action", all.iter().map(|waiting| waiting.action.clone()));
    let names = "activity_id, citizen_id, city_id, rule_set_id, credited_at_us, points_promised,
        shares_from_day, shares_until_day, budget, action";
    Write::new(columns, move |table| {
        format!(
            "INSERT INTO waiting_points ({names}, points_paid, points_given_up)
             SELECT {names}, 0, 0 FROM {table} WHERE true ORDER BY n"
        )
    })
}

/// What activities were promised, of those that were, the earliest first.
pub async fn of_activities<C: Connected>(
    on: &C,
    ids: &[ActivityId],
) -> Result<Vec<WaitingPoints>, StoreError> {
    let (table, values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    let sql = format!(
        "SELECT {COLUMNS} FROM {table} JOIN waiting_points w ON w.activity_id = r.id ORDER BY w.place"
    );
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// The payments of activities that waited: which, when and how much.
pub async fn payments<C: Connected>(
    on: &C,
    ids: &[ActivityId],
) -> Result<Vec<(ActivityId, DateTime<Utc>, Points)>, StoreError> {
    let (table, mut values) = Columns::new().uuid("id", ids.iter().map(|id| id.get())).table(on.engine());
    values.push(journal_kind_number(JournalKind::Payout).into());
    let sql = format!(
        "SELECT w.activity_id, p.recorded_at_us, p.points FROM {table}
         JOIN waiting_points w ON w.activity_id = r.id
         JOIN postings p ON p.owner_id = w.citizen_id AND p.cause = w.activity_id
         JOIN journals j ON j.id = p.journal_id WHERE j.kind = ${} ORDER BY p.owner_id, p.version",
        values.len()
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter()
        .map(|row| Ok((ActivityId::new(row.uuid(0)?), row.instant(1)?, Points::new(row.bigint(2)?))))
        .collect()
}

/// All that waits for a citizen.
pub async fn of_citizen<C: Connected>(on: &C, citizen: CitizenId) -> Result<Points, StoreError> {
    let sql = "SELECT CAST(COALESCE(SUM(points_promised - points_paid - points_given_up), 0) AS BIGINT)
               FROM waiting_points WHERE citizen_id = $1";
    Ok(Points::new(query_row(on, sql, [citizen.get().into()]).await?.bigint(0)?))
}

/// The first in the queue of a budget.
pub async fn queue<C: Connected>(
    on: &C,
    city: CityId,
    budget: &str,
    limit: i64,
) -> Result<Vec<WaitingPoints>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM waiting_points w WHERE w.city_id = $1 AND w.budget = $2
         AND w.shares_until_day = 0 AND {OPEN} ORDER BY w.place LIMIT $3"
    );
    let rows = query_all(on, &sql, [city.get().into(), budget.into(), limit.into()]).await?;
    rows.iter().map(read).collect()
}

/// Those that share a budget whose days are over, and know their share.
pub async fn with_share<C: Connected>(
    on: &C,
    city: CityId,
    budget: &str,
    limit: i64,
) -> Result<Vec<WaitingPoints>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM waiting_points w WHERE w.city_id = $1 AND w.budget = $2
         AND w.shares_until_day > 0 AND w.points_due IS NOT NULL AND {OPEN}
         ORDER BY w.shares_until_day, w.place LIMIT $3"
    );
    let rows = query_all(on, &sql, [city.get().into(), budget.into(), limit.into()]).await?;
    rows.iter().map(read).collect()
}

/// Those at these places that still wait, in order, as they are now.
pub async fn still_open(on: &Transaction, places: &[i64]) -> Result<Vec<WaitingPoints>, StoreError> {
    let (table, values) = Columns::new().bigint("place", places.iter().copied()).table(on.engine());
    let sql = format!(
        "SELECT {COLUMNS} FROM {table} JOIN waiting_points w ON w.place = r.place WHERE {OPEN}
         ORDER BY w.place"
    );
    query_all(on, &sql, values).await?.iter().map(read).collect()
}

/// What becomes of some points that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub place: i64,
    /// Paid now.
    pub paid: Points,
    /// Given up now.
    pub given_up: Points,
}

/// Writes what was paid and given up. More than waits is refused.
pub async fn change(on: &Transaction, changes: &[Change]) -> Result<(), StoreError> {
    let (table, values) = Columns::new()
        .bigint("place", changes.iter().map(|change| change.place))
        .bigint("paid", changes.iter().map(|change| change.paid.get()))
        .bigint("given_up", changes.iter().map(|change| change.given_up.get()))
        .table(on.engine());
    let sql = format!(
        "UPDATE waiting_points SET points_paid = points_paid + r.paid,
            points_given_up = points_given_up + r.given_up
         FROM {table} WHERE waiting_points.place = r.place"
    );
    expect_rows(execute(on, &sql, values).await?, changes.len(), "points that wait are missing")
}

/// The earliest days before a day whose shares of a budget are not settled.
pub async fn unsettled<C: Connected>(
    on: &C,
    city: CityId,
    budget: &str,
    today: NaiveDate,
) -> Result<Option<DayRange>, StoreError> {
    let sql = format!(
        "SELECT shares_from_day, shares_until_day FROM waiting_points
         WHERE city_id = $1 AND budget = $2 AND shares_until_day > 0 AND shares_until_day <= $3
         AND points_due IS NULL AND {OPEN} ORDER BY shares_until_day, shares_from_day LIMIT 1"
    );
    let values = [city.get().into(), budget.into(), day_number(today).into()];
    let row = query_one(on, &sql, values).await?;
    row.map(|row| Ok(DayRange { from: row.day(0)?, until: row.day(1)? })).transpose()
}

/// Claims of some days on a budget that have no share yet.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// The last place among them: what is promised later is settled later.
    pub last: i64,
    /// How many there are of each size.
    pub sizes: Vec<(Points, i64)>,
    /// What other claims of these days still are to be paid of it.
    pub due_to_others: Points,
}

/// The claims of some days on a budget.
pub async fn claims(
    on: &Transaction,
    city: CityId,
    budget: &str,
    days: DayRange,
) -> Result<Claims, StoreError> {
    let sql = format!(
        "SELECT CASE WHEN points_due IS NULL THEN 1 ELSE 0 END, points_promised, COUNT(*), MAX(place),
            CAST(SUM(COALESCE(points_due, 0) - points_paid) AS BIGINT)
         FROM waiting_points WHERE city_id = $1 AND budget = $2 AND shares_from_day = $3
         AND shares_until_day = $4 AND {OPEN} GROUP BY 1, 2 ORDER BY 2"
    );
    let (from, until) = day_numbers(days);
    let values = [city.get().into(), budget.into(), from.into(), until.into()];
    let mut claims = Claims::default();
    for row in query_all(on, &sql, values).await? {
        if row.get::<i32>(0)? == 1 {
            claims.sizes.push((Points::new(row.bigint(1)?), row.bigint(2)?));
            claims.last = claims.last.max(row.bigint(3)?);
        } else {
            let due = claims.due_to_others.plus(Points::new(row.bigint(4)?));
            claims.due_to_others = due.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        }
    }
    Ok(claims)
}

/// Writes the shares of claims up to a place, for good.
pub async fn settle(
    on: &Transaction,
    (city, budget): (CityId, &str),
    days: DayRange,
    (last, shares): (i64, &Shares),
) -> Result<(), StoreError> {
    let (from, until) = day_numbers(days);
    let of = shares.sizes.iter();
    let (table, mut values) = Columns::new()
        .bigint("claim", of.clone().map(|share| share.claim.get()))
        .bigint("share", of.clone().map(|share| share.share.get()))
        .int("spare", of.map(|share| spare_number(share.spare)))
        .table(on.engine());
    let first = values.len();
    values.extend([
        city.get().into(),
        budget.into(),
        from.into(),
        until.into(),
        last.into(),
        shares.first.into(),
    ]);
    let parameter = |place: usize| format!("${}", first.saturating_add(place));
    let [city, budget, from, until, last, lucky] = [1, 2, 3, 4, 5, 6].map(parameter);
    let claims = format!(
        "w.city_id = {city} AND w.budget = {budget} AND w.shares_from_day = {from}
         AND w.shares_until_day = {until} AND w.points_due IS NULL AND w.place <= {last} AND {OPEN}"
    );
    let sql = format!(
        "UPDATE waiting_points SET points_due = s.due FROM (
           SELECT w.place, r.share + CASE
             WHEN r.spare = 1 OR (r.spare = 2
               AND ROW_NUMBER() OVER (PARTITION BY r.spare ORDER BY w.place) <= {lucky})
             THEN 1 ELSE 0 END AS due
           FROM {table} JOIN waiting_points w ON w.points_promised = r.claim WHERE {claims}) s
         WHERE waiting_points.place = s.place"
    );
    execute(on, &sql, values).await.map(|_| ())
}

fn spare_number(spare: Spare) -> i32 {
    match spare {
        Spare::Nobody => 0,
        Spare::Everybody => 1,
        Spare::First => 2,
    }
}

fn read(row: &Row) -> Result<WaitingPoints, StoreError> {
    let shared = row.get::<i32>(11)? > 0;
    let days = DayRange { from: row.day(10)?, until: row.day(11)? };
    Ok(WaitingPoints {
        place: row.bigint(0)?,
        activity: ActivityId::new(row.uuid(1)?),
        citizen: CitizenId::new(row.uuid(2)?),
        city: CityId::new(row.bigint(3)?),
        rule_set: RuleSetId::new(row.bigint(4)?),
        credited_at: row.instant(5)?,
        promised: Points::new(row.bigint(6)?),
        due: row.get::<Option<i64>>(7)?.map(Points::new),
        paid: Points::new(row.bigint(8)?),
        given_up: Points::new(row.bigint(9)?),
        shares: shared.then_some(days),
        budget: row.text(12)?,
        action: row.text(13)?,
    })
}
