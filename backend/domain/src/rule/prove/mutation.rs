//! Numbers that no example and no case would miss: each is changed by one in its last digit, and the cases of
//! the actions that use it are run again. Must never call a number checked because it was not looked at.

use std::collections::BTreeMap;

use super::super::action::Action;
use super::super::diagnostic::{Diagnostic, Finding, Findings, Place, Severity, text};
use super::super::example::{Case, by_action, holds};
use super::super::ruleset::{RuleSet, SourceFile};
use super::excerpt::{Excerpt, words_elsewhere};
use super::number::{Numeral, numerals};
use super::tree::Trees;

/// What came of changing every number.
#[derive(Debug, Default)]
pub struct Mutants {
    /// How many numbers were changed.
    pub numbers: usize,
    /// Those that nothing checks, as warnings.
    pub unchecked: Vec<Diagnostic>,
}

/// Changes every number of a rule set's actions and of the parameters that they use.
#[must_use]
pub fn unchecked_numbers(rules: &RuleSet, cases: &[SourceFile]) -> Mutants {
    let Some((main, catalogues)) = rules.sources() else { return Mutants::default() };
    let trees = Trees::read(&main, &catalogues);
    let cases = by_action(rules, &main, cases);
    let words = words_elsewhere(&trees);
    let named: Vec<&Action> = rules.actions().filter(|action| words.contains(action.id())).collect();
    let benches: BTreeMap<&str, Bench<'_>> =
        rules.actions().map(|action| (action.id(), Bench::new(&trees, action, &named))).collect();
    let mut mutants = Mutants::default();
    for (numeral, file, users) in targets(rules, &trees) {
        mutants.numbers = mutants.numbers.saturating_add(1);
        let noticed = users.iter().any(|user| {
            let cases = cases.get(user).map(Vec::as_slice).unwrap_or_default();
            benches.get(user.as_str()).is_some_and(|bench| bench.notices(&trees, file, &numeral, cases))
        });
        if !noticed {
            mutants.unchecked.extend(told(&trees, file, &numeral));
        }
    }
    mutants
}

/// Every number with the file that it stands in and the actions that it may change.
fn targets(rules: &RuleSet, trees: &Trees<'_>) -> Vec<(Numeral, usize, Vec<String>)> {
    let mut all = Vec::new();
    let mut users: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for action in rules.actions() {
        let written = trees.action(action.id());
        for (place, entry) in written.iter().enumerate() {
            let path = format!("actions.{}", action.id());
            let replaced = |numeral: &Numeral| {
                let key = numeral.path.split('.').nth(2).unwrap_or_default();
                place > 0 && written.first().is_some_and(|own| own.node.inner(key).is_some())
            };
            let numerals = numerals(entry.node, &path).into_iter().filter(|numeral| !replaced(numeral));
            all.extend(numerals.map(|numeral| (numeral, entry.file, vec![action.id().to_owned()])));
        }
        for parameter in action.parameters() {
            users.entry(parameter).or_default().push(action.id().to_owned());
        }
    }
    all.extend(of_parameters(trees, &users));
    let everywhere: Vec<String> = rules.actions().map(|action| action.id().to_owned()).collect();
    for section in ["campaigns", "budgets"] {
        let node = trees.all.first().and_then(|tree| tree.root.as_ref()?.inner(section));
        let numerals = node.into_iter().flat_map(|node| numerals(node, section));
        all.extend(numerals.map(|numeral| (numeral, 0, everywhere.clone())));
    }
    all
}

/// The numbers of parameters, each once, whatever its parameter is called.
fn of_parameters(
    trees: &Trees<'_>,
    users: &BTreeMap<&str, Vec<String>>,
) -> Vec<(Numeral, usize, Vec<String>)> {
    let mut all: BTreeMap<(usize, Place), (Numeral, Vec<String>)> = BTreeMap::new();
    for (name, users) in users {
        let entries = trees.entries("parameters", name);
        let target = entries.iter().find_map(|entry| entry.node.inner("same_as")?.word().map(str::to_owned));
        let entries = target.as_deref().map_or(entries, |target| trees.entries("parameters", target));
        let path = format!("parameters.{}", target.as_deref().unwrap_or(name));
        for entry in entries {
            for numeral in numerals(entry.node, &path) {
                let known = all.entry((entry.file, numeral.place)).or_insert((numeral, Vec::new()));
                known.1.extend(users.iter().cloned());
            }
        }
    }
    all.into_iter().map(|((file, _), (numeral, users))| (numeral, file, users)).collect()
}

/// One action that can be compiled alone, or with all of its files where an excerpt does not do.
struct Bench<'a> {
    action: &'a Action,
    excerpt: Option<Excerpt>,
}

impl<'a> Bench<'a> {
    /// Takes the actions that other sections name along, for those sections stay.
    fn new(trees: &Trees<'_>, action: &'a Action, named: &[&Action]) -> Self {
        let all = || std::iter::once(action).chain(named.iter().copied());
        let actions = all().map(|action| action.id().to_owned()).collect();
        let parameters = all().flat_map(Action::parameters).map(str::to_owned).collect();
        let excerpt = Excerpt::of(trees, &actions, &parameters);
        let mut bench = Self { action, excerpt: Some(excerpt) };
        if bench.compile(trees, None).is_none() {
            bench.excerpt = None;
        }
        bench
    }

    fn notices(&self, trees: &Trees<'_>, file: usize, numeral: &Numeral, cases: &[Case]) -> bool {
        let changed = [true, false].into_iter().find_map(|up| {
            let changed = numeral.changed(up)?;
            self.compile(trees, Some((file, numeral, &changed)))
        });
        changed.is_none_or(|rules| !cases.iter().all(|case| holds(&rules, case)))
    }

    fn compile(&self, trees: &Trees<'_>, change: Option<(usize, &Numeral, &str)>) -> Option<RuleSet> {
        let files = trees.all.iter().enumerate().map(|(place, tree)| {
            let changed = change.filter(|(file, ..)| *file == place);
            let file = match changed {
                Some((_, numeral, number)) => replaced(tree.file, numeral, number),
                None => tree.file.clone(),
            };
            self.excerpt.as_ref().map_or_else(|| file.clone(), |excerpt| excerpt.take(place, &file))
        });
        let mut files: Vec<SourceFile> = files.collect();
        let main = (!files.is_empty()).then(|| files.remove(0))?;
        RuleSet::compile(&main, &files).ok().filter(|rules| rules.action(self.action.id()).is_some())
    }
}

/// The file with one number changed.
fn replaced(file: &SourceFile, numeral: &Numeral, number: &str) -> SourceFile {
    let line = usize::try_from(numeral.place.line).unwrap_or(usize::MAX);
    let column = usize::try_from(numeral.place.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let rows = file.text.lines().zip(1_usize..).map(|(row, place)| {
        if place != line {
            return row.to_owned();
        }
        let before = row.chars().take(column);
        let after = row.chars().skip(column.saturating_add(numeral.written.len()));
        before.chain(number.chars()).chain(after).collect()
    });
    let text = rows.collect::<Vec<String>>().join("\n");
    SourceFile { name: file.name.clone(), text }
}

fn told(trees: &Trees<'_>, file: usize, numeral: &Numeral) -> Vec<Diagnostic> {
    let mut findings = Findings::default();
    let name = trees.all.get(file).map(|tree| tree.file.name.as_str()).unwrap_or_default();
    let number = &numeral.written;
    let found = text!("没有算例检查 `{number}`", "nothing checks the number `{number}`");
    let help = text!("请补一个结果取决于它的算例", "write a case whose outcome depends on it");
    findings.add(name, numeral.place, &numeral.path, Severity::Warning, Finding::new(found).help(help));
    findings.all()
}
