//! What the store says when the database fails: repeat, unavailable, or a fault of ours.

use std::time::Duration;

use tanhui_domain::id::OwnerId;
use tanhui_store::{Database, StoreError, account, setting};
use tanhui_tests::{Outcome, Stage, Town, each_database, on_postgres, on_sqlite, until};

each_database!(
    an_unfinished_transaction_leaves_nothing,
    a_snapshot_sees_one_instant,
    a_closed_database_is_unavailable,
    a_row_that_is_not_understood_is_corrupt,
);
on_postgres!(
    a_lost_connection_can_be_repeated,
    a_connection_lost_at_commit_can_be_repeated,
    a_deadlock_can_be_repeated,
    a_lock_that_takes_too_long_can_be_repeated,
    a_server_that_is_not_there_is_unavailable,
);
on_sqlite!(
    one_writer_at_a_time_and_readers_beside_it,
    a_folder_that_cannot_be_made_is_unavailable,
    a_missing_folder_is_made,
    a_file_that_cannot_be_written_is_unavailable,
);

async fn an_unfinished_transaction_leaves_nothing(stage: Stage) -> Outcome {
    let on = stage.database.begin().await?;
    setting::insert_if_absent(&on, "a", "b").await?;
    drop(on);
    assert_eq!(setting::find(&stage.database, "a").await?, None);
    Ok(())
}

async fn a_snapshot_sees_one_instant(stage: Stage) -> Outcome {
    let snapshot = stage.database.snapshot().await?;
    assert_eq!(setting::find(&snapshot, "a").await?, None);
    let on = stage.database.begin().await?;
    setting::insert_if_absent(&on, "a", "b").await?;
    on.commit().await?;
    assert_eq!(setting::find(&stage.database, "a").await?.as_deref(), Some("b"));
    assert_eq!(setting::find(&snapshot, "a").await?, None);
    Ok(())
}

async fn a_closed_database_is_unavailable(stage: Stage) -> Outcome {
    let database = stage.another_process().await?;
    database.ping().await?;
    database.clone().close().await?;
    let began = database.begin().await;
    assert!(matches!(began, Err(StoreError::Unavailable(_))), "{began:?}");
    let pinged = database.ping().await;
    assert!(matches!(pinged, Err(StoreError::Unavailable(_))), "{pinged:?}");
    let read = setting::find(&database, "a").await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    Ok(())
}

async fn a_row_that_is_not_understood_is_corrupt(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    stage.raw.execute("UPDATE cities SET timezone = 'Nowhere/Land'").await?;
    let read = tanhui_store::city::list(&stage.database).await;
    assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
    stage.raw.execute("UPDATE accounts SET kind = 9").await?;
    let read = account::find(&stage.database, town.city.programme).await;
    assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
    Ok(())
}

const IN_TRANSACTION: &str = "FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND state = 'idle in transaction'";

/// Ends the server's side of the one transaction that is open.
async fn cut_the_line(stage: &Stage) -> Outcome {
    let count = format!("SELECT COUNT(*) {IN_TRANSACTION}");
    until("one transaction is open", async || Ok(stage.raw.number(&count).await? == 1)).await?;
    stage.raw.execute(&format!("SELECT pg_terminate_backend(pid) {IN_TRANSACTION}")).await?;
    until("the line is cut", async || Ok(stage.raw.number(&count).await? == 0)).await
}

async fn a_lost_connection_can_be_repeated(stage: Stage) -> Outcome {
    let on = stage.database.begin().await?;
    setting::insert_if_absent(&on, "a", "b").await?;
    cut_the_line(&stage).await?;
    let error = setting::insert_if_absent(&on, "c", "d").await.err().ok_or("wrote on a cut line")?;
    assert!(error.is_repeatable(), "{error:?}");
    drop(on);
    let on = stage.database.begin().await?;
    setting::insert_if_absent(&on, "a", "b").await?;
    on.commit().await?;
    assert_eq!(setting::find(&stage.database, "a").await?.as_deref(), Some("b"));
    Ok(())
}

async fn a_connection_lost_at_commit_can_be_repeated(stage: Stage) -> Outcome {
    let on = stage.database.begin().await?;
    setting::insert_if_absent(&on, "a", "b").await?;
    cut_the_line(&stage).await?;
    let error = on.commit().await.err().ok_or("committed on a cut line")?;
    assert!(error.is_repeatable(), "{error:?}");
    assert_eq!(setting::find(&stage.database, "a").await?, None);
    Ok(())
}

async fn a_deadlock_can_be_repeated(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let (one, two): (OwnerId, OwnerId) = (town.citizen(0)?.into(), town.citizen(1)?.into());
    let (first, second) = (stage.database.begin().await?, stage.database.begin().await?);
    account::lock(&first, one).await?;
    account::lock(&second, two).await?;
    let (crossed, back) = tokio::join!(
        async {
            let outcome = account::lock(&first, two).await;
            drop(first);
            outcome
        },
        async {
            let outcome = account::lock(&second, one).await;
            drop(second);
            outcome
        }
    );
    let errors: Vec<StoreError> = [crossed, back].into_iter().filter_map(Result::err).collect();
    assert!(matches!(errors[..], [StoreError::Repeat(_)]), "{errors:?}");
    Ok(())
}

async fn a_lock_that_takes_too_long_can_be_repeated(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let name = stage.url.rsplit('/').next().unwrap_or_default();
    stage.raw.execute(&format!("ALTER DATABASE {name} SET lock_timeout = '50ms'")).await?;
    let hasty = stage.another_process().await?;
    let on = stage.database.begin().await?;
    account::lock(&on, town.city.programme).await?;
    let rival = hasty.begin().await?;
    let waited = account::lock(&rival, town.city.programme).await;
    assert!(matches!(waited, Err(StoreError::Repeat(_))), "{waited:?}");
    Ok(())
}

async fn a_server_that_is_not_there_is_unavailable(_stage: Stage) -> Outcome {
    let connected = Database::connect("postgres://nobody@127.0.0.1:1/nothing").await;
    assert!(matches!(connected, Err(StoreError::Unavailable(_))), "{connected:?}");
    Ok(())
}

async fn one_writer_at_a_time_and_readers_beside_it(stage: Stage) -> Outcome {
    let on = stage.database.begin().await?;
    setting::insert_if_absent(&on, "a", "b").await?;
    assert_eq!(setting::find(&stage.database, "a").await?, None, "readers do not wait for the writer");
    let mut rival = Box::pin(stage.database.begin());
    let early = tokio::time::timeout(Duration::from_millis(100), &mut rival).await;
    assert!(early.is_err(), "a second writer began");
    on.commit().await?;
    let on = rival.await?;
    assert_eq!(setting::find(&on, "a").await?.as_deref(), Some("b"));
    Ok(())
}

async fn a_folder_that_cannot_be_made_is_unavailable(_stage: Stage) -> Outcome {
    let file = tempfile::NamedTempFile::new()?;
    let url = format!("sqlite://{}/inside/tanhui.db", file.path().display());
    let connected = Database::connect(&url).await;
    assert!(matches!(connected, Err(StoreError::Unavailable(_))), "{connected:?}");
    Ok(())
}

async fn a_missing_folder_is_made(_stage: Stage) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("one/two/tanhui.db");
    let database = Database::connect(&format!("sqlite://{}", path.display())).await?;
    database.migrate(2026, 3).await?;
    assert!(database.is_current().await? && path.is_file());
    Ok(database.close().await?)
}

/// A folder stands where the database file should be.
async fn a_file_that_cannot_be_written_is_unavailable(_stage: Stage) -> Outcome {
    let folder = tempfile::tempdir()?;
    let connected = Database::connect(&format!("sqlite://{}", folder.path().display())).await;
    assert!(matches!(connected, Err(StoreError::Unavailable(_))), "{connected:?}");
    Ok(())
}
