//! Random changes to real files, cases and formulas, and random formulas, for as long as
//! `TANHUI_FUZZ_SECONDS` says, two seconds without it. Whatever comes in, nothing may panic or take long; the
//! input that did is printed, and belongs into `corpus/` once it is mended.

#![expect(clippy::arithmetic_side_effects, reason = "dice may turn over")]
#![expect(clippy::unwrap_used, reason = "rules of our own stand")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use tanhui_domain::rule::{RuleSet, SourceFile, evaluate_expression, format_rules};

/// Longest that one input may take, with a wide margin for busy machines.
const SLOW: Duration = Duration::from_secs(20);

const WORDS: [&str; 46] = [
    "1",
    "0.5",
    "999999999999999999999",
    "km",
    "gCO2e/km",
    "pt",
    "%",
    "+",
    "-",
    "*",
    "/",
    "(",
    ")",
    "[",
    "]",
    "..",
    ",",
    "<",
    ">=",
    "=",
    "and",
    "or",
    "not",
    "in",
    "between",
    "if",
    "then",
    "else",
    "min(",
    "max(",
    "round half down(",
    "floor(",
    "modulo(",
    "abs(",
    ", rounded down to 1",
    "rounded half even to 0.01",
    "yes",
    "no",
    "2026-01-31",
    "07:30",
    "x",
    "\"red\"",
    "null",
    "，",
    "公里",
    "\n",
];
const PIECES: [&str; 30] = [
    ":", ": ", "- ", "{", "}", "[", "]", ",", "\"", "'", "#", " #", "\n", "\n  ", "&a", "*a", "!!x", "|",
    ">", "?", "<<", "---", "\t", "：", "，", "\u{3000}", "\u{feff}", "0", "-1", "1e9",
];

/// A small generator of its own, so that a run can be repeated by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn word<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words.get(self.roll(words.len())).copied().unwrap_or_default()
    }

    fn formula(&mut self) -> String {
        (0..self.roll(40)).map(|_| self.word(&WORDS)).collect::<Vec<_>>().join(" ")
    }

    /// A file with some of its characters taken out, doubled or replaced.
    fn changed(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        for _ in 0..=self.roll(4) {
            let from = self.roll(letters.len().saturating_add(1));
            let until = from.saturating_add(self.roll(40)).min(letters.len());
            let taken: Vec<char> = letters.drain(from..until).collect();
            let put: String = match self.roll(5) {
                0 => String::new(),
                1 => self.word(&PIECES).to_owned(),
                2 => self.formula(),
                3 => taken.iter().chain(&taken).collect(),
                _ => taken.iter().rev().collect(),
            };
            letters.splice(from..from, put.chars());
        }
        letters.into_iter().collect()
    }
}

/// Formulas that were written, one a line.
fn formulas() -> Vec<&'static str> {
    include_str!("corpus/formulas.txt").lines().collect()
}

/// Files, catalogues and cases; each of them as it was first, then changed.
fn corpus() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folders = ["corpus", "rules", "rules/factors"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).into_iter().flatten());
    let mut texts: Vec<String> =
        files.filter_map(Result::ok).filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect();
    texts.sort();
    texts
}

/// Everything that reads what officers write.
fn read_file(text: &str) {
    let file = SourceFile { name: "town.yaml".to_owned(), text: text.to_owned() };
    let factors = include_str!("rules/factors/town.yaml").to_owned();
    let factors = SourceFile { name: "factors/town.yaml".to_owned(), text: factors };
    let _ = format_rules(&file);
    if let Ok(rules) = RuleSet::compile(&file, &[factors]) {
        let _ = rules.prove();
    }
}

/// Reads cases beside rules that stand.
fn read_cases(rules: &RuleSet, text: &str) {
    let cases = SourceFile { name: "town.cases.yaml".to_owned(), text: text.to_owned() };
    let _ = rules.check_cases(&[cases]);
}

fn town() -> RuleSet {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    let factors = file("factors/town.yaml", include_str!("rules/factors/town.yaml"));
    RuleSet::compile(&file("town.yaml", include_str!("rules/town.yaml")), &[factors]).unwrap()
}

fn read_formula(formula: &str) {
    let with =
        [("x", "7"), ("distance", "3.2 km"), ("used", "2 kWh"), ("usual", "3 kWh"), ("material", "board")];
    let with = with.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let _ = evaluate_expression(formula, &with);
}

fn survives(input: &str, run: impl Fn(&str)) -> Result<(), String> {
    let start = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| run(input)));
    match ended {
        Err(_) => Err(format!("panicked on:\n{input}")),
        Ok(()) if start.elapsed() > SLOW => Err(format!("took {:?} on:\n{input}", start.elapsed())),
        Ok(()) => Ok(()),
    }
}

#[test]
fn nothing_that_is_read_panics_or_takes_long() {
    let seconds = std::env::var("TANHUI_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let seed =
        std::env::var("TANHUI_FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0x7a6e_6875);
    let (texts, formulas, town) = (corpus(), formulas(), town());
    let (cases, mut dice) = (include_str!("rules/town.cases.yaml"), Dice(seed));
    assert!(texts.len() >= 8 && formulas.len() >= 20, "the corpus is not where it was");
    let stands = |told: Result<(), String>, runs: usize| {
        assert!(told.is_ok(), "run {runs} of seed {seed}: {}", told.unwrap_err());
    };
    for text in &texts {
        stands(survives(text, read_file), 0);
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0_usize;
    while Instant::now() < end {
        runs += 1;
        let text = &texts[dice.roll(texts.len())];
        stands(survives(&dice.changed(text), read_file), runs);
        stands(survives(&dice.changed(cases), |text| read_cases(&town, text)), runs);
        for _ in 0..4 {
            stands(survives(&dice.formula(), read_formula), runs);
            let written = formulas[dice.roll(formulas.len())];
            stands(survives(&dice.changed(written), read_formula), runs);
        }
    }
    println!("{runs} files, as many cases and {} formulas", runs * 8);
}
