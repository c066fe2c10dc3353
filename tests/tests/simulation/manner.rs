//! One life led in several ways: nobody may notice how events were grouped, which process did what, and what
//! the cache forgot.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use tanhui_tests::{FIRST_INSTANT, Outcome, Stage};

use crate::command::Command;
use crate::generate;
use crate::play::{Setting, lead, steps};

/// How a life is led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    AsItIs,
    /// Each event in a call of its own.
    OneByOne,
    /// By the first process alone.
    OneProcess,
    /// The cache loses everything after each command.
    Forgetful,
}

/// Leads the life of a seed in all ways; `other` has another cache than memory.
pub async fn all_alike(stage: &Stage, seed: u64, memory: Setting, other: Option<Setting>) -> Outcome {
    let start: DateTime<Utc> = FIRST_INSTANT.parse()?;
    let life = generate::life(seed, memory.zone, start, steps()?);
    let mut life: Vec<Command> = life.into_iter().flat_map(one_after_the_other).collect();
    life.iter_mut().for_each(drop_repeats);
    let mut ways = vec![
        (Manner::AsItIs, memory.clone()),
        (Manner::OneByOne, memory.clone()),
        (Manner::OneProcess, memory),
    ];
    ways.extend(
        other.into_iter().flat_map(|other| [(Manner::AsItIs, other.clone()), (Manner::Forgetful, other)]),
    );
    let mut first: Option<Vec<String>> = None;
    for (tries, (manner, setting)) in (0..).zip(ways) {
        let (setting, city) = (setting.after(tries), format!("m{seed}w{tries}"));
        let played = lead(stage, &setting, &city, start, &led(manner, &life)).await?;
        assert_eq!(played.wrong(), None, "seed {seed}, {manner:?}");
        let answers: Vec<String> = played.answers.iter().map(|answer| without_ties(answer)).collect();
        let known = first.get_or_insert_with(|| answers.clone());
        let differ = known.iter().zip(&answers).find(|(one, other)| one != other);
        assert_eq!(differ, None, "seed {seed}, {manner:?}");
        assert_eq!(known.len(), answers.len(), "seed {seed}, {manner:?}");
    }
    Ok(())
}

/// Who comes first among equals on a board is settled by ids, which differ from city to city.
fn without_ties(answer: &str) -> String {
    if !answer.starts_with("board ") {
        return answer.to_owned();
    }
    let mut words: Vec<&str> = answer.split(' ').collect();
    words.sort_unstable();
    words.join(" ")
}

/// What happens at once has no order of its own that could be the same twice.
fn one_after_the_other(command: Command) -> Vec<Command> {
    if let Command::AtOnce(both) = command { both.to_vec() } else { vec![command] }
}

/// Of one call an event stands once: sent alone, the second would be another call.
fn drop_repeats(command: &mut Command) {
    if let Command::Report { acts, .. } = command {
        let mut seen = BTreeSet::new();
        acts.retain(|act| seen.insert(act.key()));
    }
}

fn led(manner: Manner, life: &[Command]) -> Vec<Command> {
    let each = |command: &Command| match (manner, command) {
        (Manner::OneByOne, Command::Report { process, acts }) => {
            let alone = |act| Command::Report { process: *process, acts: vec![act] };
            acts.iter().copied().map(alone).collect()
        }
        (Manner::AsItIs | Manner::OneByOne, command) => vec![command.clone()],
        (Manner::OneProcess, command) => {
            let mut command = command.clone();
            command.process_mut().into_iter().for_each(|process| *process = 0);
            vec![command]
        }
        (Manner::Forgetful, command) => vec![command.clone(), Command::EmptyCache],
    };
    life.iter().flat_map(each).collect()
}
