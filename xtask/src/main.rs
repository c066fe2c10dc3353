//! Project tasks: one door to everything a developer or the CI runs.
//!
//! Never part of the product: no room may import this crate, and it imports none of them.

mod args;
mod bench;
mod demo;
mod failure;
mod mutants;
mod openapi;
mod process;
mod services;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use args::Task;
use failure::Failure;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match args::parse(&words).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            failure.exit_code()
        }
    }
}

fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Help => {
            println!("{}", args::HELP);
            Ok(())
        }
        Task::Test(options) => test::run(&options),
        Task::Services => services::run_until_stopped(),
        Task::Demo(options) => demo::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Tidy { mend: false } => tidy::run(),
        Task::Tidy { mend: true } => tidy::mend(),
        Task::OpenApi { check } => openapi::run(check),
        Task::Mutants(flags) => mutants::run(&flags),
        Task::Keep => services::keeper::keep(std::io::stdin().lock()),
    }
}
