//! Numbers and dates that no example and no case would miss: each is changed by one in its last digit or by a
//! day, and the cases of the actions that use it are run again. Must never call a number checked because it
//! was not looked at.

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
    /// How many dates were changed.
    pub dates: usize,
    /// Numbers that nothing checks, as warnings.
    pub unchecked: Vec<Diagnostic>,
    /// Dates that nothing checks, as warnings.
    pub unchecked_dates: Vec<Diagnostic>,
    /// Numbers and dates that could not be tried, with the reason.
    pub untried: Vec<Diagnostic>,
}

/// Sections at whose numbers no case can look, since they decide about no act.
pub const SECTIONS_UNTRIED: [&str; 6] = ["points_expire", "accept", "reversal", "levels", "badges", "prizes"];

/// What came of changing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    /// Some case noticed.
    Noticed,
    /// None did.
    Missed,
    /// The file stands neither with one more nor with one less.
    Stuck,
}

/// Changes every number and date of a rule set's actions, of the parameters that they use, of campaigns and
/// of budgets.
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
        let count = if numeral.is_date() { &mut mutants.dates } else { &mut mutants.numbers };
        *count = count.saturating_add(1);
        let mut tried = Tried::Stuck;
        for user in &users {
            let cases = cases.get(user).map(Vec::as_slice).unwrap_or_default();
            let Some(bench) = benches.get(user.as_str()) else { continue };
            match bench.tried(&trees, file, &numeral, cases) {
                Tried::Noticed => tried = Tried::Noticed,
                Tried::Missed => tried = Tried::Missed,
                Tried::Stuck => {}
            }
            if tried == Tried::Noticed {
                break;
            }
        }
        let list = match tried {
            Tried::Noticed => continue,
            Tried::Missed if numeral.is_date() => &mut mutants.unchecked_dates,
            Tried::Missed => &mut mutants.unchecked,
            Tried::Stuck => &mut mutants.untried,
        };
        list.extend(told(&trees, file, &numeral, tried));
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

    fn tried(&self, trees: &Trees<'_>, file: usize, numeral: &Numeral, cases: &[Case]) -> Tried {
        let changed = [true, false].into_iter().find_map(|up| {
            let changed = numeral.changed(up)?;
            self.compile(trees, Some((file, numeral, &changed)))
        });
        match changed {
            None => Tried::Stuck,
            Some(rules) if cases.iter().all(|case| holds(&rules, case)) => Tried::Missed,
            Some(_) => Tried::Noticed,
        }
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

fn told(trees: &Trees<'_>, file: usize, numeral: &Numeral, tried: Tried) -> Vec<Diagnostic> {
    let mut findings = Findings::default();
    let name = trees.all.get(file).map(|tree| tree.file.name.as_str()).unwrap_or_default();
    let written = &numeral.written;
    let found = if tried == Tried::Stuck {
        let found = text!("`{written}` 无法单独试改", "`{written}` cannot be tried by itself");
        Finding::new(found).help(text!(
            "加 1 或减 1 后文件都不成立, 请人工核对",
            "the file stands neither with one more nor with one less; look at it yourself"
        ))
    } else {
        let found = if numeral.is_date() {
            text!("没有算例检查日期 `{written}`", "nothing checks the date `{written}`")
        } else {
            text!("没有算例检查 `{written}`", "nothing checks the number `{written}`")
        };
        Finding::new(found)
            .help(text!("请补一个结果取决于它的算例", "write a case whose outcome depends on it"))
    };
    findings.add(name, numeral.place, &numeral.path, Severity::Warning, found);
    findings.all()
}
