//! A process that a journey starts, watches and ends by its own id. What it says goes to files, so that it
//! never waits for a reader.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tanhui_tests::Outcome;

/// How long a journey waits for a state. Generous: the machine may be building beside it.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often it looks.
const BREATH: Duration = Duration::from_millis(10);

/// What a process said until it ended.
#[derive(Debug)]
pub struct Ran {
    /// None when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The last line of standard output.
    pub fn last_line(&self) -> &str {
        self.out.trim_end().lines().last().unwrap_or_default()
    }
}

pub struct Process {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Process {
    pub fn start(mut command: Command, folder: &Path) -> Outcome<Self> {
        let name = uuid::Uuid::now_v7().simple();
        let (out, err) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.err")));
        command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
        Ok(Self { child: command.spawn()?, out, err })
    }

    pub fn out(&self) -> Outcome<String> {
        Ok(fs::read_to_string(&self.out)?)
    }

    pub fn err(&self) -> Outcome<String> {
        Ok(fs::read_to_string(&self.err)?)
    }

    pub fn is_running(&mut self) -> Outcome<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) -> Outcome<ExitStatus> {
        self.child.kill()?;
        let status = self.child.wait()?;
        assert_eq!(status.signal(), Some(9), "it had ended by itself: {status}");
        Ok(status)
    }

    /// Asks it to stop, by SIGTERM.
    pub fn ask_to_stop(&self) -> Outcome {
        // The shell's own `kill`: not every machine has the program.
        let told = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status()?;
        assert!(told.success());
        Ok(())
    }

    /// Waits for its end.
    pub async fn until_ended(mut self) -> Outcome<Ran> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Ran { code: status.code(), out: self.out()?, err: self.err()? });
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(format!("did not end: {}{}", self.out()?, self.err()?).into());
            }
            tokio::time::sleep(BREATH).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

/// Looks again and again until there is an answer.
pub async fn wait_for<T, Asking>(what: &str, mut ask: impl FnMut() -> Asking) -> Outcome<T>
where
    Asking: Future<Output = Outcome<Option<T>>>,
{
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(format!("waited in vain for {what}").into());
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// `TANHUI_TEST_BINARY`, else the one built beside this test.
pub fn binary() -> Outcome<PathBuf> {
    let beside = || std::env::current_exe().ok()?.parent()?.parent().map(|folder| folder.join("tanhui"));
    let binary = std::env::var_os("TANHUI_TEST_BINARY").map(PathBuf::from).or_else(beside);
    let binary = binary.ok_or("no place for the binary")?;
    if binary.is_file() {
        return Ok(binary);
    }
    Err(format!("{} is not there; `cargo build --bin tanhui` makes it", binary.display()).into())
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
