//! `tanhui demo`: the lines that it prints are pasted into a shell one by one, exactly as printed.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tanhui_tests::Outcome;

use crate::process::{Process, wait_for};
use crate::server::Caller;
use crate::world::{World, on_sqlite};

on_sqlite!(every_printed_line_works_twice);

async fn every_printed_line_works_twice(world: Arc<World>) -> Outcome {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: no curl to paste lines for");
        return Ok(());
    }
    for round in 0..2 {
        // The reported ride is named after the second in which its line is pasted.
        let begun = chrono::Utc::now().timestamp();
        wait_for("another second", || async { Ok((chrono::Utc::now().timestamp() > begun).then_some(())) })
            .await?;
        let (mut demo, printed) = start(&world).await?;
        let imports: Vec<&str> = printed.lines().filter(|line| line.contains("credited")).collect();
        assert!(imports.len() >= 6, "{printed}");
        let again = imports.iter().filter(|line| line.contains("入账 credited   0")).count();
        assert_eq!(again > 5, round == 1, "samples are credited in the first round only: {printed}");
        for page in printed.lines().filter_map(|line| line.strip_prefix("  http://")) {
            assert_eq!(Caller::to(&format!("http://{page}")).get("").await?.status, 200, "{page}");
        }
        walk(&world, &printed).await?;
        demo.kill()?;
    }
    let mut audit = world.stranger(&["audit", "--json"])?;
    audit.env("TANHUI_DATABASE_URL", "sqlite://city/tanhui.db").env("TANHUI_SECRET_FILE", "city/secret.key");
    let ran = world.run_command(audit).await?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    Ok(())
}

async fn start(world: &World) -> Outcome<(Process, String)> {
    let command = world.stranger(&["demo", "--data", "city", "--listen", "127.0.0.1:0"])?;
    let mut demo = Process::start(command, world.folder())?;
    let printed = wait_for("the guide", || {
        let out = demo.out();
        let ended = demo.is_running().map(|running| !running);
        async move {
            let out = out?;
            if ended? { Err(out.into()) } else { Ok(out.contains("Ctrl-C stops").then_some(out)) }
        }
    });
    let printed = printed.await?;
    Ok((demo, printed))
}

/// Each line with what it is said to do.
fn steps(printed: &str) -> Vec<(&str, &str)> {
    let lines: Vec<&str> = printed.lines().collect();
    lines
        .windows(2)
        .filter_map(|pair| match pair {
            [what, line] => what.strip_prefix("# ").map(|what| (what, *line)),
            _ => None,
        })
        .collect()
}

async fn walk(world: &World, printed: &str) -> Outcome {
    let steps = steps(printed);
    assert_eq!(steps.len(), 12, "{printed}");
    let mut shell = Shell::open(world)?;
    let mut said = Vec::new();
    for (what, line) in &steps {
        let answer = shell.paste(line).await?;
        if what.contains("bind a card") {
            until_the_waiting_ride_is_credited(printed).await?;
        }
        said.push((*what, answer));
    }
    let answer = |word: &str| -> Outcome<&str> {
        let found = said.iter().find(|(what, _)| what.contains(word));
        Ok(found.map(|(_, answer)| answer.as_str()).ok_or("no such line")?)
    };
    let json = |word: &str| -> Outcome<Value> {
        let answer = answer(word)?;
        Ok(serde_json::from_str(answer).map_err(|error| format!("{error}: {word}: {answer}"))?)
    };
    assert!(json("balance")?["points"].as_i64() > Some(0));
    assert_eq!(json("bind a card")?["source"], "urn:tanhui:demo:metro");
    let report = json("reports a ride")?;
    assert_eq!((&report["received"], &report["credited"]), (&1.into(), &1.into()), "{report}");
    let activities = json("activities")?;
    assert_eq!(activities["items"][0]["id"], report["results"][0]["activity_id"]);
    explains(&json("why")?, &report["results"][0]);
    assert!(json("leaderboard")?["me"]["rank"].as_u64() > Some(0));
    let voucher = answer("redeem")?.trim();
    assert_eq!(voucher.len(), 16, "{voucher}");
    let uses: Vec<Value> =
        answer("use the voucher")?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let [first, second] = uses.as_slice() else { return Err("two answers were due".into()) };
    assert_eq!((&first["status"], &first["code"]), (&"used".into(), &voucher.into()), "{first}");
    assert_eq!((&second["status"], &second["code"]), (&409.into(), &"voucher_used".into()), "{second}");
    adds_up(&json("statement")?);
    Ok(())
}

/// The ride that waited is the one of the demo's partner that was not reported by a pasted line.
async fn until_the_waiting_ride_is_credited(printed: &str) -> Outcome {
    let base = printed.split_whitespace().find(|word| word.starts_with("http://")).ok_or("no address")?;
    let citizen = Caller::to(base).signed_in("13800000001").await?;
    wait_for("the waiting ride", || async {
        let activities = citizen.all("/v1/me/activities?limit=100", "items").await?;
        // 12.4 km at 46.7 g.
        Ok(activities.iter().any(|activity| activity["reduction_mg"] == 579_080).then_some(()))
    })
    .await
}

/// Distance, how it was derived, factor with source, formula with numbers, cap state, points.
fn explains(why: &Value, result: &Value) {
    assert_eq!((&why["action"], &why["result"]), (&"metro_ride".into(), &"credited".into()), "{why}");
    for (member, value) in [("points", 38), ("reduction_mg", 382_940)] {
        assert_eq!((&why[member], &result[member]), (&value.into(), &value.into()), "{why}");
    }
    let text = why["text"].as_str().unwrap_or_default();
    for part in ["8.2 km", "46.7 gCO2e/km", "38"] {
        assert!(text.contains(part), "{part} {text}");
    }
    let inputs = why["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let input = |name: &str| inputs.iter().find(|input| input["name"] == name).map(|input| &input["value"]);
    assert_eq!(input("distance"), Some(&"8.2 km".into()));
    assert!(input("estimated").is_some(), "how the distance was derived: {why}");
    let steps = why["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let step = steps.iter().find(|step| step["name"] == "reduction").unwrap_or(&Value::Null);
    assert_eq!(step["with_numbers"], "8.2 km × 46.7 gCO2e/km", "{why}");
    let factor = &step["factors"][0];
    assert!(factor["source"]["title"].is_string() && factor["source"]["url"].is_string(), "{factor}");
    let caps = why["caps"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(!caps.is_empty() && caps.iter().all(|cap| cap["left_after"].is_string()), "{why}");
}

/// Opening and the lines make closing, and each line follows the one before.
pub fn adds_up(statement: &Value) {
    assert!(statement["next_cursor"].is_null(), "one page: {statement}");
    for (member, after) in [("points", "points_after"), ("reduction_mg", "reduction_after_mg")] {
        let mut balance = statement["opening"][member].as_i64();
        for line in statement["postings"].as_array().map(Vec::as_slice).unwrap_or_default() {
            balance = balance.and_then(|balance| balance.checked_add(line[member].as_i64()?));
            assert_eq!(balance, line[after].as_i64(), "{line}");
        }
        assert!(balance.is_some());
        assert_eq!(balance, statement["closing"][member].as_i64(), "{statement}");
    }
}

/// A person's terminal.
struct Shell {
    bash: Child,
    out: std::path::PathBuf,
    read: usize,
}

impl Shell {
    fn open(world: &World) -> Outcome<Self> {
        let out = world.path(&format!("terminal-{}", uuid::Uuid::now_v7().simple()));
        let mut command = Command::new("bash");
        command.stdin(Stdio::piped()).stdout(File::create(&out)?).stderr(Stdio::inherit());
        Ok(Self { bash: command.spawn()?, out, read: 0 })
    }

    /// Pastes a line and gives what it prints.
    async fn paste(&mut self, line: &str) -> Outcome<String> {
        const DONE: &str = "\n--done--\n";
        let stdin = self.bash.stdin.as_mut().ok_or("no terminal")?;
        writeln!(stdin, "{line}\nprintf '\\n--done--\\n'")?;
        stdin.flush()?;
        let (out, read) = (&self.out, self.read);
        let answer = wait_for("the line to be done", || async {
            let text = std::fs::read_to_string(out)?;
            Ok(text.get(read..).and_then(|new| new.strip_suffix(DONE)).map(str::to_owned))
        });
        let answer = answer.await?;
        self.read += answer.len() + DONE.len();
        Ok(answer)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _gone_already = self.bash.kill();
        let _reaped_already = self.bash.wait();
    }
}
