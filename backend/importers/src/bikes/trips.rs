//! Trips that come as one row each: dockless ones with a duration, docked ones with two times.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{Ride, Trip, Why, judge};
use crate::civil;
use crate::draft::key;
use crate::format::{Format, Layout, Outcome, Row};
use crate::item::Reason;
use crate::kind::Kind;

/// Dockless trips with their duration and the length of their track.
pub(crate) const SHANGHAI: Layout = Layout {
    kind: Kind::Bikes,
    name: "dockless bike trips",
    required: &["trip_id", "user_id", "start_time", "distance_m", "duration_min"],
    optional: &[],
    zone: chrono_tz::Asia::Shanghai,
    build: |_, _| Ok(Box::new(Trips::default())),
};

/// Docked trips with first and last point; the times are UTC.
pub(crate) const DOCKED: Layout = Layout {
    kind: Kind::Bikes,
    name: "docked bike trips",
    required: &["route_id", "user_id", "start_time", "gps_path_m", "end_time"],
    optional: &["gps_points"],
    zone: chrono_tz::UTC,
    build: |_, _| Ok(Box::new(Trips::default())),
};
const TRIP: usize = 0;
const RIDER: usize = 1;
const START: usize = 2;
const METRES: usize = 3;
const DURATION_OR_END: usize = 4;
const POINTS: usize = 5;

#[derive(Default)]
struct Trips {
    trips: Vec<Trip>,
    refused: HashMap<u32, Why>,
}

fn read(row: &Row<'_>) -> Result<(Trip, chrono::NaiveDateTime), Reason> {
    let start = civil::stamp(row.required(START)?)?;
    let metres = row.amount(METRES)?.rounded(1, 1).ok_or_else(|| row.bad_number(METRES))?;
    let seconds = if row.layout.name == DOCKED.name {
        let end = civil::stamp(row.required(DURATION_OR_END)?)?;
        end.signed_duration_since(start).num_seconds()
    } else {
        row.amount(DURATION_OR_END)?.rounded(60, 1).ok_or_else(|| row.bad_number(DURATION_OR_END))?
    };
    if seconds < 0 {
        return Err(Reason::new("ends_before_start", "结束时间早于开始时间", "ends before it starts"));
    }
    if row.text(POINTS) == "1" {
        return Err(Why::SinglePoint.reason());
    }
    let rider = row.required(RIDER)?;
    let trip = Trip {
        rider: key(&[rider]),
        name: key(&[row.required(TRIP)?, rider]),
        start: start.and_utc().timestamp(),
        ride: Ride { metres, seconds },
        ordinal: row.ordinal,
    };
    Ok((trip, start))
}

impl Format for Trips {
    fn survey(&mut self, row: &Row<'_>) -> Result<Option<NaiveDate>, Reason> {
        let (trip, start) = read(row)?;
        self.trips.push(trip);
        Ok(Some(start.date()))
    }

    fn settle(&mut self) {
        self.refused = judge(std::mem::take(&mut self.trips));
    }

    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>) {
        outcomes.push(read(row).and_then(|(trip, start)| match self.refused.get(&row.ordinal) {
            Some(why) => Err(why.reason()),
            None => Ok(trip.ride.draft(row.text(RIDER), start, &[row.text(TRIP)])),
        }));
    }
}
