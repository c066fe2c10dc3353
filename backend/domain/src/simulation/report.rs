//! What a simulation found, ready to be shown or kept as JSON. Holds no rule.

use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use serde::Serialize;

use super::comparison::Found;
use super::row::Row;
use super::shape::{Schema, Shape};
use super::side::Side;
use super::tally::Pair;
use crate::rule::{Explanation, Facts, Usage};

/// Everything that a simulation found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// All events.
    pub totals: Totals,
    /// By action.
    pub actions: Vec<Named>,
    /// By the citizen's home district; empty where no event names one.
    pub districts: Vec<Named>,
    /// By civil day.
    pub days: Vec<Named>,
    /// Citizens in ten groups, from the fewest points under the rules in force to the most.
    pub deciles: Vec<Decile>,
    /// Citizens that caps trim under the draft only.
    pub newly_capped: u64,
    /// Citizens that caps trim under the rules in force only.
    pub no_longer_capped: u64,
    /// The events whose points differ most.
    pub differences: Vec<Difference>,
}

/// All events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many citizens.
    pub citizens: u64,
    /// Citizens with more points under the draft.
    pub gain: u64,
    /// Citizens with fewer.
    pub lose: u64,
    /// Both sides.
    #[serde(flatten)]
    pub counts: Pair,
}

/// The events of one action, district or day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Which.
    pub name: String,
    /// Both sides.
    #[serde(flatten)]
    pub counts: Pair,
}

/// A tenth of the citizens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Decile {
    /// How many.
    pub citizens: u64,
    /// Those with more points under the draft.
    pub gain: u64,
    /// Those with fewer.
    pub lose: u64,
    /// Their points under the rules in force.
    pub in_force_points: i128,
    /// Their points under the draft.
    pub draft_points: i128,
}

/// One event that both sides judge differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Place of the event among all, from 0.
    pub event: u64,
    /// Id of its action.
    pub action: String,
    /// How the rules in force judge it; none where they have no such action.
    pub in_force: Option<Explanation>,
    /// How the draft judges it.
    pub draft: Option<Explanation>,
}

impl Report {
    pub(super) fn new(schema: &Schema, found: Found, differences: Vec<Difference>) -> Self {
        let Found {
            all, by_shape, by_district, by_day, mut standings, newly_capped, no_longer_capped, ..
        } = found;
        let named = |name: String, counts: &Pair| Named { name, counts: *counts };
        let mut actions: Vec<Named> = Vec::new();
        for (shape, counts) in &by_shape {
            let name = schema.shapes.get(usize::from(*shape)).map_or("", Shape::action);
            match actions.iter_mut().find(|known| known.name == name) {
                Some(known) => known.counts.join(counts),
                None => actions.push(named(name.to_owned(), counts)),
            }
        }
        let district = |place: u16| {
            let name = usize::from(place).checked_sub(1).and_then(|place| schema.districts.get(place));
            name.map_or("-", String::as_str).to_owned()
        };
        let districts: Vec<Named> =
            by_district.iter().map(|(place, counts)| named(district(*place), counts)).collect();
        let unnamed = by_district.keys().all(|place| *place == 0);
        let day = |day: i32| NaiveDate::from_num_days_from_ce_opt(day).unwrap_or_default().to_string();
        let days = by_day.iter().map(|(number, counts)| named(day(*number), counts)).collect();
        standings.sort_unstable();
        let deciles = deciles(&standings);
        let sum = |of: fn(&Decile) -> u64| deciles.iter().map(of).fold(0_u64, u64::saturating_add);
        let totals = Totals {
            citizens: sum(|decile| decile.citizens),
            gain: sum(|decile| decile.gain),
            lose: sum(|decile| decile.lose),
            counts: all,
        };
        let districts = if unnamed { Vec::new() } else { districts };
        Self { totals, actions, districts, days, deciles, newly_capped, no_longer_capped, differences }
    }
}

/// Ten groups of citizens in order; where ten do not divide them, the first groups are one smaller.
fn deciles(standings: &[(i64, i64)]) -> Vec<Decile> {
    let cut = |tenths: usize| standings.len().saturating_mul(tenths).checked_div(10).unwrap_or(0);
    let group = |tenth: usize| standings.get(cut(tenth)..cut(tenth.saturating_add(1))).unwrap_or_default();
    (0..10).map(|tenth| decile(group(tenth))).collect()
}

fn decile(group: &[(i64, i64)]) -> Decile {
    let mut decile = Decile::default();
    for (in_force, draft) in group {
        decile.citizens = decile.citizens.saturating_add(1);
        decile.gain = decile.gain.saturating_add(u64::from(draft > in_force));
        decile.lose = decile.lose.saturating_add(u64::from(draft < in_force));
        decile.in_force_points = decile.in_force_points.saturating_add(i128::from(*in_force));
        decile.draft_points = decile.draft_points.saturating_add(i128::from(*draft));
    }
    decile
}

impl Difference {
    pub(super) fn new(order: u64, row: &Row, schema: &Schema, sides: [(&Side<'_>, &Vec<Usage>); 2]) -> Self {
        let shape = schema.shapes.get(usize::from(row.shape));
        let [in_force, draft] = sides.map(|(side, used)| explanation(side, used, row, shape?));
        let action = shape.map_or("", Shape::action).to_owned();
        Self { event: order, action, in_force, draft }
    }
}

fn explanation(side: &Side<'_>, used: &[Usage], row: &Row, shape: &Shape) -> Option<Explanation> {
    let (rules, action) = (side.rules(), side.action(row)?);
    let day = NaiveDate::from_num_days_from_ce_opt(row.day)?;
    let second = TimeDelta::try_seconds(i64::from(row.second))?;
    let local = day.and_time(NaiveTime::MIN).checked_add_signed(second)?;
    let occurred_at = rules.timezone().from_local_datetime(&local).earliest()?.with_timezone(&Utc);
    let inputs = shape.inputs(row.slots())?;
    let facts = Facts::new(&inputs, occurred_at, row.evidence);
    Some(rules.explain(action, rules.evaluate(action, &facts, used).receipt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deciles_share_out_everybody() {
        for count in [0, 1, 9, 10, 11, 25] {
            let standings: Vec<(i64, i64)> = (0..count).map(|place| (place, place + place % 3 - 1)).collect();
            let groups = deciles(&standings);
            assert_eq!(groups.len(), 10);
            assert_eq!(groups.iter().map(|group| group.citizens).sum::<u64>(), count.unsigned_abs());
            assert!(groups.iter().all(|group| group.citizens.abs_diff(count.unsigned_abs() / 10) <= 1));
        }
    }
}
