//! What a citizen was granted per action and civil day: the sums behind caps, and the scores behind boards.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::Value;
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::crediting::DayGrant;
use tanhui_domain::id::{CitizenId, CityId};
use tanhui_domain::rule::Usage;
use tanhui_domain::time::DayRange;

use crate::columns::Columns;
use crate::database::{Connected, Engine, Transaction, day_numbers};
use crate::error::StoreError;
use crate::row::{Row, day_number, micros, query_all};
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

/// Most windows that are summed up in one look at a citizen's days, and their columns.
const BOUNDS: [(&str, &str); 3] = [("from_0", "until_0"), ("from_1", "until_1"), ("from_2", "until_2")];

/// One look at a citizen's days of an action: for which windows, by their places.
struct Look<'a> {
    citizen: CitizenId,
    action: &'a str,
    places: &'a [usize],
    bounds: Vec<(i32, i32)>,
}

impl Look<'_> {
    /// The days of one of its windows; none for one that it does not have.
    fn window(&self, nth: usize) -> (i32, i32) {
        self.bounds.get(nth).copied().unwrap_or_default()
    }

    fn first_day(&self) -> i32 {
        self.bounds.iter().map(|(from, _)| *from).min().unwrap_or_default()
    }

    fn end(&self) -> i32 {
        self.bounds.iter().map(|(_, until)| *until).max().unwrap_or_default()
    }
}

/// The sums of windows, in the order asked for. Windows of one citizen and action mostly lie within each
/// other, so their days are looked at once.
pub async fn sums<C: Connected>(on: &C, windows: &[UsageWindow]) -> Result<Vec<Usage>, StoreError> {
    let mut of_one: HashMap<(CitizenId, &str), Vec<usize>> = HashMap::new();
    for (place, window) in windows.iter().enumerate() {
        of_one.entry((window.citizen, window.action.as_str())).or_default().push(place);
    }
    let range = |place: &usize| windows.get(*place).map(|window| day_numbers(window.range));
    let looks: Vec<Look<'_>> = of_one
        .iter()
        .flat_map(|(of, places)| places.chunks(BOUNDS.len()).map(move |places| (of, places)))
        .map(|(&(citizen, action), places)| {
            let bounds = places.iter().filter_map(range).collect();
            Look { citizen, action, places, bounds }
        })
        .collect();
    let (sql, values) = summing(on.engine(), &looks);
    let mut sums = vec![Usage::default(); windows.len()];
    let foreign = || StoreError::Corrupt("a window that was not asked for".to_owned());
    for row in query_all(on, &sql, values).await? {
        let look = usize::try_from(row.get::<i32>(0)?).ok().and_then(|look| looks.get(look));
        for (place, column) in look.ok_or_else(foreign)?.places.iter().zip((1..).step_by(4)) {
            *sums.get_mut(*place).ok_or_else(foreign)? = read_sum(&row, column)?;
        }
    }
    Ok(sums)
}

/// The statement for so many windows as the look with most of them has.
fn summing(engine: Engine, looks: &[Look<'_>]) -> (String, Vec<Value>) {
    let most = looks.iter().map(|look| look.bounds.len()).max().unwrap_or(1);
    let mut columns = Columns::new()
        .int("n", (0..).take(looks.len()))
        .uuid("citizen_id", looks.iter().map(|look| look.citizen.get()))
        .text("action", looks.iter().map(|look| look.action.to_owned()))
        .int("day_from", looks.iter().map(Look::first_day))
        .int("day_until", looks.iter().map(Look::end));
    let mut sums = Vec::new();
    for (nth, (from, until)) in BOUNDS.iter().take(most).enumerate() {
        columns = columns
            .int(from, looks.iter().map(|look| look.window(nth).0))
            .int(until, looks.iter().map(|look| look.window(nth).1));
        for amount in ["events", "points", "reduction_mg", "quantity"] {
            let inside = format!("d.day >= r.{from} AND d.day < r.{until}");
            sums.push(format!("CAST(SUM(d.{amount}) FILTER (WHERE {inside}) AS BIGINT)"));
        }
    }
    let (table, values) = columns.table(engine);
    let days = "d.citizen_id = r.citizen_id AND d.action = r.action AND d.day >= r.day_from
           AND d.day < r.day_until";
    let sql = match engine {
        // Look by look, however few days there were when the statement was planned.
        Engine::Postgres => format!(
            "SELECT r.n, s.* FROM {table}
             CROSS JOIN LATERAL (SELECT {} FROM activity_days d WHERE {days}) s",
            sums.join(", ")
        ),
        Engine::Sqlite => format!(
            "SELECT r.n, {} FROM {table} JOIN activity_days d ON {days} GROUP BY r.n",
            sums.join(", ")
        ),
    };
    (sql, values)
}

/// Four sums from a column on; none where no day lies inside.
fn read_sum(row: &Row, column: usize) -> Result<Usage, StoreError> {
    let sum = |more: usize| {
        Ok::<i64, StoreError>(row.get::<Option<i64>>(column.saturating_add(more))?.unwrap_or_default())
    };
    Ok(Usage {
        events: sum(0)?,
        points: Points::new(sum(1)?),
        reduction: ReductionMg::new(sum(2)?),
        quantity: sum(3)?,
    })
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

/// All that citizens were ever granted; absent where nothing was.
pub async fn ever<C: Connected>(
    on: &C,
    citizens: &[CitizenId],
) -> Result<HashMap<CitizenId, (Points, ReductionMg)>, StoreError> {
    let ids = citizens.iter().map(|citizen| citizen.get());
    let (table, values) = Columns::new().uuid("id", ids).table(on.engine());
    let sql = format!(
        "SELECT citizen_id, CAST(SUM(points) AS BIGINT), CAST(SUM(reduction_mg) AS BIGINT) FROM activity_days
         WHERE citizen_id IN (SELECT r.id FROM {table}) GROUP BY citizen_id"
    );
    let rows = query_all(on, &sql, values).await?;
    rows.iter()
        .map(|row| {
            let total = (Points::new(row.bigint(1)?), ReductionMg::new(row.bigint(2)?));
            Ok((CitizenId::new(row.uuid(0)?), total))
        })
        .collect()
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
