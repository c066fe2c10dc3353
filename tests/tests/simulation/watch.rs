//! How what is seen is written down, the same for the model and for the program.

use chrono::NaiveDate;

use crate::oracle::{Span, Status};

/// Every so many activities one is looked at.
pub const ACTIVITIES_STEP: usize = 7;

/// Points and milligrams.
pub type Pair = (i64, i64);

pub fn citizen(
    number: u32,
    ((points, mg), overdrawn): (Pair, i64),
    lots: &[(NaiveDate, i64)],
    cuts: (Pair, Pair),
) -> String {
    let lots: Vec<String> = lots.iter().map(|(day, left)| format!("{left} until {day}")).collect();
    format!(
        "citizen {number}: {points} pt {mg} mg, {overdrawn} overdrawn, lots [{}], statement {cuts:?}",
        lots.join(", ")
    )
}

pub fn offer(number: u32, left: i64, live: bool) -> String {
    format!("offer {number}: {left} left, live {live}")
}

pub fn redemption(number: u32, vouchers: &str) -> String {
    format!("redemption {number}: {vouchers}")
}

pub fn merchant(number: usize, owed: i64) -> String {
    format!("merchant {number}: {owed} fen")
}

pub fn programme(points: i64, milligrams: i64, payable: i64) -> String {
    format!("programme: {points} pt {milligrams} mg {payable} fen")
}

pub fn waiting(count: usize) -> String {
    format!("waiting: {count}")
}

pub fn activity((source, id): (usize, u32), status: Status, (points, milligrams): Pair) -> String {
    format!("activity {source}/{id}: {status:?}, {points} pt {milligrams} mg")
}

pub fn board(span: Span, by_points: bool, places: &[(u32, i64)]) -> String {
    let places: Vec<String> = places.iter().map(|(number, score)| format!("{number}={score}")).collect();
    let metric = if by_points { "points" } else { "grams" };
    format!("board of {span:?} by {metric}: {}", places.join(" "))
}
