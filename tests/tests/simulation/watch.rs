//! How what is seen is written down, the same for the model and for the program.

use chrono::NaiveDate;

use crate::command::ActKey;
use crate::oracle::{Span, Status};

/// Every so many activities one is looked at.
pub const ACTIVITIES_STEP: usize = 7;

/// Points and milligrams.
pub type Pair = (i64, i64);

/// What a citizen has.
pub struct Purse {
    pub balance: Pair,
    /// Overdrawn, owed.
    pub debts: Pair,
    pub pending: i64,
    pub spendable: i64,
    /// Promised and not on the account yet.
    pub waiting: i64,
    /// Last day, first day of pending points, what is left.
    pub lots: Vec<((NaiveDate, Option<NaiveDate>), i64)>,
    /// What was there at two instants.
    pub statement: (Pair, Pair),
}

pub fn citizen(number: u32, purse: &Purse) -> String {
    let lot = |((last, first), left): &((NaiveDate, Option<NaiveDate>), i64)| {
        let first = first.map(|first| format!(" from {first}")).unwrap_or_default();
        format!("{left} until {last}{first}")
    };
    let lots: Vec<String> = purse.lots.iter().map(lot).collect();
    let Purse {
        balance: (points, mg), debts: (overdrawn, owed), pending, spendable, waiting, statement, ..
    } = purse;
    format!(
        "citizen {number}: {points} pt {mg} mg, {overdrawn} overdrawn, {owed} owed, {pending} pending, \
         {spendable} spendable, {waiting} waiting, lots [{}], statement {statement:?}",
        lots.join(", ")
    )
}

/// In all, taken of this day's, and fen.
pub type Left = (i64, i64, Option<i64>);

pub fn offer(number: u32, (left, taken_today, budget): Left, word: &str) -> String {
    let budget = budget.map(|fen| format!(", {fen} fen")).unwrap_or_default();
    format!("offer {number}: {word}, {left} left, {taken_today} taken today{budget}")
}

pub fn redemption(number: u32, vouchers: &str) -> String {
    format!("redemption {number}: {vouchers}")
}

pub fn merchant(
    number: usize,
    (standing, issued): (&str, &str),
    (owed, statements): &(i64, Vec<String>),
    conflicts: &str,
) -> String {
    let statements = statements.join("; ");
    format!("merchant {number}: {standing}, {issued}, {owed} fen [{statements}], conflicts [{conflicts}]")
}

pub fn project(points: i64) -> String {
    format!("project: {points} pt")
}

pub fn programme(points: i64, milligrams: i64, payable: i64) -> String {
    format!("programme: {points} pt {milligrams} mg {payable} fen")
}

pub fn waiting(count: usize) -> String {
    format!("waiting: {count}")
}

pub fn activity((source, id): ActKey, status: Status, (points, milligrams): Pair) -> String {
    format!("activity {source}/{id}: {status:?}, {points} pt {milligrams} mg")
}

pub fn board(span: Span, by_points: bool, places: &[(u32, i64)]) -> String {
    let places: Vec<String> = places.iter().map(|(number, score)| format!("{number}={score}")).collect();
    let metric = if by_points { "points" } else { "grams" };
    format!("board of {span:?} by {metric}: {}", places.join(" "))
}
