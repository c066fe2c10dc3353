//! The command line. One file a command; every command takes every setting.

mod config;
mod openapi;
mod serve;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// Serve the API
    Serve,
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
    /// Something else between us and the machine.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _stderr_gone = writeln!(std::io::stderr(), "tanhui: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), CommandError> {
    let file = arguments.config.as_deref().map(Given::from_file).transpose()?.unwrap_or_default();
    let settings = Settings::decide(arguments.given.or(file))?;
    match arguments.command {
        Command::Serve => {
            logging::start(settings.log_format, &settings.log)?;
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve::run(settings))
        }
        Command::Config => config::run(&settings),
        Command::Openapi => openapi::run(),
    }
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
