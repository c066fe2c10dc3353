//! `tanhui rules`: checks rule files and evaluates single expressions. Needs no database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use tanhui_domain::rule::{RuleSet, evaluate_expression};

use super::{CommandError, open};

/// What is done with rule files.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Check rule files with their catalogues, examples and cases
    Check {
        /// Rule files; `NAME.cases.yaml` beside each is checked with it, and those of its catalogues
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Evaluate an expression exactly: prints the value, or `error: ...`
    Eval {
        /// Such as '7.2 km * 46.7 gCO2e/km'
        expression: String,
        /// Values for its names
        #[arg(long = "with", value_name = "NAME=VALUE", value_parser = binding)]
        with: Vec<(String, String)>,
    },
}

fn binding(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in d=7.2km")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Runs a `rules` command.
pub fn run(command: RulesCommand) -> Result<ExitCode, CommandError> {
    match command {
        RulesCommand::Check { files } => check(&files),
        RulesCommand::Eval { expression, with } => eval(&expression, &with),
    }
}

fn check(files: &[PathBuf]) -> Result<ExitCode, CommandError> {
    let mut all_stand = true;
    for file in files {
        match checked(file) {
            Ok(verdict) => super::print(&verdict)?,
            Err(CommandError::Rules(messages)) => {
                all_stand = false;
                super::print(&messages)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(if all_stand { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn checked(file: &Path) -> Result<String, CommandError> {
    let rules: RuleSet = open::compile(file)?;
    let mut lines: Vec<String> = rules.warnings().iter().map(ToString::to_string).collect();
    let cases = open::cases(file, &rules)?;
    let own = file.with_extension("cases.yaml");
    if !own.is_file() {
        lines.push(format!("{}: no cases beside it; write {}", file.display(), own.display()));
    }
    let cases = rules.check_cases(&cases).map_err(|all| CommandError::Rules(open::shown(&all)))?.cases;
    let actions = rules.actions().count();
    lines.push(format!("{}: {actions} 项行为 actions, {cases} 个用例 cases, 通过 ok", file.display()));
    Ok(lines.join("\n"))
}

fn eval(expression: &str, with: &[(String, String)]) -> Result<ExitCode, CommandError> {
    match evaluate_expression(expression, with) {
        Ok(value) => super::print(&value).map(|()| ExitCode::SUCCESS),
        Err(message) => super::print(&format!("error: {message}")).map(|()| ExitCode::FAILURE),
    }
}
