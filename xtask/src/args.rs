//! Reads the command line of `cargo xtask`. Decides nothing else.

use std::path::PathBuf;

use crate::failure::Failure;

/// What `cargo xtask help` prints.
pub const HELP: &str = "\
cargo xtask test [--only unit|tests] [-- FILTER...]   every check and test, with private PostgreSQL and Redis
cargo xtask ci                                        the same as test
cargo xtask demo [--port N] [--data DIR] [--seconds N]  build and run the demonstration
cargo xtask services                                  private PostgreSQL and Redis until Ctrl-C
cargo xtask bench NAME [--no-peers] [FLAG...]         measure a release build beside floors and peers;
                                                      NAME: credit, redeem, rules, simulate
cargo xtask tidy [--mend]                             the house rules that no compiler checks
cargo xtask openapi [--check]                         write or compare mobile-api/openapi.json
cargo xtask mutants [FLAG...]                         changes to the ledger's code that no test notices

test --only unit    tests without any server        test --only tests   servers and tests, no lints
test -- FILTER      servers and the tests whose names contain FILTER
bench FLAG...       flags of `tanhui bench`, such as --quick; the report also goes to target/bench/
mutants FLAG...     flags of cargo-mutants, such as --shard 1/8; the report goes to target/mutants.out/";

/// Benchmarks that there are.
const BENCHES: [&str; 4] = ["credit", "redeem", "rules", "simulate"];
/// Those that are measured beside peers.
const WITH_PEERS: [&str; 2] = ["credit", "rules"];

/// A task and its options.
#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    /// Print the help text.
    Help,
    /// Run checks and tests.
    Test(TestOptions),
    /// Start the servers for a developer.
    Services,
    /// Run the demonstration.
    Demo(DemoOptions),
    /// Measure.
    Bench(BenchOptions),
    /// Check the house rules.
    Tidy {
        /// First mend what needs no judgement.
        mend: bool,
    },
    /// Write or compare the API description.
    OpenApi {
        /// Compare only.
        check: bool,
    },
    /// Change code and see whether a test notices, with these flags.
    Mutants(Vec<String>),
    /// Internal: the process that cleans up behind the others.
    Keep,
}

/// How much of `test` to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Lints, build and tests.
    Everything,
    /// Tests, with servers.
    Tests,
    /// Tests, without servers.
    Unit,
}

/// Options of `test`.
#[derive(Debug, PartialEq, Eq)]
pub struct TestOptions {
    /// How much to run.
    pub scope: Scope,
    /// Passed to the test runner.
    pub filters: Vec<String>,
}

/// Options of `demo`.
#[derive(Debug, PartialEq, Eq)]
pub struct DemoOptions {
    /// Where to listen on the loopback address.
    pub port: u16,
    /// The folder that holds the database.
    pub data: PathBuf,
    /// Stop by itself after so long.
    pub seconds: Option<u64>,
}

/// Options of `bench`.
#[derive(Debug, PartialEq, Eq)]
pub struct BenchOptions {
    /// Which benchmark.
    pub name: String,
    /// Build and measure the peers too.
    pub peers: bool,
    /// Passed to `tanhui bench`.
    pub flags: Vec<String>,
}

/// The task that the words ask for.
pub fn parse(words: &[String]) -> Result<Task, Failure> {
    let Some((name, rest)) = words.split_first() else { return Ok(Task::Help) };
    match name.as_str() {
        "help" | "--help" | "-h" => Ok(Task::Help),
        "test" | "ci" => test_options(rest).map(Task::Test),
        "demo" => demo_options(rest).map(Task::Demo),
        "bench" => bench_options(rest).map(Task::Bench),
        "services" => bare(rest, Task::Services),
        "tidy" => one_flag(rest, "--mend").map(|mend| Task::Tidy { mend }),
        "openapi" => one_flag(rest, "--check").map(|check| Task::OpenApi { check }),
        "mutants" => Ok(Task::Mutants(rest.to_vec())),
        "keep" => bare(rest, Task::Keep),
        other => Err(unknown(other)),
    }
}

fn test_options(words: &[String]) -> Result<TestOptions, Failure> {
    let mut options = TestOptions { scope: Scope::Everything, filters: Vec::new() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--only" => options.scope = scope(words.next())?,
            "--" => options.filters.extend(words.by_ref().cloned()),
            other => return Err(unknown(other)),
        }
    }
    if options.scope == Scope::Everything && !options.filters.is_empty() {
        options.scope = Scope::Tests;
    }
    Ok(options)
}

fn scope(word: Option<&String>) -> Result<Scope, Failure> {
    match word.map(String::as_str) {
        Some("unit") => Ok(Scope::Unit),
        Some("tests") => Ok(Scope::Tests),
        Some(other) => Err(unknown(other)),
        None => Err(Failure::Usage("--only needs unit or tests".to_owned())),
    }
}

fn demo_options(words: &[String]) -> Result<DemoOptions, Failure> {
    let mut options = DemoOptions { port: 8080, data: PathBuf::from("tanhui-data"), seconds: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--port" => options.port = number(word, words.next())?,
            "--data" => options.data = value(word, words.next())?.into(),
            "--seconds" => options.seconds = Some(number(word, words.next())?),
            other => return Err(unknown(other)),
        }
    }
    Ok(options)
}

fn bench_options(words: &[String]) -> Result<BenchOptions, Failure> {
    let known = BENCHES.join(", ");
    let (name, flags) = words
        .split_first()
        .filter(|(name, _)| BENCHES.contains(&name.as_str()))
        .ok_or_else(|| Failure::Usage(format!("bench needs a name: {known}")))?;
    let flags: Vec<String> = flags.iter().filter(|flag| *flag != "--no-peers").cloned().collect();
    let all = flags.len().saturating_add(1) == words.len();
    let peers = all && WITH_PEERS.contains(&name.as_str());
    Ok(BenchOptions { name: name.clone(), peers, flags })
}

fn value<'a>(flag: &str, word: Option<&'a String>) -> Result<&'a str, Failure> {
    word.map(String::as_str).ok_or_else(|| Failure::Usage(format!("{flag} needs a value")))
}

fn number<N: std::str::FromStr>(flag: &str, word: Option<&String>) -> Result<N, Failure> {
    let text = value(flag, word)?;
    text.parse().map_err(|_| Failure::Usage(format!("{flag} needs a whole number in range, not `{text}`")))
}

fn one_flag(rest: &[String], flag: &str) -> Result<bool, Failure> {
    match rest {
        [] => Ok(false),
        [word] if word == flag => Ok(true),
        [word, ..] => Err(unknown(word)),
    }
}

fn bare(rest: &[String], task: Task) -> Result<Task, Failure> {
    rest.first().map_or(Ok(task), |word| Err(unknown(word)))
}

fn unknown(word: &str) -> Failure {
    Failure::Usage(format!("`{word}` is not known"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Task, Failure> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn plain_test_runs_everything() {
        let expected = TestOptions { scope: Scope::Everything, filters: vec![] };
        assert_eq!(read("test").unwrap(), Task::Test(expected));
    }

    #[test]
    fn a_filter_leaves_the_lints_out() {
        let expected = TestOptions { scope: Scope::Tests, filters: vec!["caps".to_owned()] };
        assert_eq!(read("test -- caps").unwrap(), Task::Test(expected));
    }

    #[test]
    fn demo_reads_its_values() {
        let expected = DemoOptions { port: 65535, data: "here".into(), seconds: Some(5) };
        assert_eq!(read("demo --port 65535 --data here --seconds 5").unwrap(), Task::Demo(expected));
    }

    #[test]
    fn bench_passes_its_flags_on() {
        let options = |peers, flags: &[&str]| {
            let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
            Task::Bench(BenchOptions { name: "credit".to_owned(), peers, flags })
        };
        assert_eq!(read("bench credit").unwrap(), options(true, &[]));
        for name in BENCHES {
            let bench = read(&format!("bench {name} --no-peers"));
            assert!(matches!(bench, Ok(Task::Bench(BenchOptions { peers: false, .. }))), "{name}");
        }
        assert_eq!(
            read("bench credit --quick --no-peers --only ours").unwrap(),
            options(false, &["--quick", "--only", "ours"])
        );
    }

    #[test]
    fn what_is_unknown_or_out_of_range_is_refused() {
        for line in [
            "tset",
            "test --fast",
            "test --only",
            "demo --port 65536",
            "demo --seconds x",
            "tidy now",
            "bench",
            "bench all",
        ] {
            assert!(matches!(read(line), Err(Failure::Usage(_))), "{line}");
        }
    }
}
