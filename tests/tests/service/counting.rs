//! Rules that count more than one citizen's own acts: look backs, gates, budgets, campaigns.

use chrono::TimeDelta;
use tanhui_domain::amount::Points;
use tanhui_domain::id::CitizenId;
use tanhui_domain::office::Actor;
use tanhui_domain::text::Text;
use tanhui_service::crediting::{EventResult, EventStatus};
use tanhui_service::{activity, reversal, review};
use tanhui_store::citizen;
use tanhui_tests::{Outcome, Programme, Stage, each_database, publish, rules_from};
use tokio::task::JoinSet;

each_database!(
    a_budget_holds_under_eight_callers_and_gets_back_what_is_reversed,
    a_look_back_sees_refused_readings_of_earlier_days,
    a_gate_counts_whoever_passes,
    a_campaign_pays_its_district_until_it_is_dry,
    a_card_has_its_place_again_after_a_reversal_and_a_release,
);

const RULES: &str = include_str!("../../src/state.yaml");

/// A programme whose city has the rules that count.
async fn start(stage: &Stage) -> Outcome<Programme> {
    let programme = Programme::start(stage).await?;
    stage.clock.advance(TimeDelta::seconds(1));
    publish(&programme.services, &rules_from("testcity", RULES)?).await?;
    Ok(programme)
}

async fn report(
    programme: &Programme,
    (id, card, action): (&str, &str, &str),
    inputs: &[(&str, &str)],
) -> Outcome<EventResult> {
    let report = programme.report_of(&programme.ride(id, card, 0), action, inputs)?;
    let answered = programme.services.crediting.credit(vec![report]).await?.pop();
    Ok(answered.ok_or("no answer")?)
}

async fn walk(programme: &Programme, id: &str, card: &str, gate: &str) -> Outcome<EventResult> {
    report(programme, (id, card, "walk"), &[("gate", &format!("\"{gate}\""))]).await
}

fn points(result: &EventResult) -> i64 {
    result.points.map_or(0, Points::get)
}

async fn a_budget_holds_under_eight_callers_and_gets_back_what_is_reversed(stage: Stage) -> Outcome {
    let programme = start(&stage).await?;
    let cards: Vec<String> = (0..8).map(|number| format!("card{number}")).collect();
    for card in &cards {
        programme.enroll(card).await?;
    }
    programme.enroll("spare").await?;
    let mut callers = JoinSet::new();
    for card in cards {
        let programme = programme.clone();
        callers.spawn_local(async move { three_walks(&programme, &card).await });
    }
    let mut answered = Vec::new();
    while let Some(caller) = callers.join_next().await {
        answered.extend(caller??);
    }
    assert_eq!(answered.iter().map(points).sum::<i64>(), 100, "{answered:?}");
    let dry = answered.iter().filter(|result| result.code.as_deref() == Some("budget_exhausted")).count();
    assert_eq!((answered.len(), dry), (24, 19));
    let paid = answered.iter().find(|result| points(result) == 20).and_then(|result| result.activity);
    let (actor, reason) = (Actor::Source(programme.source.id), Text::new("误报", "sent by mistake"));
    let services = &programme.services;
    reversal::reverse(services, &programme.city, paid.ok_or("nobody was paid")?, actor, &reason).await?;
    assert_eq!(points(&walk(&programme, "more", "spare", "spare").await?), 20);
    assert_eq!(points(&walk(&programme, "last", "spare", "spare").await?), 0);
    stage.clock.set("2026-04-02T00:00:00Z".parse()?);
    assert_eq!(points(&walk(&programme, "april", "spare", "spare").await?), 20);
    programme.stop().await
}

async fn three_walks(programme: &Programme, card: &str) -> Outcome<Vec<EventResult>> {
    let mut answered = Vec::new();
    for number in 0..3 {
        answered.push(walk(programme, &format!("{card}-{number}"), card, card).await?);
    }
    Ok(answered)
}

async fn a_look_back_sees_refused_readings_of_earlier_days(stage: Stage) -> Outcome {
    let programme = start(&stage).await?;
    let citizen = programme.enroll("card").await?;
    let mut told = Vec::new();
    for (id, used) in [("a", "10.0"), ("b", "20.0"), ("c", "5.0"), ("d", "9.0")] {
        let result = report(&programme, (id, "card", "meter"), &[("used_kWh", used)]).await?;
        told.push((result.status, points(&result)));
        stage.clock.advance(TimeDelta::days(1));
    }
    let (refused, credited) = (EventStatus::Rejected, EventStatus::Credited);
    // The third looks back at 10 and 20, the fourth at 10, 20 and 5.
    assert_eq!(told, [(refused, 0), (refused, 0), (credited, 10), (credited, 2)]);
    let batch = ["e", "f"]
        .map(|id| programme.report_of(&programme.ride(id, "card", 0), "meter", &[("used_kWh", "1.0")]));
    let batch: Outcome<Vec<_>> = batch.into_iter().collect();
    let results = programme.services.crediting.credit(batch?).await?;
    assert_eq!(results.iter().map(points).collect::<Vec<_>>(), [10, 10], "both look at earlier days only");
    for named in activity::page(&programme.services, citizen, None, 9).await? {
        let told = activity::explain(&programme.services, citizen, named.activity.id).await?;
        assert_eq!(told.ok_or("not told")?.0.points, named.activity.points.get());
    }
    programme.stop().await
}

async fn a_gate_counts_whoever_passes(stage: Stage) -> Outcome {
    let programme = start(&stage).await?;
    for card in ["one", "two"] {
        programme.enroll(card).await?;
    }
    let mut given = Vec::new();
    for (id, card, gate) in
        [("a", "one", "g1"), ("b", "two", "g1"), ("c", "one", "g1"), ("d", "two", "g1"), ("e", "two", "g2")]
    {
        given.push(points(&walk(&programme, id, card, gate).await?));
    }
    assert_eq!(given, [20, 20, 20, 0, 20]);
    programme.stop().await
}

async fn live_in(stage: &Stage, id: CitizenId, district: &str) -> Outcome {
    let on = stage.database.begin().await?;
    let found = citizen::find(&on, id).await?.ok_or("no citizen")?;
    citizen::update(&on, &tanhui_domain::city::Citizen { district: Some(district.to_owned()), ..found })
        .await?;
    Ok(on.commit().await?)
}

async fn a_campaign_pays_its_district_until_it_is_dry(stage: Stage) -> Outcome {
    let programme = start(&stage).await?;
    let (south, north) = (programme.enroll("south").await?, programme.enroll("north").await?);
    live_in(&stage, south, "south").await?;
    live_in(&stage, north, "north").await?;
    let mut given = Vec::new();
    for (id, card) in [("a", "south"), ("b", "north"), ("c", "south"), ("d", "south"), ("e", "south")] {
        given.push(points(&report(&programme, (id, card, "swim"), &[]).await?));
    }
    assert_eq!(given, [30, 10, 30, 20, 10], "20 more for each of the south, 50 in all");
    programme.stop().await
}

async fn row(programme: &Programme, id: &str) -> Outcome<EventResult> {
    report(programme, (id, "card", "row"), &[("strokes_item", "9")]).await
}

/// Acts of one card share its cap, also one that a reviewer released; a reversed one makes room again.
async fn a_card_has_its_place_again_after_a_reversal_and_a_release(stage: Stage) -> Outcome {
    let programme = start(&stage).await?;
    programme.enroll("card").await?;
    let services = &programme.services;
    let held = report(&programme, ("a", "card", "row"), &[("strokes_item", "900")]).await?;
    assert_eq!(held.status, EventStatus::Held);
    let (id, by) = (held.activity.ok_or("no activity")?, CitizenId::new(tanhui_tests::id(1)));
    let reason = Text::new("属实", "it is true");
    let verdict = (review::Verdict::Release, &reason);
    let released = review::decide(services, &programme.city, id, by, verdict).await?;
    assert_eq!(released.points.get(), 10);
    assert_eq!(points(&row(&programme, "b").await?), 10);
    programme.expect_clean_books().await?;
    let actor = Actor::Source(programme.source.id);
    reversal::reverse(services, &programme.city, id, actor, &reason).await?;
    programme.expect_clean_books().await?;
    assert_eq!(points(&row(&programme, "c").await?), 10, "the reversed one makes room");
    assert_eq!(points(&row(&programme, "d").await?), 0, "two a day");
    programme.stop().await
}
