//! `tanhui bench`: measures this very program.

use std::io::Write as _;

use clap::Subcommand;
use tanhui_bench::credit::{self, CreditArguments};
use tanhui_bench::redeem::{self, RedeemArguments};
use tanhui_bench::rules::{self, RulesArguments};
use tanhui_bench::simulate::{self, SimulateArguments};

use super::CommandError;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Crediting events over HTTP, beside raw SQL and a peer; docs/benchmarks.md says how to read it
    Credit(Box<CreditArguments>),
    /// Redeeming a hot offer and a spread of offers over HTTP, beside the plain row-lock transaction in SQL
    Redeem(Box<RedeemArguments>),
    /// Deciding five rules, from integers, from JSON, in columns and with explanations, beside the same rules
    /// by hand
    Rules(RulesArguments),
    /// Simulating a draft of the five rules over kept events with caps and budgets, beside the same by hand
    Simulate(SimulateArguments),
}

/// Runs a benchmark and prints its report.
pub async fn run(command: BenchCommand) -> Result<(), CommandError> {
    let progress = |step: &str| {
        let _stderr_gone = writeln!(std::io::stderr(), "bench: {step}");
    };
    let report = match command {
        BenchCommand::Credit(arguments) => {
            credit::run(&arguments, std::env::current_exe()?, progress).await?.to_string()
        }
        BenchCommand::Redeem(arguments) => {
            redeem::run(&arguments, std::env::current_exe()?, progress).await?.to_string()
        }
        BenchCommand::Rules(arguments) => rules::run(&arguments)?.to_string(),
        BenchCommand::Simulate(arguments) => simulate::run(&arguments)?.to_string(),
    };
    super::print(&report)
}
