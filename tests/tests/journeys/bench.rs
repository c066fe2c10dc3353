//! `tanhui bench`: it finishes, its books are right, its report is whole. Nothing here looks at how fast.

use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tanhui_tests::{Engine, Outcome};

use crate::process::Ran;
use crate::world::{World, each_store, on_sqlite};

each_store!(crediting_is_measured, redeeming_is_measured);
on_sqlite!(many_events_are_credited, only_this_machine_is_measured, bounds_of_flags_are_kept);

fn bench(world: &World, words: &[&str]) -> Outcome<Command> {
    bench_of(world, "credit", words)
}

fn bench_of(world: &World, name: &str, words: &[&str]) -> Outcome<Command> {
    let mut command = world.stranger(&[&["bench", name], words].concat())?;
    if world.engine == Engine::Postgres {
        command.args(["--postgres", &world.database_url]);
    }
    Ok(command)
}

async fn measured(world: &World, words: &[&str]) -> Outcome<Value> {
    report_of(world, bench(world, words)?).await
}

async fn report_of(world: &World, mut command: Command) -> Outcome<Value> {
    let file = world.path("report.json");
    command.arg("--json").arg(&file);
    let ran = world.run_command(command).await?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("audit clean"), "{}", ran.out);
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

async fn crediting_is_measured(world: Arc<World>) -> Outcome {
    let report = measured(&world, &["--quick"]).await?;
    let on_postgres = world.engine == Engine::Postgres;
    assert_eq!((&report["bench"], &report["settings"]["citizens"]), (&json!("credit"), &json!(500)));
    assert_eq!(report["checks"]["audit_ok"], true);
    assert_eq!(report["checks"]["acknowledged"], report["checks"]["stored"]);
    assert_eq!(report["checks"]["floor_audit_ok"], if on_postgres { json!(true) } else { Value::Null });
    let cells = report["cells"].as_array().ok_or("no cells")?;
    let who = |name: &str| cells.iter().filter(|cell| cell["contender"] == name).count();
    let expected = if on_postgres { [8, 3, 2, 0] } else { [8, 0, 0, 0] };
    assert_eq!(["ours", "floor", "plain", "cala"].map(who), expected);
    for cell in cells {
        assert_eq!(cell["rounds"].as_array().map(Vec::len), Some(1), "{cell}");
        for figure in ["events_per_second", "p50_us", "p99_us", "max_us"] {
            assert!(cell[figure]["median"].is_u64(), "{figure}: {cell}");
        }
    }
    assert_eq!(report["postgres"]["fsync"].is_string(), on_postgres);
    assert_eq!(report["disk"]["bytes_per_event"].is_u64(), on_postgres);
    assert!(report["ratios"].as_array().is_some_and(|ratios| !ratios.is_empty()), "{report}");
    Ok(())
}

async fn redeeming_is_measured(world: Arc<World>) -> Outcome {
    let report = report_of(&world, bench_of(&world, "redeem", &["--quick"])?).await?;
    let on_postgres = world.engine == Engine::Postgres;
    let cells = report["cells"].as_array().ok_or("no cells")?;
    assert_eq!((cells.len(), &report["bench"]), (if on_postgres { 7 } else { 4 }, &json!("redeem")));
    for cell in cells {
        assert!(cell["per_second"]["median"].is_u64() && cell["p99_us"]["median"].is_u64(), "{cell}");
    }
    let checks = &report["checks"];
    assert_eq!((&checks["oversold"], &checks["audit_ok"]), (&json!(0), &json!(true)));
    assert_eq!((&checks["sold"], &checks["plain_ok"]), (&checks["spent"], &json!(on_postgres)));
    assert_eq!(report["ratios"].as_array().map(Vec::len), Some(if on_postgres { 3 } else { 0 }));
    Ok(())
}

async fn many_events_are_credited(world: Arc<World>) -> Outcome {
    let report = measured(&world, &["--events", "3000", "--citizens", "64"]).await?;
    assert_eq!(report["checks"]["stored"], 3_001, "and the one that others take their pattern from");
    assert_eq!(report["cells"].as_array().map(Vec::len), Some(1));
    Ok(())
}

async fn refused(world: &World, words: &[&str], why: &str) -> Outcome {
    let ran: Ran = world.run_command(bench(world, words)?).await?;
    assert!(ran.code.is_some_and(|code| code != 0), "{ran:?}");
    assert!(ran.err.contains(why), "{ran:?}");
    Ok(())
}

async fn only_this_machine_is_measured(world: Arc<World>) -> Outcome {
    refused(&world, &["--postgres", "postgres://u@192.0.2.1/x"], "this machine's own servers only").await?;
    refused(&world, &["--redis", "redis://192.0.2.1:6379"], "this machine's own servers only").await?;
    refused(&world, &["--postgres", "postgres://u@127.0.0.1:1/x"], "127.0.0.1:1 does not answer").await
}

async fn bounds_of_flags_are_kept(world: Arc<World>) -> Outcome {
    let beyond = [
        ["--citizens", "63"],
        ["--citizens", "1000001"],
        ["--seconds", "0"],
        ["--seconds", "3601"],
        ["--rounds", "0"],
        ["--rounds", "101"],
        ["--events", "999"],
        ["--events-max", "999"],
        ["--rate", "0"],
    ];
    for words in beyond {
        refused(&world, &words, words[0]).await?;
    }
    refused(&world, &["--only", "floor"], "needs --postgres").await?;
    refused(&world, &["--quick", "--seconds", "5"], "--seconds").await
}
