//! Points that wait for a budget: paid in order or shared, explained, undone, once.

use tanhui_domain::amount::Points;
use tanhui_domain::id::{ActivityId, CitizenId};
use tanhui_domain::leaderboard::{Metric, Scope};
use tanhui_domain::ledger::JournalKind;
use tanhui_domain::office::Actor;
use tanhui_domain::text::Text;
use tanhui_domain::time::Period;
use tanhui_service::board::{self, BoardQuery, Part};
use tanhui_service::cache::Cache;
use tanhui_service::crediting::EventResult;
use tanhui_service::payout::{self, Paid};
use tanhui_service::statement::{self, StatementQuery};
use tanhui_service::{activity, reversal};
use tanhui_tests::{Outcome, Programme, Stage, each_database, rules_from};

each_database!(
    a_queue_is_paid_in_order_and_before_newcomers,
    a_raised_budget_pays_at_once_and_the_citizen_is_told,
    a_reversal_takes_back_what_was_paid_and_gives_up_what_waits,
    a_shared_budget_is_paid_when_its_days_are_over,
    two_processes_pay_each_point_once,
    a_budget_that_later_rules_leave_out_goes_on_paying,
);

pub const RULES: &str = include_str!("../../src/payout.yaml");
const APRIL: &str = "2026-04-01T02:00:00Z";

pub async fn start(stage: &Stage, seed: u64) -> Outcome<Programme> {
    Programme::start_under(stage, &rules_from("testcity", RULES)?, Cache::memory(), seed).await
}

async fn publish(programme: &Programme, stage: &Stage, text: &str) -> Outcome {
    stage.clock.advance(chrono::TimeDelta::seconds(1));
    tanhui_tests::publish(&programme.services, &rules_from("testcity", text)?).await?;
    Ok(())
}

/// An act of an action, now or at another time.
pub async fn act(programme: &Programme, id: &str, card: &str, action: &str) -> Outcome<EventResult> {
    act_at(programme, id, (card, action), None).await
}

async fn act_at(
    programme: &Programme,
    id: &str,
    (card, action): (&str, &str),
    at: Option<&str>,
) -> Outcome<EventResult> {
    let mut ride = programme.ride(id, card, 0);
    if let Some(at) = at {
        ride.at = at.parse()?;
    }
    let inputs: &[(&str, &str)] = match action {
        "walk" => &[("gate", "\"g\"")],
        "meter" => &[("used_kWh", "5.0")],
        _ => &[],
    };
    let report = programme.report_of(&ride, action, inputs)?;
    let answered = programme.services.crediting.credit(vec![report]).await?.pop();
    Ok(answered.ok_or("no answer")?)
}

fn points(result: &EventResult) -> i64 {
    result.points.map_or(0, Points::get)
}

async fn has(programme: &Programme, citizen: CitizenId) -> Outcome<(i64, i64)> {
    let balance = statement::balance(&programme.services, citizen).await?;
    Ok((balance.amounts.points.get(), balance.waiting.get()))
}

fn paid(acts: u64, points: i64, given_up: i64) -> Paid {
    Paid { acts, points: Points::new(points), given_up: Points::new(given_up) }
}

/// Four walks: 20, 20 and 10 are paid; 10 and 20 wait.
async fn walk_in_march(programme: &Programme) -> Outcome<[CitizenId; 2]> {
    let people = [programme.enroll("one").await?, programme.enroll("two").await?];
    let mut given = Vec::new();
    for (id, card) in [("a", "one"), ("b", "two"), ("c", "one"), ("d", "two")] {
        let result = act(programme, id, card, "walk").await?;
        given.push((points(&result), result.code));
    }
    let queued = Some("queued".to_owned());
    assert_eq!(given, [(20, None), (20, None), (10, queued.clone()), (0, queued)]);
    assert_eq!(payout::pay(&programme.services).await?, Paid::default(), "March has nothing left");
    programme.expect_clean_books().await?;
    Ok(people)
}

async fn a_queue_is_paid_in_order_and_before_newcomers(stage: Stage) -> Outcome {
    let programme = start(&stage, 1).await?;
    let [one, two] = walk_in_march(&programme).await?;
    assert_eq!((has(&programme, one).await?, has(&programme, two).await?), ((30, 10), (20, 20)));
    stage.clock.set("2026-03-31T15:59:59Z".parse()?);
    assert_eq!(payout::pay(&programme.services).await?, Paid::default(), "the last second of March");
    stage.clock.set(APRIL.parse()?);
    let fresh = act(&programme, "e", "one", "walk").await?;
    assert_eq!((points(&fresh), fresh.code.as_deref()), (20, None), "30 of 50 are promised, 20 are left");
    let late = act(&programme, "f", "one", "walk").await?;
    assert_eq!((points(&late), late.code.as_deref()), (0, Some("queued")));
    assert_eq!(payout::pay(&programme.services).await?, paid(2, 30, 0));
    assert_eq!((has(&programme, one).await?, has(&programme, two).await?), ((60, 20), (40, 0)));
    assert_eq!(payout::pay(&programme.services).await?, Paid::default());
    programme.expect_clean_books().await?;
    let lots = statement::lots(&programme.services, one, None, 9).await?;
    let lots: Vec<_> = lots.iter().map(|lot| (lot.key.expires_on.to_string(), lot.granted.get())).collect();
    let march = ("2027-03-31".to_owned(), 30);
    assert_eq!(lots, [("2027-04-30".to_owned(), 30), march], "paid in April, good until April");
    programme.stop().await
}

async fn a_raised_budget_pays_at_once_and_the_citizen_is_told(stage: Stage) -> Outcome {
    let programme = start(&stage, 1).await?;
    let [one, two] = walk_in_march(&programme).await?;
    publish(&programme, &stage, &RULES.replace("id: walks, limit: 50 pt", "id: walks, limit: 75 pt")).await?;
    assert_eq!(payout::pay(&programme.services).await?, paid(2, 25, 0), "the last one in part");
    assert_eq!((has(&programme, one).await?, has(&programme, two).await?), ((40, 0), (35, 5)));
    let id = ActivityId::derive(programme.source.id, "d");
    let (explanation, waiting) =
        activity::explain(&programme.services, two, id).await?.ok_or("not explained")?;
    let waiting = waiting.ok_or("not told")?;
    assert_eq!((explanation.points, explanation.queued), (0, 20));
    assert_eq!(waiting.told().zh, "等待预算 walks 的 20 pt: 已补发 15 pt, 仍待 5 pt");
    assert_eq!(waiting.told().en, "Of 20 pt that waited for budget walks, 15 pt are paid and 5 pt wait");
    let query = StatementQuery { range: statement::everything(), after: 0, limit: 9 };
    let lines = statement::statement(&programme.services, two, query).await?.lines;
    let last = lines.last().ok_or("no line")?;
    let told = (last.kind, last.cause, last.amounts.points.get(), last.after.points.get());
    assert_eq!(told, (JournalKind::Payout, Some(id.get()), 15, 35));
    programme.stop().await
}

async fn reverse(programme: &Programme, id: &str) -> Outcome {
    let (actor, reason) = (Actor::Source(programme.source.id), Text::new("误报", "sent by mistake"));
    let id = ActivityId::derive(programme.source.id, id);
    reversal::reverse(&programme.services, &programme.city, id, actor, &reason).await?;
    programme.expect_clean_books().await
}

async fn a_reversal_takes_back_what_was_paid_and_gives_up_what_waits(stage: Stage) -> Outcome {
    let programme = start(&stage, 1).await?;
    let [one, two] = walk_in_march(&programme).await?;
    reverse(&programme, "c").await?;
    assert_eq!(has(&programme, one).await?, (20, 0), "10 are taken, 10 are given up");
    assert_eq!(payout::pay(&programme.services).await?, paid(1, 10, 0), "March has 10 again for who is next");
    stage.clock.set(APRIL.parse()?);
    assert_eq!(payout::pay(&programme.services).await?, paid(1, 10, 0));
    assert_eq!(has(&programme, two).await?, (40, 0));
    reverse(&programme, "d").await?;
    assert_eq!(has(&programme, two).await?, (20, 0), "both payments are taken back");
    for (id, expected) in [("e", 20), ("f", 20), ("g", 10)] {
        assert_eq!(points(&act(&programme, id, "one", "walk").await?), expected, "{id}");
    }
    reverse(&programme, "g").await?;
    assert_eq!(points(&act(&programme, "h", "one", "walk").await?), 10);
    programme.stop().await
}

async fn march_board(programme: &Programme) -> Outcome<Vec<i64>> {
    let city = programme.city.clone();
    let on = "2026-03-02".parse()?;
    let query = BoardQuery { city, period: Period::Month, on, scope: Scope::City, metric: Metric::Points };
    let view = board::read(&programme.services, &query, Part::Page { offset: 0, limit: 9 }, None).await?;
    Ok(view.places.iter().map(|place| place.score).collect())
}

async fn a_shared_budget_is_paid_when_its_days_are_over(stage: Stage) -> Outcome {
    let programme = start(&stage, 1).await?;
    let mut people = Vec::new();
    for card in ["one", "two", "three"] {
        people.push(programme.enroll(card).await?);
        let result = act(&programme, card, card, "swim").await?;
        assert_eq!((points(&result), result.code.as_deref()), (0, Some("queued")));
    }
    assert_eq!(march_board(&programme).await?, [30, 30, 30], "as promised");
    stage.clock.set("2026-03-31T15:59:59Z".parse()?);
    assert_eq!(payout::pay(&programme.services).await?, Paid::default(), "March is not over");
    stage.clock.set("2026-03-31T16:00:00Z".parse()?);
    assert_eq!(payout::pay(&programme.services).await?, paid(3, 50, 40));
    let mut given = Vec::new();
    for citizen in &people {
        given.push(has(&programme, *citizen).await?);
    }
    assert_eq!(given, [(17, 0), (17, 0), (16, 0)]);
    assert_eq!(march_board(&programme).await?, [17, 17, 16], "as paid");
    programme.expect_clean_books().await?;
    act_at(&programme, "late", ("one", "swim"), Some("2026-03-20T00:00:00Z")).await?;
    assert_eq!(payout::pay(&programme.services).await?, paid(1, 0, 30), "nothing of March is left");
    assert_eq!(march_board(&programme).await?, [17, 17, 16]);
    reverse(&programme, "two").await?;
    act_at(&programme, "later", ("three", "swim"), Some("2026-03-21T00:00:00Z")).await?;
    assert_eq!(payout::pay(&programme.services).await?, paid(1, 17, 13), "what the reversal gave back");
    reverse(&programme, "later").await?;
    programme.stop().await
}

async fn two_processes_pay_each_point_once(stage: Stage) -> Outcome {
    let [one, other] = [start(&stage, 1).await?, start(&stage, 2).await?];
    for card in ["a", "b", "c", "d"] {
        one.enroll(card).await?;
    }
    for (number, card) in (0..40).zip(["a", "b", "c", "d"].into_iter().cycle()) {
        act(&one, &format!("walk{number}"), card, "walk").await?;
        act(&one, &format!("swim{number}"), card, "swim").await?;
    }
    publish(&one, &stage, &RULES.replace("id: walks, limit: 50 pt", "id: walks, limit: 311 pt")).await?;
    let later = async {
        for number in 0..4 {
            act(&other, &format!("later{number}"), "a", "walk").await?;
        }
        Ok::<_, tanhui_tests::Trouble>(())
    };
    let (first, second, later) =
        tokio::join!(payout::pay(&one.services), payout::pay(&other.services), later);
    later?;
    first?;
    second?;
    payout::pay(&one.services).await?;
    let issued = "SELECT CAST(SUM(points) AS BIGINT) FROM tallies WHERE kind = 3 AND name = 'walks'";
    assert_eq!(stage.raw.number(issued).await?, 311);
    let overtaken = "SELECT COUNT(*) FROM waiting_points w JOIN waiting_points o ON o.budget = w.budget
        AND o.place > w.place AND o.points_paid > 0 WHERE w.points_paid < w.points_promised";
    assert_eq!(stage.raw.number(overtaken).await?, 0, "nobody is paid before who came earlier");
    one.expect_clean_books().await?;
    stage.clock.set(APRIL.parse()?);
    let (first, second) = tokio::join!(payout::pay(&one.services), payout::pay(&other.services));
    let given_up = first?.given_up.plus(second?.given_up)?;
    assert_eq!(
        given_up.get(),
        9 * 4 * 30 - 50,
        "nine swims a card and day are 1080 points, the budget has 50"
    );
    other.services.stop().await?;
    one.stop().await
}

async fn a_budget_that_later_rules_leave_out_goes_on_paying(stage: Stage) -> Outcome {
    let programme = start(&stage, 1).await?;
    let [_, two] = walk_in_march(&programme).await?;
    let budget = "  - {id: walks, limit: 50 pt, per: month, when_exhausted: queue, actions: [walk]}\n";
    publish(&programme, &stage, &RULES.replace(budget, "")).await?;
    assert_eq!(points(&act(&programme, "free", "two", "walk").await?), 20);
    assert_eq!(payout::pay(&programme.services).await?, Paid::default());
    stage.clock.set(APRIL.parse()?);
    assert_eq!(payout::pay(&programme.services).await?, paid(2, 30, 0));
    assert_eq!(has(&programme, two).await?, (60, 0));
    programme.stop().await
}
