//! Events of the five rules, always the same ones.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tanhui_domain::rule::{Action, Evidence, Facts, Readings, Receipt, RuleSet, Slots, Usage};
use tanhui_domain::time::civil_day;

use crate::error::BenchError;

/// One event in every form that is measured.
pub struct Event {
    pub occurred_at: DateTime<Utc>,
    pub day: NaiveDate,
    pub evidence: Evidence,
    pub history: [Readings; 1],
    /// Its data as an array of pairs.
    pub json: String,
    pub slots: Slots,
    pub receipt: Receipt,
}

/// Numbers that look drawn and are not.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn decimal(&mut self, end: u64, decimals: usize) -> String {
        let digits = format!("{:0>width$}", self.below(end), width = decimals + 1);
        let (whole, behind) = digits.split_at(digits.len() - decimals);
        format!("{whole}.{behind}")
    }

    fn word(&mut self, words: &[&str]) -> String {
        let place = usize::try_from(self.below(words.len() as u64)).unwrap_or(0);
        format!("\"{}\"", words.get(place).unwrap_or(&""))
    }
}

/// The events of a rule between January and July 2026.
pub fn draw(rules: &RuleSet, action: &Action, count: u32) -> Result<Vec<Event>, BenchError> {
    let mut draw = Draw(88_172_645_463_325_252);
    (0..count).map(|_| event(rules, action, &mut draw)).collect()
}

fn event(rules: &RuleSet, action: &Action, draw: &mut Draw) -> Result<Event, BenchError> {
    let wrong = |what: String| BenchError::SetUp(format!("{}: {what}", action.id()));
    let data: Vec<(&str, String)> = match action.id() {
        "metro" => {
            let districts = ["d1", "d2", "d3", "d4", "d5", "d6", "x7", "x8", "x9"];
            vec![("distance_km", draw.decimal(100_000, 3)), ("district", draw.word(&districts))]
        }
        "waste" => vec![
            ("weight_kg", format!("1{}", draw.decimal(9_000, 3))),
            ("kind", draw.word(&["paper", "metal", "glass", "plastic"])),
            ("clean", (draw.below(2) == 0).to_string()),
        ],
        "pv" => vec![("made_kWh", draw.decimal(20_000, 2)), ("used_kWh", draw.decimal(20_000, 2))],
        "home" => {
            vec![("used_kWh", draw.decimal(3_000, 2)), ("persons_person", (1 + draw.below(6)).to_string())]
        }
        _ => vec![("distance_km", format!("1{}", draw.decimal(9_000, 3)))],
    };
    let start = DateTime::<Utc>::from_timestamp(1_767_225_600, 0).unwrap_or_default();
    let minutes = i64::try_from(draw.below(60 * 24 * 200)).unwrap_or(0);
    let occurred_at = start + TimeDelta::minutes(minutes);
    let history = [Readings { count: 7, sum: 7 * i64::try_from(draw.below(30_000)).unwrap_or(0) * 1_000 }];
    let members = data.iter().map(|(name, value)| (*name, value.as_str()));
    let inputs = rules.read_inputs(action, members).map_err(|all| wrong(format!("{all:?}")))?;
    let evidence = Evidence::Operator;
    let mut facts = Facts::new(&inputs, occurred_at, evidence);
    facts.history = &history;
    let slots = rules.slots(action, &facts).map_err(|problem| wrong(format!("{problem:?}")))?;
    let day = civil_day(occurred_at, rules.timezone());
    let used = vec![Usage::NONE; rules.cap_windows(action, day).len()];
    let receipt = rules.evaluate(action, &facts, &used).receipt().clone();
    let pairs = data.iter().map(|(name, value)| format!("[\"{name}\",{value}]"));
    let json = format!("[{}]", pairs.collect::<Vec<_>>().join(","));
    Ok(Event { occurred_at, day, evidence, history, json, slots, receipt })
}
