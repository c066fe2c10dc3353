//! The mistakes that officers make most, each with all that is said about it in Chinese and in English, from
//! `typical.txt`. Must never accept one in silence, nor leave out the cure.

use tanhui_domain::rule::{Diagnostic, RuleSet, SourceFile};
use tanhui_domain::text::Language;

const MAIN: &str = include_str!("rules/town.yaml");
const FACTORS: &str = include_str!("rules/factors/town.yaml");
const MISTAKES: &str = include_str!("typical.txt");
/// A warning that the town's file has without any mistake.
const USUAL: &str = "no formula uses `district`";

fn check(main: String, factors: String) -> Vec<Diagnostic> {
    let main = SourceFile { name: "town.yaml".to_owned(), text: main };
    let factors = SourceFile { name: "factors/town.yaml".to_owned(), text: factors };
    let all = match RuleSet::compile(&main, &[factors]) {
        Ok(rules) => rules.warnings().to_vec(),
        Err(all) => all,
    };
    all.into_iter().filter(|found| !found.to_string().contains(USUAL)).collect()
}

/// The lines of a block that begin with a sign, without it.
fn lines(block: &str, sign: char) -> String {
    block.lines().filter_map(|line| line.strip_prefix(sign)).collect::<Vec<_>>().join("\n")
}

fn run(block: &str) -> Result<(), String> {
    let (right, wrong) = (lines(block, '-'), lines(block, '+'));
    if MAIN.contains(&right) == FACTORS.contains(&right) {
        return Err(format!("{right:?} must stand in one of the files"));
    }
    let all = check(MAIN.replacen(&right, &wrong, 1), FACTORS.replacen(&right, &wrong, 1));
    let said = [Language::Zh, Language::En]
        .map(|language| all.iter().map(|found| found.render(language)).collect::<Vec<_>>().join("\n"));
    let expected = block.lines().skip(1).filter(|line| !line.starts_with(['-', '+']));
    let expected = expected.collect::<Vec<_>>().join("\n");
    let said = said.join("\n");
    let cured = |found: &Diagnostic| found.help.is_some() || found.message.en.contains("; send ");
    if let Some(bare) = all.iter().find(|found| !cured(found)) {
        return Err(format!("no cure is named: {bare}"));
    }
    if said == expected.trim_end() { Ok(()) } else { Err(format!("expected\n{expected}\nsaid\n{said}\n")) }
}

#[test]
fn every_typical_mistake_is_told_in_full() {
    let blocks: Vec<&str> = MISTAKES.split("\n## ").skip(1).collect();
    assert!(blocks.len() >= 50, "{} mistakes", blocks.len());
    let wrong: Vec<String> = blocks
        .iter()
        .filter_map(|block| {
            let told = run(block).err()?;
            Some(format!("## {}\n{told}", block.lines().next()?))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
