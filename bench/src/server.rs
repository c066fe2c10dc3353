//! The program under test as a process of its own: started on a free port, watched, asked to stop.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::BenchError;

const PATIENCE: Duration = Duration::from_mins(1);
const BREATH: Duration = Duration::from_millis(20);
const FIRST_LOOK: Duration = Duration::from_millis(500);
const SAMPLES_MAX: usize = 120;
const LOG_TAIL_BYTES: usize = 2_000;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Program {
    /// The binary.
    pub binary: PathBuf,
    /// Where its log and secret are.
    pub folder: PathBuf,
    /// Its Redis; none: in process.
    pub redis_url: Option<String>,
}

impl Program {
    /// The file of the master secret.
    pub fn secret(&self) -> PathBuf {
        self.folder.join("secret.key")
    }

    /// A command of the program on a database, with no setting but ours.
    pub fn command(&self, database_url: &str, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TANHUI_") {
                command.env_remove(name);
            }
        }
        command
            .args(words)
            .env("TANHUI_DATABASE_URL", database_url)
            .env("TANHUI_SECRET_FILE", self.secret())
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        if let Some(url) = &self.redis_url {
            command.env("TANHUI_REDIS_URL", url);
        }
        command
    }

    /// Runs `tanhui audit` on a database; gives its document.
    pub async fn audit(&self, database_url: &str) -> Result<serde_json::Value, BenchError> {
        let output = output(self.command(database_url, &["audit", "--json"])).await?;
        let document = serde_json::from_slice(&output.stdout);
        document.map_err(|_| BenchError::Server {
            what: "could not be audited",
            log: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Runs a command to its end beside other work.
pub async fn output(mut command: Command) -> Result<std::process::Output, BenchError> {
    let ended = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output());
    Ok(ended.await.map_err(std::io::Error::other)??)
}

/// A running server. Dropped without [`Server::stop`] it is killed.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: SocketAddr,
    log: PathBuf,
    samples: Arc<Mutex<Samples>>,
    watcher: JoinHandle<()>,
}

impl Server {
    /// Starts the server and waits until it listens.
    pub async fn start(program: &Program, database_url: &str) -> Result<Self, BenchError> {
        // Rate limits are for strangers; here all load comes from one partner at one address.
        let words = [
            ["serve", "--listen", "127.0.0.1:0"],
            ["--requests-per-minute=1000000", "--partner-requests-per-minute=100000000", "--log-format=text"],
            ["--log", "warn,tanhui_mobile_api::cli::serve=info", "--demo=false"],
        ];
        let log = program.folder.join("server.log");
        let mut command = program.command(database_url, words.as_flattened());
        let mut process = Process(command.stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?);
        let address = until_it_listens(&mut process, &log).await?;
        let samples = Arc::new(Mutex::new(Samples::default()));
        let watcher = tokio::spawn(watch(process.0.id(), Arc::clone(&samples)));
        Ok(Self { process, address, log, samples, watcher })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks it to stop, waits until it has, and gives the memory it used.
    pub async fn stop(mut self) -> Result<Memory, BenchError> {
        self.watcher.abort();
        // The shell's own `kill`: not every machine has the program.
        let mut ask = Command::new("sh");
        ask.args(["-c", &format!("kill -s TERM {}", self.process.0.id())]);
        output(ask).await?;
        match self.process.until_ended().await? {
            Some(status) if status.success() => {}
            Some(_) => return Err(BenchError::Server { what: "ended badly", log: tail(&self.log) }),
            None => return Err(BenchError::Server { what: "did not stop", log: tail(&self.log) }),
        }
        Ok(self.samples.lock().unwrap_or_else(PoisonError::into_inner).memory())
    }
}

/// A process that does not outlive us.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Its status; none when it goes on for too long.
    async fn until_ended(&mut self) -> Result<Option<ExitStatus>, BenchError> {
        let begun = Instant::now();
        loop {
            let status = self.0.try_wait()?;
            if status.is_some() || begun.elapsed() > PATIENCE {
                return Ok(status);
            }
            tokio::time::sleep(BREATH).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _reaped_already = self.0.wait();
    }
}

async fn until_it_listens(process: &mut Process, log: &Path) -> Result<SocketAddr, BenchError> {
    let begun = Instant::now();
    loop {
        if let Some(address) = listening(&std::fs::read_to_string(log)?) {
            return Ok(address);
        }
        if process.0.try_wait()?.is_some() {
            return Err(BenchError::Server { what: "ended at once", log: tail(log) });
        }
        if begun.elapsed() > PATIENCE {
            return Err(BenchError::Server { what: "did not come up", log: tail(log) });
        }
        tokio::time::sleep(BREATH).await;
    }
}

fn listening(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("listening"))?;
    line.split("address=").nth(1)?.split_whitespace().next()?.parse().ok()
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let from = text.ceil_char_boundary(text.len().saturating_sub(LOG_TAIL_BYTES));
    text.get(from..).unwrap_or_default().to_owned()
}

/// Resident memory of the server over a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Memory {
    /// When the first measurement began.
    pub start_kib: u64,
    /// The most at any look.
    pub max_kib: u64,
    /// At the last look.
    pub end_kib: u64,
    /// Seconds since the start, and the memory then.
    pub samples: Vec<(u64, u64)>,
}

/// Looks over time, thinned out where they become many.
#[derive(Debug, Default)]
struct Samples {
    looks: Vec<(Duration, u64)>,
    max_kib: u64,
}

impl Samples {
    fn add(&mut self, at: Duration, kib: u64) {
        self.max_kib = self.max_kib.max(kib);
        self.looks.push((at, kib));
        if self.looks.len() > SAMPLES_MAX {
            let mut keep = false;
            self.looks.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    fn memory(&self) -> Memory {
        let kib = |look: Option<&(Duration, u64)>| look.map_or(0, |(_, kib)| *kib);
        Memory {
            start_kib: kib(self.looks.first()),
            max_kib: self.max_kib,
            end_kib: kib(self.looks.last()),
            samples: self.looks.iter().map(|(at, kib)| (at.as_secs(), *kib)).collect(),
        }
    }
}

/// Looks ever more rarely, so that a long run has as many samples as a short one.
async fn watch(id: u32, samples: Arc<Mutex<Samples>>) {
    let begun = Instant::now();
    let status = format!("/proc/{id}/status");
    loop {
        tokio::time::sleep(FIRST_LOOK.max(begun.elapsed().checked_div(60).unwrap_or_default())).await;
        let Some(kib) = std::fs::read_to_string(&status).ok().as_deref().and_then(resident_kib) else {
            return;
        };
        samples.lock().unwrap_or_else(PoisonError::into_inner).add(begun.elapsed(), kib);
    }
}

fn resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_log() {
        let log = "a WARN b\nx INFO tanhui: listening address=127.0.0.1:4321 demo=false\n";
        assert_eq!(listening(log), Some(([127, 0, 0, 1], 4321).into()));
        assert_eq!(listening("listening address="), None);
    }

    #[test]
    fn memory_is_read_and_stays_bounded() {
        assert_eq!(resident_kib("VmPeak:\t 9 kB\nVmRSS:\t   1234 kB\n"), Some(1_234));
        let mut samples = Samples::default();
        for second in 0..10_000 {
            samples.add(Duration::from_secs(second), 100 + second % 7);
        }
        let memory = samples.memory();
        assert!(memory.samples.len() <= SAMPLES_MAX);
        assert_eq!((memory.start_kib, memory.max_kib), (100, 106));
    }
}
