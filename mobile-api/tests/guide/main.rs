//! The officers' guide in `rules/README.md`, done step by step on a copy of the rules: every picture shows
//! what the program really says. `TANHUI_DRAW_GUIDE=1` draws the pictures anew. Must never skip a step.

mod picture;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tanhui_domain::rule::{Evidence, Facts, RuleSet, SourceFile, Usage};
use tanhui_domain::text::Language;
use tempfile::TempDir;

fn rules_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules")
}

fn guide() -> String {
    fs::read_to_string(rules_folder().join("README.md")).unwrap()
}

/// Whether the guide is to be drawn anew instead of compared.
fn draws() -> bool {
    std::env::var_os("TANHUI_DRAW_GUIDE").is_some()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A desk with a copy of the rules on it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        copy(&rules_folder(), &desk.0.path().join("rules"));
        desk
    }

    /// Does an edit: its first line names the file; lines with `-` make way for lines with `+`.
    fn edit(&self, block: &[&str]) {
        let (file, lines) = block.split_first().unwrap();
        let path = self.0.path().join(file.strip_prefix("# ").unwrap());
        let side = |dropped: char| {
            let kept = lines.iter().filter(|line| !line.starts_with(dropped));
            kept.map(|line| line.get(1..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
        };
        let (old, new) = (side('+'), side('-'));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(&old).count(), 1, "{file} does not hold once:\n{old}");
        fs::write(&path, text.replacen(&old, &new, 1)).unwrap();
    }

    fn run(&self, command: &str, language: Language) -> String {
        let mut words = command.split_whitespace();
        assert_eq!(words.next(), Some("tanhui"));
        let locale = match language {
            Language::Zh => "zh_CN.UTF-8",
            Language::En => "en_GB.UTF-8",
        };
        let ran = Command::new(env!("CARGO_BIN_EXE_tanhui"))
            .args(words)
            .current_dir(self.0.path())
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env("LANG", locale)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
        String::from_utf8(ran.stdout).unwrap()
    }
}

/// One thing that the guide shows.
enum Shown<'g> {
    Section(&'g str),
    Edit(Vec<&'g str>),
    Command(&'g str),
    Picture { line: &'g str, file: &'g str },
}

/// The edits, commands and pictures of the guide in their order.
fn shown(guide: &str) -> Vec<Shown<'_>> {
    let mut all = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("##") {
            all.push(Shown::Section(line));
        } else if line == "```diff" {
            all.push(Shown::Edit(lines.by_ref().take_while(|line| *line != "```").collect()));
        } else if line == "```console" {
            let command = lines.next().and_then(|line| line.strip_prefix("$ ")).unwrap();
            assert_eq!(lines.next(), Some("```"));
            all.push(Shown::Command(command));
        } else if line.starts_with("![") {
            let file = line.split_once("](").and_then(|(_, rest)| rest.strip_suffix(')')).unwrap();
            all.push(Shown::Picture { line, file });
        }
    }
    all
}

/// The line that shows a picture, with its first line for those who cannot see it.
fn embedded(file: &str, said: &str) -> String {
    let first = said.lines().next().unwrap_or_default().replace('[', "(").replace(']', ")");
    format!("![{first}]({file})")
}

#[test]
fn the_guide_shows_what_the_program_says() {
    the_pictures_are_what_the_program_says();
    the_receipt_is_what_a_citizen_is_told();
}

fn the_pictures_are_what_the_program_says() {
    let guide = guide();
    let draw = draws();
    let mut redrawn = guide.clone();
    let (mut language, mut desk, mut said, mut pictures) = (Language::Zh, Desk::new(), None, 0);
    for step in shown(&guide) {
        match step {
            Shown::Section(heading) => {
                if heading == "## English" {
                    language = Language::En;
                }
                desk = Desk::new();
            }
            Shown::Edit(block) => desk.edit(&block),
            Shown::Command(command) => said = Some((command, desk.run(command, language))),
            Shown::Picture { line, file } => {
                let (command, said) = said.take().unwrap();
                let drawn = picture::draw(command, &said);
                let path = rules_folder().join(file);
                if draw {
                    fs::write(&path, &drawn).unwrap();
                    redrawn = redrawn.replacen(line, &embedded(file, &said), 1);
                } else {
                    assert_eq!(line, embedded(file, &said));
                    let kept = fs::read_to_string(&path).unwrap_or_default();
                    assert_eq!(kept, drawn, "{file} is stale: draw it anew with TANHUI_DRAW_GUIDE=1");
                }
                pictures += 1;
            }
        }
    }
    assert_eq!(pictures, 18);
    if draw {
        fs::write(rules_folder().join("README.md"), redrawn).unwrap();
    }
}

/// The rules of a place as they are shipped.
fn shipped(place: &str) -> RuleSet {
    let file = |name: String| {
        let text = fs::read_to_string(rules_folder().join(&name)).unwrap();
        SourceFile { name, text }
    };
    let catalogues = ["factors", "actions"].into_iter().flat_map(|folder| {
        let entries = fs::read_dir(rules_folder().join(folder)).unwrap().map(Result::unwrap);
        let names = entries.map(move |entry| format!("{folder}/{}", entry.file_name().to_string_lossy()));
        names.filter(|name| !name.ends_with(".cases.yaml"))
    });
    let catalogues: Vec<SourceFile> = catalogues.map(file).collect();
    RuleSet::compile(&file(format!("{place}.yaml")), &catalogues).unwrap()
}

fn the_receipt_is_what_a_citizen_is_told() {
    let guide = guide();
    let rules = shipped("nanchang");
    let metro = rules.action("metro_ride").unwrap();
    let inputs = rules.read_inputs(metro, [("distance_km", "10")]).unwrap();
    let at = "2026-03-02T00:30:00Z".parse().unwrap();
    let facts = Facts::new(&inputs, at, Evidence::Operator);
    let day = at.with_timezone(&rules.timezone()).date_naive();
    let today = Usage { points: tanhui_domain::amount::Points::new(120), events: 2, ..Usage::default() };
    let mut used = vec![Usage::default(); rules.cap_windows(metro, day).len()];
    *used.first_mut().unwrap() = today;
    let told = rules.explain(metro, rules.evaluate(metro, &facts, &used).receipt());
    let shown: Vec<&str> = guide
        .split("```text\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(block, _)| block))
        .collect();
    let said = [Language::Zh, Language::En].map(|language| format!("{}\n", told.text(language)));
    if draws() {
        let redrawn =
            shown.iter().zip(&said).fold(guide.clone(), |text, (old, new)| text.replacen(old, new, 1));
        fs::write(rules_folder().join("README.md"), redrawn).unwrap();
    } else {
        assert_eq!(shown, said);
    }
}
