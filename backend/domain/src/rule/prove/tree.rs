//! The files of a rule set as trees, to find where something stands. Must never judge what it finds.

use super::super::diagnostic::Findings;
use super::super::ruleset::SourceFile;
use super::super::yaml::{self, Key, Kind, Node};

/// One file and its tree; none where it cannot be read.
pub(super) struct Tree<'s> {
    pub(super) file: &'s SourceFile,
    pub(super) root: Option<Node>,
}

/// All files of a rule set, its own first.
pub(super) struct Trees<'s> {
    pub(super) all: Vec<Tree<'s>>,
}

/// An entry of a file: `actions.metro_ride` and what stands below it.
pub(super) struct Entry<'t> {
    pub(super) file: usize,
    pub(super) node: &'t Node,
}

impl<'s> Trees<'s> {
    pub(super) fn read(main: &'s SourceFile, catalogues: &'s [SourceFile]) -> Self {
        let read = |file: &'s SourceFile| {
            let root = yaml::read(&file.name, &file.text, &mut Findings::default());
            Tree { file, root }
        };
        Self { all: std::iter::once(main).chain(catalogues).map(read).collect() }
    }

    /// The places where an entry of a section is written: the rule file's own, then a catalogue's.
    pub(super) fn entries(&self, section: &str, name: &str) -> Vec<Entry<'_>> {
        let files = self.all.iter().enumerate();
        let found = files.filter_map(|(file, tree)| {
            let node = tree.root.as_ref()?.inner(section)?.inner(name)?;
            Some(Entry { file, node })
        });
        found.collect()
    }

    /// Where an action is written: all of it, or what the rule file changes and the rest in the catalogue.
    pub(super) fn action(&self, id: &str) -> Vec<Entry<'_>> {
        let mut all = self.entries("actions", id);
        let from = all.first().and_then(|own| own.node.inner("from")?.word().map(str::to_owned));
        let Some(from) = from else {
            all.truncate(1);
            return all;
        };
        all.retain(|entry| {
            let named =
                self.all.get(entry.file).and_then(|tree| tree.root.as_ref()?.inner("catalogue")?.word());
            entry.file == 0 || named == Some(&from)
        });
        all
    }
}

/// The keys and values of a map; nothing for anything else.
pub(super) fn members(node: &Node) -> &[(Key, Node)] {
    match &node.kind {
        Kind::Map(entries) => entries,
        Kind::Scalar { .. } | Kind::List(_) => &[],
    }
}
