//! Catalogues: parameters and actions that rule files share. Must never give a rule file what it does not
//! name: a catalogue through `uses`, an action through `from`.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Finding, Findings, did_you_mean, text};
use super::file::{Parameters, read_format, read_parameters};
use super::ruleset::SourceFile;
use super::section::Reading;
use super::yaml::{self, Key, Kind, Node};

/// Most catalogues of one rule set.
pub const CATALOGUES_MAX: usize = 32;

/// A catalogue in use, and its actions as written.
struct Catalogue<'f> {
    file: &'f SourceFile,
    actions: Vec<(Key, Node)>,
}

/// The catalogues that a rule file uses, by name.
#[derive(Default)]
pub(super) struct Shared<'f> {
    catalogues: BTreeMap<String, Catalogue<'f>>,
}

impl<'f> Shared<'f> {
    pub(super) fn files(&self) -> Vec<&'f SourceFile> {
        self.catalogues.values().map(|catalogue| catalogue.file).collect()
    }

    /// The names of the catalogues.
    pub(super) fn names(&self) -> Vec<String> {
        self.catalogues.keys().cloned().collect()
    }

    /// Ids of all actions that could be taken.
    pub(super) fn offered(&self) -> BTreeSet<String> {
        let actions = self.catalogues.values().flat_map(|catalogue| &catalogue.actions);
        actions.map(|(key, _)| key.text.clone()).collect()
    }

    /// A shared action with the keys that the rule file writes anew, and the file that the rest stands in.
    pub(super) fn take(
        &self,
        reading: &mut Reading<'_>,
        id: &str,
        own: &Node,
        path: &str,
    ) -> Option<(&'f str, Node)> {
        let mut section = reading.section(own, path)?;
        let from = section.optional("from")?;
        let step = section.step("from");
        let name = reading.scalar(from, &step)?;
        let shown: String = name.chars().take(64).collect();
        let Some(catalogue) = self.catalogues.get(name) else {
            let found = text!("`uses` 中没有目录 `{shown}`", "`uses` names no catalogue `{shown}`");
            let near = did_you_mean(name, self.catalogues.keys().map(String::as_str));
            reading.error(from.place, &step, Finding::new(found).help_maybe(near));
            return None;
        };
        let shared = catalogue.actions.iter().find(|(key, _)| key.text == id);
        let Some((_, shared)) = shared else {
            let found = text!("目录 `{shown}` 中没有行为 `{id}`", "catalogue `{shown}` has no action `{id}`");
            let near = did_you_mean(id, catalogue.actions.iter().map(|(key, _)| key.text.as_str()));
            reading.error(from.place, &step, Finding::new(found).help_maybe(near));
            return None;
        };
        let changes = section.entries().iter().filter(|(key, _)| key.text != "from");
        Some((&catalogue.file.name, overridden(shared, changes)))
    }
}

/// A node whose keys are replaced, or joined, by those of the rule file.
fn overridden<'n>(shared: &Node, changes: impl Iterator<Item = &'n (Key, Node)>) -> Node {
    let mut node = shared.clone();
    let Kind::Map(entries) = &mut node.kind else { return node };
    for (key, change) in changes {
        let (mut key, mut change) = (key.clone(), change.clone());
        key.place.overriding = true;
        mark(&mut change);
        match entries.iter_mut().find(|(known, _)| known.text == key.text) {
            Some(entry) => *entry = (key, change),
            None => entries.push((key, change)),
        }
    }
    node
}

/// Remembers that a node stands in the rule file.
fn mark(node: &mut Node) {
    node.place.overriding = true;
    match &mut node.kind {
        Kind::Scalar { .. } => {}
        Kind::List(items) => items.iter_mut().for_each(mark),
        Kind::Map(entries) => entries.iter_mut().for_each(|(key, inner)| {
            key.place.overriding = true;
            mark(inner);
        }),
    }
}

pub(super) fn read_uses<'f>(
    reading: &mut Reading<'_>,
    node: &Node,
    catalogues: &'f [SourceFile],
    parameters: &mut Parameters,
) -> Shared<'f> {
    let names = reading.list(node, "uses");
    if names.len() > CATALOGUES_MAX {
        let found = text!("目录超过 {CATALOGUES_MAX} 个", "more than {CATALOGUES_MAX} catalogues");
        reading.error(node.place, "uses", Finding::new(found));
    }
    let known: Vec<&str> = catalogues.iter().map(|file| catalogue_name(&file.name)).collect();
    let mut shared = Shared::default();
    for node in names.iter().take(CATALOGUES_MAX) {
        let Some(name) = reading.scalar(node, "uses") else { continue };
        if shared.catalogues.contains_key(name) {
            let found = Finding::new(text!("`{name}` 重复", "`{name}` stands twice"));
            reading.error(node.place, "uses", found);
            continue;
        }
        let Some(file) = catalogues.iter().find(|file| catalogue_name(&file.name) == name) else {
            let shown: String = name.chars().take(64).collect();
            let found = Finding::new(text!("没有目录 `{shown}`", "there is no catalogue `{shown}`"));
            let near = did_you_mean(&shown, known.iter().copied());
            reading.error(node.place, "uses", found.help_maybe(near));
            parameters.lose_catalogue();
            continue;
        };
        let actions = read_catalogue(reading.findings, file, name, parameters);
        if actions.is_none() {
            parameters.lose_catalogue();
        }
        let actions = actions.unwrap_or_default();
        shared.catalogues.insert(name.to_owned(), Catalogue { file, actions });
    }
    shared
}

/// `rules/factors/mobility.yaml` and `factors/mobility` both name `factors/mobility`.
fn catalogue_name(file: &str) -> &str {
    let stem = file.strip_suffix(".yaml").unwrap_or(file);
    let start = stem.rfind('/').map_or(0, |slash| {
        stem.get(..slash).and_then(|head| head.rfind('/')).map_or(0, |before| before.saturating_add(1))
    });
    stem.get(start..).unwrap_or(stem)
}

/// Reads the parameters; the actions are kept as written, to be read where they are taken.
fn read_catalogue(
    findings: &mut Findings,
    file: &SourceFile,
    name: &str,
    parameters: &mut Parameters,
) -> Option<Vec<(Key, Node)>> {
    let root = yaml::read(&file.name, &file.text, findings)?;
    let mut reading = Reading { file: &file.name, findings };
    let mut section = reading.section(&root, "")?;
    read_format(&mut reading, &mut section);
    if let Some(node) = section.required("catalogue", &mut reading) {
        let written = reading.scalar(node, "catalogue").unwrap_or(name);
        if written != name {
            let shown: String = written.chars().take(64).collect();
            let found = text!(
                "此目录名为 `{shown}`,却按 `{name}` 使用",
                "this catalogue is `{shown}` but used as `{name}`"
            );
            reading.error(node.place, "catalogue", Finding::new(found));
        }
    }
    let _title = section.optional("title").and_then(|node| reading.text(node, "title"));
    let actions = section.optional("actions");
    let own = if actions.is_some() {
        section.optional("parameters")
    } else {
        section.required("parameters", &mut reading)
    };
    read_parameters(&mut reading, own, parameters);
    let actions = actions.and_then(|node| reading.section(node, "actions"));
    section.finish(&[], &mut reading);
    Some(actions.map(|section| section.entries().to_vec()).unwrap_or_default())
}
