//! The events of a town, always the same ones: in the order of their days, some of them late.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::rule::{Evidence, RuleSet};
use tanhui_domain::simulation::{Happening, Row, Schema};
use tanhui_service::simulation::Keeper;

use super::{SimulateArguments, failed};
use crate::draw::Dice;
use crate::error::BenchError;

/// Civil days over which the events lie, from 2026-01-01 on.
const DAYS: i64 = 200;
/// Different inputs of each action.
const TEMPLATES: u32 = 1_024;
/// Of a hundred events, so many are of each action.
const SHARES: [(&str, u64); 5] = [("metro", 40), ("stack", 25), ("waste", 20), ("pv", 10), ("home", 5)];
/// One event in so many is one to three days late.
const LATE: u64 = 50;

/// Keeps the events.
pub fn keep(
    in_force: &RuleSet,
    draft: &RuleSet,
    arguments: &SimulateArguments,
    path: &Path,
) -> Result<(), BenchError> {
    let schema = Schema::of(&[in_force, draft], Vec::new()).map_err(failed)?;
    let mut dice = Dice::seeded(7);
    let mut templates = Vec::new();
    for (name, _) in SHARES {
        templates.push(rows(in_force, &schema, name, &mut dice)?);
    }
    let mut keeper = Keeper::create(Some(path), schema).map_err(failed)?;
    let start = first_instant();
    for place in 0..arguments.events {
        let day = i64::from(place) * DAYS / i64::from(arguments.events);
        let late = if dice.below(LATE) == 0 { 1 + i64::try_from(dice.below(3)).unwrap_or(0) } else { 0 };
        let second = i64::try_from(dice.below(86_400)).unwrap_or(0);
        let at = start + TimeDelta::days((day - late).max(0)) + TimeDelta::seconds(second);
        let all = templates.get(action(&mut dice)).map(Vec::as_slice).unwrap_or_default();
        let template = usize::try_from(dice.below(u64::from(TEMPLATES))).unwrap_or(0);
        let Some(row) = all.get(template) else { continue };
        let citizen = u32::try_from(dice.below(u64::from(arguments.citizens))).unwrap_or(0);
        let mut row = row.happened(Happening { at, zone: in_force.timezone() });
        row.citizen = citizen;
        keeper.add(&row).map_err(failed)?;
    }
    keeper.finish().map_err(failed)?;
    Ok(())
}

/// Midnight in the town.
fn first_instant() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_196_800, 0).unwrap_or_default()
}

fn action(dice: &mut Dice) -> usize {
    let mut left = dice.below(100);
    for (place, (_, share)) in SHARES.into_iter().enumerate() {
        if left < share {
            return place;
        }
        left -= share;
    }
    0
}

fn rows(rules: &RuleSet, schema: &Schema, name: &str, dice: &mut Dice) -> Result<Vec<Row>, BenchError> {
    let action = rules.action(name).ok_or_else(|| BenchError::SetUp(format!("no rule {name}")))?;
    let shape = schema.shape_of(action).unwrap_or(0);
    let when = Happening { at: first_instant(), zone: rules.timezone() };
    let row = |_| {
        let data = crate::rules::data(name, dice);
        let members = data.iter().map(|(name, value)| (*name, value.as_str()));
        let inputs = rules.read_inputs(action, members).map_err(|all| failed(format!("{all:?}")))?;
        Row::of(shape, action, &inputs, when, Evidence::Operator).ok_or_else(|| failed("foreign inputs"))
    };
    (0..TEMPLATES).map(row).collect()
}
