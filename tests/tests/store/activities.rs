//! Activities: claimed once for ever, written once, paged without gap or repeat.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::activity::{Activity, ActivityStatus};
use tanhui_domain::id::{ActivityId, CitizenId, JournalId};
use tanhui_domain::rule::ReceiptBytes;
use tanhui_service::retry::retrying;
use tanhui_store::activity::{self, ActivityCursor};
use tanhui_store::{Database, Transaction};
use tanhui_tests::{Books, Credit, Outcome, Stage, Town, each_database, id, on_postgres, until};

each_database!(
    a_second_claim_is_empty,
    a_claim_that_was_rolled_back_is_free,
    of_two_claims_at_once_one_wins,
    an_activity_comes_back_as_it_was_written,
    a_page_follows_the_one_before_while_others_write,
    a_page_ends_at_its_limit,
);
on_postgres!(a_rival_claim_waits_for_the_commit, two_batches_in_opposite_order_do_not_deadlock);

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<ActivityId> {
    numbers.into_iter().map(|number| ActivityId::new(id(number))).collect()
}

/// Claims as a writer does: again where a rival was in the way.
async fn claim(database: &Database, numbers: &[u64], citizen: CitizenId) -> Outcome<HashSet<ActivityId>> {
    let claims: Vec<_> = ids(numbers.iter().copied()).into_iter().map(|id| (id, citizen)).collect();
    let claims = &claims;
    let attempt = |_| async move {
        let on = database.begin().await?;
        let free = activity::claim(&on, claims, DateTime::<Utc>::UNIX_EPOCH).await?;
        on.commit().await.map(|()| free)
    };
    Ok(retrying(attempt).await?)
}

async fn a_second_claim_is_empty(stage: Stage) -> Outcome {
    let citizen = CitizenId::new(id(1));
    let all: HashSet<ActivityId> = ids([1, 2, 3]).into_iter().collect();
    assert_eq!(claim(&stage.database, &[3, 1, 2], citizen).await?, all);
    assert!(claim(&stage.database, &[1, 2, 3], citizen).await?.is_empty());
    let mixed = claim(&stage.database, &[3, 4], CitizenId::new(id(2))).await?;
    assert_eq!(mixed, ids([4]).into_iter().collect());
    let existing = activity::existing(&stage.database, &ids([1, 4, 5])).await?;
    assert_eq!(existing, ids([1, 4]).into_iter().collect());
    assert!(activity::existing(&stage.database, &[]).await?.is_empty());
    assert!(claim(&stage.database, &[], citizen).await?.is_empty());
    Ok(())
}

async fn a_claim_that_was_rolled_back_is_free(stage: Stage) -> Outcome {
    let citizen = CitizenId::new(id(1));
    let on = stage.database.begin().await?;
    let [first] = ids([1])[..] else { return Err("one id".into()) };
    assert_eq!(activity::claim(&on, &[(first, citizen)], stage.now()).await?.len(), 1);
    drop(on);
    assert_eq!(claim(&stage.database, &[1], citizen).await?.len(), 1);
    Ok(())
}

async fn of_two_claims_at_once_one_wins(stage: Stage) -> Outcome {
    let other = stage.another_process().await?;
    let (one, two) = (CitizenId::new(id(1)), CitizenId::new(id(2)));
    for round in 0..10 {
        let numbers: Vec<u64> = (round * 10 + 1..=round * 10 + 10).collect();
        let backwards: Vec<u64> = numbers.iter().rev().copied().collect();
        let rivals = tokio::join!(claim(&stage.database, &numbers, one), claim(&other, &backwards, two));
        let (first, second) = (rivals.0?, rivals.1?);
        assert!(first.is_disjoint(&second), "an id was claimed twice");
        assert_eq!(first.len() + second.len(), 10, "an id was claimed by nobody");
    }
    other.close().await?;
    Ok(())
}

/// The rival must know whether the first one committed before it may say "duplicate".
async fn a_rival_claim_waits_for_the_commit(stage: Stage) -> Outcome {
    for commits in [true, false] {
        let number = u64::from(commits) + 1;
        let on = stage.database.begin().await?;
        let mine = [(ActivityId::new(id(number)), CitizenId::new(id(1)))];
        activity::claim(&on, &mine, stage.now()).await?;
        let database = stage.another_process().await?;
        let rival = tokio::spawn(async move { claim(&database, &[number], CitizenId::new(id(2))).await });
        until("the rival waits for a lock", || waits_for_a_lock(&stage)).await?;
        assert!(!rival.is_finished());
        if commits {
            on.commit().await?;
        } else {
            drop(on);
        }
        assert_eq!(rival.await??.is_empty(), commits);
    }
    Ok(())
}

async fn waits_for_a_lock(stage: &Stage) -> Outcome<bool> {
    let sql = "SELECT COUNT(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
               WHERE NOT l.granted AND a.datname = current_database()";
    Ok(stage.raw.number(sql).await? > 0)
}

async fn two_batches_in_opposite_order_do_not_deadlock(stage: Stage) -> Outcome {
    let other = stage.another_process().await?;
    let numbers: Vec<u64> = (1..=2000).collect();
    let backwards: Vec<u64> = numbers.iter().rev().copied().collect();
    let (one, two) = (CitizenId::new(id(1)), CitizenId::new(id(2)));
    let rivals = tokio::join!(claim(&stage.database, &numbers, one), claim(&other, &backwards, two));
    assert_eq!(rivals.0?.len() + rivals.1?.len(), 2000);
    other.close().await?;
    Ok(())
}

async fn an_activity_comes_back_as_it_was_written(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let books = Books { stage: &stage, town: &town };
    let credit =
        |external_id| Credit { citizen: CitizenId::new(id(7)), external_id, points: 0, reduction_mg: 0 };
    let rejected = Activity {
        status: ActivityStatus::Rejected,
        code: Some("too-late".to_owned()),
        external_id: "行程 \"7\" \\ 🚇".to_owned(),
        receipt: ReceiptBytes::from(vec![0, 1, 0xFF, b'"']),
        occurred_at: stage.now() - TimeDelta::microseconds(1),
        ..books.activity(credit("odd"))
    };
    let held = Activity { status: ActivityStatus::Held, ..books.activity(credit("held")) };
    let reversed = Activity { status: ActivityStatus::Reversed, ..books.activity(credit("reversed")) };
    let largest = Activity {
        points: tanhui_domain::amount::Points::new(i64::MAX),
        reduction: tanhui_domain::amount::ReductionMg::new(i64::MAX - 1),
        ..books.activity(credit("largest"))
    };
    let all = [rejected, held, reversed, largest];
    let on = stage.database.begin().await?;
    let claims: Vec<_> = all.iter().map(|activity| (activity.id, activity.citizen)).collect();
    activity::claim(&on, &claims, stage.now()).await?;
    insert(&on, &all).await?;
    on.commit().await?;
    for activity in all {
        assert_eq!(activity::find(&stage.database, activity.id).await?, Some(activity));
    }
    assert_eq!(activity::find(&stage.database, ActivityId::new(id(1))).await?, None);
    Ok(())
}

/// Rows that no journal knows.
async fn insert(on: &Transaction, activities: &[Activity]) -> Outcome {
    let rows: Vec<_> = activities.iter().map(|activity| (activity, None)).collect();
    Ok(activity::insert_many(on, JournalId::new(0), &rows).await?)
}

async fn write(stage: &Stage, town: &Town, names: &[String]) -> Outcome {
    let books = Books { stage, town };
    let citizen = town.citizen(0)?;
    let rows: Vec<Activity> = names
        .iter()
        .map(|name| books.activity(Credit { citizen, external_id: name, points: 1, reduction_mg: 1 }))
        .collect();
    let on = stage.database.begin().await?;
    insert(&on, &rows).await?;
    Ok(on.commit().await?)
}

fn cursor(last: &Activity) -> ActivityCursor {
    ActivityCursor { recorded_at: last.recorded_at, id: last.id }
}

/// Rows of one instant are the hard part: only the id tells them apart.
async fn a_page_follows_the_one_before_while_others_write(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let mut before = HashSet::new();
    for round in 0..5 {
        let names: Vec<String> = (0..7).map(|number| format!("{round}-{number}")).collect();
        before.extend(names.iter().map(|name| ActivityId::derive(town.source, name)));
        write(&stage, &town, &names).await?;
        stage.clock.advance(TimeDelta::days(20));
    }
    let mut met = Vec::new();
    let mut after = None;
    for round in 0_u32.. {
        let page = activity::page(&stage.database, town.citizen(0)?, after, 4).await?;
        let Some(last) = page.last() else { break };
        after = Some(cursor(last));
        let order = |row: &Activity| (row.recorded_at, row.id);
        assert!(page.is_sorted_by(|one, next| order(one) > order(next)), "the last recorded comes first");
        met.extend(page.iter().map(|row| row.id));
        stage.clock.advance(TimeDelta::seconds(1));
        write(&stage, &town, &[format!("new-{round}-a"), format!("new-{round}-b")]).await?;
    }
    assert_eq!(met.len(), 35, "each row that was there is met once");
    assert_eq!(met.into_iter().collect::<HashSet<_>>(), before);
    Ok(())
}

async fn a_page_ends_at_its_limit(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    write(&stage, &town, &["a", "b", "c"].map(str::to_owned)).await?;
    for (limit, length) in [(2, 2), (3, 3), (4, 3)] {
        let page = activity::page(&stage.database, town.citizen(0)?, None, limit).await?;
        assert_eq!(page.len(), length, "limit {limit}");
    }
    assert!(activity::page(&stage.database, town.citizen(1)?, None, 9).await?.is_empty());
    Ok(())
}
