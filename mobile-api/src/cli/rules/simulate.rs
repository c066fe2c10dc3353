//! `tanhui rules simulate`: a draft of the rules against other rules, over past events.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tanhui_domain::rule::{Evidence, RuleSet};
use tanhui_domain::simulation::{Report, Schema};
use tanhui_domain::text::Language;
use tanhui_service::simulation::{self, Keeper, Phase, Progress, Reading, SimulationError, Spill};

use super::simulated;
use crate::cli::{CommandError, open, print};

/// What is simulated, and over what.
#[derive(Debug, Args)]
pub struct SimulateArguments {
    /// The draft: a rule file
    draft: PathBuf,
    /// The rules to hold it against: a rule file
    #[arg(long, value_name = "FILE")]
    against: PathBuf,
    /// Past events in the order in which they were credited: CloudEvents, one a line, or a file that
    /// --save-events made
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Keep the events in a compact file that the next simulation reads instead
    #[arg(long, value_name = "FILE")]
    save_events: Option<PathBuf>,
    /// How the events of a CloudEvents file were evidenced
    #[arg(long, value_enum, default_value_t = Grade::Operator)]
    evidence: Grade,
    /// Write the whole report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Language of the table
    #[arg(long, value_enum, default_value_t = TableLanguage::Zh)]
    language: TableLanguage,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Grade {
    Operator,
    Receipt,
    Device,
    #[value(name = "self")]
    SelfDeclared,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TableLanguage {
    Zh,
    En,
}

impl From<Grade> for Evidence {
    fn from(grade: Grade) -> Self {
        match grade {
            Grade::Operator => Self::Operator,
            Grade::Receipt => Self::Receipt,
            Grade::Device => Self::Device,
            Grade::SelfDeclared => Self::SelfDeclared,
        }
    }
}

/// Simulates and shows what was found.
pub fn run(arguments: &SimulateArguments) -> Result<ExitCode, CommandError> {
    let draft = open::compile(&arguments.draft)?;
    let in_force = open::compile(&arguments.against)?;
    let bar = ProgressBar::new(0);
    let style = "{msg} {wide_bar} {percent}% {eta}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let progress = |phase: Phase, done: u64, all: u64| {
        bar.set_message(match phase {
            Phase::Reading => "读取 reading",
            Phase::Playing => "推演 playing",
        });
        bar.set_length(all);
        bar.set_position(done);
    };
    let (report, unreadable) = simulate(arguments, &in_force, &draft, &progress)?;
    bar.finish_and_clear();
    if unreadable > 0 {
        let told = format!(
            "{unreadable} 行无法读取, 已略过 / {unreadable} lines could not be read and were left out"
        );
        let _stderr_gone = writeln!(std::io::stderr(), "{told}");
    }
    if let Some(path) = &arguments.json {
        let unwritable = |cause| CommandError::Unreadable { path: path.clone(), cause };
        std::fs::write(path, serde_json::to_vec_pretty(&report)?).map_err(unwritable)?;
    }
    let language = match arguments.language {
        TableLanguage::Zh => Language::Zh,
        TableLanguage::En => Language::En,
    };
    print(&simulated::table(&report, language))?;
    Ok(ExitCode::SUCCESS)
}

fn simulate(
    arguments: &SimulateArguments,
    in_force: &RuleSet,
    draft: &RuleSet,
    progress: Progress<'_>,
) -> Result<(Report, u64), SimulationError> {
    match simulation::kept_schema(&arguments.events) {
        Ok((schema, from)) => {
            schema.check(in_force)?;
            schema.check(draft)?;
            let spill = simulation::read_kept(&arguments.events, from, progress)?;
            Ok((simulation::play(in_force, draft, &schema, spill, progress)?, 0))
        }
        Err(SimulationError::NotKept(_)) => {
            let schema = Schema::of(in_force, draft)?;
            let mut reading = Reading::new(in_force, draft, &schema, arguments.evidence.into());
            let keep = arguments.save_events.as_deref();
            let spill = read_events(&mut reading, &arguments.events, keep, &schema, progress)?;
            let unreadable = reading.unreadable;
            Ok((simulation::play(in_force, draft, &schema, spill, progress)?, unreadable))
        }
        Err(error) => Err(error),
    }
}

fn read_events(
    reading: &mut Reading<'_>,
    events: &Path,
    keep: Option<&Path>,
    schema: &Schema,
    progress: Progress<'_>,
) -> Result<Spill, SimulationError> {
    let size = std::fs::metadata(events).map_or(0, |metadata| metadata.len());
    let mut keeper = keep.map(|path| Keeper::create(path, schema)).transpose()?;
    let mut spill = Spill::new(size)?;
    simulation::read_ndjson(reading, events, progress, |row| {
        spill.add(row)?;
        keeper.as_mut().map_or(Ok(()), |keeper| keeper.add(row))
    })?;
    keeper.map_or(Ok(()), Keeper::finish)?;
    Ok(spill)
}
