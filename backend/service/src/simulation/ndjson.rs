//! CloudEvents, one a line, as rows. An event that neither rule set can read is counted and left out.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use chrono::{Datelike as _, Timelike as _};
use tanhui_domain::event::CloudEvent;
use tanhui_domain::rule::{Action, Evidence, Facts, RuleSet};
use tanhui_domain::simulation::{Row, Schema, Shape};

use super::{Phase, Progress, SimulationError};

/// Lines that one worker reads in one turn.
const LINES_A_TURN: usize = 8_192;

/// Reads lines under two rule sets.
pub struct Reading<'r> {
    /// Each rule set with the shape of each of its actions.
    sides: [(&'r RuleSet, HashMap<&'r str, u16>); 2],
    evidence: Evidence,
    citizens: HashMap<String, u32>,
    /// Lines that neither rule set can read.
    pub unreadable: u64,
}

/// A file of CloudEvents, given to `each` in the order of its lines.
pub fn read_ndjson(
    reading: &mut Reading<'_>,
    path: &Path,
    progress: Progress<'_>,
    mut each: impl FnMut(&Row) -> Result<(), SimulationError>,
) -> Result<(), SimulationError> {
    let failed = |cause| SimulationError::File { path: path.to_owned(), cause };
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut lines = BufReader::with_capacity(1024 * 1024, file);
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut done = 0_u64;
    loop {
        let mut turns: Vec<Vec<String>> = Vec::with_capacity(workers);
        for _ in 0..workers {
            let mut turn = Vec::new();
            while turn.len() < LINES_A_TURN {
                let mut line = String::new();
                let read = lines.read_line(&mut line).map_err(failed)?;
                if read == 0 {
                    break;
                }
                done = done.saturating_add(u64::try_from(read).unwrap_or(0));
                if !line.trim().is_empty() {
                    turn.push(line);
                }
            }
            turns.push(turn);
        }
        if turns.iter().all(Vec::is_empty) {
            return Ok(());
        }
        reading.turn(&turns, &mut each)?;
        progress(Phase::Reading, done, size);
    }
}

impl<'r> Reading<'r> {
    /// All events count as evidenced alike.
    #[must_use]
    pub fn new(in_force: &'r RuleSet, draft: &'r RuleSet, schema: &Schema, evidence: Evidence) -> Self {
        let places = |rules: &'r RuleSet| {
            let place = |action| schema.shapes.iter().position(|known| *known == Shape::of(action));
            let place = |action: &'r Action| Some((action.id(), u16::try_from(place(action)?).ok()?));
            rules.actions().filter_map(place).collect()
        };
        let sides = [(in_force, places(in_force)), (draft, places(draft))];
        Self { sides, evidence, citizens: HashMap::new(), unreadable: 0 }
    }

    fn turn(
        &mut self,
        turns: &[Vec<String>],
        each: &mut impl FnMut(&Row) -> Result<(), SimulationError>,
    ) -> Result<(), SimulationError> {
        let reader: &Self = self;
        let read = thread::scope(|scope| {
            let read_all =
                |turn: &'_ Vec<String>| turn.iter().map(|line| reader.row(line)).collect::<Vec<_>>();
            let started: Vec<_> = turns.iter().map(|turn| scope.spawn(move || read_all(turn))).collect();
            let joined = started.into_iter().map(|worker| worker.join().map_err(|_| SimulationError::Worker));
            joined.collect::<Result<Vec<_>, _>>()
        })?;
        for found in read.into_iter().flatten() {
            let Some((subject, row)) = found else {
                self.unreadable = self.unreadable.saturating_add(1);
                continue;
            };
            let mut row = row;
            row.citizen = self.number(subject)?;
            each(&row)?;
        }
        Ok(())
    }

    fn number(&mut self, subject: String) -> Result<u32, SimulationError> {
        let next = u32::try_from(self.citizens.len()).map_err(|_| SimulationError::TooMany("subjects"))?;
        Ok(*self.citizens.entry(subject).or_insert(next))
    }

    /// An event as a row whose citizen is still to be numbered.
    fn row(&self, line: &str) -> Option<(String, Row)> {
        let event = CloudEvent::parse(line).ok()?;
        let row = self.sides.iter().find_map(|(rules, places)| self.row_of(rules, places, &event))?;
        Some((event.subject, row))
    }

    fn row_of(&self, rules: &RuleSet, places: &HashMap<&str, u16>, event: &CloudEvent) -> Option<Row> {
        let action = rules.action(event.action().ok()?)?;
        let place = *places.get(action.id())?;
        let data = event.data.iter().map(|(member, value)| (member.as_str(), value.get()));
        let inputs = rules.read_inputs(action, data).ok()?;
        let occurred_at = event.occurred_at().ok()?;
        let facts = Facts::new(&inputs, occurred_at, self.evidence);
        let slots = rules.slots(action, &facts).ok()?;
        let local = occurred_at.with_timezone(&rules.timezone());
        let moment = (local.num_days_from_ce(), local.num_seconds_from_midnight());
        let mut row = Row::new(0, moment, place, slots.inputs())?;
        row.evidence = self.evidence;
        Some(row)
    }
}
