//! A private PostgreSQL server: own data folder, free loopback port, durable writes, nothing shared.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Purpose;
use super::account;
use super::keeper::Keeper;
use super::port;
use crate::failure::Failure;
use crate::process::quietly;

const ATTEMPTS: u32 = 5;

/// Where the newest installed server's programs are.
pub fn programs() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| {
        ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file())
    };
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| complete(folder))
        .collect();
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = || std::env::split_paths(&on_path).find(complete);
    versions.pop().map(|(_, folder)| folder).or_else(elsewhere)
}

/// Makes a cluster in `folder`, starts it and returns the URL of its `postgres` database.
pub fn start(programs: &Path, folder: &Path, keeper: &Keeper, purpose: Purpose) -> Result<String, Failure> {
    let data = folder.join("postgres");
    std::fs::create_dir(&data).map_err(Failure::io(format!("making {}", data.display())))?;
    if account::is_root()? {
        account::give_to_postgres(&data)?;
    }
    let init = ["-D".as_ref(), data.as_os_str(), "-U".as_ref(), "postgres".as_ref(), "-A".as_ref()];
    let fixed = ["trust", "-E", "UTF8", "--locale=C", "--no-sync"].map(OsStr::new);
    quietly("initdb", &mut as_server(programs, "initdb", &data, init.into_iter().chain(fixed)))?;
    keeper.note_postgres(programs, &data)?;
    let mut attempt: u32 = 1;
    loop {
        let port = port::free()?;
        match start_on(programs, &data, port, purpose) {
            Ok(()) => return Ok(format!("postgres://postgres@127.0.0.1:{port}/postgres")),
            Err(_) if attempt < ATTEMPTS => attempt = attempt.saturating_add(1),
            Err(failure) => {
                eprint!("{}", std::fs::read_to_string(data.join("server.log")).unwrap_or_default());
                return Err(failure);
            }
        }
    }
}

fn start_on(programs: &Path, data: &Path, port: u16, purpose: Purpose) -> Result<(), Failure> {
    let log = data.join("server.log");
    let settings = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300 \
         -c fsync=on{}",
        settings_for(purpose, programs)
    );
    let words = [
        "-D".as_ref(),
        data.as_os_str(),
        "-l".as_ref(),
        log.as_os_str(),
        "-o".as_ref(),
        settings.as_ref(),
        "-w".as_ref(),
        "start".as_ref(),
    ];
    let mut command = as_server(programs, "pg_ctl", data, words);
    // The server outlives pg_ctl and must not hold our pipes open, so its words go nowhere; the log has them.
    let quiet = command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let status = quiet.stderr(std::process::Stdio::null()).status().map_err(Failure::io("pg_ctl start"))?;
    if !status.success() {
        return Err(Failure::step("pg_ctl start", status));
    }
    port::wait_until_open(port)
}

fn settings_for(purpose: Purpose, programs: &Path) -> &'static str {
    let counter = programs.parent().map(|version| version.join("lib/pg_stat_statements.so"));
    match purpose {
        Purpose::Tests => "",
        Purpose::Bench if counter.is_some_and(|library| library.is_file()) => {
            " -c shared_buffers=512MB -c max_wal_size=4GB \
             -c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track=none"
        }
        Purpose::Bench => " -c shared_buffers=512MB -c max_wal_size=4GB",
    }
}

/// Stops a server at once; its data is thrown away anyway.
pub fn stop(programs: &Path, data: &Path) -> Result<(), Failure> {
    let words = ["-D".as_ref(), data.as_os_str(), "-m".as_ref(), "immediate".as_ref()];
    let fixed = ["-w", "stop"].map(OsStr::new);
    quietly("pg_ctl stop", &mut as_server(programs, "pg_ctl", data, words.into_iter().chain(fixed)))?;
    Ok(())
}

/// The server refuses to run as root, so root hands it to the owner of the data folder.
fn as_server<'a>(
    programs: &Path,
    program: &str,
    data: &Path,
    words: impl IntoIterator<Item = &'a OsStr>,
) -> Command {
    let path = programs.join(program);
    let owner_is_root = std::fs::metadata(data).is_ok_and(|folder| folder.uid() == 0);
    let mut command = if !owner_is_root && account::is_root().unwrap_or(false) {
        let mut command = Command::new("runuser");
        command.args(["-u", account::SERVER_USER, "--"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    command.args(words).current_dir("/");
    command
}
