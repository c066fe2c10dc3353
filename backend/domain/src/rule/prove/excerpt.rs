//! Some actions with what they need of a rule set's files, so that they can be compiled alone. Must never
//! leave out what could change them: whoever uses an excerpt compares it first with the whole.

use std::collections::BTreeSet;

use super::super::ruleset::SourceFile;
use super::super::yaml::{Kind, Node};
use super::tree::{Trees, members};

/// Sections whose other entries an action does without.
const CUT: [&str; 2] = ["actions", "parameters"];

/// Which lines of each file belong to the actions.
pub(super) struct Excerpt {
    kept: Vec<Vec<bool>>,
}

impl Excerpt {
    pub(super) fn of(trees: &Trees<'_>, actions: &BTreeSet<String>, parameters: &BTreeSet<String>) -> Self {
        let needed = closed(trees, parameters);
        let kept = trees.all.iter().map(|tree| {
            let mut kept = vec![true; tree.file.text.lines().count()];
            let sections = tree.root.iter().flat_map(members);
            let mut ends: Vec<u32> = sections.clone().map(|(key, _)| key.place.line).collect();
            ends.push(u32::MAX);
            for (key, node) in sections {
                let end =
                    ends.iter().copied().filter(|line| *line > key.place.line).min().unwrap_or(u32::MAX);
                if key.text == "examples" {
                    drop_lines(&mut kept, key.place.line, end);
                } else if CUT.contains(&key.text.as_str()) {
                    cut(&mut kept, node, end, |name| actions.contains(name) || needed.contains(name));
                }
            }
            kept
        });
        Self { kept: kept.collect() }
    }

    /// The lines of a file that belong to the actions.
    pub(super) fn take(&self, place: usize, file: &SourceFile) -> SourceFile {
        let kept = self.kept.get(place).map(Vec::as_slice).unwrap_or_default();
        let lines = file.text.lines().zip(kept.iter().chain(std::iter::repeat(&true)));
        let text = lines.filter(|(_, kept)| **kept).fold(String::new(), |mut text, (line, _)| {
            text.push_str(line);
            text.push('\n');
            text
        });
        SourceFile { name: file.name.clone(), text }
    }
}

/// Every word outside the sections of actions, parameters and examples: a campaign names its actions there.
pub(super) fn words_elsewhere(trees: &Trees<'_>) -> BTreeSet<String> {
    let sections = trees.all.iter().flat_map(|tree| tree.root.iter().flat_map(members));
    let elsewhere = sections.filter(|(key, _)| !CUT.contains(&key.text.as_str()) && key.text != "examples");
    let mut words = BTreeSet::new();
    elsewhere.for_each(|(_, node)| collect_words(node, &mut words));
    words
}

fn collect_words(node: &Node, words: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::Scalar { text, .. } => drop(words.insert(text.clone())),
        Kind::List(items) => items.iter().for_each(|item| collect_words(item, words)),
        Kind::Map(entries) => entries.iter().for_each(|(_, inner)| collect_words(inner, words)),
    }
}

/// The parameters, and those that stand behind second names.
fn closed(trees: &Trees<'_>, parameters: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = parameters.clone();
    for name in parameters {
        let entries = trees.entries("parameters", name);
        let targets = entries.iter().filter_map(|entry| entry.node.inner("same_as")?.word());
        all.extend(targets.map(str::to_owned));
    }
    all
}

/// Drops the lines of a section's entries that are not wanted; one stays, so that the section is not empty.
fn cut(kept: &mut [bool], section: &Node, end: u32, wanted: impl Fn(&str) -> bool) {
    let entries = members(section);
    let none = !entries.iter().any(|(key, _)| wanted(&key.text));
    for (place, (key, _)) in entries.iter().enumerate() {
        let next = entries.get(place.saturating_add(1)).map_or(end, |(next, _)| next.place.line);
        let stays = wanted(&key.text) || (none && place == 0);
        let alone = entries.iter().filter(|(other, _)| other.place.line == key.place.line).count() == 1;
        if !stays && alone && section.place.line < end {
            drop_lines(kept, key.place.line, next);
        }
    }
}

/// Lines count from 1; the last is not dropped.
fn drop_lines(kept: &mut [bool], from: u32, until: u32) {
    let index = |line: u32| usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX).min(kept.len());
    let (from, until) = (index(from), index(until));
    if let Some(lines) = kept.get_mut(from..until) {
        lines.fill(false);
    }
}
