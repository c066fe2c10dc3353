//! Rooftop PV meters: counter readings, and mean power by intervals.

pub(crate) mod counter;
pub(crate) mod power;

use chrono::NaiveDate;

use crate::civil;
use crate::decimal::{Decimal, thousandths};
use crate::draft::Draft;
use crate::format::Row;
use crate::item::Reason;
use crate::kind::Options;

/// Power in kW that a household's roof does not pass, unless the caller knows better.
const CAPACITY_KW: i32 = 50;

fn capacity(options: &Options) -> Decimal {
    options.capacity_kw.unwrap_or(Decimal::whole(CAPACITY_KW))
}

/// The meter's name: its column, else what the caller gave, else the file's name.
fn meter<'a>(named: &'a str, given: Option<&'a str>, row: &Row<'a>) -> &'a str {
    if named.is_empty() { given.unwrap_or(row.stem) } else { named }
}

fn draft(meter: &str, day: NaiveDate, energy_wh: i64) -> Draft {
    let date = day.to_string();
    Draft::new("rooftop_pv_kwh", meter, civil::days_end(day), &[&date])
        .with("energy_kwh", thousandths(energy_wh))
}

fn above_capacity() -> Reason {
    Reason::new(
        "above_capacity",
        "超出户用装机容量（可用 --capacity-kw 指定）",
        "more than the roof's capacity yields (set it with --capacity-kw)",
    )
}

fn no_energy() -> Reason {
    Reason::new("no_energy", "当日没有发电量", "nothing was generated on this day")
}

#[cfg(test)]
mod tests;
