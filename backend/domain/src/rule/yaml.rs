//! A strict subset of YAML as a tree of texts with places. Never guesses a type, follows an anchor, or
//! reads past its limits.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::diagnostic::{Finding, Findings, Place, Severity, text};
use super::misread;

/// Most bytes of one file.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting of one file.
pub const DEPTH_MAX: usize = 12;
/// Most keys, values and lists of one file.
pub const NODES_MAX: usize = 50_000;

/// One value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Text; `inline` while each of its characters stands in the file as it is, on one line.
    Scalar {
        text: String,
        inline: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) place: Place,
}

impl Node {
    /// The value of a key, where this is a map that has it.
    pub(super) fn inner(&self, key: &str) -> Option<&Self> {
        let Kind::Map(entries) = &self.kind else { return None };
        entries.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// Its keys, where this is a map; no more than a file may have actions.
    pub(super) fn keys(&self) -> Vec<String> {
        let Kind::Map(entries) = &self.kind else { return Vec::new() };
        entries.iter().take(super::file::ENTRIES_MAX).map(|(key, _)| key.text.clone()).collect()
    }

    /// Its text, where it is one.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }
}

/// Reads one document. Problems go to `findings`; what could be read before them is lost, as YAML cannot
/// resume.
pub(super) fn read(file: &str, source: &str, findings: &mut Findings) -> Option<Node> {
    let outcome = refuse_characters(source).and_then(|()| Builder::default().run(source));
    match outcome {
        Ok(node) => Some(node),
        Err((place, found)) => {
            findings.add(file, place, "", Severity::Error, found);
            None
        }
    }
}

type Refused = (Place, Finding);

fn refuse_characters(source: &str) -> Result<(), Refused> {
    let start = Place::new(1, 1);
    if source.len() > FILE_BYTES_MAX {
        let found = Finding::new(text!(
            "文件有 {bytes} 字节,最多 {max} 字节",
            "the file has {bytes} bytes; at most {max}",
            bytes = source.len(),
            max = FILE_BYTES_MAX
        ));
        return Err((start, found));
    }
    for (line, row) in source.lines().enumerate() {
        let stray = row.chars().position(|letter| letter != '\u{feff}' && letter.is_control());
        if let Some(column) = stray {
            let tab = row.chars().nth(column) == Some('\t');
            let found = if tab {
                Finding::new(text!("文件中有制表符 (Tab)", "the file holds a tab"))
                    .help(text!("请改用空格缩进", "indent with spaces"))
            } else {
                Finding::new(text!("文件中有控制字符", "the file holds a control character"))
            };
            let place = Place::new(line.saturating_add(1), column.saturating_add(1));
            return Err((place, found));
        }
    }
    Ok(())
}

/// A list or map that is being filled.
struct Open {
    place: Place,
    items: Vec<Node>,
    entries: Vec<(Key, Node)>,
    key: Option<Key>,
    /// On which line each key stands.
    lines: BTreeMap<String, u32>,
    map: bool,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
}

impl Builder {
    fn run(mut self, source: &str) -> Result<Node, Refused> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        for step in Parser::new_from_str(source) {
            let (event, span) = step.map_err(|error| {
                misread::find(
                    source,
                    (error.marker().line(), error.marker().col().saturating_add(1)),
                    error.info(),
                )
            })?;
            self.take(event, place(&span.start))?;
        }
        let start = Place::new(1, 1);
        self.root.ok_or_else(|| (start, Finding::new(text!("文件是空的", "the file is empty"))))
    }

    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Refused> {
        let refuse = |zh: &str, en: &str| {
            let found = Finding::new(text!("不支持{zh}", "{en} are not supported"));
            Err((
                place,
                found.help(text!("请把内容直接写在这里", "write out what is meant, in one document")),
            ))
        };
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    refuse("多个文档 (---)", "several documents (---)")
                } else {
                    Ok(())
                }
            }
            Event::Alias(_) => refuse("别名 (*)", "aliases (*)"),
            Event::Scalar(_, _, anchor, tag) if anchor != 0 || tag.is_some() => {
                refuse("锚点 (&) 和标签 (!)", "anchors (&) and tags (!)")
            }
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag)
                if anchor != 0 || tag.is_some() =>
            {
                refuse("锚点 (&) 和标签 (!)", "anchors (&) and tags (!)")
            }
            Event::Scalar(value, style, ..) => self.scalar(value.into_owned(), style, place),
            Event::SequenceStart(..) => self.start(false, place),
            Event::MappingStart(..) => self.start(true, place),
            Event::SequenceEnd | Event::MappingEnd => {
                self.end();
                Ok(())
            }
        }
    }

    fn count(&mut self, place: Place) -> Result<(), Refused> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err((
            place,
            Finding::new(text!("文件超过 {NODES_MAX} 个值", "more than {NODES_MAX} values in one file")),
        ))
    }

    fn start(&mut self, map: bool, place: Place) -> Result<(), Refused> {
        self.count(place)?;
        if self.open.len() >= DEPTH_MAX {
            return Err((
                place,
                Finding::new(text!("嵌套超过 {DEPTH_MAX} 层", "nested deeper than {DEPTH_MAX}")),
            ));
        }
        if self.open.last().is_some_and(|open| open.map && open.key.is_none()) {
            return Err((place, Finding::new(text!("键必须是文字", "a key must be text"))));
        }
        self.open.push(Open {
            place,
            items: Vec::new(),
            entries: Vec::new(),
            key: None,
            lines: BTreeMap::new(),
            map,
        });
        Ok(())
    }

    fn end(&mut self) {
        let Some(done) = self.open.pop() else { return };
        let kind = if done.map { Kind::Map(done.entries) } else { Kind::List(done.items) };
        self.place_node(Node { place: done.place, kind });
    }

    fn scalar(&mut self, value: String, style: ScalarStyle, place: Place) -> Result<(), Refused> {
        self.count(place)?;
        let awaits_key = self.open.last().is_some_and(|open| open.map && open.key.is_none());
        if awaits_key {
            return self.key(Key { text: value, place });
        }
        let inline = match style {
            ScalarStyle::Plain => true,
            ScalarStyle::SingleQuoted => !value.contains('\''),
            ScalarStyle::DoubleQuoted => !value.contains(['"', '\\', '\n']),
            ScalarStyle::Literal | ScalarStyle::Folded => false,
        };
        let place = if matches!(style, ScalarStyle::Plain) { place } else { place.right(1) };
        self.place_node(Node { place, kind: Kind::Scalar { text: value, inline } });
        Ok(())
    }

    fn key(&mut self, key: Key) -> Result<(), Refused> {
        if key.text == "<<" {
            return Err((
                key.place,
                Finding::new(text!("不支持合并键 (<<)", "merge keys (<<) are not supported")),
            ));
        }
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        if let Some(line) = open.lines.insert(key.text.clone(), key.place.line) {
            let found = Finding::new(text!(
                "键 `{name}` 重复,第一次在第 {line} 行",
                "key `{name}` stands twice; first on line {line}",
                name = key.text,
            ));
            return Err((key.place, found.help(text!("请去掉其中一行", "take one of them away"))));
        }
        open.key = Some(key);
        Ok(())
    }

    fn place_node(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(open) => match open.key.take() {
                Some(key) => open.entries.push((key, node)),
                None => open.items.push(node),
            },
        }
    }
}

fn place(marker: &Marker) -> Place {
    Place::new(marker.line(), marker.col().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn complaint(source: &str) -> String {
        let mut findings = Findings::default();
        assert!(read("f.yaml", source, &mut findings).is_none(), "{source:.80}");
        findings.finish().unwrap_err().first().unwrap().to_string()
    }

    fn accepted(source: &str) -> bool {
        read("f.yaml", source, &mut Findings::default()).is_some()
    }

    #[test]
    fn what_the_subset_leaves_out_is_refused_in_place() {
        for (source, expected) in [
            ("a: &x 1\n", "f.yaml:1:4: error: anchors (&) and tags (!) are not supported"),
            ("a: !!int 1\n", "anchors (&) and tags (!)"),
            ("a: &x [1]\n", "anchors (&) and tags (!)"),
            ("a: 1\nb: *x\n", "f.yaml:2:4"),
            ("<<: {a: 1}\n", "merge keys"),
            ("a: 1\na: 2\n", "f.yaml:2:1: error: key `a` stands twice; first on line 1"),
            ("a:\n\tb: 1\n", "f.yaml:2:1: error: the file holds a tab"),
            ("a: 1\n---\nb: 2\n", "several documents"),
            ("? {a: b}\n: c\n", "a key must be text"),
            ("", "the file is empty"),
            ("a: {when: time in [07:00 .. 09:00)}\n", "put a formula that holds"),
        ] {
            let found = complaint(source);
            assert!(found.contains(expected), "{source:?}: {found}");
        }
    }

    #[test]
    fn limits_hold_at_below_and_above() {
        for (depth, fits) in [(DEPTH_MAX - 1, true), (DEPTH_MAX, true), (DEPTH_MAX + 1, false), (5000, false)]
        {
            assert_eq!(accepted(&format!("{}{}", "[".repeat(depth), "]".repeat(depth))), fits, "{depth}");
        }
        for (items, fits) in [(NODES_MAX - 2, true), (NODES_MAX - 1, true), (NODES_MAX, false)] {
            assert_eq!(accepted(&format!("[{}]", vec!["a"; items].join(","))), fits, "{items}");
        }
        for (bytes, fits) in [(FILE_BYTES_MAX - 1, true), (FILE_BYTES_MAX, true), (FILE_BYTES_MAX + 1, false)]
        {
            assert_eq!(accepted(&"a".repeat(bytes)), fits, "{bytes}");
        }
    }

    #[test]
    fn files_from_other_systems_are_read() {
        assert!(accepted("\u{feff}a: 1\r\nb: 2\r\n"));
        assert!(complaint("a: 1\rb: 2").contains("control character"));
    }

    #[test]
    fn scalars_stay_text() {
        let node = read("f", "a: 0.10\n", &mut Findings::default()).unwrap();
        let Kind::Map(entries) = node.kind else { panic!("not a map") };
        let Kind::Scalar { text, inline } = &entries[0].1.kind else { panic!("not a scalar") };
        assert_eq!((text.as_str(), *inline), ("0.10", true));
        assert_eq!(entries[0].1.place, Place::new(1, 4));
    }

    proptest! {
        #[test]
        fn random_text_never_panics(source in "\\PC{0,200}|[-:{}\\[\\],&*!'\"\n #?|>%@a]{0,200}") {
            let _ = read("f", &source, &mut Findings::default());
        }
    }
}
