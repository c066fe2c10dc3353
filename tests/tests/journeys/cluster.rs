//! A PostgreSQL server of one journey alone, so that it can be restarted under load.

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tanhui_tests::Outcome;

/// The account that the system's package makes for the server, which refuses to run as root.
const SERVER_USER: &str = "postgres";

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Open transactions are rolled back, everything is written.
    Fast,
    /// As in a crash: it recovers when it starts.
    Immediate,
}

impl Stop {
    fn word(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Immediate => "immediate",
        }
    }
}

pub struct Cluster {
    programs: PathBuf,
    data: PathBuf,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// Makes a cluster and starts it, durable as in production.
    pub fn start() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
        let data = folder.path().join("postgres");
        std::fs::create_dir(&data)?;
        if std::fs::metadata(&data)?.uid() == 0 {
            chown(&data, Some(number(&["-u"])?), Some(number(&["-g"])?))?;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let cluster = Self { programs: programs()?, data, port, _folder: folder };
        let init = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        cluster.run("initdb", &init)?;
        cluster.go_on()?;
        Ok(cluster)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it under whoever uses it.
    pub fn stop(&self, stop: Stop) -> Outcome {
        self.run("pg_ctl", &["-m", stop.word(), "-w", "stop"])
    }

    /// Starts it.
    pub fn go_on(&self) -> Outcome {
        let settings = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=100 \
             -c fsync=on",
            self.port
        );
        let log = self.data.join("server.log");
        let log = log.to_str().ok_or("a folder without a name")?;
        self.run("pg_ctl", &["-l", log, "-o", &settings, "-w", "start"])
    }

    /// The server outlives `pg_ctl` and must not hold our pipes open: its log has its words.
    fn run(&self, program: &str, words: &[&str]) -> Outcome {
        let mut command = as_server(&self.programs.join(program));
        command.arg("-D").arg(&self.data).args(words).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status()?;
        if status.success() { Ok(()) } else { Err(format!("{program} {words:?}: {status}").into()) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _stopped_already = self.stop(Stop::Immediate);
    }
}

fn as_server(program: &Path) -> Command {
    if number_of(&["-u"]).is_ok_and(|id| id != 0) {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args([OsStr::new("-u"), OsStr::new(SERVER_USER), OsStr::new("--")]).arg(program);
    command
}

fn number(words: &[&str]) -> Outcome<u32> {
    number_of(&[words, &[SERVER_USER]].concat())
}

fn number_of(words: &[&str]) -> Outcome<u32> {
    let told = Command::new("id").args(words).output()?;
    Ok(String::from_utf8_lossy(&told.stdout).trim().parse()?)
}

/// Where the newest installed server's programs are.
fn programs() -> Outcome<PathBuf> {
    let complete = |folder: &PathBuf| ["initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file());
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = installed
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| complete(folder))
        .collect();
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = || std::env::split_paths(&on_path).find(complete);
    let found = versions.pop().map(|(_, folder)| folder).or_else(elsewhere);
    Ok(found.ok_or("no programs of a PostgreSQL server")?)
}
