//! Refresh tokens.

use chrono::TimeDelta;
use tanhui_store::session::{self, RefreshToken};
use tanhui_store::{Database, StoreError};
use tanhui_tests::{Outcome, Stage, Town, each_database};

each_database!(
    a_token_is_found_used_and_revoked_with_its_family,
    a_token_is_stored_once,
    a_token_ends_at_its_instant,
    two_uses_at_once_see_each_other,
);

fn token(stage: &Stage, town: &Town, family: u64) -> Outcome<RefreshToken> {
    Ok(RefreshToken {
        family: tanhui_tests::id(family),
        citizen: town.citizen(0)?,
        expires_at: stage.now() + TimeDelta::days(30),
        used_at: None,
        revoked_at: None,
    })
}

async fn find(database: &Database, hash: &[u8]) -> Outcome<RefreshToken> {
    let transaction = database.begin().await?;
    Ok(session::lock(&transaction, hash).await?.ok_or("no token")?)
}

async fn a_token_is_found_used_and_revoked_with_its_family(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let transaction = stage.database.begin().await?;
    for (hash, family) in [(b"a", 1), (b"b", 1), (b"c", 2)] {
        session::insert(&transaction, hash, &token(&stage, &town, family)?, stage.now()).await?;
    }
    session::mark_used(&transaction, b"a", stage.now()).await?;
    assert!(session::lock(&transaction, b"nothing").await?.is_none());
    transaction.commit().await?;
    assert_eq!(find(&stage.database, b"a").await?.used_at, Some(stage.now()));
    assert_eq!(find(&stage.database, b"b").await?.used_at, None);

    let later = stage.now() + TimeDelta::seconds(1);
    let transaction = stage.database.begin().await?;
    session::revoke_family(&transaction, tanhui_tests::id(1), stage.now()).await?;
    session::revoke_family(&transaction, tanhui_tests::id(1), later).await?;
    transaction.commit().await?;
    for (hash, revoked_at) in [(b"a", Some(stage.now())), (b"b", Some(stage.now())), (b"c", None)] {
        assert_eq!(find(&stage.database, hash).await?.revoked_at, revoked_at);
    }
    Ok(())
}

async fn a_token_is_stored_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let transaction = stage.database.begin().await?;
    session::insert(&transaction, b"a", &token(&stage, &town, 1)?, stage.now()).await?;
    let again = session::insert(&transaction, b"a", &token(&stage, &town, 2)?, stage.now()).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    Ok(())
}

async fn a_token_ends_at_its_instant(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let token = token(&stage, &town, 1)?;
    let transaction = stage.database.begin().await?;
    session::insert(&transaction, b"a", &token, stage.now()).await?;
    for (before, deleted) in [(-1, 0), (0, 0), (1, 1), (1, 0)] {
        let before = token.expires_at + TimeDelta::microseconds(before);
        assert_eq!(session::delete_expired(&transaction, before).await?, deleted, "{before}");
    }
    Ok(())
}

/// Of two tills that present the same token, the second waits and then finds it used.
async fn two_uses_at_once_see_each_other(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let transaction = stage.database.begin().await?;
    session::insert(&transaction, b"a", &token(&stage, &town, 1)?, stage.now()).await?;
    transaction.commit().await?;
    let spend = async |database: Database| -> Outcome<bool> {
        let transaction = database.begin().await?;
        let token = session::lock(&transaction, b"a").await?.ok_or("no token")?;
        session::mark_used(&transaction, b"a", stage.now()).await?;
        transaction.commit().await?;
        Ok(token.used_at.is_none())
    };
    let (one, other) = tokio::join!(spend(stage.database.clone()), spend(stage.another_process().await?));
    assert!(one? ^ other?, "exactly one of them found the token unused");
    Ok(())
}
