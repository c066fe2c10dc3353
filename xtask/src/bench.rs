//! `cargo xtask bench`: a release build, measured on private servers beside peers that only this task builds.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::BenchOptions;
use crate::failure::Failure;
use crate::process::{Steps, cargo};
use crate::services::keeper::Keeper;
use crate::services::{self, Purpose, Services};
use crate::workspace;

/// Builds, starts the servers, measures, and leaves the report under `target/bench`.
pub fn run(options: &BenchOptions) -> Result<(), Failure> {
    let (root, target) = (workspace::root()?, workspace::target()?);
    let keeper = Keeper::start()?;
    let mut steps = Steps::new(&keeper);
    let programs = services::find_or_install()?;
    let release = ["build", "--release", "--package", "tanhui-mobile-api", "--bin", "tanhui"];
    steps.run("build", cargo(release).arg("--target-dir").arg(&target).current_dir(&root))?;
    let peer = if options.peers { Some(build_peers(&mut steps, &root, &target)?) } else { None };
    let services = steps.work("services", || Services::start(&programs, &keeper, Purpose::Bench))?;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder).map_err(Failure::io(format!("making {}", folder.display())))?;
    let mut command = Command::new(target.join("release").join("tanhui"));
    command.args(["bench", &options.name]).args(&options.flags);
    command.env("TANHUI_BENCH_POSTGRES_URL", &services.postgres_url);
    command.env("TANHUI_BENCH_REDIS_URL", &services.redis_url);
    command.env("TANHUI_BENCH_JSON", folder.join(format!("{}.json", options.name)));
    if let Some(peer) = peer {
        command.env("TANHUI_BENCH_PEER", peer);
    }
    steps.run_last("bench", &mut command)
}

/// The peers have a lock file of their own; nothing but this task builds them.
fn build_peers(steps: &mut Steps<'_>, root: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let target = target.join("peers");
    let mut build = cargo(["build", "--release", "--locked", "--package", "peer-ledger", "--manifest-path"]);
    build.arg(root.join("bench/peers/Cargo.toml")).arg("--target-dir").arg(&target);
    steps.run("peers", &mut build)?;
    Ok(target.join("release").join("peer-ledger"))
}
