//! Migration: again, twice at once, after tampering; partitions.

use tanhui_tests::{Books, Credit, Outcome, Stage, Town, each_database, on_postgres};

each_database!(
    migrating_again_changes_nothing,
    two_migrators_at_once_both_succeed,
    a_changed_step_is_refused,
    a_step_that_fails_leaves_nothing,
    a_database_without_the_steps_is_not_current,
);
on_postgres!(
    rows_land_in_the_partition_of_their_month,
    making_partitions_again_changes_nothing,
    a_month_whose_rows_came_before_its_partition_gets_it_later,
);

const PARTITIONS: &str = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent IN ('activities'::regclass, 'postings'::regclass) ORDER BY 1";

async fn migrating_again_changes_nothing(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    stage.database.migrate(2026, 3).await?;
    assert!(stage.database.is_current().await?);
    let cities = tanhui_store::city::list(&stage.database).await?;
    assert_eq!(cities, [town.city]);
    Ok(())
}

async fn two_migrators_at_once_both_succeed(stage: Stage) -> Outcome {
    forget_everything(&stage).await?;
    let (first, second) = (stage.another_process().await?, stage.another_process().await?);
    assert!(!first.is_current().await?);
    let (one, other) = tokio::join!(first.migrate(2026, 3), second.migrate(2026, 3));
    one?;
    other?;
    assert!(first.is_current().await? && second.is_current().await?);
    first.close().await?;
    second.close().await?;
    Town::build(&stage, 1).await.map(|_| ())
}

async fn a_changed_step_is_refused(stage: Stage) -> Outcome {
    stage.raw.execute("UPDATE schema_checksums SET sha256 = 'another'").await?;
    let refusal = stage.database.migrate(2026, 3).await.err().ok_or("migrated over a changed step")?;
    let text = refusal.to_string();
    assert!(text.contains("0001_foundation was applied from another text"), "{text}");
    assert!(text.contains("run the program version that applied it"), "{text}");
    Ok(())
}

async fn a_step_that_fails_leaves_nothing(stage: Stage) -> Outcome {
    forget_everything(&stage).await?;
    stage.raw.execute("CREATE TABLE idempotency_keys (in_the_way INTEGER)").await?;
    assert!(stage.database.migrate(2026, 3).await.is_err());
    assert!(stage.raw.number("SELECT COUNT(*) FROM settings").await.is_err(), "half a step was kept");
    stage.raw.execute("DROP TABLE idempotency_keys").await?;
    stage.database.migrate(2026, 3).await?;
    assert!(stage.database.is_current().await?);
    Ok(())
}

async fn a_database_without_the_steps_is_not_current(stage: Stage) -> Outcome {
    assert!(stage.database.is_current().await?);
    forget_everything(&stage).await?;
    assert!(!stage.database.is_current().await?);
    Ok(())
}

async fn rows_land_in_the_partition_of_their_month(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let books = Books { stage: &stage, town: &town };
    let times = ["2026-03-31T23:59:59.999999Z", "2026-04-01T00:00:00Z", "2025-12-31T23:59:59Z"];
    for time in times {
        stage.clock.set(time.parse()?);
        let credit = Credit { citizen: town.citizen(0)?, external_id: time, points: 1, reduction_mg: 1 };
        books.credit(credit).await?;
    }
    for (partition, activities) in [("2026_03", 1), ("2026_04", 1), ("other", 1), ("2026_05", 0)] {
        let count = |table: &str| format!("SELECT COUNT(*) FROM {table}_{partition}");
        assert_eq!(stage.raw.number(&count("activities")).await?, activities, "{partition}");
        assert_eq!(stage.raw.number(&count("postings")).await?, activities, "{partition}");
    }
    Ok(())
}

async fn making_partitions_again_changes_nothing(stage: Stage) -> Outcome {
    let before = stage.raw.texts(PARTITIONS).await?;
    assert_eq!(before.len(), 10, "{before:?}");
    let other = stage.another_process().await?;
    let both = tokio::join!(stage.database.create_partitions(2026, 4), other.create_partitions(2026, 4));
    both.0?;
    both.1?;
    other.close().await?;
    let after = stage.raw.texts(PARTITIONS).await?;
    assert_eq!(after.len(), 12, "{after:?}");
    assert!(after.contains(&"postings_2026_07".to_owned()), "{after:?}");
    Ok(())
}

/// Nobody started the program for some months, then somebody did.
async fn a_month_whose_rows_came_before_its_partition_gets_it_later(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let books = Books { stage: &stage, town: &town };
    for (external_id, time) in [("a", "2026-08-20T00:00:00Z"), ("b", "2031-01-01T00:00:00Z")] {
        stage.clock.set(time.parse()?);
        books.credit(Credit { citizen: town.citizen(0)?, external_id, points: 1, reduction_mg: 1 }).await?;
    }
    assert_eq!(stage.raw.number("SELECT COUNT(*) FROM postings_other").await?, 2);
    stage.database.migrate(2026, 8).await?;
    assert_eq!(stage.raw.number("SELECT COUNT(*) FROM postings_2026_08").await?, 1);
    assert_eq!(stage.raw.number("SELECT COUNT(*) FROM activities_2026_08").await?, 1);
    assert_eq!(stage.raw.number("SELECT COUNT(*) FROM postings_other").await?, 1);
    assert_eq!(stage.raw.number("SELECT COUNT(*) FROM ledger_lines").await?, 4);
    Ok(())
}

async fn forget_everything(stage: &Stage) -> Outcome {
    match stage.engine {
        tanhui_tests::Engine::Postgres => {
            stage.raw.execute("DROP SCHEMA public CASCADE").await?;
            stage.raw.execute("CREATE SCHEMA public").await?;
        }
        tanhui_tests::Engine::Sqlite => {
            stage.raw.stop_checking_references().await?;
            stage.raw.execute("DROP VIEW ledger_lines").await?;
            let list = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
            for table in stage.raw.texts(list).await? {
                stage.raw.execute(&format!("DROP TABLE \"{table}\"")).await?;
            }
        }
    }
    Ok(())
}
