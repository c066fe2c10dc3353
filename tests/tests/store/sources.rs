//! Sources, partner keys, bindings, events that wait for a binding, rule sets.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use tanhui_domain::id::{ActivityId, BindingId, CitizenId, SourceId};
use tanhui_domain::rule::Evidence;
use tanhui_store::binding::{self, NewBinding};
use tanhui_store::waiting::{self, FIRST_WAITING, WaitingEvent};
use tanhui_store::{StoreError, activity, rule_set, source};
use tanhui_tests::{Outcome, Stage, Town, each_database, subject};

each_database!(
    a_source_is_found_by_row_uri_and_key,
    a_uri_and_a_key_are_taken_once,
    a_subject_has_one_owner_until_the_binding_ends,
    owners_are_found_per_source,
    only_its_citizen_ends_a_binding,
    two_citizens_cannot_bind_a_subject_at_once,
    events_wait_until_their_subject_is_bound,
    a_waiting_event_is_kept_once,
    rule_sets_come_in_order_of_effect,
);

fn bind(stage: &Stage, citizen: CitizenId, source: SourceId, number: u64) -> NewBinding {
    NewBinding {
        id: BindingId::new(stage.ids.next()),
        citizen,
        source,
        subject: subject(number),
        subject_hint: format!("{number:04}"),
    }
}

async fn a_source_is_found_by_row_uri_and_key(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    let found = source::find(&stage.database, town.source).await?.ok_or("no source")?;
    assert_eq!((found.uri.as_str(), found.city), ("urn:testcity:metro", town.city.id));
    assert_eq!(source::find_by_uri(&stage.database, &found.uri).await?, Some(found.clone()));
    assert_eq!(source::list(&stage.database).await?, std::slice::from_ref(&found));
    assert_eq!(source::find(&stage.database, SourceId::new(99)).await?, None);
    let transaction = stage.database.begin().await?;
    source::insert_key(&transaction, b"key", town.source, stage.now()).await?;
    transaction.commit().await?;
    assert_eq!(source::find_by_key(&stage.database, b"key").await?, Some(found));
    assert_eq!(source::find_by_key(&stage.database, b"other").await?, None);
    stage.raw.execute("UPDATE partner_keys SET revoked_at_us = 1").await?;
    assert_eq!(source::find_by_key(&stage.database, b"key").await?, None, "a revoked key speaks for nobody");
    Ok(())
}

async fn a_uri_and_a_key_are_taken_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    let on = stage.database.begin().await?;
    let uri = "urn:testcity:metro";
    let again = source::insert(&on, town.city.id, uri, "Metro", Evidence::Operator, stage.now()).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    drop(on);
    let on = stage.database.begin().await?;
    source::insert_key(&on, b"key", town.source, stage.now()).await?;
    let again = source::insert_key(&on, b"key", town.source, stage.now()).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    drop(on);
    let on = stage.database.begin().await?;
    let nobody = source::insert_key(&on, b"new", SourceId::new(99), stage.now()).await;
    assert!(matches!(nobody, Err(StoreError::Constraint(_))), "{nobody:?}");
    Ok(())
}

async fn a_subject_has_one_owner_until_the_binding_ends(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let (one, other) = (town.citizen(0)?, town.citizen(1)?);
    let first = bind(&stage, one, town.source, 1);
    let second = bind(&stage, other, town.source, 1);
    let on = stage.database.begin().await?;
    binding::insert_many(&on, &[first.clone(), bind(&stage, one, town.source, 2)], stage.now()).await?;
    on.commit().await?;

    let on = stage.database.begin().await?;
    let taken = binding::insert_many(&on, std::slice::from_ref(&second), stage.now()).await;
    assert!(matches!(taken, Err(StoreError::Exists(_))), "{taken:?}");
    drop(on);

    let on = stage.database.begin().await?;
    assert!(binding::end(&on, first.id, one, stage.now()).await?);
    binding::insert_many(&on, &[second], stage.now()).await?;
    on.commit().await?;
    let owners = binding::owners(&stage.database, town.source, &[subject(1), subject(2), subject(3)]).await?;
    assert_eq!(owners, HashMap::from([(subject(1), other), (subject(2), one)]));
    let list = binding::list(&stage.database, one).await?;
    assert_eq!(list.iter().map(|binding| binding.subject_hint.as_str()).collect::<Vec<_>>(), ["0002"]);
    Ok(())
}

async fn owners_are_found_per_source(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let (one, other) = (town.citizen(0)?, town.citizen(1)?);
    let on = stage.database.begin().await?;
    let bus = source::insert(&on, town.city.id, "urn:bus", "Bus", Evidence::Operator, stage.now()).await?;
    let both = [bind(&stage, one, town.source, 1), bind(&stage, other, bus, 1)];
    binding::insert_many(&on, &both, stage.now()).await?;
    on.commit().await?;
    for (source, owner) in [(town.source, one), (bus, other)] {
        let owners = binding::owners(&stage.database, source, &[subject(1)]).await?;
        assert_eq!(owners, HashMap::from([(subject(1), owner)]));
    }
    assert!(binding::owners(&stage.database, bus, &[]).await?.is_empty());
    Ok(())
}

async fn only_its_citizen_ends_a_binding(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let made = bind(&stage, town.citizen(0)?, town.source, 1);
    let on = stage.database.begin().await?;
    binding::insert_many(&on, std::slice::from_ref(&made), stage.now()).await?;
    assert!(!binding::end(&on, made.id, town.citizen(1)?, stage.now()).await?);
    assert!(binding::end(&on, made.id, town.citizen(0)?, stage.now()).await?);
    assert!(!binding::end(&on, made.id, town.citizen(0)?, stage.now()).await?, "it has ended before");
    Ok(())
}

async fn two_citizens_cannot_bind_a_subject_at_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let other = stage.another_process().await?;
    let attempt = async |database: &tanhui_store::Database, number: usize| -> Outcome<bool> {
        let on = database.begin().await?;
        let wanted = bind(&stage, town.citizen(number)?, town.source, 1);
        match binding::insert_many(&on, &[wanted], stage.now()).await {
            Ok(()) => on.commit().await?,
            Err(StoreError::Exists(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    };
    let (one, two) = tokio::join!(attempt(&stage.database, 0), attempt(&other, 1));
    assert!(one? ^ two?, "exactly one of them binds");
    other.close().await?;
    Ok(())
}

fn event(stage: &Stage, town: &Town, external_id: &str, number: u64, minutes: i64) -> WaitingEvent {
    WaitingEvent {
        id: ActivityId::derive(town.source, external_id),
        source: town.source,
        subject: subject(number),
        external_id: external_id.to_owned(),
        action: "metro-ride".to_owned(),
        data: r#"{"distance_km":"4.2","站":"福田 \"口岸\""}"#.to_owned(),
        occurred_at: stage.now() + TimeDelta::minutes(minutes),
    }
}

async fn events_wait_until_their_subject_is_bound(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let citizen = town.citizen(0)?;
    let events = [("late", 1, 5), ("early", 1, -5), ("foreign", 2, 0)]
        .map(|(external_id, number, minutes)| event(&stage, &town, external_id, number, minutes));
    let on = stage.database.begin().await?;
    waiting::insert_many(&on, &events, stage.now()).await?;
    on.commit().await?;
    assert_eq!(waiting::count(&stage.database).await?, 3);
    assert!(waiting::now_bound(&stage.database, FIRST_WAITING, 10).await?.is_empty());

    let made = bind(&stage, citizen, town.source, 1);
    let on = stage.database.begin().await?;
    binding::insert_many(&on, std::slice::from_ref(&made), stage.now()).await?;
    on.commit().await?;
    let found = waiting::now_bound(&stage.database, FIRST_WAITING, 10).await?;
    let names: Vec<_> = found.iter().map(|(event, who)| (event.external_id.as_str(), *who)).collect();
    assert_eq!(names, [("early", citizen), ("late", citizen)], "what happened first comes first");
    let (first, _) = found.first().ok_or("nothing found")?;
    let [_, early, _] = &events;
    assert_eq!((&first.data, first.occurred_at), (&early.data, early.occurred_at));
    assert_eq!(waiting::now_bound(&stage.database, FIRST_WAITING, 1).await?.len(), 1);

    let on = stage.database.begin().await?;
    let ids: Vec<ActivityId> = events.iter().map(|event| event.id).collect();
    waiting::delete_many(&on, &ids).await?;
    assert_eq!(waiting::count(&on).await?, 3, "none of them is an activity");
    activity::claim(&on, &[(early.id, citizen)], stage.now()).await?;
    waiting::delete_many(&on, &ids).await?;
    assert_eq!(waiting::count(&on).await?, 2);
    binding::end(&on, made.id, citizen, stage.now()).await?;
    assert!(waiting::now_bound(&on, FIRST_WAITING, 10).await?.is_empty(), "an ended binding binds nothing");
    Ok(())
}

async fn a_waiting_event_is_kept_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    let old = event(&stage, &town, "old", 1, 0);
    let new = event(&stage, &town, "new", 1, 0);
    let on = stage.database.begin().await?;
    let first = waiting::insert_many(&on, std::slice::from_ref(&old), stage.now()).await?;
    assert_eq!(first, HashSet::from([old.id]));
    let changed = WaitingEvent { data: "{}".to_owned(), ..old.clone() };
    let second = waiting::insert_many(&on, &[changed, new.clone()], stage.now()).await?;
    assert_eq!(second, HashSet::from([new.id]), "the old one is left alone");
    assert_eq!(waiting::count(&on).await?, 2);
    on.commit().await?;
    let kept = stage.raw.number("SELECT COUNT(*) FROM waiting_events WHERE data = '{}'").await?;
    assert_eq!(kept, 0);
    Ok(())
}

async fn rule_sets_come_in_order_of_effect(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    let newest = rule_set::newest(&stage.database).await?;
    let on = stage.database.begin().await?;
    let city = town.city.id;
    let from = stage.now() - TimeDelta::days(1);
    let id = rule_set::insert(&on, city, b"earlier", "规则: [1]", from, stage.now()).await?;
    on.commit().await?;
    assert!(rule_set::newest(&stage.database).await? > newest);
    let list = rule_set::list(&stage.database).await?;
    assert_eq!(list.iter().map(|set| set.id).collect::<Vec<_>>(), [id, town.rule_set]);
    assert_eq!(list.first().map(|set| (set.bundle.as_str(), set.effective_from)), Some(("规则: [1]", from)));
    let on = stage.database.begin().await?;
    let again = rule_set::insert(&on, city, b"earlier", "", from, stage.now()).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    Ok(())
}
