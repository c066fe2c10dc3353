//! Points that a budget lets wait, and what counts get back of acts that are undone and points given up.

use super::*;

#[test]
fn what_a_budget_cannot_pay_waits_in_order_and_goes_before_newcomers() {
    let mut town = Town::new();
    let dive = |number| told(number, 1, "dive", &[]);
    let outcome = town.credit(&[dive(1), dive(2), dive(3)]);
    assert_eq!(statuses(&outcome), [(CREDITED, 10, ""), (CREDITED, 5, "queued"), (CREDITED, 0, "queued")]);
    let waiting = |outcome: &Outcome| {
        let rows = outcome.waiting.iter();
        rows.map(|row| (row.activity, row.promised.get(), row.shares.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(waiting(&outcome), [(activity_id(2), 5, false), (activity_id(3), 10, false)]);
    let of = |of, name: &str, day| town.counts[&(of, name.to_owned(), day)].points.get();
    assert_eq!(of(CountOf::Waiting(CityId::new(1)), "dives", WHENEVER), 15);
    let april = Told { at: "2026-04-01T04:00:00Z".parse().unwrap(), ..dive(4) };
    let late = Told { at: "2026-04-02T04:00:00Z".parse().unwrap(), ..dive(5) };
    assert_eq!(statuses(&town.credit(&[april, late])), [(CREDITED, 0, "queued"); 2], "15 of 15 are promised");
    let shared = town.credit(&[told(6, 2, "float", &[])]);
    assert_eq!(statuses(&shared), [(CREDITED, 0, "queued")]);
    assert_eq!(waiting(&shared), [(activity_id(6), 10, true)]);
    let row = &shared.waiting[0];
    assert_eq!(row.issued_on(noon().date_naive()).to_string(), "2026-03-31", "the last of the shared days");
}

#[test]
fn only_a_queue_goes_before_newcomers_and_what_is_paid_waits_for_nothing() {
    let rules = rules();
    for (action, queues) in [("dive", 1), ("float", 0), ("swim", 0)] {
        let act = told(1, 1, action, &[]);
        let inputs = inputs_of(&rules, &act);
        assert_eq!(Needs::of(&claim(&rules, &act, &inputs)).queues.len(), queues, "{action}");
    }
    let outcome = Town::new().credit(&[told(1, 1, "dive", &[])]);
    let waits = outcome.tallies.iter().any(|tally| matches!(tally.of, CountOf::Waiting(_)));
    assert!(outcome.waiting.is_empty() && !waits);
}

#[test]
fn promised_points_are_paid_given_up_or_left_and_told_so() {
    let dives: Vec<Told> = (1..4).map(|number| told(number, 1, "dive", &[])).collect();
    let row = Town::new().credit(&dives).waiting.pop().unwrap();
    assert_eq!((row.promised.get(), row.left()), (10, Ok(Points::new(10))));
    let row = WaitingPoints { paid: Points::new(3), given_up: Points::new(5), ..row };
    assert_eq!(row.left(), Ok(Points::new(2)));
    assert_eq!(row.told().zh, "等待预算 dives 的 10 pt: 已补发 3 pt, 仍待 2 pt, 不再发放 5 pt");
    let kept = WaitingPoints { given_up: Points::ZERO, ..row };
    assert_eq!(kept.told().en, "Of 10 pt that waited for budget dives, 3 pt are paid and 7 pt wait");
}

#[test]
fn points_given_up_leave_the_counts_and_are_not_undone_twice() {
    let mut town = Town::new();
    let float = told(1, 2, "float", &[]);
    let outcome = town.credit(std::slice::from_ref(&float));
    let rules = rules();
    let inputs = inputs_of(&rules, &float);
    let claim = claim(&rules, &float, &inputs);
    let receipt = Receipt::from_bytes(claim.action, float.at, &outcome.decided[0].activity.receipt).unwrap();
    let lost = Points::new(4);
    let again = counted(&claim, &receipt, lost).unwrap().unwrap();
    assert_eq!((again.queued.get(), again.own.granted.points.get(), again.own.granted.events), (10, 6, 1));
    let (less, tallies) = give_up(&claim, lost).unwrap();
    assert_eq!((less.granted.points.get(), less.granted.events, tallies.len()), (-4, 0, 1), "own and card");
    let (undone, tallies) = undo(&claim, &receipt, lost).unwrap();
    assert_eq!((undone.granted.points.get(), tallies[0].added.points.get()), (-6, -6));
    let doubled = added_up([tallies.clone(), tallies.clone()].concat()).unwrap();
    assert_eq!((doubled.len(), doubled[0].added.points.get()), (1, -12));
}

#[test]
fn an_undone_pass_gives_its_places_back_at_the_gate_and_under_its_card() {
    let mut town = Town::new();
    let pass = told(1, 1, "pass", &[("gate", "\"g\"")]);
    let outcome = town.credit(std::slice::from_ref(&pass));
    assert_eq!(town.counts.values().filter(|usage| usage.events == 1).count(), 3, "own, gate, card");
    town.undo(&pass, &outcome.decided[0].activity);
    assert_eq!(town.left(), HashMap::new());
}

#[test]
fn points_settle_from_the_day_of_the_credit_however_late_or_early_they_are_paid() {
    let rules = rules();
    let lot = |action, days: i64| {
        let lot = payout_lot(&rules, rules.action(action).unwrap(), noon(), noon() + TimeDelta::days(days));
        lot.spendable_from.to_string()
    };
    let at_once = AT_ONCE.to_string();
    for days in [-1, 0, 1] {
        assert_eq!(lot("dive", days), at_once, "a clock that is put back makes nothing wait");
    }
    for (days, from) in [(-1, "2026-03-04"), (0, "2026-03-04"), (1, "2026-03-04"), (2, at_once.as_str())] {
        assert_eq!(lot("ride", days), from, "{days}");
    }
}
