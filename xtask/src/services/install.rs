//! Finds the server programs, or installs them with the system's package manager when it may.

use std::path::PathBuf;
use std::process::Command;

use super::{account, postgres, redis};
use crate::failure::Failure;
use crate::process::answers;

/// Where the servers' programs are.
pub struct Programs {
    /// The folder of PostgreSQL's programs.
    pub postgres: PathBuf,
    /// The Redis server.
    pub redis: PathBuf,
}

/// The programs, installed first if need be.
pub fn find_or_install() -> Result<Programs, Failure> {
    let packages = missing();
    if !packages.is_empty() {
        install(&packages)?;
    }
    match (postgres::programs(), redis::program()) {
        (Some(postgres), Some(redis)) => Ok(Programs { postgres, redis }),
        (_, _) => Err(by_hand(&missing())),
    }
}

fn missing() -> Vec<&'static str> {
    let wanted =
        [("postgresql", postgres::programs().is_none()), ("redis-server", redis::program().is_none())];
    wanted.into_iter().filter_map(|(package, absent)| absent.then_some(package)).collect()
}

fn install(packages: &[&str]) -> Result<(), Failure> {
    let root = account::is_root()?;
    let able = answers(Command::new("apt-get").arg("--version"))
        && (root || answers(Command::new("sudo").args(["-n", "true"])));
    if !able {
        return Err(by_hand(packages));
    }
    eprintln!("xtask: installing {}", packages.join(" and "));
    let mut words = vec!["install", "-y", "-qq", "--no-install-recommends"];
    words.extend(packages);
    if apt_get(root, &["update", "-qq"])? && apt_get(root, &words)? { Ok(()) } else { Err(by_hand(packages)) }
}

/// Whether it worked. `RUNLEVEL=1` asks packages not to start their services; nothing depends on that.
fn apt_get(root: bool, words: &[&str]) -> Result<bool, Failure> {
    let mut command = Command::new(if root { "env" } else { "sudo" });
    if !root {
        command.args(["-n", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]).args(words);
    let status = command.stdout(std::io::stderr()).status().map_err(Failure::io("apt-get"))?;
    Ok(status.success())
}

fn by_hand(packages: &[&str]) -> Failure {
    Failure::Missing(format!(
        "the tests need PostgreSQL's server programs and redis-server, and cannot install them here ({}).\n\
         Debian, Ubuntu: sudo apt-get install postgresql redis-server\n\
         Fedora: sudo dnf install postgresql-server redis     macOS: brew install postgresql redis\n\
         Without them: cargo xtask test --only unit",
        packages.join(" ")
    ))
}
