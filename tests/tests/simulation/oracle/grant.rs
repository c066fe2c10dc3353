//! What an act gives a citizen, by the law and by what was granted before.

use chrono::NaiveDate;

use super::Person;
use super::person::{Granted, Span};
use crate::command::{Act, Deed};
use crate::law::{Law, READINGS_MIN, TENTHS_READ_MAX};

/// Tenths of milligrams in a point at full evidence, in hundredths of a share.
const MILLIGRAMS_A_POINT: i64 = 10_000;

/// What an act other than at a gate gives.
pub fn grant(law: &Law, act: Act, share: i64, person: &Person, day: NaiveDate) -> Granted {
    let used = |span| person.used(act.deed, span, day);
    match act.deed {
        Deed::Ride => ride(law, act, share, person, day),
        Deed::Trip => {
            let mut granted = by_metres(law, act.size, share);
            trim(&mut granted, law.trip_points_a_day - used(Span::Day).points);
            granted
        }
        Deed::Cycle => by_metres(law, act.size, share),
        Deed::Walk => {
            let mut granted = by_metres(law, act.size, share);
            trim(&mut granted, law.walk_points_each);
            let left = (law.walk_metres_a_day - used(Span::Day).metres).max(0);
            if granted.metres <= left {
                return granted;
            }
            let less = by_metres(law, left, share);
            Granted { points: granted.points.min(less.points), capped: true, ..less }
        }
        Deed::Sorting if used(Span::Day).events >= law.sortings_a_day => {
            Granted { capped: true, ..Granted::default() }
        }
        Deed::Sorting => Granted { points: law.sorting_points, ..Granted::default() },
        Deed::Meter => {
            let usual = usual(law, person, day).expect("asked before");
            Granted { points: (usual - act.size).max(0) / 10, ..Granted::default() }
        }
        Deed::Swim => {
            let points = act.size * 10 * share / 100_000;
            let mut granted = Granted { points, ..Granted::default() };
            trim(&mut granted, law.swim_points_each);
            granted
        }
        Deed::Gate | Deed::Flight => panic!("decided elsewhere"),
    }
}

fn ride(law: &Law, act: Act, share: i64, person: &Person, day: NaiveDate) -> Granted {
    let used = |span| person.used(Deed::Ride, span, day);
    if used(Span::Day).events >= law.rides_a_day {
        return Granted { capped: true, ..Granted::default() };
    }
    let mut granted = by_metres(law, act.size, share);
    trim(&mut granted, law.ride_points_a_day - used(Span::Day).points);
    trim(&mut granted, law.ride_points_a_week - used(Span::Week).points);
    trim(&mut granted, law.ride_points_a_month - used(Span::Month).points);
    let left = (law.ride_grams_a_year * 1_000 - used(Span::Year).milligrams).max(0);
    if granted.milligrams > left {
        granted.milligrams = left;
        granted.points = granted.points.min(points(left, share));
        granted.capped = true;
    }
    granted
}

/// The mean of earlier days' readings, halves to the even tenth; none where there are too few.
pub fn usual(law: &Law, person: &Person, day: NaiveDate) -> Option<i64> {
    let (count, sum) = person.readings(day, law.look_back_days);
    if count < READINGS_MIN {
        return None;
    }
    let count = i64::try_from(count).expect("a small number");
    let (whole, rest) = (sum / count, sum % count);
    let mean = match (rest * 2).cmp(&count) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Equal => whole + whole % 2,
        std::cmp::Ordering::Greater => whole + 1,
    };
    Some(mean.clamp(0, TENTHS_READ_MAX))
}

fn by_metres(law: &Law, metres: i64, share: i64) -> Granted {
    let milligrams = half_even(metres * law.saved_per_metre);
    Granted { points: points(milligrams, share), milligrams, metres, capped: false }
}

fn points(milligrams: i64, share: i64) -> i64 {
    milligrams * share / (100 * MILLIGRAMS_A_POINT)
}

fn trim(granted: &mut Granted, left: i64) {
    if granted.points > left.max(0) {
        granted.points = left.max(0);
        granted.capped = true;
    }
}

/// Tenths rounded to whole ones, halves to the even neighbour.
fn half_even(tenths: i64) -> i64 {
    let (whole, rest) = (tenths / 10, tenths % 10);
    match rest {
        0..5 => whole,
        5 => whole + whole % 2,
        _ => whole + 1,
    }
}
