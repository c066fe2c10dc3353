//! `tanhui bench credit`: how fast events become credited, beside a floor, plain SQL and a peer in one run.

mod field;
mod floor;
mod ours;
mod peer;
mod plain;
mod plan;
mod report;
mod statements;
pub(crate) mod town;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::value_parser;
use tanhui_domain::time::Clock as _;
use tanhui_service::clock::SystemClock;

use self::field::{Field, Names};
use self::plan::{Cell, Contender};
pub use self::report::Report;
use self::report::{Disk, Figure, Measured, Settings};
use crate::error::BenchError;
use crate::flags::{self, LoadFlags};
use crate::load::Bounds;
use crate::machine::Machine;
use crate::place::{self, Place};
use crate::server::{Program, Server};
use crate::spread;

/// Citizens of a quick run.
const QUICK_CITIZENS: u32 = 500;

/// How to run.
#[derive(Debug, Clone, clap::Args)]
pub struct CreditArguments {
    /// Where the server runs, and how long it is loaded
    #[command(flatten)]
    pub load: LoadFlags,
    /// Program of the peer (bench/peers/ledger); without it cala-ledger is left out
    #[arg(long, env = "TANHUI_BENCH_PEER", value_name = "FILE")]
    pub peer: Option<PathBuf>,
    /// Who takes part [default: all for whom there is what they need]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHO")]
    pub only: Vec<Contender>,
    /// Citizens of the town
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = value_parser!(u32).range(64..=1_000_000))]
    pub citizens: u32,
    /// Most events of one cell in one round
    #[arg(long, value_name = "N", default_value_t = 5_000_000,
          value_parser = value_parser!(u64).range(1_000..=1_000_000_000))]
    pub events_max: u64,
    /// Calls a second in the open loop [default: half of what the closed loop reached]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=1_000_000))]
    pub rate: Option<u64>,
    /// Instead of all that: credit so many events in batches of 1,000 and watch the server's memory
    #[arg(long, value_name = "N", conflicts_with_all = ["only", "rate", "quick", "rounds"],
          value_parser = value_parser!(u64).range(1_000..=1_000_000_000))]
    pub events: Option<u64>,
}

/// Runs the benchmark against a program, telling each step to `progress`.
///
/// # Errors
/// Flags out of bounds, a server that does not answer, an event that is not credited, books that are wrong.
pub async fn run(
    arguments: &CreditArguments,
    binary: PathBuf,
    mut progress: impl FnMut(&str),
) -> Result<Report, BenchError> {
    let place = arguments.load.place().await?;
    let names = Names::unique();
    let report = measure(arguments, place.as_ref(), &names, binary, &mut progress).await;
    if let Some(place) = &place {
        Field::clear(place, &names).await?;
    }
    let report = report?;
    flags::keep(&report, arguments.load.json.as_ref())?;
    Ok(report)
}

async fn measure(
    arguments: &CreditArguments,
    place: Option<&Place>,
    names: &Names,
    binary: PathBuf,
    progress: &mut impl FnMut(&str),
) -> Result<Report, BenchError> {
    let settings = settings(arguments);
    let folder = tempfile::tempdir()?;
    let started_at = town::moment(SystemClock.now());
    progress("setting up the town");
    let program = arguments.load.program(binary, folder.path());
    let mut field = set_up(arguments, place, names, program, &settings).await?;
    let before = tables(&field).await?;
    let server = Server::start(&field.program, &field.url).await?;
    let measured = match arguments.events {
        Some(events) => long(&mut field, &server, events, progress).await,
        None => rounds(&mut field, &server, arguments, &settings, progress).await,
    };
    let credited = field.acknowledged().saturating_sub(field.town.events);
    let after = tables(&field).await?;
    let memory = server.stop().await?;
    let cells = measured?;
    progress("counting statements");
    let statements_per_batch = statements::count(&mut field).await?;
    progress("auditing");
    let checks = field.check().await?;
    Ok(Report {
        bench: "credit",
        version: env!("CARGO_PKG_VERSION"),
        started_at,
        machine: Machine::here(),
        postgres: match place {
            Some(place) => place.settings().await?,
            None => BTreeMap::new(),
        },
        ratios: spread::ratios(plan::ratios(), &rates(&cells)),
        cells: cells.into_iter().map(|(cell, figures)| Measured::of(&cell, figures)).collect(),
        disk: place.map(|_| disk(&before, &after, credited)),
        statements_per_batch,
        memory,
        checks,
        settings,
    })
}

fn settings(arguments: &CreditArguments) -> Settings {
    let CreditArguments { load, citizens, events, .. } = arguments;
    Settings {
        database: load.database(),
        redis: load.redis.is_some(),
        citizens: if load.quick { QUICK_CITIZENS } else { *citizens },
        cell_ms: load.cell_ms(),
        warm_up_ms: load.warm_up_ms(),
        rounds: if events.is_some() { 1 } else { load.rounds() },
    }
}

/// Who takes part: whoever was asked for, and without a wish everyone who can.
fn contenders(arguments: &CreditArguments) -> Result<Vec<Contender>, BenchError> {
    let can = |who: &Contender| match who {
        Contender::Ours => true,
        Contender::Floor | Contender::Plain => arguments.load.postgres.is_some(),
        Contender::Cala => arguments.load.postgres.is_some() && arguments.peer.is_some(),
    };
    let all = [Contender::Ours, Contender::Floor, Contender::Plain, Contender::Cala];
    if arguments.events.is_some() {
        return Ok(vec![Contender::Ours]);
    }
    if arguments.only.is_empty() {
        return Ok(all.into_iter().filter(can).collect());
    }
    match arguments.only.iter().find(|who| !can(who)) {
        None => Ok(arguments.only.clone()),
        Some(Contender::Cala) => Err(BenchError::Usage("--only cala needs --postgres and --peer".to_owned())),
        Some(Contender::Ours | Contender::Floor | Contender::Plain) => {
            Err(BenchError::Usage("--only floor or plain needs --postgres".to_owned()))
        }
    }
}

async fn set_up(
    arguments: &CreditArguments,
    place: Option<&Place>,
    names: &Names,
    program: Program,
    settings: &Settings,
) -> Result<Field, BenchError> {
    let contenders = contenders(arguments)?;
    let url = place::make(place, &names.ours, &program.folder).await?;
    let town = town::found(&program, &url, settings.citizens).await?;
    let mut field = Field::new(place.cloned(), names.clone(), program, url, town);
    for contender in contenders {
        match (contender, &arguments.peer) {
            (Contender::Ours, _) | (Contender::Cala, None) => {}
            (Contender::Floor, _) => field.join_floor().await?,
            (Contender::Plain, _) => field.join_plain().await?,
            (Contender::Cala, Some(peer)) => field.join_peer(peer).await?,
        }
    }
    Ok(field)
}

type Figures = Vec<(Cell, Vec<Figure>)>;

async fn rounds(
    field: &mut Field,
    server: &Server,
    arguments: &CreditArguments,
    settings: &Settings,
    progress: &mut impl FnMut(&str),
) -> Result<Figures, BenchError> {
    let bounds = Bounds {
        warm_up: Duration::from_millis(settings.warm_up_ms),
        time: Some(Duration::from_millis(settings.cell_ms)),
        events_max: arguments.events_max,
    };
    let cells = plan::round(arguments.rate, &contenders(arguments)?);
    let mut figures: Figures = cells.into_iter().map(|cell| (cell, Vec::new())).collect();
    for round in 1..=settings.rounds {
        for (cell, figures) in &mut figures {
            let figure = field.measure(server, cell, round, bounds).await?;
            let Figure { events_per_second, p50_us, p99_us, .. } = figure;
            progress(&format!(
                "round {round}: {cell}: {events_per_second}/s, p50 {p50_us} us, p99 {p99_us} us"
            ));
            figures.push(figure);
        }
    }
    Ok(figures)
}

/// One long load, for the server's memory.
async fn long(
    field: &mut Field,
    server: &Server,
    events: u64,
    progress: &mut impl FnMut(&str),
) -> Result<Figures, BenchError> {
    progress(&format!("crediting {events} events"));
    let bounds = Bounds { warm_up: Duration::ZERO, time: None, events_max: events };
    let figure = field.measure(server, &plan::LONG, 1, bounds).await?;
    Ok(vec![(plan::LONG, vec![figure])])
}

fn rates(cells: &Figures) -> Vec<(Cell, Vec<u64>)> {
    let of_cell = |figures: &Vec<Figure>| figures.iter().map(|figure| figure.events_per_second).collect();
    cells.iter().map(|(cell, figures)| (*cell, of_cell(figures))).collect()
}

async fn tables(field: &Field) -> Result<BTreeMap<String, u64>, BenchError> {
    match &field.place {
        Some(place) => place.table_bytes(&field.names.ours).await,
        None => Ok(BTreeMap::new()),
    }
}

fn disk(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>, events: u64) -> Disk {
    let tables = place::growth(before, after);
    let bytes = tables.iter().fold(0_u64, |sum, growth| sum.saturating_add(growth.bytes));
    Disk { events, bytes_per_event: bytes.checked_div(events).unwrap_or(0), tables }
}
