//! Mistakes in campaigns, budgets, history and the like, and the words in which each is told. Must never
//! accept one in silence.

use tanhui_domain::rule::{RuleSet, SourceFile};
use tanhui_domain::text::Language;

const MAIN: &str = include_str!("rules/programme.yaml");

fn told_in(language: Language, right: &str, wrong: &str) -> String {
    assert!(MAIN.contains(right), "the rule file does not hold {right:?}");
    let text = MAIN.replacen(right, wrong, 1);
    match RuleSet::compile(&SourceFile { name: "p.yaml".to_owned(), text }, &[]) {
        Ok(_) => "accepted".to_owned(),
        Err(all) => all.iter().map(|found| found.render(language)).collect::<Vec<_>>().join("\n"),
    }
}

/// What is said after one replacement, without the place.
#[track_caller]
fn told(right: &str, wrong: &str) -> String {
    let found = told_in(Language::En, right, wrong);
    let bare = |line: &str| match line.split_once(" error: ") {
        Some((_, rest)) => rest.to_owned(),
        None => line.trim().to_owned(),
    };
    found.lines().map(bare).collect::<Vec<_>>().join(" | ")
}

#[test]
fn campaigns_end_raise_and_name_what_there_is() {
    assert_eq!(
        told_in(Language::En, "    until: 2026-09-23\n", ""),
        "p.yaml:68:5: error: campaigns.car_free_week: the campaign has no end\n  \
         help: write `until: 2026-09-23`, the first day on which it no longer counts"
    );
    assert_eq!(
        told_in(Language::Zh, "    until: 2026-09-23\n", ""),
        "p.yaml:68:5: 错误: campaigns.car_free_week: 活动没有结束日\n  建议: 请写 until: 2026-09-23, 当日起不再有效"
    );
    for (until, expected) in [
        (
            "2026-09-15",
            "campaigns.car_free_week: `until` 2026-09-15 is not after `from` 2026-09-16 \
         | help: `until` is the first day on which it no longer counts; write a day after `from`",
        ),
        (
            "2026-09-16",
            "campaigns.car_free_week: `until` 2026-09-16 is not after `from` 2026-09-16 \
         | help: `until` is the first day on which it no longer counts; write a day after `from`",
        ),
        ("2026-09-17", "accepted"),
    ] {
        assert_eq!(told("until: 2026-09-23", &format!("until: {until}")), expected);
    }
    assert_eq!(
        told("actions: [metro_ride, walk]\n    districts", "actions: [metro_rid, walk]\n    districts"),
        "campaigns.car_free_week: there is no action `metro_rid` | help: did you mean `metro_ride`?"
    );
    assert_eq!(
        told("districts: [south]", "districts: [sout]"),
        "campaigns.south_walks: there is no district `sout` | help: did you mean `south`?"
    );
    assert_eq!(
        told("districts: [south]", "districts: []"),
        "campaigns.south_walks: the list is empty | help: write `all` for all of them"
    );
    assert_eq!(told("    budget: 100 pt\n", ""), "campaigns.car_free_week: `budget` is missing",);
    assert_eq!(
        told("  stacking: highest\n", ""),
        "campaigns.south_walks: `car_free_week` and `south_walks` meet in `walk`, and nothing says how they \
         stack | help: write `stacking: highest` (or multiply, first) under `campaigns`"
    );
    assert_eq!(
        told("lists:\n  districts: [north, south, east]\n", ""),
        "campaigns.south_walks: the file lists no districts | help: write `lists: {districts: [..]}`"
    );
}

#[test]
fn factors_are_bounded() {
    let help = "help: above 0, at most 100, at most 3 decimals, as in 1.5";
    for (times, expected) in [
        ("100", "accepted".to_owned()),
        ("100.001", format!("actions.metro_ride.multipliers.rush_hour: `100.001` is not a factor | {help}")),
        ("0.001", "accepted".to_owned()),
        ("0.0001", format!("actions.metro_ride.multipliers.rush_hour: `0.0001` is not a factor | {help}")),
        ("0", format!("actions.metro_ride.multipliers.rush_hour: `0` is not a factor | {help}")),
        ("150%", format!("actions.metro_ride.multipliers.rush_hour: `150%` is not a factor | {help}")),
    ] {
        assert_eq!(told("times: 1.5", &format!("times: {times}")), expected);
    }
    let low = "campaigns.car_free_week: the factor of a campaign must be above 1";
    let parted = "actions.walk.points: the points may not come out whole | \
                  help: add `, rounded down to 1 pt` to the formula";
    for (times, expected) in [("2", "accepted"), ("1.001", parted), ("1", low), ("0.5", low)] {
        assert_eq!(told("times: 2\n", &format!("times: {times}\n")), expected);
    }
    assert_eq!(
        told("      stacking: multiply\n", ""),
        "actions.metro_ride.multipliers: `stacking` is missing"
    );
    assert_eq!(
        told("stacking: multiply", "stacking: multiplied"),
        "actions.metro_ride.multipliers.stacking: `multiplied` is not a value here | \
         help: did you mean `multiply`?"
    );
}

#[test]
fn budgets_have_a_limit_a_period_and_one_way_to_wait() {
    assert_eq!(
        told("limit: 5000 pt", "limit: 5000 kg"),
        "budgets.1: expected pt, found `kg` | \
         help: write `5000 pt`"
    );
    assert_eq!(told("limit: 5000 pt", "limit: 0 pt"), "budgets.1: expected whole points above zero");
    assert_eq!(told("limit: 5000 pt", "limit: 1 pt"), "accepted");
    assert_eq!(
        told("when_exhausted: stop", "when_exhausted: wait"),
        "budgets.1: `wait` is not a value here | help: one of: stop, queue, prorate"
    );
    assert_eq!(
        told("per: year, when_exhausted: stop", "per: ever, when_exhausted: stop"),
        "budgets.1: `ever` is not a value here | help: one of: day, week, month, year"
    );
    assert_eq!(
        told("when_exhausted: stop", "when_exhausted: prorate"),
        "budgets: points of `metro_ride` would wait under two budgets, `programme_month` and `travel_year` | \
         help: let one queue or prorate, the others stop"
    );
    assert_eq!(
        told("id: travel_year", "id: car_free_week"),
        "budgets.1: `car_free_week` already names another budget | help: give it an `id` of its own"
    );
}

#[test]
fn history_says_of_what_how_long_and_what_else() {
    assert_eq!(
        told("at_least: 4, otherwise: refuse", "at_least: 4"),
        "actions.home_saving.history.usual: nothing says what happens with fewer than 4 readings | \
         help: write `otherwise: refuse`, or a value"
    );
    assert_eq!(
        told("average: used", "average: usde"),
        "actions.home_saving.history.usual: there is no input `usde` | help: did you mean `used`?"
    );
    assert_eq!(
        told("{average: used, over: 7 days", "{over: 7 days"),
        "actions.home_saving.history.usual: expected one of average, sum, count | \
         help: as in `average: used`"
    );
    for (days, accepted) in [("0", false), ("1", true), ("400", true), ("401", false)] {
        let found = told("over: 7 days, before", &format!("over: {days} days, before"));
        let refused = "actions.home_saving.history.usual: expected 1 to 400 days";
        assert_eq!(found, if accepted { "accepted" } else { refused }, "{days}");
    }
    assert_eq!(
        told("over: 7 days, before", "over: a week, before"),
        "actions.home_saving.history.usual: `a week` is not a number of days | help: as in 7 days"
    );
    assert_eq!(
        told("max(0 kWh, usual - used)", "max(0 kWh, usuall - used)"),
        "actions.home_saving.reduction: there is no name `usuall` | help: did you mean `usual`?"
    );
    assert_eq!(
        told("max(0 kWh, usual - used)", "max(0 kWh, usual - reports)"),
        "actions.home_saving.reduction: kWh and a plain number cannot be subtracted | help: give \
         the plain number its unit, kWh"
    );
    for (otherwise, accepted) in [("5.2 kWh", true), ("5.2", true), ("5.25 kWh", false), ("5 km", false)] {
        let found = told("otherwise: refuse", &format!("otherwise: {otherwise}"));
        assert_eq!(found == "accepted", accepted, "{otherwise}: {found}");
    }
}

#[test]
fn acts_last_more_than_no_time_and_two_days_at_most() {
    let refused = "actions.walk.same_act.lasts: an act lasts more than no time and two days at most | \
                   help: mind the input's `min` and `max`";
    for (lasts, expected) in
        [("0 min", refused), ("1 s", "accepted"), ("2 d", "accepted"), ("2881 min", refused)]
    {
        assert_eq!(told("lasts: 20 min", &format!("lasts: {lasts}")), expected, "{lasts}");
    }
    assert_eq!(
        told("lasts: 20 min", "lasts: 20 km"),
        "actions.walk.same_act.lasts: expected a duration, found a number in km"
    );
    assert_eq!(
        told("same_act: {group: travel, lasts: 20 min}", "same_act: {group: travel}"),
        "actions.walk.same_act: nothing says how long the act lasts | \
         help: write `lasts: 30 min`, or an input in min; or `trip`"
    );
    assert_eq!(
        told("trip: ticket", "trip: tiket"),
        "actions.metro_ride.same_act: there is no input `tiket` of `type: id` | help: did you mean `ticket`?"
    );
    for (days, accepted) in [("0", true), ("366", true), ("367", false)] {
        let found = told("settle: {after: 2 days}", &format!("settle: {{after: {days} days}}"));
        let refused = "actions.metro_ride.settle: at most 366 days";
        assert_eq!(found, if accepted { "accepted" } else { refused });
    }
}

#[test]
fn scopes_policies_and_honours_are_checked() {
    assert_eq!(
        told("per: day, of: binding", "per: day, of: card"),
        "actions.metro_ride.caps: there is no input `card` of `type: id` | \
         help: write `card: {type: id}` under `inputs`"
    );
    assert_eq!(
        told("per: day, of: gate", "per: day, of: ticket"),
        "actions.metro_ride.caps: an input that may be left out cannot carry a cap | help: drop its `default`"
    );
    assert_eq!(
        told("{limit: 200 pt, per: day}", "{limit: 200 pt, per: event, of: binding}"),
        "actions.metro_ride.caps: a cap per event takes no `of`"
    );
    assert_eq!(
        told("spent_points: allow_negative", "spent_points: negative"),
        "reversal: `negative` is not a value here | help: one of: claw_back, allow_negative"
    );
    assert_eq!(told("from: 0 kgCO2e", "from: 1 kgCO2e"), "levels.seed: the first level must begin at 0");
    assert_eq!(
        told("from: 100 kgCO2e", "from: 10 kgCO2e"),
        "levels.tree: levels must be in one unit, each above the one before"
    );
    assert_eq!(
        told("reach: 50 times", "reach: 50"),
        "badges.rider: `50` cannot be a threshold | \
         help: as in 10 kgCO2e, 500 pt, 50 times, 7 days (in a row)"
    );
    assert_eq!(told("reach: 7 days", "reach: 0 days"), "badges.week: expected at least one day");
    assert_eq!(
        told("reach: 7 days", "reach: 7 days, per: month"),
        "badges.week: days in a row take no `per`"
    );
    assert_eq!(
        told("ranks: 2 to 10", "ranks: 1 to 10"),
        "prizes.next: the ranks of `next` and `first` overlap"
    );
    for (ranks, accepted) in [("2 to 10000", true), ("2 to 10001", false), ("0", false), ("5 to 4", false)] {
        let found = told("ranks: 2 to 10", &format!("ranks: {ranks}"));
        assert_eq!(found == "accepted", accepted, "{ranks}: {found}");
    }
}

#[test]
fn one_broken_action_is_told_once() {
    assert_eq!(
        told(
            "    reduction: distance * metro_saving\n    points: reduction / 10",
            "    points: reduction / 10"
        ),
        "actions.metro_ride: `reduction` is missing | help: without a factor, write `points_only: true`"
    );
}
