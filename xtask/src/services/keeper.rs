//! The keeper: a second process that stops servers and removes their folders when the first one is gone.
//!
//! It reads notes from a pipe. The pipe closes when the task ends, panics, is interrupted or is killed, so
//! one path serves every ending. It must never touch a process or folder that was not noted.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::postgres;
use crate::failure::Failure;
use crate::process::signal;

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// The task's end of the pipe. Dropping it stops everything that was noted, and waits for that.
pub struct Keeper {
    inner: Arc<Inner>,
}

struct Inner {
    notes: Mutex<Option<ChildStdin>>,
    child: Mutex<Child>,
    undisturbed: Mutex<()>,
}

impl Keeper {
    /// Starts the keeper, and lets it also answer Ctrl-C and a request to end.
    pub fn start() -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(Failure::io("finding this program"))?;
        let mut child = Command::new(program)
            .arg("keep")
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(Failure::io("starting the keeper"))?;
        let notes = Mutex::new(child.stdin.take());
        let inner = Arc::new(Inner { notes, child: Mutex::new(child), undisturbed: Mutex::new(()) });
        close_on_signal(Arc::clone(&inner))?;
        Ok(Self { inner })
    }

    /// Work during which a signal has to wait: a server half started could not be found and stopped.
    pub fn undisturbed<T>(&self, work: impl FnOnce() -> T) -> T {
        let _held = self.inner.undisturbed.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    /// A group of processes to end.
    pub fn note_group(&self, id: u32) -> Result<(), Failure> {
        self.inner.note(&format!("group {id}"))
    }

    /// A group that has ended by itself.
    pub fn forget_group(&self, id: u32) -> Result<(), Failure> {
        self.inner.note(&format!("ended {id}"))
    }

    /// A PostgreSQL server to stop, by its programs and its data folder.
    pub fn note_postgres(&self, programs: &Path, data: &Path) -> Result<(), Failure> {
        self.inner.note(&format!("postgres {}\t{}", programs.display(), data.display()))
    }

    /// A folder to remove, after everything is stopped.
    pub fn note_folder(&self, folder: &Path) -> Result<(), Failure> {
        self.inner.note(&format!("folder {}", folder.display()))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.inner.close();
    }
}

impl Inner {
    fn note(&self, line: &str) -> Result<(), Failure> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        match notes.as_mut() {
            Some(pipe) => writeln!(pipe, "{line}").map_err(Failure::io("telling the keeper")),
            None => Err(Failure::Missing("interrupted".to_owned())),
        }
    }

    fn close(&self) {
        drop(self.notes.lock().unwrap_or_else(PoisonError::into_inner).take());
        let _ended = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

fn close_on_signal(inner: Arc<Inner>) -> Result<(), Failure> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::io("listening for signals"))?;
    thread::spawn(move || {
        if let Some(number) = signals.forever().next() {
            let _held = inner.undisturbed.lock().unwrap_or_else(PoisonError::into_inner);
            inner.close();
            std::process::exit(number.saturating_add(128));
        }
    });
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Notes {
    groups: BTreeSet<u32>,
    servers: Vec<(PathBuf, PathBuf)>,
    folders: Vec<PathBuf>,
}

/// The keeper's own work: read notes until the pipe closes, then clean up.
pub fn keep(pipe: impl BufRead) -> Result<(), Failure> {
    let mut notes = Notes::default();
    for line in pipe.lines().map_while(Result::ok) {
        notes.take(&line);
    }
    clean_up(&notes)
}

impl Notes {
    fn take(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("group", id)) => self.groups.extend(id.parse::<u32>()),
            Some(("ended", id)) => self.groups.retain(|group| id.parse() != Ok(*group)),
            Some(("postgres", paths)) => {
                let pair = paths.split_once('\t').map(|(programs, data)| (programs.into(), data.into()));
                self.servers.extend(pair);
            }
            Some(("folder", path)) => self.folders.push(path.into()),
            Some(_) | None => eprintln!("keeper: not understood: {line}"),
        }
    }
}

fn clean_up(notes: &Notes) -> Result<(), Failure> {
    for group in &notes.groups {
        end_group(*group);
    }
    let mut outcome = Ok(());
    for (programs, data) in &notes.servers {
        if data.join("postmaster.pid").exists() {
            outcome = outcome.and(postgres::stop(programs, data));
        }
    }
    for folder in &notes.folders {
        let removed = std::fs::remove_dir_all(folder);
        outcome = outcome.and(removed.map_err(Failure::io(format!("removing {}", folder.display()))));
    }
    outcome
}

fn end_group(id: u32) {
    let target = format!("-{id}");
    let begun = Instant::now();
    let mut there = signal("TERM", &target);
    while there && begun.elapsed() < PATIENCE {
        thread::sleep(POLL);
        there = signal("0", &target);
    }
    if there {
        signal("KILL", &target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_kept_and_forgotten() {
        let mut notes = Notes::default();
        for line in ["group 7", "group 9", "ended 7", "postgres /bin dir\t/data dir", "folder /f f", "noise"]
        {
            notes.take(line);
        }
        let expected = Notes {
            groups: BTreeSet::from([9]),
            servers: vec![("/bin dir".into(), "/data dir".into())],
            folders: vec!["/f f".into()],
        };
        assert_eq!(notes, expected);
    }

    #[test]
    fn a_group_ends_when_the_pipe_closes() {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do read -r x; done"]).stdin(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let id = child.id();
        let waiting = thread::spawn(move || child.wait().unwrap());
        keep(format!("group {id}\n").as_bytes()).unwrap();
        assert!(!waiting.join().unwrap().success());
    }
}
