//! Examples in a rule file and cases beside it: the officer's own statements of what should come out,
//! compared exactly.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeZone, Utc};
use serde::Serialize;

use super::action::Action;
use super::background::Background;
use super::decision::Facts;
use super::diagnostic::{Diagnostic, Finding, Findings, did_you_mean, text};
use super::evidence::Evidence;
use super::exact::Decimal;
use super::expectation::{self, Outcome, mismatch, outcome, read_expected};
use super::input_value::Inputs;
use super::ruleset::{RuleSet, SourceFile};
use super::section::Reading;
use super::yaml::{self, Kind, Node};
use crate::time::civil_day;

/// Most examples or cases of one file.
pub const CASES_MAX: usize = 5_000;

/// What a file of cases covered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CasesSummary {
    /// How many cases it holds.
    pub cases: usize,
    /// For every action of the rule set, what was seen of it.
    pub actions: BTreeMap<String, ActionCases>,
}

/// How many cases of one action ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ActionCases {
    /// Credited in full.
    pub credited: usize,
    /// Refused.
    pub refused: usize,
    /// Credited and trimmed by a cap.
    pub capped: usize,
    /// Held for a person to look at.
    pub held: usize,
}

/// The actions of which an example does not come out.
pub(super) fn check_examples(
    rules: &RuleSet,
    main: &SourceFile,
    findings: &mut Findings,
) -> BTreeSet<String> {
    let mut suite = Suite::of(rules);
    suite.check(main, "examples", findings);
    suite.failing
}

pub(super) fn check_cases(rules: &RuleSet, files: &[SourceFile]) -> Result<CasesSummary, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let mut suite = Suite::of(rules);
    for file in files {
        suite.check(file, "cases", &mut findings);
    }
    findings.finish().map(|_| suite.summary)
}

/// Cases of one or several files.
struct Suite<'r> {
    rules: &'r RuleSet,
    /// Action and name of all cases in the files before this one.
    earlier: BTreeSet<(String, String)>,
    summary: CasesSummary,
    /// Actions of which a case does not come out.
    failing: BTreeSet<String>,
}

impl<'r> Suite<'r> {
    fn of(rules: &'r RuleSet) -> Self {
        let actions = rules.actions().map(|action| (action.id().to_owned(), ActionCases::default()));
        let summary = CasesSummary { cases: 0, actions: actions.collect() };
        Self { rules, earlier: BTreeSet::new(), summary, failing: BTreeSet::new() }
    }

    fn check(&mut self, file: &SourceFile, key: &'static str, findings: &mut Findings) {
        let Some(root) = yaml::read(&file.name, &file.text, findings) else { return };
        let mut reading = Reading { file: &file.name, findings };
        let Some(mut section) = reading.section(&root, "") else { return };
        let alone = key == "cases";
        let node = if alone { section.required(key, &mut reading) } else { section.optional(key) };
        if alone {
            for ignorable in ["format", "rules"] {
                let _named = section.optional(ignorable).and_then(|node| reading.scalar(node, ignorable));
            }
            section.finish(&[], &mut reading);
        }
        let Some(items) = node.map(|node| reading.list(node, key)) else { return };
        if items.len() > CASES_MAX {
            let found = Finding::new(text!("超过 {CASES_MAX} 例", "more than {CASES_MAX} cases"));
            reading.error(root.place, key, found);
        }
        let items = items.get(..CASES_MAX).unwrap_or(items);
        for (place, item) in items.iter().enumerate() {
            if self.leaves_out(item) {
                continue;
            }
            let step = format!("{key}.{number}", number = place.saturating_add(1));
            self.count(run(self.rules, &mut reading, item, &step));
        }
        self.earlier.extend(items.iter().filter_map(identity));
    }

    /// Whether a case was restated in an earlier file, or is of a shared action that the city did not take.
    fn leaves_out(&self, case: &Node) -> bool {
        identity(case).is_some_and(|identity| {
            let untaken =
                self.rules.action(&identity.0).is_none() && self.rules.offered.contains(&identity.0);
            untaken || self.earlier.contains(&identity)
        })
    }

    fn count(&mut self, ran: Option<Ran>) {
        let Some(Ran { action, outcome, holds }) = ran else { return };
        if !holds {
            self.failing.insert(action.clone());
        }
        self.summary.cases = self.summary.cases.saturating_add(1);
        let counts = self.summary.actions.entry(action).or_default();
        let count = match outcome {
            Outcome::Refused(_) => &mut counts.refused,
            Outcome::Held(_) => &mut counts.held,
            Outcome::Credited { capped: true, .. } => &mut counts.capped,
            Outcome::Credited { .. } => &mut counts.credited,
        };
        *count = count.saturating_add(1);
    }
}

/// A case with the file that it stands in, to be run again.
pub(super) struct Case {
    file: String,
    node: Node,
}

/// Examples and cases that count, by action.
pub(super) fn by_action(
    rules: &RuleSet,
    main: &SourceFile,
    files: &[SourceFile],
) -> BTreeMap<String, Vec<Case>> {
    let mut suite = Suite::of(rules);
    let mut all: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for (file, key) in std::iter::once((main, "examples")).chain(files.iter().map(|file| (file, "cases"))) {
        let root = yaml::read(&file.name, &file.text, &mut Findings::default());
        let Some(Kind::List(items)) = root.and_then(|root| root.inner(key).map(|node| node.kind.clone()))
        else {
            continue;
        };
        let counted: Vec<Node> = items.into_iter().filter(|item| !suite.leaves_out(item)).collect();
        if key == "cases" {
            suite.earlier.extend(counted.iter().filter_map(identity));
        }
        for node in counted {
            let Some(action) = node.inner("event").and_then(|event| event.inner("action")?.word()) else {
                continue;
            };
            all.entry(action.to_owned()).or_default().push(Case { file: file.name.clone(), node });
        }
    }
    all
}

/// Whether a case comes out as it says.
pub(super) fn holds(rules: &RuleSet, case: &Case) -> bool {
    let mut findings = Findings::default();
    let ran = run(rules, &mut Reading { file: &case.file, findings: &mut findings }, &case.node, "");
    ran.is_some_and(|ran| ran.holds) && !findings.has_errors()
}

/// Action and name of a case that has both.
fn identity(case: &Node) -> Option<(String, String)> {
    let action = case.inner("event")?.inner("action")?.word()?;
    Some((action.to_owned(), case.inner("name")?.word()?.to_owned()))
}

/// What became of a case.
struct Ran {
    action: String,
    outcome: Outcome,
    /// Whether it came out as it says.
    holds: bool,
}

fn run(rules: &RuleSet, reading: &mut Reading<'_>, node: &Node, step: &str) -> Option<Ran> {
    let mut section = reading.section(node, step)?;
    let name = section.required("name", reading).and_then(|node| reading.bounded(node, step));
    let event = section.required("event", reading).and_then(|node| read_event(rules, reading, node, step));
    let before = Background::nodes(&mut section);
    let expect_node = section.required("expect", reading);
    section.finish(&[], reading);
    let expected = expect_node.and_then(|node| read_expected(reading, node, step))?;
    let (name, event) = (name?, event?);
    let day = civil_day(event.occurred_at, rules.timezone());
    let before = Background::read(rules, reading, &before, (event.action, day), step)?;
    let outcome = match &event.inputs {
        Err(code) => Outcome::Refused(code.clone()),
        Ok(inputs) => {
            let facts = before.facts(Facts::new(inputs, event.occurred_at, event.evidence));
            outcome(rules.evaluate(event.action, &facts, &before.used))
        }
    };
    let differs = mismatch(&name, &expected, &outcome);
    let holds = differs.is_none();
    if let Some(found) = differs {
        let place = expect_node.map_or(node.place, |node| node.place);
        let help = expectation::advice(event.action, &expected, &outcome);
        reading.error(place, step, Finding::new(found).help(help));
    }
    Some(Ran { action: event.action.id().to_owned(), outcome, holds })
}

/// An event of a case; its inputs are read as a partner's would be.
struct Event<'r> {
    action: &'r Action,
    inputs: Result<Inputs, String>,
    occurred_at: DateTime<Utc>,
    evidence: Evidence,
}

fn read_event<'r>(
    rules: &'r RuleSet,
    reading: &mut Reading<'_>,
    node: &Node,
    step: &str,
) -> Option<Event<'r>> {
    let path = format!("{step}.event");
    let mut section = reading.section(node, &path)?;
    let action_node = section.required("action", reading);
    let at = section.required("at", reading).and_then(|node| read_instant(rules, reading, node, &path));
    let grades = Evidence::ALL.map(|grade| (grade.name(), grade));
    let evidence = match section.optional("evidence") {
        Some(node) => reading.choice(node, &path, &grades)?,
        None => Evidence::Operator,
    };
    let action_node = action_node?;
    let id = reading.scalar(action_node, &path)?;
    let Some(action) = rules.action(id) else {
        let help = did_you_mean(id, rules.actions().map(Action::id));
        let shown: String = id.chars().take(64).collect();
        let found =
            Finding::new(text!("没有行为 `{shown}`", "there is no action `{shown}`")).help_maybe(help);
        reading.error(action_node.place, &path, found);
        return None;
    };
    let mut data: Vec<(&str, String)> = Vec::new();
    for (key, node) in section.entries() {
        if !["action", "at", "evidence"].contains(&key.text.as_str()) {
            data.push((key.text.as_str(), raw_json(reading.scalar(node, &path)?)));
        }
    }
    let read = rules.read_inputs(action, data.iter().map(|(name, json)| (*name, json.as_str())));
    let inputs = match read {
        Ok(inputs) => Ok(inputs),
        Err(problems) => {
            let problem = problems.into_iter().next()?;
            if problem.code == "unknown_input" || problem.code == "unit_missing" {
                reading.error(node.place, &path, Finding::new(problem.detail));
                return None;
            }
            Err(problem.code.to_owned())
        }
    };
    Some(Event { action, inputs, occurred_at: at?, evidence })
}

/// A YAML text as a partner would send it: numbers bare, all else as JSON text.
fn raw_json(written: &str) -> String {
    if Decimal::parse(written, false).is_some() {
        written.to_owned()
    } else {
        serde_json::Value::from(written).to_string()
    }
}

/// An instant with its zone, or a civil time of the city.
fn read_instant(
    rules: &RuleSet,
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
) -> Option<DateTime<Utc>> {
    let written = reading.scalar(node, path)?;
    if let Ok(instant) = DateTime::parse_from_rfc3339(written) {
        return Some(instant.with_timezone(&Utc));
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let civil = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(written, format).ok());
    let instant = civil.map(|civil| rules.timezone().from_local_datetime(&civil));
    match instant {
        Some(LocalResult::Single(instant)) => Some(instant.with_timezone(&Utc)),
        Some(LocalResult::Ambiguous(..) | LocalResult::None) | None => {
            let shown: String = written.chars().take(40).collect();
            let found = text!("`{shown}` 不是明确的时间", "`{shown}` is not a definite time");
            let help = text!("例如 2026-03-02T12:00", "as in 2026-03-02T12:00");
            reading.error(node.place, path, Finding::new(found).help(help));
            None
        }
    }
}
