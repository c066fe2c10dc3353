//! Books that an earlier version of the program wrote: the steps of the schema carry them over unchanged.

use chrono::{DateTime, Utc};
use serde_json::json;
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::id::CitizenId;
use tanhui_domain::rule::{Explanation, Receipt};
use tanhui_service::crediting::EventStatus;
use tanhui_service::statement::{StatementQuery, everything};
use tanhui_service::{activity, statement};
use tanhui_tests::{Engine, Outcome, Programme, Stage, each_database};

each_database!(a_posting_for_each_activity_becomes_one_row);

const FOUNDATION: &str = include_str!("../../../migrations/sql/0001_foundation.sql");
const ONE_ROW: &str = "0002_one_row_per_event";

/// What a citizen sees.
#[derive(Debug, PartialEq)]
struct Seen {
    points: i64,
    lines: Vec<(i64, &'static str, i64, i64, DateTime<Utc>)>,
    activities: Vec<(Activity, Explanation)>,
}

async fn seen(programme: &Programme, citizen: CitizenId) -> Outcome<Seen> {
    let services = &programme.services;
    let query = StatementQuery { range: everything(), after: 0, limit: 100 };
    let found = statement::statement(services, citizen, query).await?;
    let lines = found.lines.iter().map(|line| {
        let (points, after) = (line.amounts.points.get(), line.after.reduction.get());
        (line.version, line.kind.word(), points, after, line.recorded_at)
    });
    let mut activities = Vec::new();
    for named in activity::page(services, citizen, None, 100).await? {
        let (told, _) = activity::explain(services, citizen, named.activity.id).await?.ok_or("not told")?;
        activities.push((named.activity, told));
    }
    Ok(Seen { points: found.closing.points.get(), lines: lines.collect(), activities })
}

async fn a_posting_for_each_activity_becomes_one_row(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let citizens = [programme.enroll("one").await?, programme.enroll("two").await?];
    let rides = [("a", "one", 4_200), ("b", "two", 9_000), ("c", "one", 20_000), ("short", "one", 400)];
    let rides = rides.map(|(id, card, metres)| programme.ride(id, card, metres));
    programme.credit(&rides).await?;
    stage.clock.set("2026-04-02T00:00:00Z".parse()?);
    programme.credit(&[programme.ride("d", "one", 1_000)]).await?;
    let mut before = Vec::new();
    for citizen in citizens {
        before.push(seen(&programme, citizen).await?);
    }
    turn_back(&stage, &programme, &before).await?;
    programme.services.database.clone().close().await?;

    stage.database.migrate(2026, 4).await?;
    let programme = Programme::start(&stage).await?;
    for (citizen, before) in citizens.into_iter().zip(before) {
        let after = seen(&programme, citizen).await?;
        assert_eq!((after.points, &after.lines), (before.points, &before.lines));
        for ((activity, told), (known, known_told)) in after.activities.iter().zip(&before.activities) {
            assert_eq!(told, known_told);
            assert_eq!(*activity, Activity { receipt: activity.receipt.clone(), ..known.clone() });
            assert_eq!(activity.receipt.as_ref().first(), Some(&b'{'), "as it was written");
        }
        assert_eq!(after.activities.len(), before.activities.len());
    }
    assert_eq!(stage.raw.number("SELECT COUNT(*) FROM postings").await?, 2, "the programme's own");
    let again = programme.credit(&rides).await?;
    assert!(again.iter().all(|result| result.status == EventStatus::Duplicate), "{again:?}");
    programme.credit(&[programme.ride("e", "one", 1_000)]).await?;
    assert_eq!(seen(&programme, citizens[0]).await?.lines.len(), 4);
    programme.stop().await
}

/// Lays the tables out as the first step did, receipts in JSON, and forgets the second step.
async fn turn_back(stage: &Stage, programme: &Programme, seen: &[Seen]) -> Outcome {
    let raw = &stage.raw;
    raw.execute("DROP VIEW ledger_lines").await?;
    raw.execute(
        "INSERT INTO postings (owner_id, version, journal_id, cause, recorded_at_us, points, reduction_mg,
            payable_fen, points_after, reduction_after_mg, payable_after_fen)
         SELECT citizen_id, posting_version, journal_id, id, recorded_at_us, points, reduction_mg, 0,
            points_after, reduction_after_mg, 0 FROM activities WHERE journal_id <> 0",
    )
    .await?;
    raw.execute("CREATE TABLE kept AS SELECT * FROM activities").await?;
    raw.execute("DROP TABLE activities").await?;
    raw.execute(&old_table(stage.engine)?).await?;
    if stage.engine == Engine::Postgres {
        raw.execute("CREATE TABLE activities_other PARTITION OF activities DEFAULT").await?;
        let march = "FOR VALUES FROM (1772323200000000) TO (1775001600000000)";
        raw.execute(&format!("CREATE TABLE activities_2026_03 PARTITION OF activities {march}")).await?;
    }
    raw.execute(
        "INSERT INTO activities SELECT id, citizen_id, source_id, external_id, action, status, rule_set_id,
            occurred_at_us, recorded_at_us, points, reduction_mg, NULLIF(code, ''), '' FROM kept",
    )
    .await?;
    raw.execute("DROP TABLE kept").await?;
    for (activity, _) in seen.iter().flat_map(|seen| &seen.activities) {
        let receipt = json_receipt(programme, activity)?;
        let external_id = &activity.external_id;
        let sql = format!("UPDATE activities SET receipt = '{receipt}' WHERE external_id = '{external_id}'");
        assert_eq!(raw.execute(&sql).await?, 1);
    }
    raw.execute(&format!("DELETE FROM seaql_migrations WHERE version = '{ONE_ROW}'")).await?;
    raw.execute(&format!("DELETE FROM schema_checksums WHERE step = '{ONE_ROW}'")).await?;
    Ok(())
}

fn old_table(engine: Engine) -> Outcome<String> {
    let text = FOUNDATION.split("CREATE TABLE activities (").nth(1).ok_or("no table")?;
    let columns = text.split("${by_month}").next().ok_or("no end")?;
    let (uuid, partitioned) = match engine {
        Engine::Postgres => ("UUID", "PARTITION BY RANGE (recorded_at_us)"),
        Engine::Sqlite => ("BLOB", ""),
    };
    Ok(format!("CREATE TABLE activities ({}{partitioned}", columns.replace("${uuid}", uuid)))
}

/// The receipt as the first version of the program wrote it.
fn json_receipt(programme: &Programme, activity: &Activity) -> Outcome<String> {
    let rules = programme.services.rules.by_id(activity.rule_set).ok_or("no rule set")?;
    let action = rules.rules.action(&activity.action).ok_or("no action")?;
    let Receipt { engine, inputs, occurred_at, evidence, used, .. } =
        Receipt::from_bytes(action, activity.occurred_at, &activity.receipt)?;
    assert!(activity.status != ActivityStatus::Held && !used.is_empty());
    Ok(json!({"v": engine, "i": inputs, "t": occurred_at, "e": evidence, "u": used}).to_string())
}
