//! Plays a life on the model and on the program, command by command. What differs is made as short as it
//! can be and shown with the seed that brings it back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tanhui_service::audit::{self, Sample};
use tanhui_service::cache::Cache;
use tanhui_service::rule_book::RuleBook;
use tanhui_tests::{FIRST_INSTANT, Outcome, Stage};

use crate::command::Command;
use crate::generate;
use crate::law::{LAWS, Law};
use crate::oracle::Oracle;
use crate::real::Real;
use crate::worlds::Worlds;

/// Zones whose midnights, and their changes of the clock, differ: none, at midnight, by half an hour.
const ZONES: [Tz; 4] = [
    chrono_tz::Asia::Shanghai,
    chrono_tz::America::Santiago,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::Africa::Cairo,
];
const STEPS: usize = 150;
/// Tries to leave something out of a life that goes wrong.
const SHRINKS_MAX: u64 = 120;

/// What a life is played with.
#[derive(Clone)]
pub struct Setting {
    seed: u64,
    pub zone: Tz,
    pub first_law: u32,
    /// Of the first process.
    pub cache: Cache,
    redis: Option<(String, u8)>,
    /// How often this seed was played before.
    tries: u64,
}

impl Setting {
    pub fn of(seed: u64, cache: Cache, redis: Option<(String, u8)>) -> Self {
        let zone = ZONES[usize::try_from(seed).unwrap_or(0) % ZONES.len()];
        Self {
            seed,
            zone,
            first_law: u32::try_from(seed % u64::from(LAWS)).unwrap_or(0),
            cache,
            redis,
            tries: 0,
        }
    }

    /// The same, played so many times before.
    pub fn after(self, tries: u64) -> Self {
        Self { tries, ..self }
    }

    /// Where the randomness of its processes begins: other for every seed and try.
    pub fn starts(&self) -> u64 {
        (self.seed << 20) + (self.tries << 10)
    }

    /// Throws away what Redis holds; memory empties when its process starts again.
    pub fn empty_cache(&self) -> Outcome {
        let Some((url, number)) = &self.redis else { return Ok(()) };
        let mut server = TcpStream::connect(url.trim_start_matches("redis://"))?;
        server.write_all(format!("SELECT {number}\r\nFLUSHDB\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        server.read_to_string(&mut answer)?;
        let emptied = answer.matches("+OK").count() >= 2;
        if emptied { Ok(()) } else { Err(format!("Redis says {answer:?}").into()) }
    }
}

/// Where the model and the program differ.
#[derive(Debug)]
struct Difference {
    step: usize,
    what: String,
}

/// What the program answered, up to where the model says otherwise.
#[derive(Debug)]
pub struct Played {
    pub answers: Vec<String>,
    difference: Option<Difference>,
}

impl Played {
    /// What differs, if anything.
    pub fn wrong(&self) -> Option<&str> {
        self.difference.as_ref().map(|difference| difference.what.as_str())
    }
}

/// How many commands a life has.
pub fn steps() -> Outcome<usize> {
    Ok(usize::try_from(number("TANHUI_STEPS", STEPS as u64))?)
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The seed that is asked for, else the usual one.
pub fn seed(usual: u64) -> u64 {
    number("TANHUI_SEED", usual)
}

/// Plays some seeds, or the one that is asked for.
pub async fn seeds(stage: &Stage, usual: u64, setting: impl Fn(u64) -> Outcome<Setting>) -> Outcome {
    let asked = std::env::var("TANHUI_SEED").ok().and_then(|text| text.parse().ok());
    let (first, count) = asked.map_or((1, number("TANHUI_SEEDS", usual)), |seed: u64| (seed, 1));
    let steps = steps()?;
    for seed in first..first + count {
        play(stage, &setting(seed)?, seed, steps).await?;
    }
    Ok(())
}

async fn play(stage: &Stage, setting: &Setting, seed: u64, steps: usize) -> Outcome {
    let start: DateTime<Utc> = FIRST_INSTANT.parse()?;
    let life = generate::life(seed, setting.zone, start, steps);
    let played = lead(stage, setting, &format!("s{seed}"), start, &life).await?;
    let Some(difference) = played.difference else {
        let books = audit::run(&stage.database, |_| {}).await?;
        assert!(books.violations.is_empty(), "seed {seed}: {:?}", books.violations);
        let again = audit::recompute(&stage.database, &RuleBook::default(), Sample::All, |_| {}).await?;
        assert!(again.differing == 0 && again.checked > 0, "seed {seed}: {again:?}");
        return Ok(());
    };
    let (short, difference) = shrink(stage, setting, start, life, difference).await?;
    let told: Vec<String> = short.iter().map(|command| format!("  {command:?}")).collect();
    Err(format!(
        "seed {seed} in {}: after {} commands\n{}\n{}\nagain: TANHUI_SEED={seed} TANHUI_STEPS={steps} \
         cargo nextest run -p tanhui-tests --test simulation",
        setting.zone,
        short.len(),
        told.join("\n"),
        difference.what,
    )
    .into())
}

/// Leaves out half, then quarters and so on of what went before, as long as it still goes wrong.
async fn shrink(
    stage: &Stage,
    setting: &Setting,
    start: DateTime<Utc>,
    mut life: Vec<Command>,
    mut difference: Difference,
) -> Outcome<(Vec<Command>, Difference)> {
    life.truncate(difference.step + 1);
    let mut setting = setting.clone();
    let mut part = life.len() / 2;
    while part > 0 {
        let mut from = 0;
        while from + part < life.len() && setting.tries < SHRINKS_MAX {
            setting.tries += 1;
            let mut shorter = life.clone();
            shorter.drain(from..from + part);
            let city = format!("s{}x{}", setting.seed, setting.tries);
            match lead(stage, &setting, &city, start, &shorter).await?.difference {
                Some(found) => {
                    shorter.truncate(found.step + 1);
                    (life, difference) = (shorter, found);
                }
                None => from += part,
            }
        }
        part /= 2;
    }
    Ok((life, difference))
}

/// Leads a life in a city of a name, on the model and on the program.
pub async fn lead(
    stage: &Stage,
    setting: &Setting,
    city: &str,
    start: DateTime<Utc>,
    life: &[Command],
) -> Outcome<Played> {
    stage.clock.set(start);
    let mut real = Real::start(stage, city, setting).await?;
    let sources = real.sources.iter().map(|source| source.id).collect();
    let mut worlds = Worlds::new(Oracle::new(setting.zone, start, &Law::of(setting.first_law), sources));
    let (mut answers, mut difference) = (Vec::new(), None);
    for (step, command) in life.iter().enumerate() {
        real.decided = worlds.any().activities();
        worlds.all_mut().for_each(|world| world.ids.clone_from(&real.citizens));
        let after = worlds.after(command);
        let told = match real.perform(command).await {
            Ok(told) => told,
            Err(trouble) => vec![format!("failed: {trouble:?}")],
        };
        if let Err(expected) = worlds.keep(after, &told) {
            difference = Some(Difference { step, what: differing(&expected, &told) });
            break;
        }
        answers.extend(told);
    }
    real.stop().await?;
    Ok(Played { answers, difference })
}

fn differing(expected: &[String], told: &[String]) -> String {
    let lines = expected.len().max(told.len());
    let line = |from: &[String], place: usize| from.get(place).cloned().unwrap_or_default();
    let differ = (0..lines).map(|place| (line(expected, place), line(told, place)));
    let shown = differ.filter(|(expected, told)| expected != told).take(5);
    shown
        .map(|(expected, told)| format!("model:   {expected}\nprogram: {told}"))
        .collect::<Vec<_>>()
        .join("\n")
}
