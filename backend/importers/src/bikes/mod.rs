//! Shared bike trips: what counts as a ride, and which trips of one rider overlap.

pub(crate) mod points;
pub(crate) mod trips;

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDateTime, TimeDelta};

use crate::decimal::{Decimal, thousandths};
use crate::draft::Draft;
use crate::item::Reason;

/// Shortest ride in metres; anything less is a bike unlocked and put back.
pub(crate) const METRES_MIN: i64 = 300;
/// Shortest ride in seconds.
pub(crate) const SECONDS_MIN: i64 = 60;
/// Longest ride in seconds; anything more is a lock forgotten.
pub(crate) const SECONDS_MAX: i64 = 3 * 3600;
/// Slowest ride; anything less is a lock forgotten.
pub(crate) const KMH_MIN: i64 = 3;
/// Fastest ride on a bike.
pub(crate) const KMH_MAX: i64 = 30;

/// Why a trip is no ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Duplicate,
    SinglePoint,
    TooShort,
    TooLong,
    TooFast,
    TooSlow,
    Overlapping,
}

impl Why {
    fn reason(self) -> Reason {
        let (code, zh, en) = match self {
            Self::Duplicate => return Reason::duplicate(),
            Self::SinglePoint => ("single_point", "行程只有一个定位点", "the trip has a single point"),
            Self::TooShort => {
                ("too_short", "不足 300 米或不足 1 分钟", "less than 300 m or less than a minute")
            }
            Self::TooLong => {
                ("too_long", "超过 3 小时，可能忘记锁车", "more than 3 hours: the lock was forgotten")
            }
            Self::TooFast => ("too_fast", "平均速度超过每小时 30 公里", "faster than 30 km/h on average"),
            Self::TooSlow => (
                "too_slow",
                "平均速度低于每小时 3 公里，可能忘记锁车",
                "slower than 3 km/h on average: the lock was forgotten",
            ),
            Self::Overlapping => (
                "overlapping",
                "与同一用户的上一段行程时间重叠",
                "begins before the same rider's previous trip ended",
            ),
        };
        Reason::new(code, zh, en)
    }
}

/// How far and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ride {
    pub(crate) metres: i64,
    pub(crate) seconds: i64,
}

impl Ride {
    /// Whether it is a ride on a bike at all.
    fn check(self) -> Result<(), Why> {
        // metres / seconds against km/h, multiplied out
        let pace = self.metres.saturating_mul(36);
        let at = |kmh: i64| self.seconds.saturating_mul(kmh).saturating_mul(10);
        if self.metres < METRES_MIN || self.seconds < SECONDS_MIN {
            Err(Why::TooShort)
        } else if self.seconds > SECONDS_MAX {
            Err(Why::TooLong)
        } else if pace > at(KMH_MAX) {
            Err(Why::TooFast)
        } else if pace < at(KMH_MIN) {
            Err(Why::TooSlow)
        } else {
            Ok(())
        }
    }

    fn draft(self, rider: &str, start: NaiveDateTime, identity: &[&str]) -> Draft {
        let end = start.checked_add_signed(TimeDelta::seconds(self.seconds)).unwrap_or(start);
        Draft::new("shared_bike_ride", rider, end, identity)
            .with("distance_km", thousandths(self.metres))
            .with("duration_min", minutes(self.seconds))
    }
}

/// Whole minutes, or minutes with two places.
fn minutes(seconds: i64) -> String {
    let hundredths = i32::try_from(seconds).ok().and_then(|seconds| Decimal::whole(seconds).rounded(100, 60));
    let hundredths = hundredths.unwrap_or(0);
    let (whole, rest) = (hundredths.div_euclid(100), hundredths.rem_euclid(100));
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:02}") }
}

/// One trip, compact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trip {
    pub(crate) rider: u64,
    pub(crate) name: u64,
    /// Seconds since 1970 on the file's clock.
    pub(crate) start: i64,
    pub(crate) ride: Ride,
    pub(crate) ordinal: u32,
}

/// The refused ones among the trips, by ordinal. Of two trips that overlap, the one that began first counts.
pub(crate) fn judge(mut trips: Vec<Trip>) -> HashMap<u32, Why> {
    trips.sort_unstable_by_key(|trip| (trip.rider, trip.start, trip.ride.seconds, trip.name, trip.ordinal));
    let mut refused = HashMap::new();
    let mut seen = HashSet::new();
    let mut busy: Option<(u64, i64)> = None;
    for trip in &trips {
        let overlaps = busy.is_some_and(|(rider, until)| rider == trip.rider && trip.start < until);
        let verdict = if !seen.insert(trip.name) {
            Err(Why::Duplicate)
        } else if let Err(why) = trip.ride.check() {
            Err(why)
        } else if overlaps {
            Err(Why::Overlapping)
        } else {
            Ok(())
        };
        match verdict {
            Err(why) => {
                refused.insert(trip.ordinal, why);
            }
            Ok(()) => busy = Some((trip.rider, trip.start.saturating_add(trip.ride.seconds))),
        }
    }
    refused
}

#[cfg(test)]
mod tests;
