//! What a citizen was granted per action and civil day: the sums behind caps, and the scores behind boards.

use chrono::{DateTime, Utc};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::crediting::DayGrant;
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::rule::Usage;
use tanhui_domain::time::DayRange;

use crate::columns::Columns;
use crate::database::{Connected, Transaction, day_numbers};
use crate::error::StoreError;
use crate::row::{day_number, micros, query_all};
use crate::write::Write;

/// A window whose sums are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UsageWindow {
    /// Whose.
    pub citizen: CitizenId,
    /// For which action.
    pub action: String,
    /// Over which civil days.
    pub range: DayRange,
}

/// The sums of windows, in the order asked for.
pub async fn sums<C: Connected>(on: &C, windows: &[UsageWindow]) -> Result<Vec<Usage>, StoreError> {
    let (table, values) = Columns::new()
        .int("n", (0..).take(windows.len()))
        .uuid("citizen_id", windows.iter().map(|window| window.citizen.get()))
        .text("action", windows.iter().map(|window| window.action.clone()))
        .int("day_from", windows.iter().map(|window| day_numbers(window.range).0))
        .int("day_until", windows.iter().map(|window| day_numbers(window.range).1))
        .table(on.engine());
    let sql = format!(
        "SELECT r.n, CAST(SUM(d.events) AS BIGINT), CAST(SUM(d.points) AS BIGINT),
                CAST(SUM(d.reduction_mg) AS BIGINT), CAST(SUM(d.quantity) AS BIGINT)
         FROM {table} JOIN activity_days d
           ON d.citizen_id = r.citizen_id AND d.action = r.action AND d.day >= r.day_from
           AND d.day < r.day_until
         GROUP BY r.n"
    );
    let mut sums = vec![Usage::default(); windows.len()];
    for row in query_all(on, &sql, values).await? {
        let place = usize::try_from(row.get::<i32>(0)?).ok().and_then(|place| sums.get_mut(place));
        let sum = place.ok_or_else(|| StoreError::Corrupt("a window that was not asked for".to_owned()))?;
        *sum = Usage {
            events: row.bigint(1)?,
            points: Points::new(row.bigint(2)?),
            reduction: ReductionMg::new(row.bigint(3)?),
            quantity: row.bigint(4)?,
        };
    }
    Ok(sums)
}

/// Adds what a batch granted.
pub async fn add(on: &Transaction, grants: &[DayGrant], at: DateTime<Utc>) -> Result<(), StoreError> {
    adding(grants, at).run(on).await
}

/// Adds what a batch granted, not yet run.
pub(crate) fn adding(grants: &[DayGrant], at: DateTime<Utc>) -> Write {
    let columns = Columns::new()
        .uuid("citizen_id", grants.iter().map(|grant| grant.citizen.get()))
        .text("action", grants.iter().map(|grant| grant.action.clone()))
        .int("day", grants.iter().map(|grant| day_number(grant.day)))
        .bigint("events", grants.iter().map(|grant| grant.granted.events))
        .bigint("points", grants.iter().map(|grant| grant.granted.points.get()))
        .bigint("reduction_mg", grants.iter().map(|grant| grant.granted.reduction.get()))
        .bigint("quantity", grants.iter().map(|grant| grant.granted.quantity))
        .bigint("changed_at_us", grants.iter().map(|_| micros(at)));
    let names = "citizen_id, action, day, events, points, reduction_mg, quantity, changed_at_us";
    Write::new(columns, move |table| {
        format!(
            "INSERT INTO activity_days ({names}) SELECT {names} FROM {table} WHERE true
             ON CONFLICT (citizen_id, action, day) DO UPDATE SET
               events = activity_days.events + excluded.events,
               points = activity_days.points + excluded.points,
               reduction_mg = activity_days.reduction_mg + excluded.reduction_mg,
               quantity = activity_days.quantity + excluded.quantity,
               changed_at_us = excluded.changed_at_us"
        )
    })
}

/// A citizen's total over some days, and since when it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// Who.
    pub citizen: CitizenId,
    /// Points granted.
    pub points: Points,
    /// Grams avoided.
    pub reduction: ReductionMg,
    /// When the total last grew.
    pub reached_at: DateTime<Utc>,
}

/// What a citizen was granted on the civil days of their acts, by action, the earliest days first.
pub async fn of_citizen<C: Connected>(
    on: &C,
    citizen: CitizenId,
    limit: i64,
) -> Result<Vec<DayGrant>, StoreError> {
    let sql = "SELECT action, day, events, points, reduction_mg, quantity FROM activity_days
               WHERE citizen_id = $1 AND events > 0 ORDER BY day, action LIMIT $2";
    let rows = query_all(on, sql, [citizen.get().into(), limit.into()]).await?;
    rows.iter()
        .map(|row| {
            let granted = Usage {
                events: row.bigint(2)?,
                points: Points::new(row.bigint(3)?),
                reduction: ReductionMg::new(row.bigint(4)?),
                quantity: row.bigint(5)?,
            };
            Ok(DayGrant { citizen, action: row.text(0)?, day: row.day(1)?, granted })
        })
        .collect()
}

/// Whose scores are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Among<'a> {
    /// All of the city.
    City,
    /// Those of one district.
    District(&'a str),
}

/// Scores over civil days of the citizens of a city who let boards show them: of all, or of some.
pub async fn scores<C: Connected>(
    on: &C,
    city: CityId,
    among: Among<'_>,
    range: DayRange,
    only: Option<&[CitizenId]>,
) -> Result<Vec<Score>, StoreError> {
    let (from, until) = day_numbers(range);
    let (table, mut values) = match only {
        None => (String::new(), Vec::new()),
        Some(citizens) => {
            let ids = citizens.iter().map(|citizen| citizen.get());
            let (table, values) = Columns::new().uuid("id", ids).table(on.engine());
            (format!("AND d.citizen_id IN (SELECT r.id FROM {table})"), values)
        }
    };
    let mut parameter = |value: sea_orm::Value| {
        values.push(value);
        values.len()
    };
    let (city, from, until) = (parameter(city.get().into()), parameter(from.into()), parameter(until.into()));
    let district = match among {
        Among::City => String::new(),
        Among::District(name) => format!("AND c.district = ${}", parameter(name.into())),
    };
    let sql = format!(
        "SELECT d.citizen_id, CAST(SUM(d.points) AS BIGINT), CAST(SUM(d.reduction_mg) AS BIGINT),
            MAX(d.changed_at_us)
         FROM activity_days d JOIN citizens c ON c.id = d.citizen_id
         WHERE c.city_id = ${city} AND c.on_boards AND d.day >= ${from}
         AND d.day < ${until} {district} {table}
         GROUP BY d.citizen_id"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter()
        .map(|row| {
            Ok(Score {
                citizen: CitizenId::new(row.uuid(0)?),
                points: Points::new(row.bigint(1)?),
                reduction: ReductionMg::new(row.bigint(2)?),
                reached_at: row.instant(3)?,
            })
        })
        .collect()
}
