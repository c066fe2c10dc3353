//! Runs one program as a named step, in a process group of its own that the keeper can end.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::services::keeper::Keeper;

/// Runs steps one after another and remembers how long each took.
pub struct Steps<'a> {
    keeper: &'a Keeper,
    taken: Vec<(String, Duration)>,
}

impl<'a> Steps<'a> {
    /// No step has run yet.
    pub fn new(keeper: &'a Keeper) -> Self {
        Self { keeper, taken: Vec::new() }
    }

    /// Runs work of our own as a step.
    pub fn work<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        announce(name);
        let begun = Instant::now();
        let outcome = work();
        self.note(name, begun.elapsed());
        outcome
    }

    /// Runs a program as a step and prints its time.
    pub fn run(&mut self, name: &str, command: &mut Command) -> Result<(), Failure> {
        announce(name);
        let begun = Instant::now();
        let status = run_in_group(name, command, self.keeper)?;
        self.note(name, begun.elapsed());
        succeeded(name, status)
    }

    /// Runs the last step, whose own closing lines stay the last ones.
    pub fn run_last(self, name: &str, command: &mut Command) -> Result<(), Failure> {
        let line: Vec<String> =
            self.taken.iter().map(|(name, time)| format!("{name} {}", seconds(*time))).collect();
        if !line.is_empty() {
            eprintln!("== so far: {}", line.join(", "));
        }
        announce(name);
        succeeded(name, run_in_group(name, command, self.keeper)?)
    }

    fn note(&mut self, name: &str, time: Duration) {
        eprintln!("== {name}: {}", seconds(time));
        self.taken.push((name.to_owned(), time));
    }
}

fn announce(name: &str) {
    eprintln!("== {name}");
}

fn seconds(time: Duration) -> String {
    format!("{}.{} s", time.as_secs(), time.subsec_millis() / 100)
}

fn succeeded(name: &str, status: ExitStatus) -> Result<(), Failure> {
    if status.success() { Ok(()) } else { Err(Failure::step(name, status)) }
}

fn run_in_group(name: &str, command: &mut Command, keeper: &Keeper) -> Result<ExitStatus, Failure> {
    let mut child = command.stdin(Stdio::null()).process_group(0).spawn().map_err(Failure::io(name))?;
    keeper.note_group(child.id())?;
    let status = child.wait().map_err(Failure::io(name));
    keeper.forget_group(child.id())?;
    status
}

/// A command of the cargo that runs us.
pub fn cargo<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words);
    command
}

/// Whether a program can be run and answers with success.
pub fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Runs a program quietly; its words are shown only when it fails.
pub fn quietly(name: &str, command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(Failure::io(name))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    eprint!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(Failure::step(name, output.status))
}

/// Sends a signal by name to a process, or to a group when the target is `-ID`.
pub fn signal(name: &str, target: &str) -> bool {
    answers(Command::new("sh").args(["-c", "kill -s \"$0\" -- \"$1\"", name, target]))
}
