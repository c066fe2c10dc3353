//! `cargo xtask test`: every check and every test, in the order in which they are cheap to fail.

use std::process::Command;

use crate::args::{Scope, TestOptions};
use crate::failure::Failure;
use crate::process::{Steps, answers, cargo};
use crate::services::keeper::Keeper;
use crate::services::{self, Purpose, Services};
use crate::{openapi, tidy, workspace};

/// The name of the step whose output ends the run.
pub const TESTS: &str = "tests";

/// Runs what the options ask for.
pub fn run(options: &TestOptions) -> Result<(), Failure> {
    let keeper = Keeper::start()?;
    let mut steps = Steps::new(&keeper);
    let programs = match options.scope {
        Scope::Unit => None,
        Scope::Everything | Scope::Tests => Some(services::find_or_install()?),
    };
    if options.scope == Scope::Everything {
        lints(&mut steps)?;
    }
    steps.run("build", &mut cargo(["build", "--workspace", "--bins", "--tests"]))?;
    if options.scope == Scope::Everything {
        description(&mut steps)?;
    }
    let start = |programs| steps.work("services", || Services::start(&programs, &keeper, Purpose::Tests));
    let services = programs.map(start).transpose()?;
    tests(steps, options, services.as_ref())
}

fn lints(steps: &mut Steps<'_>) -> Result<(), Failure> {
    steps.work("tidy", tidy::run)?;
    steps.run("format", &mut cargo(["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    steps.run("clippy", &mut cargo(clippy))?;
    if answers(&mut cargo(["deny", "--version"])) {
        return steps.run("deny", &mut cargo(["deny", "check"]));
    }
    eprintln!("== deny: skipped, cargo-deny is not installed here; the CI should have it");
    Ok(())
}

fn description(steps: &mut Steps<'_>) -> Result<(), Failure> {
    if openapi::file()?.is_file() {
        return steps.work("openapi", openapi::check);
    }
    eprintln!("== openapi: skipped, mobile-api/openapi.json does not exist yet");
    Ok(())
}

fn tests(mut steps: Steps<'_>, options: &TestOptions, services: Option<&Services>) -> Result<(), Failure> {
    if !answers(&mut cargo(["nextest", "--version"])) {
        let mut command = cargo(["test", "--workspace", "--no-fail-fast", "--"]);
        return steps.run_last(TESTS, settle(&mut command, options, services)?);
    }
    if options.filters.is_empty() {
        steps.run("doc tests", &mut cargo(["test", "--workspace", "--doc", "--quiet"]))?;
    }
    let mut command = cargo(["nextest", "run", "--workspace", "--no-fail-fast"]);
    steps.run_last(TESTS, settle(&mut command, options, services)?)
}

fn settle<'a>(
    command: &'a mut Command,
    options: &TestOptions,
    services: Option<&Services>,
) -> Result<&'a mut Command, Failure> {
    command.args(&options.filters).env("TANHUI_TEST_BINARY", workspace::binary()?);
    match services {
        Some(services) => services.tell(command),
        None => {
            command.env_remove("TANHUI_TEST_POSTGRES_URL").env_remove("TANHUI_TEST_REDIS_URL");
        }
    }
    Ok(command)
}
