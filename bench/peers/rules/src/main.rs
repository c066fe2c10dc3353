//! Other rule engines on the five rules of `tanhui bench rules`: `peer-rules EVENTS ROUNDS`.
//!
//! EVENTS is what the benchmark writes: rules with their events and the points that each earns. Prints one
//! line of JSON for each engine, rule and way, with nanoseconds of one event in each round and how many
//! events came out with other points.

mod engines;
mod events;
mod texts;

use std::error::Error;
use std::time::Instant;

use engines::Engine;
use events::{Event, Rule};

/// Whatever went wrong; the benchmark shows it and stops.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How an engine gets an event.
type Way = (&'static str, fn(&mut dyn Engine, &Event) -> Outcome<i64>);

const WAYS: [Way; 2] =
    [("typed", |engine, event| engine.typed(event)), ("json", |engine, event| engine.json(event))];

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [path, rounds] = words.as_slice() else { return Err("usage: peer-rules EVENTS ROUNDS".into()) };
    let (text, rounds): (String, u32) = (std::fs::read_to_string(path)?, rounds.parse()?);
    let rules: Vec<Rule> = serde_json::from_str(&text)?;
    for rule in &rules {
        if !texts::RULES.contains(&rule.rule.as_str()) {
            return Err(format!("no rule {}", rule.rule).into());
        }
        let read = |written| Event::read(&rule.rule, written).ok_or("an event that cannot be read");
        let events = rule.events.iter().map(read).collect::<Result<Vec<Event>, _>>()?;
        for (name, compile) in engines::ALL {
            let mut engine = compile(&rule.rule)?;
            for (way, decide) in WAYS {
                println!(
                    "{}",
                    measure((name, &rule.rule, way), rounds, &events, |event| {
                        decide(engine.as_mut(), event)
                    })?
                );
            }
        }
    }
    Ok(())
}

/// One round to warm up and to compare every event, then so many measured ones.
fn measure(
    (engine, rule, way): (&str, &str, &str),
    rounds: u32,
    events: &[Event],
    mut decide: impl FnMut(&Event) -> Outcome<i64>,
) -> Outcome<String> {
    let (mut differing, mut sum) = (0_u64, 0_i64);
    for event in events {
        let points = decide(event)?;
        differing += u64::from(points != event.points);
        sum += points;
    }
    let mut nanoseconds = Vec::new();
    for _ in 0..rounds {
        let (start, mut again) = (Instant::now(), 0_i64);
        for event in events {
            again += decide(event)?;
        }
        nanoseconds.push(start.elapsed().as_secs_f64() * 1e9 / events.len() as f64);
        if again != sum {
            return Err(format!("{engine} {rule}: {again} points, {sum} before").into());
        }
    }
    let told = serde_json::json!({
        "engine": engine, "rule": rule, "way": way, "nanoseconds": nanoseconds, "differing": differing,
    });
    Ok(told.to_string())
}
