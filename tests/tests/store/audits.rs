//! The audit: silent on clean books; on broken ones it names the row under the right invariant.

use std::collections::BTreeMap;

use tanhui_domain::amount::{Fen, Points, ReductionMg};
use tanhui_domain::id::{ActivityId, CitizenId, RedemptionId, VoucherId};
use tanhui_domain::ledger::{Amounts, Journal, JournalKind};
use tanhui_store::audit::{self, Totals};
use tanhui_store::{StoreError, account};
use tanhui_tests::{Books, Credit, Outcome, Stage, Town, each_database, id};
use uuid::Uuid;

each_database!(
    clean_books_pass,
    empty_books_pass,
    totals_add_up,
    a_journal_that_does_not_sum_to_zero,
    a_posting_that_does_not_follow,
    a_balance_that_is_not_the_sum,
    a_posting_without_a_journal,
    a_citizen_below_zero,
    points_that_lie_in_no_lot,
    a_lot_that_lost_points,
    an_activity_credited_twice_or_never,
    a_credit_without_an_activity,
    an_activity_without_its_key,
    days_that_do_not_say_what_was_granted,
    stock_that_no_voucher_took,
    a_redemption_that_was_not_posted,
    a_cancelled_redemption_whose_voucher_lives,
    a_voucher_paid_twice_or_never,
    a_payable_without_a_voucher,
    no_more_than_twenty_rows_are_named,
    many_owners_are_walked_in_ranges,
    an_unknown_invariant_is_refused,
);

/// Books in which everything has happened once.
pub struct Scene {
    pub stage: Stage,
    pub town: Town,
    spender: CitizenId,
    saver: CitizenId,
    ride: ActivityId,
    walk: ActivityId,
    kept: RedemptionId,
    cancelled: RedemptionId,
    used: VoucherId,
}

impl Scene {
    pub async fn set(stage: Stage) -> Outcome<Self> {
        let town = Town::build(&stage, 3).await?;
        let books = Books { stage: &stage, town: &town };
        let (spender, saver) = (town.citizen(0)?, town.citizen(1)?);
        let credit = |citizen, external_id, points, reduction_mg| Credit {
            citizen,
            external_id,
            points,
            reduction_mg,
        };
        let ride = books.credit(credit(spender, "ride", 200, 5_000)).await?;
        let walk = books.credit(credit(saver, "walk", 10, 0)).await?;
        let (kept, vouchers) = books.redeem(spender, 2).await?;
        let (cancelled, _) = books.redeem(spender, 1).await?;
        books.cancel(spender, cancelled).await?;
        let used = vouchers.first().ok_or("no voucher")?.id;
        books.use_voucher(used, saver).await?;
        Ok(Self { stage, town, spender, saver, ride, walk, kept, cancelled, used })
    }

    /// Posts amounts to an owner, whatever the activities and redemptions say.
    pub async fn post(&self, kind: JournalKind, owner: Uuid, moved: Amounts, cause: Uuid) -> Outcome {
        let on = self.stage.database.begin().await?;
        let books = Books { stage: &self.stage, town: &self.town };
        let owner = tanhui_domain::id::OwnerId::new(owner);
        books.post(&on, kind, owner, moved, cause).await?;
        Ok(on.commit().await?)
    }

    /// A UUID as a literal of this engine.
    fn literal(&self, id: Uuid) -> String {
        match self.stage.engine {
            tanhui_tests::Engine::Postgres => format!("'{id}'"),
            tanhui_tests::Engine::Sqlite => format!("x'{}'", id.simple()),
        }
    }

    /// Breaks rows of a table that belong to an id.
    pub async fn break_rows(&self, statement: &str, id: Uuid) -> Outcome {
        let sql = statement.replace("{id}", &self.literal(id));
        assert_ne!(self.stage.raw.execute(&sql).await?, 0, "nothing broken by: {sql}");
        Ok(())
    }

    /// Demands that this invariant and no other is broken, and that it names this id.
    pub async fn expect(&self, invariant: &str, id: Uuid) -> Outcome {
        let broken = broken(&self.stage).await?;
        assert_eq!(broken.keys().copied().collect::<Vec<_>>(), [invariant], "{broken:?}");
        names(&broken, invariant, id);
        Ok(())
    }
}

/// Demands that this invariant is broken by this id.
fn names(broken: &BTreeMap<&'static str, Vec<String>>, invariant: &str, id: Uuid) {
    let wanted = id.simple().to_string();
    let details = broken.get(invariant).map(Vec::as_slice).unwrap_or_default();
    let named = |detail: &String| detail.replace('-', "").to_lowercase().contains(&wanted);
    assert!(details.iter().any(named), "{wanted} is not named in {details:?}");
}

/// The details of each broken invariant.
pub async fn broken(stage: &Stage) -> Outcome<BTreeMap<&'static str, Vec<String>>> {
    let snapshot = stage.database.snapshot().await?;
    let mut broken = BTreeMap::new();
    for invariant in audit::invariants() {
        let found = audit::check(&snapshot, invariant, |_, _| {}).await?;
        assert_eq!(found.total == 0, found.named.is_empty());
        if found.total > 0 {
            assert!(found.named.iter().all(|violation| violation.invariant == invariant));
            broken.insert(invariant, found.named.into_iter().map(|violation| violation.detail).collect());
        }
    }
    Ok(broken)
}

fn grams(milligrams: i64) -> Amounts {
    Amounts::credit(Points::ZERO, ReductionMg::new(milligrams))
}

async fn clean_books_pass(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    assert_eq!(broken(&scene.stage).await?, BTreeMap::new());
    Ok(())
}

async fn empty_books_pass(stage: Stage) -> Outcome {
    assert_eq!(broken(&stage).await?, BTreeMap::new());
    let snapshot = stage.database.snapshot().await?;
    assert_eq!(audit::totals(&snapshot).await?, Totals::default());
    Ok(())
}

async fn totals_add_up(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let snapshot = scene.stage.database.snapshot().await?;
    let totals = audit::totals(&snapshot).await?;
    let expected = Totals {
        activities: [2, 0, 0, 0],
        waiting: 0,
        points_issued: 210,
        points_held: 130,
        points_spent: 80,
        points_expired: 0,
        reduction_issued_mg: 5_000,
    };
    assert_eq!(totals, expected);
    Ok(())
}

async fn a_journal_that_does_not_sum_to_zero(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let of_spender = "(SELECT journal_id FROM activities WHERE citizen_id = {id})";
    let moved = format!(
        "UPDATE activities SET journal_id = {} WHERE citizen_id = {}",
        of_spender.replace("{id}", &scene.literal(scene.spender.get())),
        scene.literal(scene.saver.get())
    );
    scene.break_rows(&moved, scene.saver.get()).await?;
    let broken = broken(&scene.stage).await?;
    assert_eq!(broken.keys().collect::<Vec<_>>(), [&"journal_sums_to_zero"], "{broken:?}");
    assert_eq!(broken.get("journal_sums_to_zero").map(Vec::len), Some(2), "both journals are named");
    Ok(())
}

async fn a_posting_that_does_not_follow(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let sql = "UPDATE activities SET points_after = points_after + 1 WHERE citizen_id = {id}";
    scene.break_rows(sql, scene.spender.get()).await?;
    scene.expect("posting_follows_the_one_before", scene.spender.get()).await
}

async fn a_balance_that_is_not_the_sum(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let owner = scene.spender.get();
    for column in ["reduction_mg", "version"] {
        let sql = format!("UPDATE accounts SET {column} = {column} + 1 WHERE owner_id = {{id}}");
        scene.break_rows(&sql, owner).await?;
        scene.expect("balance_is_the_sum_of_postings", owner).await?;
        let sql = format!("UPDATE accounts SET {column} = {column} - 1 WHERE owner_id = {{id}}");
        scene.break_rows(&sql, owner).await?;
    }
    let merchant = scene.town.merchant.get();
    scene.break_rows("UPDATE accounts SET payable_fen = 1 WHERE owner_id = {id}", merchant).await?;
    scene.expect("balance_is_the_sum_of_postings", merchant).await
}

async fn a_posting_without_a_journal(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    scene.post(JournalKind::Redeem, scene.saver.get(), grams(5), id(4_711)).await?;
    assert_eq!(broken(&scene.stage).await?, BTreeMap::new());
    scene.break_rows("DELETE FROM journals WHERE cause = {id}", id(4_711)).await?;
    scene.expect("posting_has_journal_and_account", scene.saver.get()).await
}

async fn a_citizen_below_zero(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let on = scene.stage.database.begin().await?;
    let mut saver = account::lock(&on, scene.saver.into()).await?.ok_or("no account")?;
    let postings = vec![saver.post(grams(5), None)?, saver.post(grams(-5), None)?];
    let now = scene.stage.now();
    let (city, kind) = (scene.town.city.id, JournalKind::Redeem);
    let journal = Journal { city, kind, cause: None, occurred_at: now, recorded_at: now, postings };
    account::write(&on, &journal).await?;
    on.commit().await?;
    assert_eq!(broken(&scene.stage).await?, BTreeMap::new());
    let turned = "UPDATE postings SET reduction_mg = -reduction_mg,
                    reduction_after_mg = CASE version WHEN 2 THEN -5 ELSE 0 END
                  WHERE owner_id = {id} AND version IN (2, 3)";
    scene.break_rows(turned, scene.saver.get()).await?;
    scene.expect("only_a_reversal_goes_below_zero", scene.saver.get()).await
}

async fn points_that_lie_in_no_lot(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    scene.break_rows("INSERT INTO lots VALUES ({id}, 1, 0, 3, 3, 0)", scene.saver.get()).await?;
    scene.expect("points_are_the_sum_of_lots", scene.saver.get()).await
}

async fn a_lot_that_lost_points(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let sql = "UPDATE lots SET points_granted = points_granted + 1 WHERE citizen_id = {id}";
    scene.break_rows(sql, scene.saver.get()).await?;
    scene.expect("lot_is_granted_minus_taken", scene.saver.get()).await
}

async fn an_activity_credited_twice_or_never(stage: Stage) -> Outcome {
    const INVARIANT: &str = "activity_is_credited_once";
    let scene = Scene::set(stage).await?;
    let (ride, walk) = (scene.ride.get(), scene.walk.get());
    scene.break_rows("UPDATE activities SET status = 2 WHERE id = {id}", walk).await?;
    scene.break_rows("DELETE FROM activity_days WHERE points = 10", walk).await?;
    scene.expect(INVARIANT, walk).await?;
    scene.break_rows("UPDATE activities SET status = 4 WHERE id = {id}", walk).await?;
    assert!(!broken(&scene.stage).await?.contains_key(INVARIANT), "reversed ones were credited once");
    scene.post(JournalKind::Credit, scene.spender.get(), grams(3), ride).await?;
    names(&broken(&scene.stage).await?, INVARIANT, ride);
    Ok(())
}

async fn a_credit_without_an_activity(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    scene.post(JournalKind::Credit, scene.saver.get(), grams(3), scene.ride.get()).await?;
    scene.expect("credit_has_its_activity", scene.saver.get()).await
}

async fn an_activity_without_its_key(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    scene.break_rows("DELETE FROM activity_keys WHERE id = {id}", scene.walk.get()).await?;
    scene.expect("activity_has_its_key", scene.walk.get()).await?;
    let again =
        "INSERT INTO activity_keys SELECT id, citizen_id, recorded_at_us FROM activities WHERE id = {id}";
    scene.break_rows(again, scene.walk.get()).await?;
    assert_eq!(broken(&scene.stage).await?, BTreeMap::new());
    scene.break_rows("INSERT INTO activity_keys VALUES ({id}, {id}, 1)", id(4_711)).await?;
    scene.expect("key_has_one_activity", id(4_711)).await
}

async fn days_that_do_not_say_what_was_granted(stage: Stage) -> Outcome {
    const INVARIANT: &str = "cap_usage_is_what_was_granted";
    let scene = Scene::set(stage).await?;
    let saver = scene.saver.get();
    for column in ["points", "reduction_mg", "events"] {
        let sql = format!("UPDATE activity_days SET {column} = {column} + 1 WHERE citizen_id = {{id}}");
        scene.break_rows(&sql, saver).await?;
        scene.expect(INVARIANT, saver).await?;
        let sql = format!("UPDATE activity_days SET {column} = {column} - 1 WHERE citizen_id = {{id}}");
        scene.break_rows(&sql, saver).await?;
    }
    scene.break_rows("DELETE FROM activity_days WHERE citizen_id = {id}", saver).await?;
    scene.expect(INVARIANT, saver).await
}

async fn stock_that_no_voucher_took(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let offer = scene.town.offer.get();
    scene.break_rows("UPDATE offers SET stock_left = stock_left - 1 WHERE id = {id}", offer).await?;
    scene.expect("stock_taken_is_vouchers_live_or_used", offer).await
}

async fn a_redemption_that_was_not_posted(stage: Stage) -> Outcome {
    const INVARIANT: &str = "redemption_is_posted_once";
    let scene = Scene::set(stage).await?;
    let kept = scene.kept.get();
    for column in ["points", "quantity"] {
        let sql = format!("UPDATE redemptions SET {column} = {column} + 1 WHERE id = {{id}}");
        scene.break_rows(&sql, kept).await?;
        scene.expect(INVARIANT, kept).await?;
        let sql = format!("UPDATE redemptions SET {column} = {column} - 1 WHERE id = {{id}}");
        scene.break_rows(&sql, kept).await?;
    }
    Ok(())
}

/// The worst of both: the points are back and the voucher can be used.
async fn a_cancelled_redemption_whose_voucher_lives(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let cancelled = scene.cancelled.get();
    scene.break_rows("UPDATE vouchers SET status = 'live' WHERE redemption_id = {id}", cancelled).await?;
    let offer = scene.town.offer.get();
    scene.break_rows("UPDATE offers SET stock_left = stock_left - 1 WHERE id = {id}", offer).await?;
    scene.expect("redemption_is_posted_once", cancelled).await
}

async fn a_voucher_paid_twice_or_never(stage: Stage) -> Outcome {
    const INVARIANT: &str = "voucher_is_paid_once";
    let scene = Scene::set(stage).await?;
    let used = scene.used.get();
    scene.break_rows("UPDATE vouchers SET status = 'live' WHERE id = {id}", used).await?;
    scene.expect(INVARIANT, used).await?;
    scene.break_rows("UPDATE vouchers SET status = 'used' WHERE id = {id}", used).await?;
    assert_eq!(broken(&scene.stage).await?, BTreeMap::new());
    let payable = Amounts::payable(Fen::new(7));
    scene.post(JournalKind::Use, scene.town.merchant.get(), payable, used).await?;
    scene.expect(INVARIANT, used).await
}

async fn a_payable_without_a_voucher(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    let merchant = scene.town.merchant.get();
    scene.post(JournalKind::Use, merchant, Amounts::payable(Fen::new(500)), id(4_711)).await?;
    scene.expect("payable_has_its_voucher", merchant).await
}

async fn no_more_than_twenty_rows_are_named(stage: Stage) -> Outcome {
    let scene = Scene::set(stage).await?;
    for day in 1..=25 {
        let sql = format!("INSERT INTO lots VALUES ({{id}}, {day}, 0, 3, 2, 0)");
        scene.break_rows(&sql, scene.saver.get()).await?;
    }
    let snapshot = scene.stage.database.snapshot().await?;
    let found = audit::check(&snapshot, "lot_is_granted_minus_taken", |_, _| {}).await?;
    assert_eq!((found.named.len(), found.total), (20, 25), "all are counted");
    Ok(())
}

/// Two thousand owners make a range; what is wrong is found in each.
async fn many_owners_are_walked_in_ranges(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 4_500).await?;
    for place in [0, 2_250, 4_499] {
        let id = match stage.engine {
            tanhui_tests::Engine::Postgres => format!("'{}'", town.citizen(place)?),
            tanhui_tests::Engine::Sqlite => format!("x'{}'", town.citizen(place)?.get().simple()),
        };
        stage.raw.execute(&format!("UPDATE accounts SET points = 1 WHERE owner_id = {id}")).await?;
    }
    let snapshot = stage.database.snapshot().await?;
    let mut told = Vec::new();
    let tell = |done, of| told.push((done, of));
    let found = audit::check(&snapshot, "balance_is_the_sum_of_postings", tell).await?;
    assert_eq!((found.named.len(), found.total, told), (3, 3, vec![(0, 3), (1, 3), (2, 3)]));
    Ok(())
}

async fn an_unknown_invariant_is_refused(stage: Stage) -> Outcome {
    let snapshot = stage.database.snapshot().await?;
    let refused = audit::check(&snapshot, "nothing", |_, _| {}).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    Ok(())
}
