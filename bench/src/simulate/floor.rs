//! The same simulation by hand: both sides in one loop over the same columns, state in arrays by citizen.

use std::path::Path;

use chrono::{Datelike as _, NaiveDate};
use tanhui_domain::amount::Points;
use tanhui_domain::rule::Usage;
use tanhui_domain::simulation::{Block, Shape};
use tanhui_service::simulation::{Kept, SimulationError};

use crate::rules::Earned;
use crate::rules::floor::{Numbers, Past, RULES, home, metro, pv, stack, waste};

const DRAFT: Numbers = Numbers { metro_price_mg: 80_000, waste_times: 2, pv_day: 40, campaign_tenths: 30 };

/// Kept days of one citizen and action: events come at most three days late.
const DAYS_KEPT: usize = 4;
/// Days that rules look back, and those by which events are late.
const READINGS_KEPT: usize = 12;

/// What one citizen was granted for one action.
#[derive(Clone, Copy)]
struct Granted {
    days: [(i64, Usage); DAYS_KEPT],
    months: [(i64, Usage); 2],
}

const NONE: Granted =
    Granted { days: [(i64::MIN, Usage::NONE); DAYS_KEPT], months: [(i64::MIN, Usage::NONE); 2] };

/// One side's state.
struct State {
    granted: [Vec<Granted>; 5],
    /// By citizen, day by day: count and sum.
    readings: Vec<[(i64, i64, i64); READINGS_KEPT]>,
    campaign: i64,
    /// By month.
    budget: Vec<(i64, i64)>,
    all: Earned,
}

/// Milligrams and points of both sides.
pub fn by_hand(path: &Path, citizens: u32) -> Result<(Earned, Earned), SimulationError> {
    let kept = Kept::open(path)?;
    let names: Vec<&str> = kept.schema().shapes.iter().map(Shape::action).collect();
    let (mut old, mut new) = (State::new(citizens), State::new(citizens));
    let mut months = Vec::new();
    for place in 0..kept.blocks() {
        let block = kept.block(place)?;
        old.play(&block, &names, &RULES, &mut months);
        new.play(&block, &names, &DRAFT, &mut months);
    }
    Ok((old.all, new.all))
}

impl State {
    fn new(citizens: u32) -> Self {
        let citizens = usize::try_from(citizens).unwrap_or(0);
        Self {
            granted: std::array::from_fn(|_| vec![NONE; citizens]),
            readings: vec![[(i64::MIN, 0, 0); READINGS_KEPT]; citizens],
            campaign: 0,
            budget: Vec::new(),
            all: (0, 0),
        }
    }

    #[expect(clippy::indexing_slicing, reason = "columns of one shape have one length, citizens are counted")]
    fn play(&mut self, block: &Block, names: &[&str], numbers: &Numbers, months: &mut Vec<i64>) {
        let columns: Vec<Vec<&[i64]>> = (0..).take(names.len()).map(|shape| block.columns(shape)).collect();
        let mut places = vec![0_usize; names.len()];
        for (shape, citizen) in block.shapes().iter().zip(block.citizens()) {
            let (shape, citizen) = (usize::from(*shape), usize::try_from(*citizen).unwrap_or(0));
            let (row, columns) = (places[shape], &columns[shape]);
            places[shape] += 1;
            let slot = |place: usize| columns[place][row];
            let (day, second) = (slot(0), slot(1));
            let month = month_of(day, months);
            let kind = match names[shape] {
                "metro" => 0,
                "stack" => 1,
                "waste" => 2,
                "pv" => 3,
                _ => 4,
            };
            let granted = self.granted[kind][citizen];
            let mut past =
                Past { day: find(&granted.days, day), month: find(&granted.months, month), issued: (0, 0) };
            let mut refused = false;
            let (reduction, points) = match kind {
                0 => {
                    refused = slot(2) <= 0 || slot(3) > 5;
                    metro([day, second, slot(2), slot(3)], &past, numbers)
                }
                1 => {
                    past.issued = (self.campaign, find_budget(&self.budget, month));
                    self.ride([day, second, slot(2)], month, &past, numbers)
                }
                2 => {
                    refused = slot(2) < 100;
                    waste([day, second, slot(2), slot(3), slot(4)], &past, numbers)
                }
                3 => {
                    refused = slot(3) > slot(2);
                    pv([day, second, slot(2), slot(3)], &past, numbers)
                }
                _ => match self.usual(citizen, day, slot(2)) {
                    Some(usual) => home([day, second, slot(2), slot(3), usual], &past, numbers),
                    None => continue,
                },
            };
            if refused {
                continue;
            }
            let granted = &mut self.granted[kind][citizen];
            grant(&mut granted.days, day, points);
            grant(&mut granted.months, month, points);
            self.all = (self.all.0 + reduction, self.all.1 + points);
        }
    }

    /// A ride draws on the campaign and the month's budget.
    fn ride(&mut self, slots: [i64; 3], month: i64, past: &Past, numbers: &Numbers) -> Earned {
        let (reduction, points) = stack(slots, past, numbers);
        let none = Numbers { campaign_tenths: 0, ..*numbers };
        let (_, plain) = stack(slots, past, &none);
        self.campaign += points - plain;
        match self.budget.iter_mut().find(|(known, _)| *known == month) {
            Some((_, issued)) => *issued += points,
            None => self.budget.push((month, points)),
        }
        (reduction, points)
    }

    /// The average of the seven days before, in hundredths; none with fewer than four readings. Notes the new
    /// one.
    #[expect(clippy::indexing_slicing, reason = "citizens are counted")]
    fn usual(&mut self, citizen: usize, day: i64, reading: i64) -> Option<i64> {
        let kept = &mut self.readings[citizen];
        let within = kept.iter().filter(|(known, ..)| day - 7 <= *known && *known < day);
        let (count, sum) =
            within.fold((0, 0), |(count, sum), (_, more, amount)| (count + more, sum + amount));
        match kept.iter_mut().find(|(known, ..)| *known == day) {
            Some((_, count, sum)) => (*count, *sum) = (*count + 1, *sum + reading),
            None => {
                if let Some(oldest) = kept.iter_mut().min_by_key(|(known, ..)| *known) {
                    *oldest = (day, 1, reading);
                }
            }
        }
        (count >= 4).then(|| {
            let (floor, rest) = (sum / count, sum % count);
            floor + i64::from(2 * rest > count || (2 * rest == count && floor % 2 != 0))
        })
    }
}

/// The first day of a day's month.
fn month_of(day: i64, known: &mut Vec<i64>) -> i64 {
    if let Some(first) = known.iter().find(|first| day - **first < 28 && day >= **first) {
        return *first;
    }
    let date = i32::try_from(day).ok().and_then(NaiveDate::from_num_days_from_ce_opt).unwrap_or_default();
    let first = i64::from(date.with_day(1).unwrap_or_default().num_days_from_ce());
    if !known.contains(&first) {
        known.push(first);
    }
    first
}

fn find(kept: &[(i64, Usage)], start: i64) -> Usage {
    kept.iter().find(|(known, _)| *known == start).map_or(Usage::NONE, |(_, usage)| *usage)
}

fn find_budget(kept: &[(i64, i64)], month: i64) -> i64 {
    kept.iter().find(|(known, _)| *known == month).map_or(0, |(_, issued)| *issued)
}

fn grant(kept: &mut [(i64, Usage)], start: i64, points: i64) {
    let place = if let Some(place) = kept.iter().position(|(known, _)| *known == start) {
        place
    } else {
        let oldest =
            kept.iter().enumerate().min_by_key(|(_, (known, _))| *known).map_or(0, |(place, _)| place);
        if let Some(slot) = kept.get_mut(oldest) {
            *slot = (start, Usage::NONE);
        }
        oldest
    };
    if let Some((_, usage)) = kept.get_mut(place) {
        usage.events += 1;
        usage.points = Points::new(usage.points.get() + points);
    }
}
