//! `tanhui rules check`: everything that can be said of a rule file before it is published.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tanhui_domain::rule::{Diagnostic, Examination, RuleSet, SECTIONS_UNTRIED, Severity, unchecked_numbers};

use super::super::{CommandError, open, print};

/// What is checked, and how it is told.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Rule files; `NAME.cases.yaml` beside each is checked with it, and those of its catalogues
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Change every number by one in its last digit and every date by a day, and list those that no example
    /// or case checks
    #[arg(long)]
    mutate: bool,
    /// Let warnings fail too
    #[arg(long)]
    strict: bool,
    /// Print one JSON document, for editors
    #[arg(long)]
    json: bool,
}

/// What came of one file.
#[derive(Debug, Serialize)]
struct Report {
    file: String,
    stands: bool,
    actions: usize,
    cases: usize,
    /// How many numbers were changed; none without `--mutate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<usize>,
    /// How many dates were.
    #[serde(skip_serializing_if = "Option::is_none")]
    dates: Option<usize>,
    messages: Vec<Diagnostic>,
}

/// Checks every file and says whether all stand.
pub fn run(arguments: &CheckArguments) -> Result<ExitCode, CommandError> {
    let reports: Vec<Report> =
        arguments.files.iter().map(|file| check(file, arguments)).collect::<Result<_, _>>()?;
    if arguments.json {
        print(&serde_json::to_string_pretty(&reports)?)?;
    } else {
        for report in &reports {
            print(&shown(report))?;
        }
    }
    let fails = |report: &Report| !report.stands || (arguments.strict && !report.messages.is_empty());
    Ok(if reports.iter().any(fails) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn check(file: &Path, arguments: &CheckArguments) -> Result<Report, CommandError> {
    let mut report = Report {
        file: file.display().to_string(),
        stands: false,
        actions: 0,
        cases: 0,
        numbers: None,
        dates: None,
        messages: Vec::new(),
    };
    match open::check(file)? {
        Ok(rules) => examine(&rules, file, arguments, &mut report)?,
        Err(messages) => report.messages = messages,
    }
    report.stands = report.messages.iter().all(|found| found.severity == Severity::Warning);
    Ok(report)
}

fn examine(
    rules: &RuleSet,
    file: &Path,
    arguments: &CheckArguments,
    report: &mut Report,
) -> Result<(), CommandError> {
    report.actions = rules.actions().count();
    let cases = open::cases(file, rules)?;
    let Examination { messages, cases: run } = rules.examine(&cases);
    report.messages.extend(messages);
    let Some(run) = run else { return Ok(()) };
    report.cases = run;
    if arguments.mutate {
        let mutants = unchecked_numbers(rules, &cases);
        report.numbers = Some(mutants.numbers);
        report.dates = Some(mutants.dates);
        report.messages.extend(mutants.unchecked);
        report.messages.extend(mutants.unchecked_dates);
        report.messages.extend(mutants.untried);
    }
    Ok(())
}

fn shown(report: &Report) -> String {
    let mut lines: Vec<String> = Vec::new();
    if !report.messages.is_empty() {
        lines.push(open::shown(&report.messages));
    }
    let Report { file, actions, cases, .. } = report;
    if let Some((numbers, dates)) = report.numbers.zip(report.dates) {
        lines.push(format!(
            "{file}: {numbers} 个数字、{dates} 个日期逐一改动试算 numbers and dates changed and tried"
        ));
        lines.push(format!(
            "{file}: 未试 {untried}: 与算例无关 not tried, since no case depends on them",
            untried = SECTIONS_UNTRIED.join(", ")
        ));
    }
    if report.stands {
        lines.push(format!("{file}: {actions} 项行为 actions, {cases} 个用例 cases, 通过 ok"));
    }
    lines.join("\n")
}
