//! `tanhui bench`: measures this very program.

use std::io::Write as _;

use clap::Subcommand;
use tanhui_bench::credit::{self, CreditArguments};

use super::CommandError;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Crediting events over HTTP, beside raw SQL and a peer; docs/benchmarks.md says how to read it
    Credit(Box<CreditArguments>),
}

/// Runs a benchmark and prints its report.
pub async fn run(command: BenchCommand) -> Result<(), CommandError> {
    let BenchCommand::Credit(arguments) = command;
    let progress = |step: &str| {
        let _stderr_gone = writeln!(std::io::stderr(), "bench: {step}");
    };
    let report = credit::run(&arguments, std::env::current_exe()?, progress).await?;
    super::print(&report.to_string())
}
