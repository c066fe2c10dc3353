//! `tanhui rules`: checks rule files, evaluates single expressions, simulates drafts. Only a simulation may
//! ask a database.

mod check;
mod fmt;
mod simulate;
mod simulated;

use std::process::ExitCode;

use clap::Subcommand;
use tanhui_domain::rule::{evaluate_expression, json_schema};

use super::{CommandError, open, print};
use crate::config::Settings;

/// What is done with rule files.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Check rule files with their catalogues, examples and cases
    ///
    /// Exit code 0: all stand, perhaps with warnings; 1: a file has errors, or warnings with --strict; 2:
    /// wrong arguments.
    Check(check::CheckArguments),
    /// Put rule files, catalogues and cases into their normal form; comments stay
    ///
    /// Exit code 0: done, or nothing to do; 1: a file cannot be read, or with --check is not in normal form.
    Fmt(fmt::FmtArguments),
    /// Print the JSON Schema of rule files, for editors
    Schema,
    /// Evaluate an expression exactly: prints the value, or `error: ...` with exit code 1
    Eval {
        /// Such as '7.2 km * 46.7 gCO2e/km'
        #[arg(allow_hyphen_values = true)]
        expression: String,
        /// Values for its names
        #[arg(long = "with", value_name = "NAME=VALUE", value_parser = binding)]
        with: Vec<(String, String)>,
    },
    /// Play a draft against other rules over past events: who gets more, who gets less
    ///
    /// Events are decided as crediting decides them, in the order in which they were credited: caps, budgets,
    /// campaigns, looks back, same acts, lateness. Points that wait for a budget are paid on later days of
    /// the events; those that share one are settled at the end. An event stands for itself however often it
    /// is in the file.
    Simulate(Box<simulate::SimulateArguments>),
}

fn binding(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in d=7.2km")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl RulesCommand {
    /// Whether it needs the database of the settings.
    pub fn asks_the_database(&self) -> bool {
        match self {
            Self::Simulate(arguments) => arguments.asks_the_database(),
            Self::Check(_) | Self::Fmt(_) | Self::Schema | Self::Eval { .. } => false,
        }
    }
}

/// Runs a command with the database of the settings.
pub async fn run_on_database(settings: &Settings, command: RulesCommand) -> Result<ExitCode, CommandError> {
    match command {
        RulesCommand::Simulate(arguments) => simulate::run_on_database(settings, &arguments).await,
        other => run(other),
    }
}

/// Runs a `rules` command.
pub fn run(command: RulesCommand) -> Result<ExitCode, CommandError> {
    match command {
        RulesCommand::Check(arguments) => check::run(&arguments),
        RulesCommand::Fmt(arguments) => fmt::run(&arguments),
        RulesCommand::Schema => print(json_schema().trim_end()).map(|()| ExitCode::SUCCESS),
        RulesCommand::Eval { expression, with } => eval(&expression, &with),
        RulesCommand::Simulate(arguments) => simulate::run(&arguments),
    }
}

fn eval(expression: &str, with: &[(String, String)]) -> Result<ExitCode, CommandError> {
    match evaluate_expression(expression, with) {
        Ok(value) => print(&value).map(|()| ExitCode::SUCCESS),
        Err(told) => {
            print(&format!("error: {}", told.in_language(open::language()))).map(|()| ExitCode::FAILURE)
        }
    }
}
