//! CloudEvents, one a line, as rows. An event that neither rule set can read is counted and left out.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tanhui_domain::event::CloudEvent;
use tanhui_domain::rule::{Action, Evidence, RuleSet};
use tanhui_domain::simulation::{Happening, Row, Schema, card_number};
use tanhui_domain::time::to_micros;

use super::kept::Keeper;
use super::{Phase, Progress, SimulationError};

/// Lines that one worker reads in one turn.
const LINES_A_TURN: usize = 8_192;

/// The home district of each subject.
pub type Districts = HashMap<String, String>;

/// Reads lines under two rule sets. A subject is taken for one citizen.
pub struct Reading<'r> {
    /// Each rule set with the shape of each of its actions.
    sides: [(&'r RuleSet, HashMap<&'r str, u16>); 2],
    evidence: Evidence,
    /// The number of each subject's district.
    districts: HashMap<String, u16>,
    citizens: HashMap<String, u32>,
    /// Lines that neither rule set can read.
    pub unreadable: u64,
}

/// Reads `subject,district` lines; empty ones are left out.
pub fn read_districts(path: &Path) -> Result<Districts, SimulationError> {
    let failed = |cause| SimulationError::File { path: path.to_owned(), cause };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let mut districts = Districts::new();
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let pair = line.split_once(',').map(|(subject, district)| (subject.trim(), district.trim()));
        let (subject, district) =
            pair.ok_or_else(|| SimulationError::Districts { path: path.to_owned(), line: number })?;
        districts.insert(subject.to_owned(), district.to_owned());
    }
    Ok(districts)
}

/// Keeps the events of a file of CloudEvents, in the order of its lines.
pub fn read_ndjson(
    reading: &mut Reading<'_>,
    path: &Path,
    keeper: &mut Keeper,
    progress: Progress<'_>,
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
        reading.turn(&turns, keeper)?;
        progress(Phase::Reading, done, size);
    }
}

impl<'r> Reading<'r> {
    /// All events count as evidenced alike. The schema's districts must be those of the subjects.
    #[must_use]
    pub fn new(
        in_force: &'r RuleSet,
        draft: &'r RuleSet,
        schema: &Schema,
        evidence: Evidence,
        districts: &Districts,
    ) -> Self {
        let places = |rules: &'r RuleSet| {
            let place = |action: &'r Action| Some((action.id(), schema.shape_of(action)?));
            rules.actions().filter_map(place).collect()
        };
        let numbered = |(subject, name): (&String, &String)| {
            let place = schema.districts.iter().position(|known| known == name)?;
            Some((subject.clone(), u16::try_from(place.checked_add(1)?).ok()?))
        };
        Self {
            sides: [(in_force, places(in_force)), (draft, places(draft))],
            evidence,
            districts: districts.iter().filter_map(numbered).collect(),
            citizens: HashMap::new(),
            unreadable: 0,
        }
    }

    fn turn(&mut self, turns: &[Vec<String>], keeper: &mut Keeper) -> Result<(), SimulationError> {
        let reader: &Self = self;
        let read = thread::scope(|scope| {
            let read_all =
                |turn: &'_ Vec<String>| turn.iter().map(|line| reader.row(line)).collect::<Vec<_>>();
            let started: Vec<_> = turns.iter().map(|turn| scope.spawn(move || read_all(turn))).collect();
            let joined = started.into_iter().map(|worker| worker.join().map_err(|_| SimulationError::Worker));
            joined.collect::<Result<Vec<_>, _>>()
        })?;
        for found in read.into_iter().flatten() {
            let Some((subject, mut row)) = found else {
                self.unreadable = self.unreadable.saturating_add(1);
                continue;
            };
            row.district = self.districts.get(&subject).copied().unwrap_or(0);
            row.citizen = self.number(subject)?;
            keeper.add(&row)?;
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
        let mut row = self.sides.iter().find_map(|(rules, places)| self.row_of(rules, places, &event))?;
        row.card = card_number(&event.source, &event.subject);
        if let Some(recorded_at) = recorded_at(line) {
            row = row.reported(recorded_at.signed_duration_since(event.occurred_at().ok()?));
        }
        Some((event.subject, row))
    }

    fn row_of(&self, rules: &RuleSet, places: &HashMap<&str, u16>, event: &CloudEvent) -> Option<Row> {
        let action = rules.action(event.action().ok()?)?;
        let place = *places.get(action.id())?;
        let data = event.data.iter().map(|(member, value)| (member.as_str(), value.get()));
        let inputs = rules.read_inputs(action, data).ok()?;
        let when = Happening { at: event.occurred_at().ok()?, zone: rules.timezone() };
        Row::of(place, action, &inputs, when, self.evidence)
    }
}

/// When an event was recorded, where it has the CloudEvents extension that says so; else it counts as
/// reported when it happened.
fn recorded_at(line: &str) -> Option<DateTime<Utc>> {
    #[derive(Deserialize)]
    struct Recorded {
        recordedtime: String,
    }
    if !line.contains("\"recordedtime\"") {
        return None;
    }
    let recorded: Recorded = serde_json::from_str(line).ok()?;
    let at = DateTime::parse_from_rfc3339(&recorded.recordedtime).ok()?;
    Some(to_micros(at.with_timezone(&Utc)))
}
