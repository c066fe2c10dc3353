//! A simulation gives what the service gave, from the sources' own lines and from the database.

use std::collections::HashMap;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::rule::{Evidence, RuleSet, SourceFile};
use tanhui_domain::simulation::{Count, Report, Schema};
use tanhui_domain::time::civil_day;
use tanhui_service::cache::Cache;
use tanhui_service::crediting::{EventResult, EventStatus};
use tanhui_service::payout::{self, Paid};
use tanhui_service::simulation::{
    Keeper, Kept, Phase, Reading, Stored, play, read_districts, read_ndjson, read_stored,
};
use tanhui_service::{statement, worker};
use tanhui_store::citizen;
use tanhui_tests::{Outcome, Programme, Stage, each_database, publish, rules_from};

each_database!(
    a_simulation_gives_what_the_service_gave,
    points_that_wait_are_paid_in_a_simulation_as_they_were,
    an_act_that_waited_for_its_subject_was_in_time,
);

const RULES: &str = include_str!("../../src/state.yaml");
const RIDE: &str = "
  ride:
    name: {zh: 乘车, en: Ride}
    category: travel
    note: {zh: 只计积分, en: Points only}
    inputs:
      distance: {unit: km, decimals: 1, min: 0.5, max: 60}
      minutes: {unit: min, decimals: 0, min: 1, max: 180}
      ticket: {type: id, default: none}
    evidence: {operator: 100%}
    eligible:
      - {when: distance >= 1 km, else: {zh: 太近, en: Too near}}
    hold:
      - {when: distance > minutes * 2 km/min, reason: {zh: 速度不合常理, en: Implausibly fast}}
    points_only: true
    points: distance * 3 pt/km, rounded down to 1 pt
    caps: [{limit: 150 pt, per: day}, {limit: 3 times, per: day, of: binding}, {limit: 40 km, per: week}]
    same_act: {group: travel, lasts: minutes, overlap: 1 min, trip: ticket}
campaigns:";

const CARDS: [&str; 5] = ["one", "two", "three", "four", "five"];

fn rules(text: &str) -> Outcome<RuleSet> {
    let text = text.replace("CITY", "testcity").replacen("\ncampaigns:", RIDE, 1);
    let file = SourceFile { name: "testcity.yaml".to_owned(), text };
    Ok(RuleSet::compile(&file, &[]).map_err(|diagnostics| format!("{diagnostics:?}"))?)
}

/// One event in every form.
struct Event {
    card: &'static str,
    action: &'static str,
    data: Vec<(&'static str, String)>,
    at: DateTime<Utc>,
}

fn event(place: i64, from: DateTime<Utc>) -> Event {
    let of = |most: i64| place * 7_919 / 13 % most;
    let card = usize::try_from(of(5)).ok().and_then(|place| CARDS.get(place)).copied().unwrap_or("one");
    let (action, data) = match of(8) {
        0 | 1 => ("walk", vec![("gate", format!("\"g{}\"", of(3)))]),
        2 => ("meter", vec![("used_kWh", format!("{}.{}", 5 + of(20), of(10)))]),
        3 => ("swim", vec![]),
        kind => {
            let ticket = (kind == 7).then(|| ("ticket", format!("\"t{}\"", place / 9)));
            let (km, minutes) = (format!("{}.{}", of(30), 5 + of(5)), (1 + of(45)).to_string());
            let rest = [("distance_km", km), ("minutes_min", minutes)];
            ("ride", rest.into_iter().chain(ticket).collect())
        }
    };
    Event { card, action, data, at: from + TimeDelta::minutes(place * 23) }
}

fn line(place: i64, event: &Event, source: &str) -> String {
    let members: Vec<String> = event.data.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    let (subject, action, at) = (event.card, event.action, event.at.to_rfc3339());
    let head = format!(r#""specversion":"1.0","id":"{place}","source":"{source}","subject":"{subject}""#);
    let data = members.join(",");
    format!(r#"{{{head},"type":"activity.{action}","time":"{at}","data":{{{data}}}}}"#)
}

fn note(count: &mut Count, result: &EventResult) {
    let place = match result.status {
        EventStatus::Credited => &mut count.credited,
        EventStatus::Held => &mut count.held,
        EventStatus::Duplicate => &mut count.told_again,
        EventStatus::Rejected | EventStatus::Pending => &mut count.refused,
    };
    *place += 1;
    count.points += i128::from(result.points.map_or(0, Points::get));
    count.reduction_mg += i128::from(result.reduction.map_or(0, ReductionMg::get));
}

fn told(count: &Count) -> (u64, u64, u64, u64, i128, i128) {
    let Count { credited, refused, held, told_again, points, reduction_mg, .. } = *count;
    (credited, refused, held, told_again, points, reduction_mg)
}

fn quiet(_: Phase, _: u64, _: u64) {}

fn from_lines(text: &str, in_force: &RuleSet, draft: &RuleSet) -> Outcome<(Report, u64)> {
    let folder = tempfile::tempdir()?;
    let (events, homes) = (folder.path().join("events.ndjson"), folder.path().join("homes.csv"));
    std::fs::write(&events, text)?;
    std::fs::write(&homes, "one,south\ntwo,south\nthree,north\n")?;
    let homes = read_districts(&homes)?;
    let schema = Schema::of(&[in_force, draft], vec!["north".to_owned(), "south".to_owned()])?;
    let mut reading = Reading::new(in_force, draft, &schema, Evidence::Operator, &homes);
    let mut keeper = Keeper::create(None, schema)?;
    read_ndjson(&mut reading, &events, &mut keeper, &quiet)?;
    let kept = keeper.finish()?;
    Ok((play(in_force, draft, &kept, &quiet)?, reading.unreadable))
}

async fn from_database(
    programme: &Programme,
    in_force: &RuleSet,
    draft: &RuleSet,
) -> Outcome<(Kept, Report)> {
    let services = &programme.services;
    let stored = Stored { city: &programme.city, from: None, to: None, keep: None };
    let rules = [in_force, draft];
    let kept = read_stored(&services.database, &services.rules, rules, stored, &quiet).await?;
    let report = play(in_force, draft, &kept, &quiet)?;
    Ok((kept, report))
}

async fn settle_in(stage: &Stage, programme: &Programme) -> Outcome {
    let homes = HashMap::from([("one", "south"), ("two", "south"), ("three", "north")]);
    for card in CARDS {
        let id = programme.enroll(card).await?;
        let on = stage.database.begin().await?;
        let found = citizen::find(&on, id).await?.ok_or("no citizen")?;
        let district = homes.get(card).map(|home| (*home).to_owned());
        citizen::update(&on, &tanhui_domain::city::Citizen { district, ..found }).await?;
        on.commit().await?;
    }
    Ok(())
}

async fn a_simulation_gives_what_the_service_gave(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    stage.clock.advance(TimeDelta::seconds(1));
    let (in_force, draft) = (rules(RULES)?, rules(&RULES.replace("limit: 100 pt", "limit: 60 pt"))?);
    publish(&programme.services, &in_force).await?;
    settle_in(&stage, &programme).await?;
    let from = stage.now();
    let (mut count, mut lines) = (Count::default(), String::new());
    for place in 0..400 {
        let event = event(place, from);
        stage.clock.set(event.at);
        writeln!(lines, "{}", line(place, &event, &programme.source.uri))?;
        let ride = programme.ride(&place.to_string(), event.card, 0);
        let data: Vec<(&str, &str)> =
            event.data.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let report = programme.report_of(&ride, event.action, &data)?;
        let results = programme.services.crediting.credit(vec![report]).await?;
        for result in &results {
            note(&mut count, result);
        }
    }
    assert!(count.credited > 100 && count.held > 0 && count.told_again > 0 && count.refused > 0, "{count:?}");
    let (report, unreadable) = from_lines(&lines, &in_force, &draft)?;
    let counts = report.totals.counts;
    // What cannot be read was refused, and is in no count of a simulation.
    let refused = counts.in_force.refused + unreadable;
    assert_eq!(told(&Count { refused, ..counts.in_force }), told(&count));
    assert!(counts.in_force.budget_exhausted > 0 && counts.in_force.capped > 0, "{counts:?}");
    assert!(counts.draft.points < counts.in_force.points);

    let (kept, stored) = from_database(&programme, &in_force, &draft).await?;
    assert_eq!(kept.events(), counts.in_force.credited + counts.in_force.refused + counts.in_force.held);
    let again = Count { told_again: 0, ..counts.in_force };
    assert_eq!(told(&stored.totals.counts.in_force), told(&again), "acts told again are not kept");
    assert_eq!(stored.districts.len(), 3, "north, south and nowhere");
    assert_eq!(stored.budgets, report.budgets);
    programme.stop().await
}

const WAITING: &str = include_str!("../../src/payout.yaml");

/// Walks queue and swims share; each seventh comes three weeks late. Gives what was paid and what was said.
async fn walk_and_swim(stage: &Stage, programme: &Programme) -> Outcome<(Paid, String)> {
    let (from, mut paid, mut lines, mut today) = (stage.now(), Paid::default(), String::new(), None);
    for place in 0..110_i64 {
        let came = from + TimeDelta::hours(place * 17);
        stage.clock.set(came);
        let day = civil_day(came, programme.city.timezone);
        if today.replace(day) != Some(day) {
            add(&mut paid, payout::pay(&programme.services).await?);
        }
        let (action, data) =
            if place % 2 == 0 { ("walk", vec![("gate", "\"g\"")]) } else { ("swim", vec![]) };
        let card = CARDS.get(usize::try_from(place % 5)?).copied().unwrap_or("one");
        let mut ride = programme.ride(&place.to_string(), card, 0);
        ride.at = came - TimeDelta::days(if place % 7 == 0 { 21 } else { 0 });
        programme.services.crediting.credit(vec![programme.report_of(&ride, action, &data)?]).await?;
        let said = data.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        let line = line(place, &Event { card, action, data: said, at: ride.at }, &programme.source.uri);
        let recorded = format!("{{\"recordedtime\":\"{}\",", came.to_rfc3339());
        writeln!(lines, "{}", line.replacen('{', &recorded, 1))?;
    }
    Ok((paid, lines))
}

fn add(paid: &mut Paid, more: Paid) {
    paid.acts += more.acts;
    paid.points = Points::new(paid.points.get() + more.points.get());
    paid.given_up = Points::new(paid.given_up.get() + more.given_up.get());
}

async fn points_that_wait_are_paid_in_a_simulation_as_they_were(stage: Stage) -> Outcome {
    let rules = rules_from("testcity", WAITING)?;
    let programme = Programme::start_under(&stage, &rules, Cache::memory(), 1).await?;
    let mut people = Vec::new();
    for card in CARDS {
        people.push(programme.enroll(card).await?);
    }
    let (mut paid, lines) = walk_and_swim(&stage, &programme).await?;
    assert!(paid.points > Points::ZERO && paid.given_up > Points::ZERO, "{paid:?}");
    let (_, stored) = from_database(&programme, &rules, &rules).await?;
    let (said, unreadable) = from_lines(&lines, &rules, &rules)?;
    // The days that share a budget are over in a simulation when its events are.
    stage.clock.advance(TimeDelta::days(31));
    add(&mut paid, payout::pay(&programme.services).await?);
    let mut given = 0;
    for citizen in people {
        given += statement::balance(&programme.services, citizen).await?.amounts.points.get();
    }
    assert_eq!(unreadable, 0);
    for report in [&stored, &said] {
        let count = report.totals.counts.in_force;
        assert_eq!((count.credited, count, report.totals.gain), (110, report.totals.counts.draft, 0));
        let used = report.budgets.iter().filter(|fund| fund.id == "walks");
        let queued: i64 = used.filter_map(|fund| Some(fund.in_force.as_ref()?.waiting.get())).sum();
        let (paid_since, given_up) = (queued.min(50), i128::from(paid.given_up.get()));
        assert_eq!((count.paid_later_points + i128::from(paid_since)), i128::from(paid.points.get()));
        assert_eq!(count.given_up_points, given_up);
        assert_eq!(count.given() + i128::from(paid_since), i128::from(given));
    }
    programme.expect_clean_books().await?;
    programme.stop().await
}

async fn an_act_that_waited_for_its_subject_was_in_time(stage: Stage) -> Outcome {
    let in_force = rules_from("testcity", &WAITING.replace("late: 90 days", "late: 7 days"))?;
    let draft = rules_from("testcity", &WAITING.replace("late: 90 days", "late: 6 days"))?;
    let programme = Programme::start_under(&stage, &in_force, Cache::memory(), 1).await?;
    let swim = programme.report_of(&programme.ride("a", "one", 0), "swim", &[])?;
    let pending = programme.services.crediting.credit(vec![swim]).await?;
    assert_eq!(pending.first().map(|result| result.status), Some(EventStatus::Pending));
    stage.clock.advance(TimeDelta::days(30));
    programme.enroll("one").await?;
    assert_eq!(worker::credit_waiting(&programme.services).await?, 1);
    let (_, report) = from_database(&programme, &in_force, &draft).await?;
    let counts = report.totals.counts;
    assert_eq!((counts.in_force.credited, counts.draft.credited, counts.draft.refused), (1, 0, 1));
    assert!(report.differences.iter().all(|one| one.draft.explanation.is_none()));
    programme.stop().await
}
