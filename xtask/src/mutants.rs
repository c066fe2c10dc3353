//! `cargo xtask mutants`: changes the ledger's code one place at a time and lists the changes that no test
//! notices. What they mean stands in `docs/mutation-testing.md`.

use crate::failure::Failure;
use crate::process::{Steps, answers, cargo};
use crate::services::keeper::Keeper;
use crate::workspace;

/// Which code is changed.
const FILES: [&str; 5] = [
    "backend/domain/src/ledger/**",
    "backend/domain/src/crediting/**",
    "backend/domain/src/redemption/**",
    "backend/domain/src/same_act.rs",
    "backend/domain/src/settlement.rs",
];
/// Which tests are asked.
const TESTS: &str =
    "test(ledger::) + test(crediting::) + test(redemption::) + test(same_act::) + test(settlement::)";

/// Runs cargo-mutants on a copy of the workspace; flags such as `--shard 1/8` are passed on.
pub fn run(flags: &[String]) -> Result<(), Failure> {
    if !answers(&mut cargo(["mutants", "--version"])) || !answers(&mut cargo(["nextest", "--version"])) {
        let help =
            "needs cargo-mutants and cargo-nextest: cargo install cargo-mutants cargo-nextest --locked";
        return Err(Failure::Missing(help.to_owned()));
    }
    let keeper = Keeper::start()?;
    let mut command = cargo(["mutants", "--package", "tanhui-domain", "--test-tool", "nextest"]);
    command.args(FILES.iter().flat_map(|files| ["--file", files]));
    command.arg("--output").arg(workspace::target()?).args(flags);
    // The tests of these modules alone, and no debug information: built in seconds.
    command.args(["--cargo-arg=--lib", "--", "-E", TESTS]).env("CARGO_PROFILE_DEV_DEBUG", "false");
    command.current_dir(workspace::root()?);
    Steps::new(&keeper).run("mutants", &mut command)
}
