//! London Oyster journeys: no person, no date but a weekday. Each row is a traveller of its own.

mod names;

use std::collections::HashMap;
use std::path::PathBuf;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use tanhui_domain::text::Text;

use crate::civil;
use crate::decimal::thousandths;
use crate::draft::Draft;
use crate::error::ImportError;
use crate::format::{Format, Layout, Outcome, Row};
use crate::item::Reason;
use crate::kind::{Kind, Options};
use crate::network::{Network, TableNames};
use names::Names;

pub(crate) const LAYOUT: Layout = Layout {
    kind: Kind::Oyster,
    name: "Oyster journeys",
    required: &["downo", "SubSystem", "StartStn", "EndStation", "EntTime", "ExTime"],
    optional: &["RouteID"],
    zone: chrono_tz::Europe::London,
    build: |options, files| Ok(Box::new(Journeys::new(options, files)?)),
};
const WEEKDAY: usize = 0;
const SYSTEM: usize = 1;
const START: usize = 2;
const END: usize = 3;
const ENTERED: usize = 4;
const LEFT: usize = 5;
const BUS: usize = 6;

const TABLES: TableNames = TableNames {
    stations: "london_stations",
    edges: "london_edges",
    aliases: "london_aliases",
    gates: "london_gates",
};
const BUS_SYSTEM: &str = "LTB";
/// Systems that are a metro; a journey counts when it touches one.
const METRO_SYSTEMS: [&str; 3] = ["LUL", "DLR", "LRC"];
const MINUTES_MAX: i64 = 2 * 24 * 60;
const RIDE_MINUTES_MIN: i64 = 2;
const SPEED_KMH_MAX: i64 = 100;

struct Journeys {
    network: Network,
    names: Names,
    monday: NaiveDate,
    /// How often a row like this came before: equal rows are different people.
    seen: HashMap<u64, u32>,
}

impl Journeys {
    fn new(options: &Options, files: &[PathBuf]) -> Result<Self, ImportError> {
        let day = options.date.or(options.replay_at).ok_or(ImportError::DateNeeded { kind: Kind::Oyster })?;
        let network = Network::load(options, files, &TABLES)?;
        let names = Names::new(&network);
        Ok(Self { network, names, monday: civil::monday(day), seen: HashMap::new() })
    }

    fn at(&self, row: &Row<'_>, column: usize) -> Result<NaiveDateTime, Reason> {
        let weekday: u32 = row.required(WEEKDAY)?.parse().map_err(|_| row.bad_number(WEEKDAY))?;
        if !(1..=7).contains(&weekday) {
            return Err(row.bad_number(WEEKDAY));
        }
        // 1 is Sunday, the last day of the week here
        let days = weekday.saturating_add(5).checked_rem(7).unwrap_or(0);
        let minutes: i64 = row.required(column)?.parse().map_err(|_| row.bad_number(column))?;
        if !(0..MINUTES_MAX).contains(&minutes) {
            return Err(row.bad_number(column));
        }
        let day = self.monday.checked_add_days(Days::new(days.into()));
        let midnight = day.map(|day| day.and_time(NaiveTime::MIN));
        midnight
            .and_then(|midnight| midnight.checked_add_signed(TimeDelta::minutes(minutes)))
            .ok_or_else(|| row.bad_number(column))
    }

    /// What the journey comes to, under the name of its row.
    fn journey(&mut self, row: &Row<'_>, traveller: &str) -> Outcome {
        let systems = row.required(SYSTEM)?;
        if systems == BUS_SYSTEM {
            let at = self.at(row, ENTERED)?;
            return Ok(Draft::new("bus_boarding", traveller, at, &[row.text(BUS)]));
        }
        let metro = systems.split('/').any(|system| METRO_SYSTEMS.contains(&system.trim()));
        if !metro {
            return Err(Reason::new(
                "no_action",
                "不是地铁或公交行程",
                "neither a metro nor a bus journey: no action for it",
            ));
        }
        let (start, end) = (row.required(START)?, row.required(END)?);
        if [start, end].iter().any(|name| ["Unfinished", "Unstarted", "Not Applicable"].contains(name)) {
            return Err(Reason::new(
                "no_exit",
                "行程没有完整的起点和终点",
                "the journey lacks its start or its end",
            ));
        }
        let (entered, left) = (self.at(row, ENTERED)?, self.at(row, LEFT)?);
        let metres = self.metres(start, end)?;
        let minutes = left.signed_duration_since(entered).num_minutes();
        // metres / minutes against km/h, multiplied out
        let too_fast = metres.saturating_mul(60) > minutes.saturating_mul(SPEED_KMH_MAX).saturating_mul(1000);
        if minutes < RIDE_MINUTES_MIN || too_fast {
            return Err(Reason::new(
                "implausible_speed",
                "行程不足两分钟，或平均速度超过每小时 100 公里",
                "the ride takes under two minutes or averages more than 100 km/h",
            ));
        }
        Ok(Draft::new("metro_ride", traveller, left, &[])
            .with("distance_km", thousandths(metres))
            .with("estimated", "true"))
    }

    fn metres(&mut self, start: &str, end: &str) -> Result<i64, Reason> {
        let unknown = || Reason::new("station_unknown", "站名不在站点表中", "a station is not in the table");
        let (from, to) = (self.names.station(&self.network, start), self.names.station(&self.network, end));
        if start == end || (from.is_some() && from == to) {
            return Err(Reason::new("same_station", "进站与出站为同一站", "the ride ends where it began"));
        }
        let (from, to) = from.zip(to).ok_or_else(unknown)?;
        self.network.straight(from, to).map(|distance| distance.metres.into()).ok_or_else(unknown)
    }
}

impl Format for Journeys {
    fn survey(&mut self, _: &Row<'_>) -> Result<Option<NaiveDate>, Reason> {
        Ok(Some(self.monday))
    }

    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>) {
        let content = row.content();
        let count = self.seen.entry(content).or_default();
        *count = count.saturating_add(1);
        let traveller = match *count {
            1 => format!("oyster-{content:016x}"),
            count => format!("oyster-{content:016x}-{count}"),
        };
        outcomes.push(self.journey(row, &traveller));
    }

    fn notes(&self) -> Vec<Text> {
        let mut notes = self.network.notes().to_vec();
        notes.push(Text::new(
            "里程为两站间直线距离（估算）；每行作为一位独立乘客",
            "distances are straight lines between stations (estimated); each row is a traveller of its own",
        ));
        notes
    }
}
