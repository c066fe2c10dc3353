//! That the lives which are played come to everything that the model knows: what never happens proves
//! nothing.

use std::collections::BTreeMap;

use tanhui_domain::id::{CitizenId, SourceId};
use tanhui_tests::{FIRST_INSTANT, Outcome, id};

use crate::command::SOURCES;
use crate::generate;
use crate::law::Law;
use crate::oracle::Oracle;

const SEEDS: u64 = 400;
const STEPS: usize = 150;

/// How the answers begin that must come up, in words of which `_` stands for any.
const REACHED: [&str; 79] = [
    "credited _ pt _ mg",
    "credited _ pt _ mg capped",
    "credited _ pt _ mg budget_exhausted",
    "duplicate",
    "duplicate same_act",
    "pending",
    "held too_fast",
    "held in_two_places",
    "rejected too_short",
    "rejected history_too_short",
    "rejected out_of_range",
    "rejected evidence_not_accepted",
    "rejected time_in_future",
    "rejected time_too_old",
    "rejected unknown_action",
    "Credited _ pt",
    "Rejected 0 pt",
    "was Credited",
    "was Rejected",
    "was held",
    "was rejected",
    "reversed",
    "reversed before",
    "too few grams",
    "redeemed for",
    "as before",
    "key reused",
    "points _ of",
    "stock",
    "limit, had",
    "gave back",
    "a voucher was used",
    "used",
    "used before",
    "was cancelled",
    "undone",
    "not used",
    "too late",
    "closed 1",
    "submitted",
    "same person",
    "approved",
    "paid",
    "is closed",
    "is paid",
    "credited _ pt _ mg queued",
    "offer closed",
    "opens later",
    "other district",
    "level",
    "limit of the week, had",
    "today",
    "budget",
    "donated",
    "a donation",
    "a voucher has expired",
    "expired",
    "stopped",
    "ahead",
    "too old",
    "elsewhere",
    "told before",
    "paused",
    "live",
    "ended",
    "is paused",
    "is ended",
    "suspended, work",
    "suspended, refunding",
    "active, work",
    "still refunding",
    "closed, refunding",
    "is suspended",
    "is active",
    "is approved",
    "is submitted",
    "no offer",
    "no voucher",
    "quantity",
];

/// What must be seen of some citizen at some time, as a number above zero before the word.
const SEEN: [&str; 5] = ["overdrawn", "owed", "pending", "spendable", "waiting"];

/// What must stand in some line that is looked at.
const SHOWN: [&str; 6] =
    ["expired", "refunded", "voucher_used", "voucher_cancelled", "merchant_stopped", "suspended, refunded"];

#[test]
fn lives_come_to_everything() -> Outcome {
    let (mut answers, mut purses) = (Vec::new(), Vec::new());
    for seed in 1..=SEEDS {
        for line in led(seed)? {
            if line.starts_with("citizen ") { purses.push(line) } else { answers.push(line) }
        }
    }
    let never = REACHED.iter().filter(|wanted| !answers.iter().any(|answer| begins(answer, wanted)));
    assert_eq!(never.collect::<Vec<_>>(), Vec::<&&str>::new(), "no life comes to this");
    let never = SHOWN.iter().filter(|wanted| !answers.iter().any(|answer| answer.contains(*wanted)));
    assert_eq!(never.collect::<Vec<_>>(), Vec::<&&str>::new(), "no look shows this");
    for word in SEEN {
        let above =
            |purse: &String| purse.split(", ").any(|part| part.ends_with(word) && !part.starts_with('0'));
        assert!(purses.iter().any(above), "nobody ever has anything {word}");
    }
    Ok(())
}

/// What the model alone says to a life.
fn led(seed: u64) -> Outcome<Vec<String>> {
    let (zone, start) = (chrono_tz::Asia::Shanghai, FIRST_INSTANT.parse()?);
    let sources = (1..).take(SOURCES).map(SourceId::new).collect();
    let mut oracle = Oracle::new(zone, start, &Law::of(u32::try_from(seed)?), sources);
    oracle.ids =
        (1..1_000).map(|number| (number, CitizenId::new(id(number.into())))).collect::<BTreeMap<_, _>>();
    let mut answers = Vec::new();
    for command in generate::life(seed, zone, start, STEPS) {
        answers.extend(oracle.perform(&command));
        oracle.check();
    }
    Ok(answers)
}

fn begins(answer: &str, wanted: &str) -> bool {
    let mut words = answer.split(' ');
    wanted.split(' ').all(|word| words.next().is_some_and(|found| word == "_" || found == word))
}
