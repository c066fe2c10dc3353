//! Trips that come as GPS points. The ride is what lies between leaving the first dock and reaching the last;
//! jumps of the receiver are left out.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::{Ride, Trip, Why, judge};
use crate::civil;
use crate::draft::key;
use crate::format::{Format, Layout, Outcome, Row};
use crate::geo::{self, Point};
use crate::item::Reason;
use crate::kind::Kind;
use crate::network;

pub(crate) const LAYOUT: Layout = Layout {
    kind: Kind::Bikes,
    name: "docked bike GPS points",
    required: &["route_id", "user_id", "time", "longitude", "latitude"],
    optional: &[],
    zone: chrono_tz::UTC,
    build: |_, _| Ok(Box::new(Points::default())),
};
const ROUTE: usize = 0;
const RIDER: usize = 1;
const AT: usize = 2;
const LON: usize = 3;
const LAT: usize = 4;

/// A longer step between two points is the receiver's, not the rider's.
const JUMP_MM: u64 = 1_000_000;
/// A faster step is the receiver's too.
const JUMP_KMH: u64 = 50;
/// A bike that stays within this distance of its dock stands in it.
const DOCK_MM: u64 = 30_000;

/// A fix of the receiver: seconds since 1970 on the file's clock, and the place.
type Fix = (i64, Point);

#[derive(Default)]
struct Points {
    routes: HashMap<u64, Route>,
    results: HashMap<u32, Result<(NaiveDateTime, Ride), Why>>,
}

struct Route {
    rider: u64,
    fixes: Vec<Fix>,
    last_ordinal: u32,
}

fn read(row: &Row<'_>) -> Result<(NaiveDateTime, Point), Reason> {
    row.required(ROUTE)?;
    row.required(RIDER)?;
    let at = civil::stamp(row.required(AT)?)?;
    let place = network::point(row.required(LON)?, row.required(LAT)?);
    Ok((at, place.ok_or_else(|| row.bad_number(LON))?))
}

impl Format for Points {
    fn survey(&mut self, row: &Row<'_>) -> Result<Option<NaiveDate>, Reason> {
        let (at, place) = read(row)?;
        let rider = row.text(RIDER);
        let route = self.routes.entry(key(&[row.text(ROUTE), rider])).or_insert_with(|| Route {
            rider: key(&[rider]),
            fixes: Vec::new(),
            last_ordinal: row.ordinal,
        });
        route.fixes.push((at.and_utc().timestamp(), place));
        route.last_ordinal = row.ordinal;
        Ok(Some(at.date()))
    }

    fn settle(&mut self) {
        let mut trips = Vec::new();
        for (name, mut route) in self.routes.drain() {
            let ordinal = route.last_ordinal;
            match ride(&mut route.fixes) {
                Err(why) => {
                    self.results.insert(ordinal, Err(why));
                }
                Ok((start, ride)) => trips.push(Trip { rider: route.rider, name, start, ride, ordinal }),
            }
        }
        let refused = judge(trips.clone());
        for trip in trips {
            let start = DateTime::from_timestamp(trip.start, 0).unwrap_or_default().naive_utc();
            let result = refused.get(&trip.ordinal).map_or(Ok((start, trip.ride)), |why| Err(*why));
            self.results.insert(trip.ordinal, result);
        }
    }

    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>) {
        if let Err(reason) = read(row) {
            outcomes.push(Err(reason));
            return;
        }
        match self.results.get(&row.ordinal) {
            None => {}
            Some(Err(why)) => outcomes.push(Err(why.reason())),
            Some(Ok((start, ride))) => {
                outcomes.push(Ok(ride.draft(row.text(RIDER), *start, &[row.text(ROUTE)])));
            }
        }
    }
}

/// When the ride began, how far and how long it went.
fn ride(fixes: &mut [Fix]) -> Result<(i64, Ride), Why> {
    fixes.sort_unstable_by_key(|(at, place)| (*at, place.lon_microdegrees, place.lat_microdegrees));
    let (Some((_, origin)), Some((_, goal))) = (fixes.first().copied(), fixes.last().copied()) else {
        return Err(Why::SinglePoint);
    };
    if fixes.len() < 2 {
        return Err(Why::SinglePoint);
    }
    let away = |dock: Point| move |(_, place): &Fix| geo::millimetres(*place, dock) > DOCK_MM;
    let (Some(leaves), Some(back)) =
        (fixes.iter().position(away(origin)), fixes.iter().rposition(away(goal)))
    else {
        return Err(Why::TooShort);
    };
    let moving = fixes.get(leaves.saturating_sub(1)..=back.saturating_add(1)).unwrap_or_default();
    let (Some((start, _)), Some((end, _))) = (moving.first(), moving.last()) else {
        return Err(Why::TooShort);
    };
    let steps = moving.windows(2).filter_map(|pair| match pair {
        [from, to] => step_mm(*from, *to),
        _ => None,
    });
    let millimetres: u64 = steps.fold(0, u64::saturating_add);
    let metres =
        i64::try_from(millimetres.saturating_add(500).checked_div(1000).unwrap_or(0)).unwrap_or(i64::MAX);
    Ok((*start, Ride { metres, seconds: end.saturating_sub(*start) }))
}

/// The length of one step, none for a jump.
fn step_mm(from: Fix, to: Fix) -> Option<u64> {
    let length = geo::millimetres(from.1, to.1);
    let seconds = u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0);
    // mm / s against km/h: 1 km/h is 1,000,000 mm in 3600 s
    let fast = length.saturating_mul(36) > seconds.saturating_mul(JUMP_KMH).saturating_mul(10_000);
    if length > JUMP_MM || fast { None } else { Some(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fixes that go east along the equator: seconds and metres from the start.
    fn fixes(track: &[(i64, i32)]) -> Vec<Fix> {
        track
            .iter()
            .map(|&(at, metres)| {
                (at, Point { lon_microdegrees: metres.saturating_mul(9), lat_microdegrees: 0 })
            })
            .collect()
    }

    fn ridden(track: &[(i64, i32)]) -> Result<(i64, Ride), Why> {
        ride(&mut fixes(track))
    }

    #[test]
    fn standing_in_the_docks_is_no_riding() {
        let steady: Vec<(i64, i32)> =
            (0..=100).map(|step| (step * 10, i32::try_from(step).unwrap() * 40)).collect();
        let (start, plain) = ridden(&steady).unwrap();
        assert_eq!((start, plain.seconds), (0, 1000));
        assert!((3_990..=4_010).contains(&plain.metres), "{plain:?}");
        let mut docked = vec![(-600, 0), (-300, 0)];
        docked.extend(&steady);
        docked.extend([(1_300, 4_000), (9_000, 4_010)]);
        let (start, ride) = ridden(&docked).unwrap();
        assert_eq!((start, ride.seconds), (0, 1000));
        assert_eq!(ride.metres, plain.metres);
        docked.reverse();
        assert_eq!(ridden(&docked).unwrap(), (start, ride), "the order of rows does not matter");
    }

    #[test]
    fn jumps_are_left_out() {
        let (_, ride) = ridden(&[(0, 0), (60, 200), (65, 90_000), (70, 210), (130, 400)]).unwrap();
        assert!((388..=392).contains(&ride.metres), "{ride:?}");
    }

    #[test]
    fn a_point_or_no_movement_is_no_ride() {
        assert_eq!(ridden(&[(0, 0)]), Err(Why::SinglePoint));
        assert_eq!(ridden(&[(0, 0), (500, 20)]), Err(Why::TooShort));
    }

    #[test]
    fn steps_are_bounded_in_length_and_speed() {
        let step = |seconds, micro| {
            let to = Point { lon_microdegrees: micro, lat_microdegrees: 0 };
            step_mm((0, Point { lon_microdegrees: 0, lat_microdegrees: 0 }), (seconds, to)).is_some()
        };
        assert!(step(600, 8_993) && !step(600, 8_994), "1 km");
        assert!(step(36, 4_496) && !step(36, 4_497), "50 km/h");
        assert!(!step(0, 1) && step(0, 0));
    }
}
