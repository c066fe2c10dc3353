//! Idempotency keys: one request of each key does the work.

use chrono::TimeDelta;
use tanhui_domain::id::OwnerId;
use tanhui_store::Database;
use tanhui_store::idempotency::{self, RequestKey};
use tanhui_tests::{Outcome, Stage, each_database, id};

each_database!(
    a_key_is_claimed_once_and_keeps_its_answer,
    a_claim_that_was_rolled_back_can_be_made_again,
    keys_of_others_and_of_other_routes_are_other_keys,
    of_requests_at_once_one_works,
    keys_go_when_they_are_old,
);

fn key(owner: u64, route: &'static str, key: &str) -> RequestKey {
    RequestKey { owner: OwnerId::new(id(owner)), route, key: key.to_owned(), body_hash: [7; 32] }
}

async fn a_key_is_claimed_once_and_keeps_its_answer(stage: Stage) -> Outcome {
    let key = key(1, "redeem", "键-1");
    assert!(idempotency::find(&stage.database, &key).await?.is_none());
    let on = stage.database.begin().await?;
    assert!(idempotency::claim(&on, &key, stage.now()).await?);
    assert!(!idempotency::claim(&on, &key, stage.now()).await?);
    idempotency::complete(&on, &key, 201, r#"{"好":"的"}"#).await?;
    on.commit().await?;
    let on = stage.database.begin().await?;
    let other_body = RequestKey { body_hash: [8; 32], ..key.clone() };
    assert!(!idempotency::claim(&on, &other_body, stage.now()).await?);
    let stored = idempotency::find(&on, &key).await?.ok_or("no answer")?;
    assert_eq!((stored.status, stored.answer.as_str()), (201, r#"{"好":"的"}"#));
    assert_eq!(stored.body_hash, [7; 32]);
    Ok(())
}

async fn a_claim_that_was_rolled_back_can_be_made_again(stage: Stage) -> Outcome {
    let key = key(1, "redeem", "a");
    let on = stage.database.begin().await?;
    assert!(idempotency::claim(&on, &key, stage.now()).await?);
    drop(on);
    let on = stage.database.begin().await?;
    assert!(idempotency::claim(&on, &key, stage.now()).await?);
    Ok(())
}

async fn keys_of_others_and_of_other_routes_are_other_keys(stage: Stage) -> Outcome {
    let on = stage.database.begin().await?;
    for key in [key(1, "redeem", "a"), key(2, "redeem", "a"), key(1, "cancel", "a"), key(1, "redeem", "b")] {
        assert!(idempotency::claim(&on, &key, stage.now()).await?, "{key:?}");
    }
    Ok(())
}

async fn of_requests_at_once_one_works(stage: Stage) -> Outcome {
    let other = stage.another_process().await?;
    let attempt = async |database: &Database, key: &RequestKey| -> Outcome<bool> {
        let on = database.begin().await?;
        let first = idempotency::claim(&on, key, stage.now()).await?;
        if first {
            idempotency::complete(&on, key, 200, "done").await?;
        } else {
            let stored = idempotency::find(&on, key).await?.ok_or("the answer cannot be read")?;
            assert_eq!(stored.answer, "done", "the rival was waited for");
        }
        on.commit().await?;
        Ok(first)
    };
    for round in 0..10 {
        let key = key(1, "redeem", &round.to_string());
        let (one, two, three) = tokio::join!(
            attempt(&stage.database, &key),
            attempt(&other, &key),
            attempt(&stage.database, &key)
        );
        let winners = [one?, two?, three?].into_iter().filter(|won| *won).count();
        assert_eq!(winners, 1);
    }
    other.close().await?;
    Ok(())
}

async fn keys_go_when_they_are_old(stage: Stage) -> Outcome {
    let on = stage.database.begin().await?;
    idempotency::claim(&on, &key(1, "redeem", "a"), stage.now()).await?;
    for (offset, deleted) in [(-1, 0), (0, 0), (1, 1)] {
        let before = stage.now() + TimeDelta::microseconds(offset);
        assert_eq!(idempotency::delete_before(&on, before).await?, deleted, "{offset}");
    }
    Ok(())
}
