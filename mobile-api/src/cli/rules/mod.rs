//! `tanhui rules`: checks rule files, evaluates single expressions, simulates drafts. Needs no database.

mod check;
mod simulate;
mod simulated;

use std::process::ExitCode;

use clap::Subcommand;
use tanhui_domain::rule::evaluate_expression;

use super::CommandError;

/// What is done with rule files.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Check rule files with their catalogues, examples and cases
    ///
    /// Exit code 0: all stand, perhaps with warnings; 1: a file has errors, or warnings with --strict; 2:
    /// wrong arguments.
    Check(check::CheckArguments),
    /// Evaluate an expression exactly: prints the value, or `error: ...` with exit code 1
    Eval {
        /// Such as '7.2 km * 46.7 gCO2e/km'
        expression: String,
        /// Values for its names
        #[arg(long = "with", value_name = "NAME=VALUE", value_parser = binding)]
        with: Vec<(String, String)>,
    },
    /// Play a draft against other rules over past events: who gets more, who gets less
    Simulate(Box<simulate::SimulateArguments>),
}

fn binding(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in d=7.2km")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Runs a `rules` command.
pub fn run(command: RulesCommand) -> Result<ExitCode, CommandError> {
    match command {
        RulesCommand::Check(arguments) => check::run(&arguments),
        RulesCommand::Eval { expression, with } => eval(&expression, &with),
        RulesCommand::Simulate(arguments) => simulate::run(&arguments),
    }
}

fn eval(expression: &str, with: &[(String, String)]) -> Result<ExitCode, CommandError> {
    match evaluate_expression(expression, with) {
        Ok(value) => super::print(&value).map(|()| ExitCode::SUCCESS),
        Err(message) => super::print(&format!("error: {message}")).map(|()| ExitCode::FAILURE),
    }
}
