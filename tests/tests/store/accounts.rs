//! Accounts, journals and postings: balances move together with the postings that say why.

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::id::OwnerId;
use tanhui_domain::ledger::{Amounts, Journal, JournalKind, OwnerKind};
use tanhui_store::{StoreError, account};
use tanhui_tests::{Books, Credit, Outcome, Stage, Town, each_database, id, on_postgres, until};

each_database!(
    an_account_is_opened_once,
    locked_accounts_come_in_id_order,
    a_journal_moves_balances_and_writes_lines,
    an_owner_may_appear_twice_in_a_journal,
    a_citizens_balance_below_zero_is_refused,
    a_journal_on_an_account_that_does_not_exist_is_refused,
    a_journal_decided_on_old_balances_is_refused,
    a_journal_that_does_not_sum_to_zero_is_refused,
    lines_and_balances_keep_to_their_instants,
    lines_come_in_pages,
    those_who_moved_since_a_version_are_named,
    credits_at_once_lose_nothing,
);
on_postgres!(a_locked_account_makes_others_wait, the_programmes_versions_grow_in_commit_order);

async fn an_account_is_opened_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let on = stage.database.begin().await?;
    let owner = OwnerId::new(stage.ids.next());
    account::open(&on, owner, town.city.id, OwnerKind::Merchant).await?;
    let opened = account::find(&on, owner).await?.ok_or("no account")?;
    assert_eq!((opened.kind, opened.version, opened.balance), (OwnerKind::Merchant, 0, Amounts::default()));
    let again = account::open(&on, owner, town.city.id, OwnerKind::Merchant).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    Ok(())
}

async fn locked_accounts_come_in_id_order(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 4).await?;
    let owners: Vec<OwnerId> = town.citizens.iter().rev().map(|citizen| (*citizen).into()).collect();
    let on = stage.database.begin().await?;
    let mut asked = owners.clone();
    asked.push(OwnerId::new(id(999_999)));
    asked.extend(owners.first());
    let locked = account::lock_many(&on, &asked).await?;
    let in_order: Vec<OwnerId> = owners.into_iter().rev().collect();
    assert_eq!(locked.iter().map(|account| account.owner).collect::<Vec<_>>(), in_order);
    assert!(account::lock(&on, OwnerId::new(id(999_999))).await?.is_none());
    assert!(account::lock_many(&on, &[]).await?.is_empty());
    Ok(())
}

async fn a_locked_account_makes_others_wait(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let (first, second): (OwnerId, OwnerId) = (town.citizen(0)?.into(), town.citizen(1)?.into());
    let on = stage.database.begin().await?;
    account::lock_many(&on, &[second, first]).await?;
    let database = stage.another_process().await?;
    let rival = tokio::spawn(async move {
        let on = database.begin().await?;
        Outcome::Ok(account::lock(&on, first).await?.is_some())
    });
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the rival waits", async || Ok(stage.raw.number(waiting).await? == 1)).await?;
    on.commit().await?;
    assert!(rival.await??);
    Ok(())
}

fn credit(citizen: tanhui_domain::id::CitizenId, external_id: &str, points: i64) -> Credit<'_> {
    Credit { citizen, external_id, points, reduction_mg: points * 100 }
}

async fn a_journal_moves_balances_and_writes_lines(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let books = Books { stage: &stage, town: &town };
    let citizen = town.citizen(0)?;
    let first = books.credit(credit(citizen, "a", 100)).await?;
    stage.clock.advance(TimeDelta::seconds(1));
    let (second, _) = books.redeem(citizen, 2).await?;

    let account = account::find(&stage.database, citizen.into()).await?.ok_or("no account")?;
    let left = Amounts::credit(Points::new(20), ReductionMg::new(10_000));
    assert_eq!((account.version, account.balance), (2, left));
    let programme = account::find(&stage.database, town.city.programme).await?.ok_or("no account")?;
    assert_eq!((programme.version, programme.balance), (2, left.negated()?));
    let untouched = account::find(&stage.database, town.citizen(1)?.into()).await?.ok_or("no account")?;
    assert_eq!((untouched.version, untouched.balance), (0, Amounts::default()));

    let lines = all_lines(&stage, citizen.into()).await?;
    let told: Vec<_> = lines.iter().map(|line| (line.version, line.kind, line.cause, line.after)).collect();
    let earned = Amounts::credit(Points::new(100), ReductionMg::new(10_000));
    assert_eq!(
        told,
        [
            (1, JournalKind::Credit, Some(first.get()), earned),
            (2, JournalKind::Redeem, Some(second.get()), left),
        ]
    );
    assert_eq!(lines.last().map(|line| line.amounts), Some(Amounts::points(Points::new(-80))));
    assert_eq!(lines.last().map(|line| line.recorded_at), Some(stage.now()));
    Ok(())
}

async fn all_lines(stage: &Stage, owner: OwnerId) -> Outcome<Vec<account::StatementLine>> {
    let (from, until) = (DateTime::<Utc>::UNIX_EPOCH, stage.now() + TimeDelta::days(999));
    Ok(account::lines(&stage.database, owner, from, until, 0, 100).await?)
}

/// Writes a journal of points between a citizen and the programme, one line for each amount.
async fn post(stage: &Stage, town: &Town, owner: OwnerId, amounts: &[i64]) -> Result<(), StoreError> {
    let on = stage.database.begin().await?;
    let journal = journal(stage, town, &on, owner, amounts).await?;
    account::write(&on, &journal).await?;
    on.commit().await
}

async fn journal(
    stage: &Stage,
    town: &Town,
    on: &tanhui_store::Transaction,
    owner: OwnerId,
    amounts: &[i64],
) -> Result<Journal, StoreError> {
    let missing = || StoreError::Corrupt("no account".to_owned());
    let mut account = account::lock(on, owner).await?.ok_or_else(missing)?;
    account.kind = OwnerKind::Programme;
    let mut programme = account::lock(on, town.city.programme).await?.ok_or_else(missing)?;
    let sum = Amounts::points(Points::new(-amounts.iter().sum::<i64>()));
    let mut postings: Vec<_> = amounts
        .iter()
        .filter_map(|amount| account.post(Amounts::points(Points::new(*amount)), None).ok())
        .collect();
    postings.extend(programme.post(sum, None).ok());
    let now = stage.now();
    let (city, kind) = (town.city.id, JournalKind::Adjust);
    Ok(Journal { city, kind, cause: None, occurred_at: now, recorded_at: now, postings })
}

async fn an_owner_may_appear_twice_in_a_journal(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let owner = town.citizen(0)?.into();
    post(&stage, &town, owner, &[5, 7, -3]).await?;
    let account = account::find(&stage.database, owner).await?.ok_or("no account")?;
    assert_eq!((account.version, account.balance.points), (3, Points::new(9)));
    let after: Vec<i64> =
        all_lines(&stage, owner).await?.iter().map(|line| line.after.points.get()).collect();
    assert_eq!(after, [5, 12, 9]);
    Ok(())
}

/// The domain refuses it first; this is the database's own word.
async fn a_citizens_balance_below_zero_is_refused(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let owner = town.citizen(0)?.into();
    post(&stage, &town, owner, &[5]).await?;
    let refused = post(&stage, &town, owner, &[-6]).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    post(&stage, &town, owner, &[-5]).await?;
    let account = account::find(&stage.database, owner).await?.ok_or("no account")?;
    assert_eq!((account.version, account.balance), (2, Amounts::default()));
    Ok(())
}

async fn a_journal_on_an_account_that_does_not_exist_is_refused(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let on = stage.database.begin().await?;
    let mut journal = journal(&stage, &town, &on, town.citizen(0)?.into(), &[5]).await?;
    journal.postings.iter_mut().take(1).for_each(|posting| posting.owner = OwnerId::new(id(999_999)));
    let refused = account::write(&on, &journal).await;
    assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    Ok(())
}

/// A caller that forgot to lock must not undo what another one wrote.
async fn a_journal_decided_on_old_balances_is_refused(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let owner = town.citizen(0)?.into();
    let on = stage.database.begin().await?;
    let old = journal(&stage, &town, &on, owner, &[5]).await?;
    drop(on);
    post(&stage, &town, owner, &[7]).await?;
    stage.clock.advance(TimeDelta::seconds(1));
    let late = Journal { recorded_at: stage.now(), ..old };
    let on = stage.database.begin().await?;
    let refused = account::write(&on, &late).await;
    assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
    drop(on);
    let account = account::find(&stage.database, owner).await?.ok_or("no account")?;
    assert_eq!(account.balance.points, Points::new(7));
    Ok(())
}

async fn a_journal_that_does_not_sum_to_zero_is_refused(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let owner = town.citizen(0)?.into();
    let on = stage.database.begin().await?;
    let mut one_sided = journal(&stage, &town, &on, owner, &[5]).await?;
    one_sided.postings.truncate(1);
    let refused = account::write(&on, &one_sided).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    drop(on);
    let account = account::find(&stage.database, owner).await?.ok_or("no account")?;
    assert_eq!((account.version, account.balance), (0, Amounts::default()));
    Ok(())
}

async fn lines_and_balances_keep_to_their_instants(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let books = Books { stage: &stage, town: &town };
    let citizen = town.citizen(0)?;
    let first = stage.now();
    books.credit(credit(citizen, "a", 1)).await?;
    stage.clock.advance(TimeDelta::microseconds(1));
    books.credit(credit(citizen, "b", 2)).await?;
    stage.clock.advance(TimeDelta::days(40));
    books.credit(credit(citizen, "c", 4)).await?;
    let second = first + TimeDelta::microseconds(1);
    for (from, until, versions) in [
        (first, second, &[1][..]),
        (second, stage.now(), &[2]),
        (first, stage.now() + TimeDelta::microseconds(1), &[1, 2, 3]),
        (first, first, &[]),
    ] {
        let lines = account::lines(&stage.database, citizen.into(), from, until, 0, 9).await?;
        let found: Vec<i64> = lines.iter().map(|line| line.version).collect();
        assert_eq!(found, versions, "{from} to {until}");
    }
    let after = second + TimeDelta::microseconds(1);
    for (before, points) in [(first, 0), (second, 1), (after, 3), (stage.now(), 3)] {
        let balance = account::balance_before(&stage.database, citizen.into(), before).await?;
        assert_eq!(balance.points, Points::new(points), "before {before}");
    }
    Ok(())
}

async fn lines_come_in_pages(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let owner = town.citizen(0)?.into();
    post(&stage, &town, owner, &[1; 7]).await?;
    let until = stage.now() + TimeDelta::seconds(1);
    let (mut versions, mut after) = (Vec::new(), 0);
    loop {
        let page = account::lines(&stage.database, owner, stage.now(), until, after, 3).await?;
        let Some(last) = page.last() else { break };
        after = last.version;
        versions.extend(page.iter().map(|line| line.version));
    }
    assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7]);
    Ok(())
}

async fn those_who_moved_since_a_version_are_named(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 3).await?;
    let abroad = Town::named(&stage, "othercity", 1).await?;
    let books = Books { stage: &stage, town: &town };
    for (number, external_id) in [(0, "a"), (1, "b"), (0, "c")] {
        books.credit(credit(town.citizen(number)?, external_id, 1)).await?;
    }
    let other_books = Books { stage: &stage, town: &abroad };
    other_books.credit(credit(abroad.citizen(0)?, "a", 1)).await?;
    let (zero, one) = (town.citizen(0)?.into(), town.citizen(1)?.into());
    for (version, expected) in [(0, vec![zero, one]), (1, vec![zero, one]), (2, vec![zero]), (3, vec![])] {
        let mut moved = account::moved_since(&stage.database, town.city.id, version, 10).await?;
        moved.sort();
        assert_eq!(moved, expected, "since version {version}");
    }
    assert_eq!(account::moved_since(&stage.database, town.city.id, 0, 1).await?.len(), 1);
    Ok(())
}

async fn credits_at_once_lose_nothing(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let other = Stage { database: stage.another_process().await?, ..stage.clone() };
    let run = async |stage: &Stage, name: &str| -> Outcome {
        let books = Books { stage, town: &town };
        for number in 0..15 {
            let citizen = town.citizen(number % 2)?;
            books.credit(credit(citizen, &format!("{name}-{number}"), 1)).await?;
        }
        Ok(())
    };
    let both = tokio::join!(run(&stage, "one"), run(&other, "other"));
    both.0?;
    both.1?;
    let programme = account::find(&stage.database, town.city.programme).await?.ok_or("no account")?;
    assert_eq!((programme.version, programme.balance.points), (30, Points::new(-30)));
    other.database.close().await?;
    Ok(())
}

/// Readers that follow the programme's postings must never miss one that commits later with a smaller number.
async fn the_programmes_versions_grow_in_commit_order(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let owners: Vec<OwnerId> = town.citizens.iter().map(|citizen| (*citizen).into()).collect();
    let on = stage.database.begin().await?;
    let [first, second] = owners[..] else { return Err("two citizens".into()) };
    let journal = journal(&stage, &town, &on, first, &[1]).await?;
    let (rival, home) = (stage.clone(), town.clone());
    let rival = tokio::spawn(async move { post(&rival, &home, second, &[1]).await });
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the rival waits for the programme", async || Ok(stage.raw.number(waiting).await? == 1)).await?;
    account::write(&on, &journal).await?;
    on.commit().await?;
    rival.await??;
    let order = "SELECT c.owner_id::text FROM postings p JOIN cities ON programme_id = p.owner_id
                 JOIN postings c ON c.journal_id = p.journal_id AND c.owner_id <> p.owner_id
                 ORDER BY p.version";
    let expected = [first.to_string(), second.to_string()];
    assert_eq!(stage.raw.texts(order).await?, expected);
    Ok(())
}
