//! `tanhui bench rules`: five rules decided, from integers, from JSON, in columns and with explanations,
//! beside the same rules written by hand. Needs no server; one thread.

#[expect(clippy::arithmetic_side_effects, reason = "the bounds of the draws are in the code")]
mod events;
#[expect(clippy::arithmetic_side_effects, reason = "it is the floor: plain machine arithmetic")]
mod floor;
mod report;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use clap::value_parser;
use tanhui_domain::rule::{
    Action, BATCH_ROWS, Batch, Facts, Formed, RuleSet, Scratch, SourceFile, Typed, Usage, Verdict,
};

use self::events::Event;
pub use self::report::{Measured, Report, Way};
use crate::error::BenchError;
use crate::spread::Range;

const RULES: &str = include_str!("rules.yaml");
const NAMES: [&str; 5] = ["metro", "waste", "pv", "home", "stack"];

/// How to run.
#[derive(Debug, Clone, clap::Args)]
pub struct RulesArguments {
    /// Events of each rule
    #[arg(long, value_name = "N", default_value_t = 20_000,
          value_parser = value_parser!(u32).range(100..=10_000_000))]
    pub events: u32,
    /// How often all are measured, one after another
    #[arg(long, value_name = "N", default_value_t = 9,
          value_parser = value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Write the report as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Runs the benchmark.
///
/// # Errors
/// Sums that differ from those of the rules written by hand, a file that cannot be written.
pub fn run(arguments: &RulesArguments) -> Result<Report, BenchError> {
    let file = SourceFile { name: "bench.yaml".to_owned(), text: RULES.to_owned() };
    let rules = RuleSet::compile(&file, &[])
        .map_err(|all| BenchError::SetUp(all.first().map_or_else(String::new, ToString::to_string)))?;
    let mut cells = Vec::new();
    for name in NAMES {
        let action = rules.action(name).ok_or_else(|| BenchError::SetUp(format!("no rule {name}")))?;
        let field = Field::new(&rules, action, arguments.events)?;
        cells.extend(field.measure(arguments.rounds)?);
    }
    let report = Report::new(arguments, cells);
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(report)
}

/// One rule with its events.
struct Field<'r> {
    rules: &'r RuleSet,
    action: &'r Action,
    events: Vec<Event>,
    used: Vec<Usage>,
    count: u32,
}

impl<'r> Field<'r> {
    fn new(rules: &'r RuleSet, action: &'r Action, count: u32) -> Result<Self, BenchError> {
        let events = events::draw(rules, action, count)?;
        let windows = events.first().map_or(0, |event| rules.cap_windows(action, event.day).len());
        Ok(Self { rules, action, events, used: vec![Usage::NONE; windows], count })
    }

    fn measure(&self, rounds: u32) -> Result<Vec<Measured>, BenchError> {
        let mut nanoseconds: Vec<Vec<f64>> = vec![Vec::new(); Way::ALL.len()];
        let mut exact = None;
        for _ in 0..=rounds {
            for (way, times) in Way::ALL.into_iter().zip(&mut nanoseconds) {
                let start = Instant::now();
                let points = self.go(way);
                times.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(self.count));
                if points != *exact.get_or_insert(points) {
                    let told = format!("{} {way:?}: {points} points, by hand {exact:?}", self.action.id());
                    return Err(BenchError::Wrong(told));
                }
            }
        }
        // The first round only warms up.
        let cell = |(way, times): (Way, &Vec<f64>)| {
            let nanoseconds = Range::of(times.iter().skip(1).copied())?;
            Some(Measured { rule: self.action.id().to_owned(), way, nanoseconds, points: exact? })
        };
        Ok(Way::ALL.into_iter().zip(&nanoseconds).filter_map(cell).collect())
    }

    /// All events one way; the sum of their points.
    fn go(&self, way: Way) -> i64 {
        match way {
            Way::ByHand => {
                let by_hand = floor::by_hand(self.action.id());
                let points = |event: &Event| by_hand(event.slots.as_slice(), black_box(&self.used)).1;
                self.events.iter().map(points).sum()
            }
            Way::Typed => {
                let mut scratch = Scratch::default();
                self.events.iter().map(|event| self.decide(event, &mut scratch)).sum()
            }
            Way::Columns => self.columns(),
            Way::Json => self.events.iter().map(|event| self.read_and_decide(event)).sum(),
            Way::Explained => {
                let told = |event: &Event| self.rules.explain(self.action, &event.receipt).points;
                self.events.iter().map(told).sum()
            }
        }
    }

    fn decide(&self, event: &Event, scratch: &mut Scratch) -> i64 {
        let typed = Typed::new(event.slots.as_slice(), event.evidence);
        points(self.rules.decide(self.action, typed, black_box(&self.used), scratch))
    }

    fn columns(&self) -> i64 {
        let (mut batch, mut formed, mut scratch) = (Batch::default(), Vec::new(), Scratch::default());
        let mut sum = 0_i64;
        for chunk in self.events.chunks(BATCH_ROWS) {
            batch.clear();
            for event in chunk {
                batch.push(Typed::new(event.slots.as_slice(), event.evidence));
            }
            self.rules.form(self.action, &mut batch, &mut formed);
            for (event, formed) in chunk.iter().zip(&formed) {
                sum = sum.saturating_add(self.settle(event, *formed, &mut scratch));
            }
        }
        sum
    }

    fn settle(&self, event: &Event, formed: Formed, scratch: &mut Scratch) -> i64 {
        let typed = Typed::new(event.slots.as_slice(), event.evidence);
        points(self.rules.settle(self.action, typed, formed, black_box(&self.used), scratch))
    }

    fn read_and_decide(&self, event: &Event) -> i64 {
        let Ok(data) = serde_json::from_str::<Vec<(&str, &serde_json::value::RawValue)>>(&event.json) else {
            return 0;
        };
        let data = data.iter().map(|(name, value)| (*name, value.get()));
        let Ok(inputs) = self.rules.read_inputs(self.action, data) else { return 0 };
        let mut facts = Facts::new(&inputs, event.occurred_at, event.evidence);
        facts.history = &event.history;
        let Ok(slots) = self.rules.slots(self.action, &facts) else { return 0 };
        let typed = Typed::new(slots.as_slice(), event.evidence);
        points(self.rules.decide(self.action, typed, &self.used, &mut Scratch::default()))
    }
}

fn points(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Credited(granted) => granted.points.get(),
        Verdict::Refused(_) | Verdict::Held(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_pays_what_the_rules_by_hand_pay() {
        let arguments = RulesArguments { events: 2_000, rounds: 1, json: None };
        let report = run(&arguments).unwrap();
        assert_eq!(report.cells.len(), NAMES.len() * Way::ALL.len());
        assert!(report.cells.iter().all(|cell| cell.points > 0 && cell.nanoseconds.median > 0.0));
        assert!(report.to_string().contains("metro"));
    }
}
