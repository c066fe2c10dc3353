//! The officers' guide in `rules/README.md`, done step by step on a copy of the rules: every picture shows
//! what the program really says. `TANHUI_DRAW_GUIDE=1` draws the pictures anew. Must never skip a step.

mod picture;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tanhui_domain::amount::Points;
use tanhui_domain::rule::{Evidence, Facts, RuleSet, SourceFile, Usage};
use tanhui_domain::text::Language;
use tempfile::TempDir;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[test]
fn the_guide_shows_what_the_program_says() {
    pictures_show_what_the_program_says().unwrap();
    the_receipt_is_what_a_citizen_is_told().unwrap();
}

fn rules_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules")
}

fn guide() -> Outcome<String> {
    Ok(fs::read_to_string(rules_folder().join("README.md"))?)
}

/// Whether the guide is to be drawn anew instead of compared.
fn draws() -> bool {
    std::env::var_os("TANHUI_DRAW_GUIDE").is_some()
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A desk with a copy of the rules on it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Outcome<Self> {
        let desk = Self(tempfile::tempdir()?);
        copy(&rules_folder(), &desk.0.path().join("rules"))?;
        Ok(desk)
    }

    /// Does an edit: its first line names the file; lines with `-` make way for lines with `+`.
    fn edit(&self, block: &[&str]) -> Outcome {
        let (file, lines) = block.split_first().ok_or("an edit without a file")?;
        let path = self.0.path().join(file.trim_start_matches("# "));
        let side = |dropped: char| {
            let kept = lines.iter().filter(|line| !line.starts_with(dropped));
            kept.map(|line| line.get(1..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
        };
        let (old, new) = (side('+'), side('-'));
        let text = fs::read_to_string(&path)?;
        assert_eq!(text.matches(&old).count(), 1, "{file} does not hold once:\n{old}");
        Ok(fs::write(&path, text.replacen(&old, &new, 1))?)
    }

    fn run(&self, command: &str, language: Language) -> Outcome<String> {
        let locale = match language {
            Language::Zh => "zh_CN.UTF-8",
            Language::En => "en_GB.UTF-8",
        };
        let ran = Command::new(env!("CARGO_BIN_EXE_tanhui"))
            .args(command.split_whitespace().skip(1))
            .current_dir(self.0.path())
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env("LANG", locale)
            .output()?;
        assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{command}");
        Ok(String::from_utf8(ran.stdout)?)
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
        let picture = line.strip_prefix("![").and_then(|rest| rest.split_once("]("));
        if let Some((_, file)) = picture {
            all.push(Shown::Picture { line, file: file.trim_end_matches(')') });
        } else if line.starts_with("##") {
            all.push(Shown::Section(line));
        } else if line == "```diff" {
            all.push(Shown::Edit(lines.by_ref().take_while(|line| *line != "```").collect()));
        } else if let Some(command) = line.strip_prefix("$ tanhui ") {
            all.push(Shown::Command(line.get(2..).unwrap_or(command)));
        }
    }
    all
}

/// The line that shows a picture, with its first line for those who cannot see it.
fn embedded(file: &str, said: &str) -> String {
    let first = said.lines().next().unwrap_or_default().replace('[', "(").replace(']', ")");
    format!("![{first}]({file})")
}

fn pictures_show_what_the_program_says() -> Outcome {
    let guide = guide()?;
    let mut redrawn = guide.clone();
    let (mut language, mut desk, mut said, mut pictures) = (Language::Zh, Desk::new()?, None, 0_usize);
    for step in shown(&guide) {
        match step {
            Shown::Section("## English") => language = Language::En,
            Shown::Section(_) => desk = Desk::new()?,
            Shown::Edit(block) => desk.edit(&block)?,
            Shown::Command(command) => said = Some((command, desk.run(command, language)?)),
            Shown::Picture { line, file } => {
                let (command, said) = said.take().ok_or("a picture without a command")?;
                let drawn = picture::draw(command, &said);
                let path = rules_folder().join(file);
                if draws() {
                    fs::write(&path, &drawn)?;
                    redrawn = redrawn.replacen(line, &embedded(file, &said), 1);
                } else {
                    assert_eq!(line, embedded(file, &said));
                    let kept = fs::read_to_string(&path)?;
                    assert_eq!(kept, drawn, "{file} is stale: draw it anew with TANHUI_DRAW_GUIDE=1");
                }
                pictures = pictures.saturating_add(1);
            }
        }
    }
    assert_eq!(pictures, 18);
    if draws() {
        fs::write(rules_folder().join("README.md"), redrawn)?;
    }
    Ok(())
}

fn source(name: String) -> Outcome<SourceFile> {
    let text = fs::read_to_string(rules_folder().join(&name))?;
    Ok(SourceFile { name, text })
}

/// The rules of a place as they are shipped.
fn shipped(place: &str) -> Outcome<RuleSet> {
    let mut catalogues = Vec::new();
    for folder in ["factors", "actions"] {
        for entry in fs::read_dir(rules_folder().join(folder))? {
            let name = format!("{folder}/{}", entry?.file_name().to_string_lossy());
            if !name.ends_with(".cases.yaml") {
                catalogues.push(source(name)?);
            }
        }
    }
    let rules = RuleSet::compile(&source(format!("{place}.yaml"))?, &catalogues);
    rules.map_err(|all| all.iter().map(ToString::to_string).collect::<String>().into())
}

fn the_receipt_is_what_a_citizen_is_told() -> Outcome {
    let guide = guide()?;
    let rules = shipped("nanchang")?;
    let metro = rules.action("metro_ride").ok_or("no metro")?;
    let inputs = rules.read_inputs(metro, [("distance_km", "10")]).map_err(|_| "unreadable")?;
    let at = "2026-03-02T00:30:00Z".parse()?;
    let facts = Facts::new(&inputs, at, Evidence::Operator);
    let windows = rules.cap_windows(metro, at.with_timezone(&rules.timezone()).date_naive());
    let mut used = vec![Usage::default(); windows.len()];
    let today = Usage { points: Points::new(120), events: 2, ..Usage::default() };
    used.splice(..1, [today]);
    let told = rules.explain(metro, rules.evaluate(metro, &facts, &used).receipt());
    let blocks = guide.split("```text\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let shown: Vec<&str> = blocks.map(|(block, _)| block).collect();
    let said = [Language::Zh, Language::En].map(|language| format!("{}\n", told.text(language)));
    if draws() {
        let redrawn =
            shown.iter().zip(&said).fold(guide.clone(), |text, (old, new)| text.replacen(old, new, 1));
        fs::write(rules_folder().join("README.md"), redrawn)?;
    } else {
        assert_eq!(shown, said);
    }
    Ok(())
}
