//! `tanhui bench rules`: five rules decided, from integers, from JSON, in columns and with explanations,
//! beside the same rules written by hand and by other engines. Needs no server; one thread.

#[expect(clippy::arithmetic_side_effects, reason = "the bounds of the draws are in the code")]
mod events;
#[expect(clippy::arithmetic_side_effects, reason = "it is the floor: plain machine arithmetic")]
pub(crate) mod floor;
mod peers;
mod report;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use clap::value_parser;
use serde_json::value::RawValue;
use tanhui_domain::rule::{
    Action, Batch, EventColumns, Evidence, Facts, Reckoning, RuleSet, Scratch, SourceFile, Typed, Usage,
    Verdict,
};

use self::events::Event;
pub(crate) use self::events::data;
pub(crate) use self::floor::Earned;
pub use self::report::{Measured, PeerMeasured, Report, Way};
use crate::error::BenchError;
use crate::flags;
use crate::spread::Range;

/// The five rules.
pub(crate) const RULES: &str = include_str!("rules.yaml");
const NAMES: [&str; 5] = ["metro", "waste", "pv", "home", "stack"];
/// Rows of columns that are decided before the next are looked at.
const PACKED_ROWS: usize = 4_096;

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
    #[arg(long, value_name = "FILE", env = "TANHUI_BENCH_JSON")]
    pub json: Option<PathBuf>,
    /// Program of other engines; `cargo xtask bench rules` builds it
    #[arg(long, value_name = "PROGRAM", env = "TANHUI_BENCH_PEER")]
    pub peer: Option<PathBuf>,
    /// Script of the engine that runs in Node
    #[arg(long, value_name = "FILE", env = "TANHUI_BENCH_NODE_PEER")]
    pub node_peer: Option<PathBuf>,
}

/// Runs the benchmark.
///
/// # Errors
/// Sums that differ from those of the rules written by hand, a file that cannot be written.
pub fn run(arguments: &RulesArguments) -> Result<Report, BenchError> {
    let file = SourceFile { name: "bench.yaml".to_owned(), text: RULES.to_owned() };
    let rules = RuleSet::compile(&file, &[])
        .map_err(|all| BenchError::SetUp(all.first().map_or_else(String::new, ToString::to_string)))?;
    let (mut cells, mut fields) = (Vec::new(), Vec::new());
    for name in NAMES {
        let action = rules.action(name).ok_or_else(|| BenchError::SetUp(format!("no rule {name}")))?;
        let field = Field::new(&rules, action, arguments.events)?;
        cells.extend(field.measure(arguments.rounds)?);
        fields.push(field);
    }
    let handed = fields.iter().map(Field::handed_over).collect::<Vec<_>>();
    let report = Report::new(arguments, cells, peers::measure(arguments, &handed)?);
    flags::keep(&report, arguments.json.as_ref())?;
    Ok(report)
}

/// One rule with its events.
struct Field<'r> {
    rules: &'r RuleSet,
    action: &'r Action,
    events: Vec<Event>,
    /// The same events, slot by slot.
    columns: Vec<Vec<i64>>,
    evidence: Vec<Evidence>,
    used: Vec<Usage>,
    count: u32,
}

impl<'r> Field<'r> {
    fn new(rules: &'r RuleSet, action: &'r Action, count: u32) -> Result<Self, BenchError> {
        let events = events::draw(rules, action, count)?;
        let windows = events.first().map_or(0, |event| rules.cap_windows(action, event.day).len());
        let slots = events.first().map_or(0, |event| event.slots.as_slice().len());
        let column = |place: usize| {
            let slot = |event: &Event| event.slots.as_slice().get(place).copied().unwrap_or(0);
            events.iter().map(slot).collect()
        };
        let columns = (0..slots).map(column).collect();
        let evidence = events.iter().map(|event| event.evidence).collect();
        Ok(Self { rules, action, events, columns, evidence, used: vec![Usage::NONE; windows], count })
    }

    fn measure(&self, rounds: u32) -> Result<Vec<Measured>, BenchError> {
        let mut nanoseconds: Vec<Vec<f64>> = vec![Vec::new(); Way::ALL.len()];
        let mut exact = None;
        for _ in 0..=rounds {
            for (way, times) in Way::ALL.into_iter().zip(&mut nanoseconds) {
                let start = Instant::now();
                let earned = self.go(way);
                times.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(self.count));
                if earned != *exact.get_or_insert(earned) {
                    let told = format!("{} {way:?}: {earned:?}, by hand {exact:?}", self.action.id());
                    return Err(BenchError::Wrong(told));
                }
            }
        }
        let (reduction_mg, points) = exact.unwrap_or_default();
        // The first round only warms up.
        let cell = |(way, times): (Way, &Vec<f64>)| {
            let nanoseconds = Range::of(times.iter().skip(1).copied())?;
            Some(Measured { rule: self.action.id().to_owned(), way, nanoseconds, reduction_mg, points })
        };
        Ok(Way::ALL.into_iter().zip(&nanoseconds).filter_map(cell).collect())
    }

    /// All events one way; the sums of their milligrams and points.
    fn go(&self, way: Way) -> Earned {
        let (one_by_hand, all_by_hand) = floor::by_hand(self.action.id());
        let all = |earned: &dyn Fn(&Event) -> Earned| sum(self.events.iter().map(earned));
        match way {
            Way::ByHand => sum(self
                .events
                .iter()
                .map(|event| one_by_hand(event.slots.as_slice(), black_box(&self.used)))),
            Way::Typed => {
                let mut scratch = Scratch::default();
                sum(self.events.iter().map(|event| self.decide(event, &mut scratch)))
            }
            Way::PackedByHand => {
                let parts = (0..self.evidence.len()).step_by(PACKED_ROWS);
                sum(parts.map(|from| all_by_hand(&self.part(from), black_box(&self.used))))
            }
            Way::Packed => self.packed(),
            Way::Json => all(&|event| self.read_and_decide(event)),
            Way::Explained => all(&|event| reckoned(&self.rules.reckon(self.action, &event.receipt))),
            Way::Told => all(&|event| {
                let told = self.rules.explain(self.action, &event.receipt);
                (told.reduction_mg, told.points)
            }),
        }
    }

    fn decide(&self, event: &Event, scratch: &mut Scratch) -> Earned {
        let typed = Typed::new(event.slots.as_slice(), event.evidence);
        earned(&self.rules.decide(self.action, &typed, black_box(&self.used), scratch))
    }

    /// Some rows of the columns.
    fn part(&self, from: usize) -> Vec<&[i64]> {
        let at = from..from.saturating_add(PACKED_ROWS).min(self.evidence.len());
        self.columns.iter().map(|column| column.get(at.clone()).unwrap_or_default()).collect()
    }

    fn packed(&self) -> Earned {
        let mut batch = Batch::default();
        let mut all = (0, 0);
        for (from, evidence) in (0..).step_by(PACKED_ROWS).zip(self.evidence.chunks(PACKED_ROWS)) {
            let slots = self.part(from);
            let events = EventColumns { slots: &slots, evidence };
            self.rules.form(self.action, &events, &mut batch);
            let used = black_box(&self.used);
            let settle = |row| earned(&self.rules.settle(self.action, (&batch, &events, row), used));
            all = sum([all, sum((0..evidence.len()).map(settle))]);
        }
        all
    }

    fn read_and_decide(&self, event: &Event) -> Earned {
        let Ok(data) = serde_json::from_str::<Members<'_>>(&event.json) else { return (0, 0) };
        let data = data.0.iter().map(|(name, value)| (*name, value.get()));
        let Ok(inputs) = self.rules.read_inputs(self.action, data) else { return (0, 0) };
        let mut facts = Facts::new(&inputs, event.occurred_at, event.evidence);
        facts.history = &event.history;
        let Ok(slots) = self.rules.slots(self.action, &facts) else { return (0, 0) };
        let typed = Typed::new(slots.as_slice(), event.evidence);
        earned(&self.rules.decide(self.action, &typed, &self.used, &mut Scratch::default()))
    }

    /// For the peers: data without units in names, what else is known, and the points.
    fn handed_over(&self) -> Handed<'_> {
        let event = |event: &Event| {
            let slots = event.slots.as_slice();
            let at = |place: usize| slots.get(place).copied().unwrap_or(0);
            let usual = if self.action.history().is_empty() { 0 } else { at(slots.len().saturating_sub(1)) };
            let (whole, behind) = (usual / 100, usual % 100);
            let points = self.decide(event, &mut Scratch::default()).1;
            let text = format!(
                r#"{{"data":{},"second":{},"day":{},"usual":{whole}.{behind:02},"points":{points}}}"#,
                event.plain_json(),
                at(1),
                at(0)
            );
            serde_json::value::RawValue::from_string(text)
        };
        let events: Vec<_> = self.events.iter().filter_map(|each| event(each).ok()).collect();
        Handed { rule: self.action.id(), events }
    }
}

/// One rule's events for the peers.
#[derive(serde::Serialize)]
struct Handed<'a> {
    rule: &'a str,
    events: Vec<Box<serde_json::value::RawValue>>,
}

/// An object's members in their order, values as their text.
struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::with_capacity(8);
                while let Some(member) = map.next_entry()? {
                    all.push(member);
                }
                Ok(Members(all))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// Adds up all numbers of an explanation, so that none is left out; gives what was credited.
fn reckoned(reckoning: &Reckoning<'_>) -> Earned {
    let steps = reckoning.steps().fold(0_i128, |sum, step| sum.wrapping_add(step.count));
    let held = reckoning.conditions().filter(|(_, holds)| *holds).count();
    let left = reckoning.caps().iter().fold(0_i64, |sum, cap| sum.wrapping_add(cap.left_after));
    black_box((steps, held, left));
    earned(reckoning.verdict())
}

fn earned(verdict: &Verdict) -> Earned {
    match verdict {
        Verdict::Credited(granted) => (granted.reduction.get(), granted.points.get()),
        Verdict::Refused(_) | Verdict::Held(_) => (0, 0),
    }
}

fn sum(all: impl IntoIterator<Item = Earned>) -> Earned {
    all.into_iter().fold((0, 0), |sum, one| (sum.0.wrapping_add(one.0), sum.1.wrapping_add(one.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_gives_what_the_rules_by_hand_give() {
        let arguments = RulesArguments { events: 5_000, rounds: 1, json: None, peer: None, node_peer: None };
        let report = run(&arguments).unwrap();
        assert_eq!(report.cells.len(), NAMES.len() * Way::ALL.len());
        assert!(report.cells.iter().all(|cell| cell.points > 0 && cell.nanoseconds.median > 0.0));
        assert!(report.to_string().contains("metro") && report.peers.is_empty());
    }
}
