//! A private Redis server: free loopback port, nothing written to disk.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::keeper::Keeper;
use super::port;
use crate::failure::Failure;

const ATTEMPTS: u32 = 5;

/// The server program, if it is installed.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/bin")]);
    let mut candidates = folders.map(|folder| folder.join("redis-server"));
    candidates.find(|candidate| candidate.is_file())
}

/// Starts a server whose only folder is `folder` and returns its URL.
pub fn start(program: &Path, folder: &Path, keeper: &Keeper) -> Result<String, Failure> {
    let mut attempt: u32 = 1;
    loop {
        let port = port::free()?;
        let mut child = spawn(program, folder, port)?;
        keeper.note_group(child.id())?;
        let ready = port::wait_until_answered(port, b"PING\r\n", b"+PONG\r\n");
        let running = child.try_wait().map_err(Failure::io("watching redis-server"))?.is_none();
        match ready {
            Ok(()) if running => {
                reap(child);
                return Ok(format!("redis://127.0.0.1:{port}"));
            }
            Ok(()) | Err(_) if attempt < ATTEMPTS => attempt = attempt.saturating_add(1),
            Ok(()) => return Err(Failure::Missing("redis-server found no free port".to_owned())),
            Err(failure) => return Err(failure),
        }
    }
}

/// Waits for the server's end, so that the keeper sees it go.
fn reap(mut child: Child) {
    std::thread::spawn(move || child.wait());
}

fn spawn(program: &Path, folder: &Path, port: u16) -> Result<Child, Failure> {
    Command::new(program)
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"])
        .args(["--port", &port.to_string(), "--logfile", "redis.log", "--dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(Failure::io("starting redis-server"))
}
