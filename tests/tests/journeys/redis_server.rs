//! A Redis of one journey alone, on a socket in its folder, so that it can be stopped and emptied.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use tanhui_tests::Outcome;

use crate::process::Process;

pub struct Redis {
    folder: PathBuf,
    process: Mutex<Option<Process>>,
}

impl Redis {
    pub fn start(folder: &Path) -> Outcome<Self> {
        let redis = Self { folder: folder.to_owned(), process: Mutex::default() };
        redis.go_on()?;
        Ok(redis)
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.join("redis.sock").display())
    }

    /// Starts it, empty.
    pub fn go_on(&self) -> Outcome {
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--unixsocket", "redis.sock", "--save", "", "--appendonly", "no"]);
        command.current_dir(&self.folder);
        let process = Process::start(command, &self.folder)?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(())
    }

    /// Ends it as a crash would.
    pub fn stop(&self) -> Outcome {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        process.ok_or("it does not run")?.kill().map(drop)
    }
}
