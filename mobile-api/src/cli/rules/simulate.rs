//! `tanhui rules simulate`: a draft of the rules against other rules, over past events.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tanhui_domain::rule::{Evidence, RuleSet};
use tanhui_domain::simulation::{Report, Schema};
use tanhui_domain::text::Language;
use tanhui_domain::time::Clock as _;
use tanhui_service::clock::SystemClock;
use tanhui_service::rule_book::RuleBook;
use tanhui_service::simulation::{
    self, Keeper, Kept, Phase, Progress, Reading, SimulationError, Stored, read_districts,
};
use tanhui_service::{audit, office};

use super::simulated;
use crate::cli::{CommandError, open, print};
use crate::config::Settings;

/// The word for the rules that the database holds.
const IN_FORCE: &str = "in-force";

/// What is simulated, and over what.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("past").required(true).args(["events", "from_database"]))]
pub struct SimulateArguments {
    /// The draft: a rule file
    draft: PathBuf,
    /// The rules to hold it against: a rule file, or `in-force` for those of the database
    #[arg(long, value_name = "FILE|in-force", default_value = IN_FORCE)]
    against: String,
    /// Past events in the order in which they were credited: CloudEvents, one a line, or a file that
    /// --save-events made
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Where the subjects of a CloudEvents file live: lines of `subject,district`
    #[arg(long, value_name = "FILE", conflicts_with = "from_database")]
    districts: Option<PathBuf>,
    /// How the events of a CloudEvents file were evidenced
    #[arg(long, value_enum, default_value_t = Grade::Operator)]
    evidence: Grade,
    /// Past events: the activities of the database that were not reversed
    #[arg(long)]
    from_database: bool,
    /// Only acts from this civil day on; caps and budgets begin empty on it
    #[arg(long, value_name = "DATE", conflicts_with = "events")]
    from: Option<NaiveDate>,
    /// Only acts to this civil day, which is in
    #[arg(long, value_name = "DATE", conflicts_with = "events")]
    to: Option<NaiveDate>,
    /// City of the database [default: the only one]
    #[arg(long)]
    city: Option<String>,
    /// Keep the events in a compact file that the next simulation reads instead
    #[arg(long, value_name = "FILE")]
    save_events: Option<PathBuf>,
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

impl SimulateArguments {
    /// Whether rules or events come from the database.
    pub fn asks_the_database(&self) -> bool {
        self.from_database || self.against == IN_FORCE
    }
}

/// Simulates on files alone and shows what was found.
pub fn run(arguments: &SimulateArguments) -> Result<ExitCode, CommandError> {
    let draft = open::compile(&arguments.draft)?;
    let in_force = open::compile(Path::new(&arguments.against))?;
    let bar = Bar::new();
    let (kept, unreadable) = from_file(arguments, &in_force, &draft, &bar.progress())?;
    let report = simulation::play(&in_force, &draft, &kept, &bar.progress())?;
    bar.finish();
    tell(arguments, &report, unreadable)
}

/// The same with rules or events of the database.
pub async fn run_on_database(
    settings: &Settings,
    arguments: &SimulateArguments,
) -> Result<ExitCode, CommandError> {
    let draft = open::compile(&arguments.draft)?;
    let database = audit::open(&settings.database_url).await?.ok_or(CommandError::OtherSchema)?;
    let city = office::city_in(&database, arguments.city.as_deref()).await?;
    let book = RuleBook::default();
    book.refresh(&database).await?;
    let (published, given);
    let in_force = if arguments.against == IN_FORCE {
        published = book.in_force(city.id, SystemClock.now());
        let nothing = || CommandError::Usage(format!("{}: no rules are published", city.code));
        &published.as_ref().ok_or_else(nothing)?.rules
    } else {
        given = open::compile(Path::new(&arguments.against))?;
        &given
    };
    let bar = Bar::new();
    let (kept, unreadable) = if arguments.from_database {
        let keep = arguments.save_events.as_deref();
        let stored = Stored { city: &city, from: arguments.from, to: arguments.to, keep };
        let rules = [in_force, &draft];
        (simulation::read_stored(&database, &book, rules, stored, &bar.progress()).await?, 0)
    } else {
        from_file(arguments, in_force, &draft, &bar.progress())?
    };
    let report = tokio::task::block_in_place(|| simulation::play(in_force, &draft, &kept, &bar.progress()))?;
    bar.finish();
    database.close().await?;
    tell(arguments, &report, unreadable)
}

/// The events of a file, and how many lines could not be read.
fn from_file(
    arguments: &SimulateArguments,
    in_force: &RuleSet,
    draft: &RuleSet,
    progress: Progress<'_>,
) -> Result<(Kept, u64), CommandError> {
    let Some(events) = &arguments.events else {
        return Err(CommandError::Usage("give --events or --from-database".to_owned()));
    };
    match Kept::open(events) {
        Err(SimulationError::NotKept(_)) => {}
        kept => return Ok((kept?, 0)),
    }
    let homes = arguments.districts.as_deref().map(read_districts).transpose()?.unwrap_or_default();
    let mut districts: Vec<String> = homes.values().cloned().collect();
    districts.sort_unstable();
    districts.dedup();
    let schema = Schema::of(&[in_force, draft], districts).map_err(SimulationError::from)?;
    let mut reading = Reading::new(in_force, draft, &schema, arguments.evidence.into(), &homes);
    let mut keeper = Keeper::create(arguments.save_events.as_deref(), schema)?;
    simulation::read_ndjson(&mut reading, events, &mut keeper, progress)?;
    Ok((keeper.finish()?, reading.unreadable))
}

fn tell(arguments: &SimulateArguments, report: &Report, unreadable: u64) -> Result<ExitCode, CommandError> {
    if unreadable > 0 {
        let told = format!(
            "{unreadable} 行无法读取, 已略过 / {unreadable} lines could not be read and were left out"
        );
        let _stderr_gone = writeln!(std::io::stderr(), "{told}");
    }
    if report.totals.citizens == 0 {
        let _stderr_gone = writeln!(std::io::stderr(), "没有可推演的事件 / there are no events to play");
    }
    if let Some(path) = &arguments.json {
        let unwritable = |cause| CommandError::Unreadable { path: path.clone(), cause };
        std::fs::write(path, serde_json::to_vec_pretty(report)?).map_err(unwritable)?;
    }
    let language = match arguments.language {
        TableLanguage::Zh => Language::Zh,
        TableLanguage::En => Language::En,
    };
    print(&simulated::table(report, language))?;
    Ok(ExitCode::SUCCESS)
}

/// Drawn on a terminal only.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    fn progress(&self) -> impl Fn(Phase, u64, u64) + Sync {
        |phase, done, all| {
            self.0.set_message(match phase {
                Phase::Reading => "读取 reading",
                Phase::Playing => "推演 playing",
            });
            self.0.set_length(all);
            self.0.set_position(done);
        }
    }

    fn finish(self) {
        self.0.finish_and_clear();
    }
}
