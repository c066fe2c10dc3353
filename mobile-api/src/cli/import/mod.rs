//! `tanhui import`: real-world files become events and take the same road as a partner's.

mod refusals;
mod summary;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use indicatif::{ProgressBar, ProgressStyle};
use tanhui_domain::city::Source;
use tanhui_domain::event::CloudEvent;
use tanhui_domain::rule::Evidence;
use tanhui_domain::text::Text;
use tanhui_importers::{Decimal, Item, Kind, Options, default_source};
use tanhui_service::crediting::{EventResult, Report};
use tanhui_service::{Services, enroll, office};
use tokio::sync::mpsc;

use self::refusals::Refusals;
pub use self::summary::Summary;
use super::{CommandError, open};
use crate::config::Settings;

/// Events credited together.
const EVENTS_PER_CALL: usize = 1_000;
/// Parts that the reader may be ahead of the writer.
const PARTS_AHEAD: usize = 8;

/// What to import and how.
#[derive(Debug, Clone, clap::Args)]
pub struct ImportArguments {
    /// taps, bikes, pv, ev, waste, steps or oyster
    pub kind: Kind,
    /// Files of that kind, plain or gzip; all of them are one import
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Station tables (taps, oyster); without any table those beside the first file are used
    #[arg(long, num_args = 1..)]
    pub stations: Vec<PathBuf>,
    /// Tables of neighbouring stations and their distance
    #[arg(long, num_args = 1..)]
    pub edges: Vec<PathBuf>,
    /// Tables of other spellings of station names
    #[arg(long, num_args = 1..)]
    pub aliases: Vec<PathBuf>,
    /// Tables of gate numbers and their stations
    #[arg(long, num_args = 1..)]
    pub gates: Vec<PathBuf>,
    /// Make a pseudonymous citizen for each unknown subject (for trials)
    #[arg(long)]
    pub enroll: bool,
    /// Shift the whole import by full weeks so that it begins in this day's week
    #[arg(long, value_name = "DATE")]
    pub replay_at: Option<NaiveDate>,
    /// Read and evaluate everything, write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write the summary as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Where refused rows go, with their reasons [default: KIND.refused.csv in the working folder]
    #[arg(long, value_name = "FILE")]
    pub refused: Option<PathBuf>,
    /// Source of the events [default: urn:tanhui:import:KIND]
    #[arg(long, value_name = "URI")]
    pub source: Option<String>,
    /// Subject of files that name none (single meters)
    #[arg(long)]
    pub subject: Option<String>,
    /// Day of records that carry none (weighings)
    #[arg(long)]
    pub date: Option<NaiveDate>,
    /// Time zone of the records, such as Asia/Shanghai [default: each format's own]
    #[arg(long)]
    pub zone: Option<Tz>,
    /// PV power above which a day is refused [default: 50]
    #[arg(long, value_name = "KW")]
    pub capacity_kw: Option<Decimal>,
    /// City whose rules decide [default: the only one]
    #[arg(long)]
    pub city: Option<String>,
}

impl ImportArguments {
    /// Nothing but a kind and its files.
    #[must_use]
    pub fn of(kind: Kind, files: Vec<PathBuf>) -> Self {
        Self {
            kind,
            files,
            stations: Vec::new(),
            edges: Vec::new(),
            aliases: Vec::new(),
            gates: Vec::new(),
            enroll: false,
            replay_at: None,
            dry_run: false,
            summary: None,
            refused: None,
            source: None,
            subject: None,
            date: None,
            zone: None,
            capacity_kw: None,
            city: None,
        }
    }
}

/// Imports, prints the summary, and writes it and the refusals to their files.
pub async fn run(settings: &Settings, arguments: &ImportArguments) -> Result<(), CommandError> {
    let services = open::services(settings).await?;
    let outcome = import(&services, arguments).await;
    services.stop().await?;
    let summary = outcome?;
    if let Some(file) = &arguments.summary {
        std::fs::write(file, serde_json::to_string_pretty(&summary)?)?;
    }
    super::print(&summary.to_string())
}

/// Imports files through the services.
pub async fn import(services: &Services, arguments: &ImportArguments) -> Result<Summary, CommandError> {
    let source = source(services, arguments).await?;
    let refused_file = arguments
        .refused
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.refused.csv", arguments.kind.name())));
    let mut refusals = Refusals::create(refused_file)?;
    let (sender, mut parts) = mpsc::channel::<Vec<Item>>(PARTS_AHEAD);
    let progress = progress_bar();
    let reader = {
        let arguments = arguments.clone();
        let source = source.uri.clone();
        let progress = progress.clone();
        tokio::task::spawn_blocking(move || read(&arguments, source, &sender, &progress))
    };
    let mut summary = Summary { dry_run: arguments.dry_run, ..Summary::default() };
    let mut failure = None;
    while let Some(part) = parts.recv().await {
        if let Err(error) = take(services, &source, arguments, part, &mut summary, &mut refusals).await {
            failure = Some(error);
            break;
        }
    }
    drop(parts);
    let read = reader.await.map_err(std::io::Error::other)?;
    progress.finish_and_clear();
    if let Some(error) = failure {
        return Err(error);
    }
    let (rows, notes) = read?;
    summary.rows = rows;
    summary.notes = notes;
    summary.refused_file = refusals.finish()?;
    Ok(summary)
}

async fn source(services: &Services, arguments: &ImportArguments) -> Result<Arc<Source>, CommandError> {
    let city = office::city(services, arguments.city.as_deref()).await?;
    let uri = arguments.source.clone().unwrap_or_else(|| default_source(arguments.kind));
    let evidence = match arguments.kind {
        Kind::Taps | Kind::Bikes | Kind::Pv | Kind::Ev | Kind::Oyster => Evidence::Operator,
        Kind::Waste => Evidence::Receipt,
        Kind::Steps => Evidence::Device,
    };
    if arguments.dry_run {
        let id = tanhui_domain::id::SourceId::new(0);
        return Ok(Arc::new(Source { id, city: city.id, name: uri.clone(), uri, evidence }));
    }
    let source = office::ensure_source(services, city.id, &uri, &uri, evidence).await?;
    if source.city == city.id {
        Ok(source)
    } else {
        Err(CommandError::Import(format!("source {uri} belongs to another city; name one with --source")))
    }
}

/// Reads on a thread of its own and hands over parts; stops when nobody takes them any more.
fn read(
    arguments: &ImportArguments,
    source: String,
    sender: &mpsc::Sender<Vec<Item>>,
    progress: &ProgressBar,
) -> Result<(u64, Vec<Text>), CommandError> {
    let options = Options {
        source,
        stations: arguments.stations.clone(),
        edges: arguments.edges.clone(),
        aliases: arguments.aliases.clone(),
        gates: arguments.gates.clone(),
        replay_at: arguments.replay_at,
        zone: arguments.zone,
        subject: arguments.subject.clone(),
        date: arguments.date,
        capacity_kw: arguments.capacity_kw,
    };
    let mut import = tanhui_importers::open(arguments.kind, &arguments.files, &options)?;
    progress.set_length(import.bytes_total());
    loop {
        let part: Vec<Item> = import.by_ref().take(EVENTS_PER_CALL).collect::<Result<_, _>>()?;
        progress.set_position(import.bytes_read());
        if part.is_empty() || sender.blocking_send(part).is_err() {
            return Ok((import.rows_read(), import.notes()));
        }
    }
}

fn progress_bar() -> ProgressBar {
    let progress = ProgressBar::new(0);
    let shape = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {elapsed} 余 {eta}");
    if let Ok(style) = shape {
        progress.set_style(style);
    }
    progress
}

/// Credits one part and counts what came of it.
async fn take(
    services: &Services,
    source: &Arc<Source>,
    arguments: &ImportArguments,
    part: Vec<Item>,
    summary: &mut Summary,
    refusals: &mut Refusals,
) -> Result<(), CommandError> {
    let mut events: Vec<CloudEvent> = Vec::with_capacity(part.len());
    for item in part {
        match item {
            Item::Event(event) => events.push(event),
            Item::Refused(refused) => {
                summary.count_refused(refused.code);
                refusals.row(&refused)?;
            }
        }
    }
    if arguments.enroll && !arguments.dry_run {
        let subjects: BTreeSet<&str> = events.iter().map(|event| event.subject.as_str()).collect();
        let subjects: Vec<&str> = subjects.into_iter().collect();
        summary.count_enrolled(enroll::enroll(services, source, &subjects).await?);
    }
    let (reports, unread) = reports(services, source, events);
    let results = if arguments.dry_run {
        services.crediting.preview(reports)
    } else {
        services.crediting.credit(reports).await?
    };
    for result in results.iter().chain(&unread) {
        summary.count(result);
        refusals.event(result)?;
    }
    Ok(())
}

fn reports(
    services: &Services,
    source: &Arc<Source>,
    events: Vec<CloudEvent>,
) -> (Vec<Report>, Vec<EventResult>) {
    let mut unread = Vec::new();
    let mut reports = Vec::with_capacity(events.len());
    for event in events {
        let id = event.id.clone();
        let subject = services.subject_hash(source, &event.subject);
        match Report::from_event(source, subject, event) {
            Ok(report) => reports.push(report),
            Err(problem) => unread.push(EventResult::of_problem(&id, problem)),
        }
    }
    (reports, unread)
}
