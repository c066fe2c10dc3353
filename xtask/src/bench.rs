//! `cargo xtask bench`: a release build, measured beside floors and peers that only this task builds; on
//! private servers where it needs any.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::BenchOptions;
use crate::failure::Failure;
use crate::process::{Steps, answers, cargo};
use crate::services::keeper::Keeper;
use crate::services::{self, Purpose, Services};
use crate::workspace;

/// Where the peer that runs in Node stands.
const NODE_PEER: &str = "bench/peers/rules/node";

/// Builds, starts the servers, measures, and leaves the report under `target/bench`.
pub fn run(options: &BenchOptions) -> Result<(), Failure> {
    let (root, target) = (workspace::root()?, workspace::target()?);
    let keeper = Keeper::start()?;
    let mut steps = Steps::new(&keeper);
    let release = ["build", "--release", "--package", "tanhui-mobile-api", "--bin", "tanhui"];
    let needs_servers = ["credit", "redeem"].contains(&options.name.as_str());
    let programs = if needs_servers { Some(services::find_or_install()?) } else { None };
    steps.run("build", cargo(release).arg("--target-dir").arg(&target).current_dir(&root))?;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder).map_err(Failure::io(format!("making {}", folder.display())))?;
    let mut command = Command::new(target.join("release").join("tanhui"));
    command.args(["bench", &options.name]).args(&options.flags);
    command.env("TANHUI_BENCH_JSON", folder.join(format!("{}.json", options.name)));
    match options.name.as_str() {
        "credit" if options.peers => {
            command.env("TANHUI_BENCH_PEER", build_peer(&mut steps, &root, &target, "peer-ledger")?);
        }
        "rules" if options.peers => {
            command.env("TANHUI_BENCH_PEER", build_peer(&mut steps, &root, &target, "peer-rules")?);
            if let Some(script) = node_peer(&mut steps, &root, &target)? {
                command.env("TANHUI_BENCH_NODE_PEER", script);
            }
        }
        _ => {}
    }
    let services = match &programs {
        Some(programs) => {
            Some(steps.work("services", || Services::start(programs, &keeper, Purpose::Bench))?)
        }
        None => None,
    };
    if let Some(services) = &services {
        command.env("TANHUI_BENCH_POSTGRES_URL", &services.postgres_url);
        command.env("TANHUI_BENCH_REDIS_URL", &services.redis_url);
    }
    steps.run_last("bench", &mut command)
}

/// The peers have a lock file of their own; nothing but this task builds them.
fn build_peer(steps: &mut Steps<'_>, root: &Path, target: &Path, name: &str) -> Result<PathBuf, Failure> {
    let target = target.join("peers");
    let mut build = cargo(["build", "--release", "--locked", "--package", name, "--manifest-path"]);
    build.arg(root.join("bench/peers/Cargo.toml")).arg("--target-dir").arg(&target);
    steps.run("peers", &mut build)?;
    Ok(target.join("release").join(name))
}

/// The script of the peer in Node, installed under `target`; none without Node.
fn node_peer(steps: &mut Steps<'_>, root: &Path, target: &Path) -> Result<Option<PathBuf>, Failure> {
    if !(answers(Command::new("node").arg("--version")) && answers(Command::new("npm").arg("--version"))) {
        println!("bench: no node and npm here; json-rules-engine is left out");
        return Ok(None);
    }
    let (from, to) = (root.join(NODE_PEER), target.join("peers").join("node"));
    std::fs::create_dir_all(&to).map_err(Failure::io(format!("making {}", to.display())))?;
    for name in ["package.json", "package-lock.json", "bench.js"] {
        std::fs::copy(from.join(name), to.join(name)).map_err(Failure::io(format!("copying {name}")))?;
    }
    steps.run("npm", Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&to))?;
    Ok(Some(to.join("bench.js")))
}
