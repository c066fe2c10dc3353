//! The operator's commands: what they print, what they refuse, and that they work beside each other.

use std::path::Path;
use std::sync::Arc;

use tanhui_tests::{Engine, Outcome};

use crate::process::{Process, repository, wait_for};
use crate::server::Server;
use crate::world::{World, each_store, on_sqlite};

each_store!(
    two_migrations_at_once,
    a_first_start_is_killed,
    servers_at_once_on_an_empty_database,
    what_is_made_is_alone_on_the_last_line,
    a_broken_ledger_fails_the_audit,
    a_running_server_sees_commands_at_once,
    another_secret_is_refused,
);
on_sqlite!(
    rules_are_checked,
    expressions_are_evaluated,
    grants_that_cannot_stand_are_refused,
    settings_are_shown_without_secrets,
    demo_mode_stays_at_home,
    the_api_describes_itself,
    a_taken_port_is_named,
);

async fn two_migrations_at_once(world: Arc<World>) -> Outcome {
    let one = Process::start(world.tanhui(&["migrate"])?, world.folder())?;
    let other = Process::start(world.tanhui(&["migrate"])?, world.folder())?;
    for process in [one, other] {
        let ran = process.until_ended().await?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    world.audit().await.map(drop)
}

/// However far it came, the next start goes on from there.
async fn a_first_start_is_killed(world: Arc<World>) -> Outcome {
    for tables in [0, 1, 8, 16, 24] {
        let mut process = Process::start(world.tanhui(&["migrate"])?, world.folder())?;
        until_tables_or_the_end(&world, &mut process, tables).await?;
        drop(process);
    }
    world.done(&["migrate"]).await?;
    world.audit().await?;
    let server = Server::start(&world).await?;
    assert_eq!(server.anyone().get("/readyz").await?.ok()?["migrations"], "current");
    Ok(())
}

async fn until_tables_or_the_end(world: &World, process: &mut Process, tables: i64) -> Outcome {
    let sql = match world.engine {
        Engine::Sqlite => "SELECT COUNT(*) FROM sqlite_master",
        Engine::Postgres => "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'",
    };
    wait_for("the first tables", || {
        let running = process.is_running();
        async move {
            // Until the file is there, nobody can look into it.
            let Ok(raw) = world.raw().await else { return Ok((tables == 0 || !running?).then_some(())) };
            let enough = raw.number(sql).await.is_ok_and(|found| found >= tables);
            raw.close().await?;
            Ok((enough || !running?).then_some(()))
        }
    })
    .await
}

async fn the_api_describes_itself(world: Arc<World>) -> Outcome {
    let server = Server::start(&world).await?;
    let told = world.run_command(world.stranger(&["openapi"])?).await?;
    let told: serde_json::Value = serde_json::from_str(&told.out)?;
    assert_eq!(server.anyone().get("/openapi.json").await?.ok()?, told);
    assert!(told["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{told}");
    server.anyone().get("/v1/nothing").await?.refused(404, "not_found");
    server.anyone().delete("/v1/actions").await?.refused(405, "method_not_allowed");
    Ok(())
}

async fn a_taken_port_is_named(world: Arc<World>) -> Outcome {
    let server = Server::start(&world).await?;
    let address = server.base().trim_start_matches("http://");
    let ran = world.run(&["serve", "--listen", address]).await?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains(&format!("listen on {address}")), "{ran:?}");
    Ok(())
}

async fn servers_at_once_on_an_empty_database(world: Arc<World>) -> Outcome {
    let start = || Server::start(&world);
    let (one, other, third) = tokio::join!(start(), start(), start());
    let (one, other, third) = (one?, other?, third?);
    for server in [&one, &other, &third] {
        assert_eq!(server.anyone().get("/readyz").await?.ok()?["status"], "ready");
    }
    let person = one.person("13800000001").await?;
    let id = &person.get("/v1/me").await?.ok()?["id"];
    // The same person with the same token at the other server.
    assert_eq!(&person.at(&other).get("/v1/me").await?.ok()?["id"], id);
    let raw = world.raw().await?;
    assert_eq!(raw.number("SELECT COUNT(*) FROM cities").await?, 1);
    assert_eq!(raw.number("SELECT COUNT(*) FROM rule_sets").await?, 1);
    raw.close().await?;
    for server in [one, other, third] {
        assert_eq!(server.stop().await?.code, Some(0));
    }
    Ok(())
}

fn is_id(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok()
}

async fn what_is_made_is_alone_on_the_last_line(world: Arc<World>) -> Outcome {
    let partner = world.run(&["partner", "create", "Metro", "--source", "urn:a:metro"]).await?;
    assert!(partner.last_line().starts_with("tanhui_pk_"), "{partner:?}");
    assert!(!partner.err.contains(partner.last_line()));
    let again = world.run(&["partner", "create", "Metro", "--source", "urn:a:metro"]).await?;
    assert_eq!(again.code, Some(1), "one source, one partner: {again:?}");
    let shop = world.run(&["merchant", "create", "茶馆 Teahouse"]).await?;
    assert!(is_id(shop.last_line()), "{shop:?}");
    let offer = world.run(&offer_of(shop.last_line(), "20", "5")).await?;
    assert!(is_id(offer.last_line()), "{offer:?}");
    for (price, stock) in [("0", "5"), ("-1", "5"), ("20", "-1")] {
        let refused = world.run(&offer_of(shop.last_line(), price, stock)).await?;
        assert!(refused.code.is_some_and(|code| code > 0), "{refused:?}");
    }
    let nobody = world.run(&offer_of(&uuid::Uuid::nil().to_string(), "20", "5")).await?;
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.err.contains("no merchant"), "{nobody:?}");
    Ok(())
}

fn offer_of(merchant: &str, price: &str, stock: &str) -> [String; 12] {
    [
        "offer",
        "create",
        "--merchant",
        merchant,
        "--title",
        "Tea",
        "--payout-fen",
        "800",
        "--voucher-days",
        "30",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([format!("--price-points={price}"), format!("--stock={stock}")])
    .collect::<Vec<_>>()
    .try_into()
    .unwrap_or_default()
}

async fn a_broken_ledger_fails_the_audit(world: Arc<World>) -> Outcome {
    let steps = repository("samples/steps.csv").to_string_lossy().into_owned();
    let day = crate::import::three_weeks_ago();
    world.done(&["import", "steps", &steps, "--enroll", "--replay-at", &day]).await?;
    world.audit().await?;
    let raw = world.raw().await?;
    let broken = "UPDATE accounts SET points = points + 1
                  WHERE owner_id = (SELECT owner_id FROM accounts WHERE kind = 1 LIMIT 1)";
    assert_eq!(raw.execute(broken).await?, 1);
    raw.close().await?;
    let ran = world.run(&["audit", "--json"]).await?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let audit: serde_json::Value = serde_json::from_str(&ran.out)?;
    assert_eq!(audit["ok"], false);
    let violations = audit["violations"].as_array().ok_or("no list")?;
    assert!(violations.iter().any(|found| found["invariant"] == "balance_is_the_sum_of_postings"), "{audit}");
    let told = world.run(&["audit"]).await?;
    assert_eq!(told.code, Some(1));
    assert!(told.out.contains("the books are wrong") && told.out.contains("balance_is_the_sum_of_postings"));
    Ok(())
}

async fn a_running_server_sees_commands_at_once(world: Arc<World>) -> Outcome {
    let server = Server::start(&world).await?;
    let citizen = server.person("13800000001").await?;
    assert_eq!(citizen.get("/v1/offers").await?.ok()?["items"], serde_json::json!([]));
    let shop = world.run(&["merchant", "create", "Teahouse"]).await?;
    let offer = world.run(&offer_of(shop.last_line(), "20", "5")).await?;
    let offers = citizen.get("/v1/offers").await?.ok()?;
    assert_eq!(offers["items"][0]["id"], offer.last_line());
    assert_eq!(offers["items"][0]["merchant_name"], "Teahouse");
    let cashier = server.person("13900000001").await?;
    cashier.get("/v1/merchant/offers").await?.refused(403, "forbidden");
    let staff = ["grant", "--phone", "13900000001", "--role", "merchant_staff", "--merchant"];
    world.done(&[&staff[..], &[shop.last_line()]].concat()).await?;
    let cashier = server.person("13900000001").await?;
    assert_eq!(cashier.get("/v1/merchant/offers").await?.ok()?["items"][0]["id"], offer.last_line());
    let partner = world.run(&["partner", "create", "Metro", "--source", "urn:a:metro"]).await?;
    let key = server.partner(partner.last_line());
    key.get("/v1/partner/events/nothing").await?.refused(404, "not_found");
    Ok(())
}

async fn another_secret_is_refused(world: Arc<World>) -> Outcome {
    world.done(&["migrate"]).await?;
    for words in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let mut command = world.tanhui(words)?;
        command.env("TANHUI_SECRET_FILE", "other.key");
        let ran = world.run_command(command).await?;
        assert_eq!(ran.code, Some(1), "{words:?} {ran:?}");
        assert!(ran.err.contains("made with another secret key"), "{words:?} {ran:?}");
    }
    world.audit().await.map(drop)
}

async fn rules_are_checked(world: Arc<World>) -> Outcome {
    let shipped = repository("rules/jiaxing.yaml");
    let ran = world.run_command(world.stranger(&["rules", "check", &shipped.to_string_lossy()])?).await?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.last_line().ends_with("通过 ok"), "{ran:?}");
    let sound = std::fs::read_to_string(repository("rules/actions/travel.yaml"))?;
    let formula = "reduction: distance * metro_saving";
    let line = sound.lines().position(|line| line.contains(formula)).ok_or("no such formula")? + 1;
    let broken = [
        ("name", "reduction: distance * metro_savin", "did you mean `metro_saving`"),
        ("unit", "reduction: distance + metro_saving", "cannot be added"),
        ("shape", "reduction: distance * (metro_saving", ""),
    ];
    for (name, formula_now, message) in broken {
        let folder = world.path(name);
        copy_rules(&folder)?;
        std::fs::write(folder.join("actions/travel.yaml"), sound.replacen(formula, formula_now, 1))?;
        let file = format!("{name}/jiaxing.yaml");
        let ran = world.run_command(world.stranger(&["rules", "check", &file])?).await?;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let start = format!("actions/travel.yaml:{line}:");
        let place = ran.out.lines().find(|told| told.starts_with(&start));
        let column = place.and_then(|told| told.split(':').nth(2)?.parse::<u32>().ok());
        assert!(column.is_some() && ran.out.contains(message), "{ran:?}");
    }
    let missing = world.run_command(world.stranger(&["rules", "check", "nowhere.yaml"])?).await?;
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains("nowhere.yaml"), "{missing:?}");
    assert!(!world.path("tanhui-data").exists(), "checking rules needs no database");
    Ok(())
}

/// A copy of the default city's file with its catalogues.
fn copy_rules(folder: &Path) -> Outcome {
    for part in ["factors", "actions"] {
        std::fs::create_dir_all(folder.join(part))?;
        for entry in std::fs::read_dir(repository("rules").join(part))? {
            let entry = entry?;
            std::fs::copy(entry.path(), folder.join(part).join(entry.file_name()))?;
        }
    }
    std::fs::copy(repository("rules/jiaxing.yaml"), folder.join("jiaxing.yaml"))?;
    Ok(())
}

async fn expressions_are_evaluated(world: Arc<World>) -> Outcome {
    let cases: [(&[&str], i32, &str); 9] = [
        (&["-d + -10", "--with", "d=-4"], 0, "-6"),
        (&["-1 / 0", "--with", "d=1"], 1, "error: "),
        (&["7.2 km * 46.7 gCO2e/km"], 0, "336.24 gCO2e"),
        (&["d * 46.7 gCO2e/km", "--with", "d=7.2km"], 0, "336.24 gCO2e"),
        (&["a + b", "--with", "a=0.1", "--with", "b=0.2"], 0, "0.3"),
        (&["2 > 1"], 0, "true"),
        (&["1 km + 1 kg"], 1, "error: km and kg cannot be added"),
        (&["d + 1"], 1, "error: "),
        (&["1 / 0"], 1, "error: "),
    ];
    for (words, code, said) in cases {
        let ran = world.run_command(world.stranger(&[&["rules", "eval"], words].concat())?).await?;
        assert_eq!(ran.code, Some(code), "{words:?} {ran:?}");
        let exact = code == 0;
        let line = ran.last_line();
        assert!(if exact { line == said } else { line.starts_with(said) }, "{words:?} {ran:?}");
    }
    Ok(())
}

async fn grants_that_cannot_stand_are_refused(world: Arc<World>) -> Outcome {
    let nobody = uuid::Uuid::nil().to_string();
    let cases: [(&[&str], &str); 5] = [
        (&["13800000009", "--role", "boss"], "no role \"boss\"; one of citizen, merchant_staff"),
        (&["13800000009", "--role", "merchant_staff"], "--merchant goes with --role merchant_staff"),
        (&["13800000009", "--role", "merchant_staff", "--merchant", &nobody], "no merchant"),
        (&["138", "--role", "admin"], "not a phone number"),
        (&["13800000009", "--role", "admin", "--city", "nowhere"], "no city \"nowhere\""),
    ];
    for (words, message) in cases {
        let ran = world.run(&[&["grant", "--phone"], words].concat()).await?;
        assert_eq!(ran.code, Some(1), "{words:?} {ran:?}");
        assert!(ran.err.contains(message), "{words:?} {ran:?}");
    }
    world.done(&["grant", "--phone", "13800000009", "--role", "admin"]).await.map(drop)
}

async fn settings_are_shown_without_secrets(world: Arc<World>) -> Outcome {
    let mut command = world.stranger(&["config"])?;
    let key = "5a".repeat(32);
    command.env("TANHUI_DATABASE_URL", "postgres://tanhui:s3cret@db/tanhui?password=s3cret");
    command.env("TANHUI_REDIS_URL", "redis://:s3cret@cache:6379/0").env("TANHUI_SECRET_KEY", &key);
    let ran = world.run_command(command).await?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.out.contains("s3cret") && !ran.out.contains(&key) && ran.err.is_empty(), "{ran:?}");
    assert!(ran.out.contains("database_url = \"postgres://tanhui:***@db/tanhui\""), "{ran:?}");
    std::fs::write(world.path("tanhui.toml"), "listen = \"127.0.0.1:1\"\nlog = \"debug\"\n")?;
    let mut command = world.stranger(&["config", "--config", "tanhui.toml", "--log", "warn"])?;
    command.env("TANHUI_LISTEN", "127.0.0.1:2").env("TANHUI_LOG", "error");
    let ran = world.run_command(command).await?;
    assert!(ran.out.contains("listen = \"127.0.0.1:2\"") && ran.out.contains("log = \"warn\""), "{ran:?}");
    Ok(())
}

async fn demo_mode_stays_at_home(world: Arc<World>) -> Outcome {
    for words in [&["serve", "--demo", "--listen", "0.0.0.0:0"][..], &["demo", "--listen", "[::]:0"]] {
        let ran = world.run(words).await?;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("loopback addresses only"), "{ran:?}");
    }
    Ok(())
}
