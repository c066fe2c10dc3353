//! Other engines on the same events, each in a process of its own.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::report::PeerMeasured;
use super::{Handed, RulesArguments};
use crate::error::BenchError;
use crate::spread::Range;

/// A line that a peer prints.
#[derive(Deserialize)]
struct Line {
    engine: String,
    rule: String,
    way: String,
    nanoseconds: Vec<f64>,
    differing: u64,
}

/// What the peers took; nothing where there are none.
pub(super) fn measure(
    arguments: &RulesArguments,
    handed: &[Handed<'_>],
) -> Result<Vec<PeerMeasured>, BenchError> {
    let mut measured = Vec::new();
    if arguments.peer.is_none() && arguments.node_peer.is_none() {
        return Ok(measured);
    }
    let folder = tempfile::tempdir()?;
    let events = folder.path().join("events.json");
    std::fs::write(&events, serde_json::to_vec(handed)?)?;
    let rounds = arguments.rounds.to_string();
    if let Some(program) = &arguments.peer {
        let mut command = Command::new(program);
        run(command.arg(&events).arg(&rounds), program, &mut measured)?;
    }
    if let Some(script) = &arguments.node_peer {
        let mut command = Command::new("node");
        run(command.arg(script).arg(&events).arg(&rounds), script, &mut measured)?;
    }
    Ok(measured)
}

fn run(command: &mut Command, program: &Path, into: &mut Vec<PeerMeasured>) -> Result<(), BenchError> {
    let failed = |what: String| BenchError::Peer { program: program.to_owned(), what };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Line { engine, rule, way, nanoseconds, differing } = serde_json::from_str(line)?;
        let nanoseconds = Range::of(nanoseconds).ok_or_else(|| failed("no rounds".to_owned()))?;
        into.push(PeerMeasured { engine, rule, way, nanoseconds, differing });
    }
    Ok(())
}
