//! Events of the five rules, always the same ones.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tanhui_domain::rule::{Action, Evidence, Facts, Readings, Receipt, RuleSet, Slots, Usage};
use tanhui_domain::time::civil_day;

use crate::draw::Dice;
use crate::error::BenchError;

/// One event in every form that is measured.
pub struct Event {
    pub occurred_at: DateTime<Utc>,
    pub day: NaiveDate,
    pub evidence: Evidence,
    pub history: [Readings; 1],
    /// Its data as an object.
    pub json: String,
    pub slots: Slots,
    pub receipt: Receipt,
}

impl Event {
    /// Its data with bare names, for engines that know no units.
    pub fn plain_json(&self) -> String {
        ["_km", "_kg", "_kWh", "_person"].iter().fold(self.json.clone(), |json, unit| json.replace(unit, ""))
    }
}

fn decimal(dice: &mut Dice, end: u64, decimals: usize) -> String {
    let digits = format!("{:0>width$}", dice.below(end), width = decimals + 1);
    let (whole, behind) = digits.split_at(digits.len() - decimals);
    format!("{whole}.{behind}")
}

fn word(dice: &mut Dice, words: &[&str]) -> String {
    let place = usize::try_from(dice.below(words.len() as u64)).unwrap_or(0);
    format!("\"{}\"", words.get(place).unwrap_or(&""))
}

/// The events of a rule between January and July 2026.
pub fn draw(rules: &RuleSet, action: &Action, count: u32) -> Result<Vec<Event>, BenchError> {
    let mut dice = Dice::seeded(1);
    (0..count).map(|_| event(rules, action, &mut dice)).collect()
}

/// The data of one event: members with their JSON text.
pub(crate) fn data(rule: &str, dice: &mut Dice) -> Vec<(&'static str, String)> {
    match rule {
        "metro" => {
            let districts = ["d1", "d2", "d3", "d4", "d5", "d6", "x7", "x8", "x9"];
            vec![("distance_km", decimal(dice, 100_000, 3)), ("district", word(dice, &districts))]
        }
        "waste" => vec![
            ("weight_kg", format!("1{}", decimal(dice, 9_000, 3))),
            ("kind", word(dice, &["paper", "metal", "glass", "plastic"])),
            ("clean", (dice.below(2) == 0).to_string()),
        ],
        "pv" => vec![("made_kWh", decimal(dice, 20_000, 2)), ("used_kWh", decimal(dice, 20_000, 2))],
        "home" => {
            vec![("used_kWh", decimal(dice, 3_000, 2)), ("persons_person", (1 + dice.below(6)).to_string())]
        }
        _ => vec![("distance_km", format!("1{}", decimal(dice, 9_000, 3)))],
    }
}

fn event(rules: &RuleSet, action: &Action, dice: &mut Dice) -> Result<Event, BenchError> {
    let wrong = |what: String| BenchError::SetUp(format!("{}: {what}", action.id()));
    let data = data(action.id(), dice);
    let start = DateTime::<Utc>::from_timestamp(1_767_225_600, 0).unwrap_or_default();
    let minutes = i64::try_from(dice.below(60 * 24 * 200)).unwrap_or(0);
    let occurred_at = start + TimeDelta::minutes(minutes);
    let history = [Readings { count: 7, sum: 7 * i64::try_from(dice.below(30_000)).unwrap_or(0) * 1_000 }];
    let members = data.iter().map(|(name, value)| (*name, value.as_str()));
    let inputs = rules.read_inputs(action, members).map_err(|all| wrong(format!("{all:?}")))?;
    let evidence = Evidence::Operator;
    let mut facts = Facts::new(&inputs, occurred_at, evidence);
    facts.history = &history;
    let slots = rules.slots(action, &facts).map_err(|problem| wrong(format!("{problem:?}")))?;
    let day = civil_day(occurred_at, rules.timezone());
    let used = vec![Usage::NONE; rules.cap_windows(action, day).len()];
    let receipt = rules.evaluate(action, &facts, &used).receipt().clone();
    let pairs = data.iter().map(|(name, value)| format!("\"{name}\":{value}"));
    let json = format!("{{{}}}", pairs.collect::<Vec<_>>().join(","));
    Ok(Event { occurred_at, day, evidence, history, json, slots, receipt })
}
