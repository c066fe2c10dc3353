//! The command line. One file a command; every command takes every setting.

mod audit;
mod bench;
mod books;
mod config;
mod demo;
mod import;
mod migrate;
mod office;
mod open;
mod openapi;
mod review;
mod rules;
mod serve;
mod till;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tanhui_service::simulation::SimulationError;

use crate::config::{ConfigError, Given, Settings};
use crate::logging::{self, LogError};

#[derive(Parser)]
#[command(name = "tanhui", version, about = "碳惠: carbon-inclusive points for cities")]
struct Arguments {
    /// TOML file with settings, weaker than flags and TANHUI_* variables
    #[arg(long, global = true, env = "TANHUI_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API, with the workers beside it
    Serve,
    /// Set up a small city, import samples, serve, and say what to try
    Demo(demo::DemoArguments),
    /// Bring the schema up to date
    Migrate,
    /// Read a real-world file, turn it into events and credit them
    Import(Box<import::ImportArguments>),
    /// Check every invariant of the ledger, from the database alone and while others write
    ///
    /// Exit status: 0 when all hold; 1 and a list when one does not; 2 when it could not be checked. With
    /// --redis-url the cached boards are compared as well.
    Audit(audit::AuditArguments),
    /// Measure this program on servers of this machine, beside floors and peers
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Check rule files, evaluate expressions, simulate drafts
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Data partners
    #[command(subcommand)]
    Partner(office::PartnerCommand),
    /// Give a role to a person
    Grant(office::GrantArguments),
    /// Merchants
    #[command(subcommand)]
    Merchant(office::MerchantCommand),
    /// Offers
    #[command(subcommand)]
    Offer(office::OfferCommand),
    /// Vouchers by signature alone, and the keys for it
    #[command(subcommand)]
    Till(till::TillCommand),
    /// Let points end whose last day is over; the server does so by itself
    Expire,
    /// Pay points that waited for a budget and prizes of periods that are over; the server does so by itself
    Payout,
    /// Undo a credited activity: points and CO2e together
    Reverse(books::ReverseArguments),
    /// Correct a citizen's balances: one person proposes, another decides
    #[command(subcommand)]
    Adjust(books::AdjustCommand),
    /// Acts that wait for a person
    #[command(subcommand)]
    Review(review::ReviewCommand),
    /// Print the settings in force, with secrets hidden
    Config,
    /// Print the OpenAPI document
    Openapi,
}

/// Why a command ended early, as one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The settings cannot stand.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Logging could not start.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The cache's address cannot be used.
    #[error("redis_url: {0}")]
    Cache(#[from] tanhui_service::cache::CacheError),
    /// There is no master secret to work with.
    #[error(transparent)]
    Secret(#[from] tanhui_service::identity::secret::SecretError),
    /// A rule file that does not stand, with its messages.
    #[error("the rules do not stand\n{0}")]
    Rules(String),
    /// A file that cannot be read.
    #[error("{path}: {}", open::refusal(cause))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The services could not start.
    #[error(transparent)]
    Start(#[from] tanhui_service::StartError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] tanhui_service::StoreError),
    /// The office refused.
    #[error(transparent)]
    Office(#[from] tanhui_service::office::OfficeError),
    /// An activity was not undone.
    #[error(transparent)]
    Reversal(#[from] tanhui_service::reversal::ReversalError),
    /// A held act was not decided.
    #[error(transparent)]
    Review(#[from] tanhui_service::review::ReviewError),
    /// A correction was not made.
    #[error(transparent)]
    Adjustment(#[from] tanhui_service::adjustment::AdjustmentError),
    /// The arguments contradict each other.
    #[error("{0}")]
    Usage(String),
    /// The files cannot be imported.
    #[error("{0}")]
    Import(String),
    /// The importer refused the files.
    #[error(transparent)]
    Importer(#[from] tanhui_importers::ImportError),
    /// The refusal file cannot be written.
    #[error("refusal file: {0}")]
    Refusals(#[from] csv::Error),
    /// Crediting failed.
    #[error(transparent)]
    Credit(#[from] tanhui_service::crediting::CreditError),
    /// A person could not be found or made.
    #[error(transparent)]
    SignIn(#[from] tanhui_service::sign_in::SignInError),
    /// Metrics could not start.
    #[error("metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// The OpenAPI document could not be written.
    #[error("openapi: {0}")]
    OpenApi(#[from] serde_json::Error),
    /// The address cannot be listened on.
    #[error("listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        cause: std::io::Error,
    },
    /// The simulation ended early.
    #[error(transparent)]
    Simulation(SimulationError),
    /// The database is not one of this version of the program.
    #[error("the database is not of this version: `tanhui migrate` makes it so")]
    OtherSchema,
    /// The cache could not be compared with the books.
    #[error("boards: {0}")]
    Boards(#[from] tanhui_service::audit::BoardsError),
    /// A benchmark ended early.
    #[error(transparent)]
    Bench(#[from] tanhui_bench::BenchError),
    /// Something else between us and the machine.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<SimulationError> for CommandError {
    fn from(error: SimulationError) -> Self {
        match error {
            SimulationError::File { path, cause } => Self::Unreadable { path, cause },
            other => Self::Simulation(other),
        }
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says on standard error why a command ended early.
fn complain(error: &CommandError) {
    let _stderr_gone = writeln!(std::io::stderr(), "tanhui: {error}");
}

fn run(arguments: Arguments) -> Result<ExitCode, CommandError> {
    let file = arguments.config.as_deref().map(Given::from_file).transpose()?.unwrap_or_default();
    let given = arguments.given.or(file);
    let settings = match &arguments.command {
        Command::Demo(demo) => demo::settings(given, &demo.data)?,
        _ => Settings::decide(given)?,
    };
    let done = |()| ExitCode::SUCCESS;
    match arguments.command {
        Command::Config => config::run(&settings).map(done),
        Command::Openapi => openapi::run().map(done),
        Command::Rules(command) if !command.asks_the_database() => rules::run(command),
        Command::Till(till::TillCommand::Verify(arguments)) => {
            till::verify(&arguments).map(|good| if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        with_services => {
            let quiet = !matches!(with_services, Command::Serve);
            logging::start(settings.log_format, if quiet { "warn" } else { &settings.log })?;
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(run_with_services(settings, with_services))
        }
    }
}

async fn run_with_services(settings: Settings, command: Command) -> Result<ExitCode, CommandError> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Serve => serve::run(settings).await.map(done),
        Command::Demo(arguments) => demo::run(&settings, &arguments).await.map(done),
        Command::Migrate => migrate::run(&settings).await.map(done),
        Command::Import(arguments) => import::run(&settings, &arguments).await.map(done),
        Command::Audit(arguments) => Ok(audit::run(&settings, &arguments).await),
        Command::Bench(command) => bench::run(command).await.map(done),
        Command::Partner(command) => office::partner(&settings, command).await.map(done),
        Command::Grant(arguments) => office::grant(&settings, &arguments).await.map(done),
        Command::Merchant(command) => office::merchant(&settings, command).await.map(done),
        Command::Offer(command) => office::offer(&settings, command).await.map(done),
        Command::Till(till::TillCommand::Keys) => till::keys(&settings, None).await.map(done),
        Command::Till(till::TillCommand::RotateKey { revoke_old }) => {
            till::keys(&settings, Some(revoke_old)).await.map(done)
        }
        Command::Expire => books::expire(&settings).await.map(done),
        Command::Payout => books::payout(&settings).await.map(done),
        Command::Reverse(arguments) => books::reverse(&settings, arguments).await.map(done),
        Command::Adjust(command) => books::adjust(&settings, command).await.map(done),
        Command::Review(command) => review::run(&settings, command).await.map(done),
        Command::Rules(command) => rules::run_on_database(&settings, command).await,
        Command::Config | Command::Openapi | Command::Till(till::TillCommand::Verify(_)) => {
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Writes what a command has to say to standard output.
fn print(text: &str) -> Result<(), CommandError> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
        let parsed =
            Arguments::try_parse_from(["tanhui", "serve", "--demo", "--listen", "127.0.0.1:0"]).unwrap();
        assert_eq!(parsed.given.demo, Some(true));
        assert_eq!(parsed.given.listen, Some(([127, 0, 0, 1], 0).into()));
        assert!(Arguments::try_parse_from(["tanhui", "serve", "--listen", "nowhere"]).is_err());
    }
}
