//! Scans that tills made without a network: the first to arrive wins, and each counts once.

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::amount::Fen;
use tanhui_domain::id::{CitizenId, MerchantId, RedemptionId};
use tanhui_domain::merchant::{Staff, StaffRole};
use tanhui_service::reconcile::{self, AHEAD, ScanError, Taken, Told, WITHIN};
use tanhui_service::till::{self, TillError};
use tanhui_service::{audit, office, pass, redemption};
use tanhui_store::{account, voucher};
use tanhui_tests::{Outcome, Stage, each_database};

use crate::shop::Shop;

each_database!(
    a_scan_is_taken_once_however_often_it_is_told,
    the_first_scan_to_arrive_wins,
    two_tills_tell_their_scans_at_once,
    a_scan_before_a_cancellation_is_a_conflict,
    a_scan_counts_within_its_time,
    the_worker_that_ends_vouchers_waits_for_late_scans,
    what_is_not_ours_is_refused_each_in_its_way,
    old_keys_count_until_they_are_revoked,
    the_audit_names_a_scan_that_used_nothing,
);

/// A shop with a person at its till and a buyer.
struct Scene {
    shop: Shop,
    buyer: CitizenId,
    staff: Staff,
}

impl Scene {
    async fn set(stage: &Stage) -> Outcome<Self> {
        let shop = Shop::open(stage, 100, None).await?;
        let buyer = shop.citizen("card", 100).await?;
        let staff = staff(buyer, shop.merchant);
        Ok(Self { shop, buyer, staff })
    }

    /// Buys one and gives what its QR code says.
    async fn payload(&self) -> Outcome<(RedemptionId, String)> {
        let id = self.shop.buy(self.buyer, 1).await?;
        let services = &self.shop.programme.services;
        let bought = voucher::of_redemption(&services.database, id).await?.pop().ok_or("no voucher")?;
        Ok((id, services.passes.sign(&bought, services.clock.now()).ok_or("not signed")?))
    }

    async fn tell(&self, payload: &str, scanned_at: DateTime<Utc>) -> Result<Taken, ScanError> {
        tell(&self.shop, &self.staff, payload, scanned_at).await
    }

    async fn owed(&self) -> Outcome<Fen> {
        let database = &self.shop.programme.services.database;
        let account = account::find(database, self.shop.merchant.into()).await?.ok_or("no account")?;
        Ok(account.balance.payable)
    }

    async fn conflicts(&self) -> Outcome<Vec<String>> {
        let services = &self.shop.programme.services;
        let found = reconcile::conflicts(services, self.shop.merchant, None, 100).await?;
        Ok(found.into_iter().map(|conflict| conflict.scan.outcome).collect())
    }
}

fn staff(citizen: CitizenId, merchant: MerchantId) -> Staff {
    Staff { citizen, merchant, role: StaffRole::Cashier, label: String::new(), branch: None }
}

async fn tell(
    shop: &Shop,
    staff: &Staff,
    payload: &str,
    scanned_at: DateTime<Utc>,
) -> Result<Taken, ScanError> {
    let told = Told { read: payload.to_owned(), scanned_at, branch: None };
    reconcile::reconcile(&shop.programme.services, &shop.programme.city, staff, &told).await
}

fn refused(outcome: Result<Taken, ScanError>) -> Outcome<TillError> {
    match outcome {
        Err(ScanError::Till(error)) => Ok(error),
        other => Err(format!("{other:?}").into()),
    }
}

async fn a_scan_is_taken_once_however_often_it_is_told(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let (_, payload) = scene.payload().await?;
    let scanned_at = stage.now();
    stage.clock.advance(TimeDelta::hours(3));
    let taken = scene.tell(&payload, scanned_at).await?;
    assert_eq!((taken.again, taken.checked.voucher.used_at), (false, Some(stage.now())));
    stage.clock.advance(TimeDelta::minutes(1));
    assert!(scene.tell(&payload, scanned_at).await?.again);
    assert_eq!(scene.owed().await?, Fen::new(500));
    // Voided at the till: the scan was taken, and is not taken again.
    let (services, city) = (&scene.shop.programme.services, &scene.shop.programme.city);
    till::void(services, city, &scene.shop.till(scene.buyer), &payload).await?;
    assert!(scene.tell(&payload, scanned_at).await?.again);
    assert_eq!((scene.owed().await?, scene.conflicts().await?), (Fen::ZERO, Vec::new()));
    scene.shop.programme.stop().await
}

async fn the_first_scan_to_arrive_wins(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let (_, payload) = scene.payload().await?;
    let first = stage.now();
    stage.clock.advance(TimeDelta::minutes(10));
    // Scanned later, and here earlier.
    scene.tell(&payload, stage.now()).await?;
    let late = refused(scene.tell(&payload, first).await)?;
    assert!(matches!(late, TillError::Used { used_at, .. } if used_at == stage.now()), "{late:?}");
    refused(scene.tell(&payload, first).await)?;
    assert_eq!(scene.conflicts().await?, ["voucher_used"], "told twice, kept once");
    assert_eq!(scene.owed().await?, Fen::new(500));
    scene.shop.programme.stop().await
}

async fn two_tills_tell_their_scans_at_once(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let other = scene.shop.elsewhere(&stage).await?;
    let first = stage.now();
    stage.clock.advance(TimeDelta::minutes(10));
    for round in 1..=4 {
        let (_, payload) = scene.payload().await?;
        let second = first + TimeDelta::seconds(round);
        let told = tokio::join!(
            scene.tell(&payload, first),
            tell(&other, &scene.staff, &payload, second),
            // The same scan over two lines.
            tell(&other, &scene.staff, &payload, first),
        );
        let (one, two, three) = told;
        assert_eq!(one.is_ok(), three.is_ok(), "{one:?} {three:?}");
        assert!(one.is_ok() ^ two.is_ok(), "{one:?} {two:?}");
        assert_eq!(scene.owed().await?, Fen::new(500 * round));
    }
    other.programme.stop().await?;
    scene.shop.programme.stop().await
}

async fn a_scan_before_a_cancellation_is_a_conflict(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let (id, payload) = scene.payload().await?;
    let scanned_at = stage.now();
    stage.clock.advance(TimeDelta::minutes(1));
    scene.shop.give_back(scene.buyer, id).await?;
    let late = refused(scene.tell(&payload, scanned_at).await)?;
    assert!(matches!(late, TillError::Cancelled), "{late:?}");
    assert_eq!(
        (scene.owed().await?, scene.conflicts().await?),
        (Fen::ZERO, vec!["voucher_cancelled".to_owned()])
    );
    assert_eq!(scene.shop.points(scene.buyer).await?, 100);
    scene.shop.programme.stop().await
}

async fn a_scan_counts_within_its_time(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let (_, payload) = scene.payload().await?;
    let end = stage.now() + TimeDelta::days(30);
    let tick = TimeDelta::microseconds(1);
    for (now, scanned_at, taken) in [
        (end, end + AHEAD + tick, "ahead"),
        (end + AHEAD, end + AHEAD, "expired"),
        (end, end, "expired"),
        (end - tick + WITHIN, end - tick - tick, "old"),
        (end - tick + WITHIN, end - tick, "used"),
    ] {
        stage.clock.set(now);
        let outcome = match scene.tell(&payload, scanned_at).await {
            Ok(_) => "used",
            Err(ScanError::Ahead) => "ahead",
            Err(ScanError::TooOld) => "old",
            Err(ScanError::Till(TillError::Expired { .. })) => "expired",
            Err(error) => return Err(error.into()),
        };
        assert_eq!(outcome, taken, "at {now} of {scanned_at}");
    }
    assert_eq!((scene.owed().await?, scene.conflicts().await?), (Fen::new(500), Vec::new()));
    scene.shop.programme.stop().await
}

async fn the_worker_that_ends_vouchers_waits_for_late_scans(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let services = &scene.shop.programme.services;
    let (payload, late) = (scene.payload().await?.1, scene.payload().await?.1);
    stage.clock.advance(TimeDelta::days(30) + WITHIN - TimeDelta::seconds(1));
    assert_eq!(redemption::expire_vouchers(services).await?, 0);
    let in_time = stage.now() - WITHIN;
    assert!(scene.tell(&payload, in_time).await.is_ok(), "scanned in its last second");
    stage.clock.advance(TimeDelta::seconds(1));
    assert_eq!(redemption::expire_vouchers(services).await?, 1);
    let refused = scene.tell(&late, in_time).await;
    assert!(matches!(refused, Err(ScanError::TooOld)), "{refused:?}");
    assert_eq!(scene.owed().await?, Fen::new(500));
    scene.shop.programme.stop().await
}

async fn what_is_not_ours_is_refused_each_in_its_way(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let (_, payload) = scene.payload().await?;
    let (services, city) = (&scene.shop.programme.services, &scene.shop.programme.city);
    let mut forged = payload.clone();
    forged.replace_range(20..21, if payload.get(20..21) == Some("A") { "B" } else { "A" });
    let neighbour = office::create_merchant(services, city, "邻店").await?;
    let theirs = staff(scene.buyer, neighbour);
    for (staff, read, expected) in [
        (&scene.staff, forged.as_str(), "Forged"),
        (&scene.staff, "TH1.NOTONE", "Unreadable"),
        (&scene.staff, "https://example.org/", "Unreadable"),
        (&theirs, payload.as_str(), "Elsewhere"),
    ] {
        let error = refused(tell(&scene.shop, staff, read, stage.now()).await)?;
        assert_eq!(format!("{error:?}"), expected, "{read}");
        if read.starts_with("TH1.") {
            let error = till::check(services, staff.merchant, read).await.err().ok_or("taken")?;
            assert_eq!(format!("{error:?}"), expected, "{read}");
        }
    }
    assert_eq!((scene.owed().await?, scene.conflicts().await?), (Fen::ZERO, Vec::new()));
    till::check(services, scene.shop.merchant, &payload.to_lowercase()).await?;
    scene.shop.programme.stop().await
}

async fn old_keys_count_until_they_are_revoked(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let other = scene.shop.elsewhere(&stage).await?;
    let (_, first) = scene.payload().await?;
    let services = &scene.shop.programme.services;
    let next = pass::rotate(services, false).await?;
    assert_eq!(next.signs_from, stage.now() + pass::PUBLISHED_BEFORE);
    assert_eq!(services.passes.public().len(), 2, "published before it signs");
    let (_, before) = scene.payload().await?;
    assert_eq!(first.get(..10), before.get(..10), "still the first key");
    stage.clock.advance(pass::PUBLISHED_BEFORE);
    let (_, after) = scene.payload().await?;
    assert_ne!(first.get(..10), after.get(..10), "the next key");
    // The other process has not heard of it, and looks.
    tell(&other, &scene.staff, &after, stage.now()).await?;
    scene.tell(&first, stage.now()).await?;
    pass::rotate(services, true).await?;
    let revoked = refused(scene.tell(&before, stage.now()).await)?;
    assert!(matches!(revoked, TillError::Forged), "{revoked:?}");
    other.programme.services.passes.refresh(&other.programme.services.database).await?;
    let revoked = refused(tell(&other, &scene.staff, &before, stage.now()).await)?;
    assert!(matches!(revoked, TillError::Forged), "{revoked:?}");
    assert_eq!(services.passes.public().len(), 1);
    other.programme.stop().await?;
    scene.shop.programme.stop().await
}

async fn the_audit_names_a_scan_that_used_nothing(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let (_, payload) = scene.payload().await?;
    scene.tell(&payload, stage.now()).await?;
    let moved = "UPDATE voucher_scans SET arrived_at_us = arrived_at_us + 1";
    assert_eq!(stage.raw.execute(moved).await?, 1);
    let services = &scene.shop.programme.services;
    let found = audit::run(&services.database, |_| {}).await?;
    let broken: Vec<_> = found.broken.keys().copied().collect();
    assert_eq!(broken, ["scan_taken_has_its_use"], "{found:?}");
    Ok(services.stop().await?)
}
