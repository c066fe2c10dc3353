//! A file as a tree that keeps what reading for meaning drops: comments, blank lines, brackets. Reads only
//! files that have been read for meaning before.

use saphyr_parser::{Event, Marker, Parser, Span};

/// A value as it will be written.
#[derive(Debug)]
pub(super) enum Shape {
    Scalar(String),
    List { flow: bool, items: Vec<Entry> },
    Map { flow: bool, entries: Vec<Entry> },
}

/// An entry of a map, or an item of a list, which has no key.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Shape,
    /// Comments on lines of their own before it.
    pub(super) lead: Vec<Comment>,
    /// A comment behind it.
    pub(super) trail: Option<String>,
    /// Whether a blank line stands before it.
    pub(super) blank: bool,
    start: usize,
    end: usize,
}

#[derive(Debug)]
pub(super) struct Comment {
    pub(super) text: String,
    /// Whether a blank line stands before it.
    pub(super) blank: bool,
}

#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Shape,
    /// Comments before the first entry and after the last.
    pub(super) head: Vec<Comment>,
    pub(super) foot: Vec<Comment>,
    /// The texts of all comments in order of the alphabet.
    pub(super) comments: Vec<String>,
}

/// A comment with its place.
struct Found {
    line: usize,
    alone: bool,
    text: String,
}

pub(super) fn read(source: &str) -> Option<Document> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let lines: Vec<&str> = source.lines().collect();
    let mut builder = Builder { lines: &lines, open: Vec::new(), root: None, words: Vec::new() };
    for step in Parser::new_from_str(source) {
        let (event, span) = step.ok()?;
        builder.take(event, span);
    }
    let (mut root, _, _) = builder.root?;
    let found = comments(&lines, &builder.words);
    let mut texts: Vec<String> = found.iter().map(|found| found.text.clone()).collect();
    texts.sort();
    let (mut head, mut foot) = (Vec::new(), Vec::new());
    for comment in found {
        let blank = blank_before(&lines, comment.line);
        let lead = Comment { text: comment.text.clone(), blank };
        let placed = if comment.alone { Some(lead) } else { behind(&mut root, comment.line, lead) };
        if let Some(lead) = placed {
            match next_entry(&mut root, comment.line) {
                Some((_, true)) => head.push(lead),
                Some((entry, false)) => entry.lead.push(lead),
                None => foot.push(lead),
            }
        }
    }
    mark_blanks(&mut root, &lines);
    Some(Document { root, head, foot, comments: texts })
}

struct Open {
    map: bool,
    start: usize,
    end: usize,
    entries: Vec<Entry>,
    key: Option<(String, usize)>,
}

/// From line and column to line and column.
type Stretch = ((usize, usize), (usize, usize));

struct Builder<'s> {
    lines: &'s [&'s str],
    open: Vec<Open>,
    root: Option<(Shape, usize, usize)>,
    /// From where to where texts stand: in them, `#` begins no comment.
    words: Vec<Stretch>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) {
        let (start, end) = (span.start.line(), last_line(&span));
        match event {
            Event::Scalar(value, ..) => {
                self.words.push((position(&span.start), position(&span.end)));
                let awaits_key = self.open.last().is_some_and(|open| open.map && open.key.is_none());
                match self.open.last_mut() {
                    Some(open) if awaits_key => open.key = Some((value.into_owned(), start)),
                    Some(_) | None => self.place(Shape::Scalar(value.into_owned()), start, end),
                }
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let map = matches!(event, Event::MappingStart(..));
                self.open.push(Open { map, start, end: start, entries: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(done) = self.open.pop() else { return };
                // Only brackets end with one; any other list or map ends where something else begins.
                let line = self.lines.get(start.saturating_sub(1)).copied().unwrap_or_default();
                let flow = line.chars().nth(span.start.col()).is_some_and(|letter| "]}".contains(letter));
                let Open { map, start, end: inner, entries, .. } = done;
                let shape =
                    if map { Shape::Map { flow, entries } } else { Shape::List { flow, items: entries } };
                self.place(shape, start, if flow { end } else { inner });
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::Alias(_) => {}
        }
    }

    fn place(&mut self, value: Shape, start: usize, end: usize) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some((value, start, end));
            return;
        };
        let (key, start) = open.key.take().unwrap_or((String::new(), start));
        open.end = open.end.max(end);
        open.entries.push(Entry { key, value, lead: Vec::new(), trail: None, blank: false, start, end });
    }
}

fn position(marker: &Marker) -> (usize, usize) {
    (marker.line(), marker.col())
}

/// The last line that a text stands on.
fn last_line(span: &Span) -> usize {
    let (start, end) = (span.start.line(), span.end.line());
    if span.end.col() == 0 && end > start { end.saturating_sub(1) } else { end }
}

fn comments(lines: &[&str], words: &[Stretch]) -> Vec<Found> {
    let rows = lines.iter().zip(1_usize..);
    let found = rows.filter_map(|(line, number)| {
        let mut before = ' ';
        for (at, letter) in line.chars().enumerate() {
            let inside = |(from, to): &Stretch| (*from..*to).contains(&(number, at));
            if letter == '#' && before == ' ' && !words.iter().any(inside) {
                let text: String = line.chars().skip(at).collect();
                let alone = line.chars().take(at).all(|letter| letter == ' ');
                return Some(Found { line: number, alone, text: text.trim_end().to_owned() });
            }
            before = letter;
        }
        None
    });
    found.collect()
}

fn blank_before(lines: &[&str], line: usize) -> bool {
    let above = line.checked_sub(2).and_then(|place| lines.get(place));
    above.is_some_and(|above| above.trim().is_empty())
}

fn entries(shape: &mut Shape) -> (bool, &mut [Entry]) {
    match shape {
        Shape::Scalar(_) => (false, &mut []),
        Shape::List { flow, items: entries } | Shape::Map { flow, entries } => (*flow, entries),
    }
}

/// The first entry that starts after a line, and whether it is the first of the file.
fn next_entry(shape: &mut Shape, line: usize) -> Option<(&mut Entry, bool)> {
    let (_, all) = entries(shape);
    let place = all.iter().position(|entry| entry.start > line || entry.end > line)?;
    let first = place == 0;
    let entry = all.get_mut(place)?;
    if entry.start > line {
        return Some((entry, first));
    }
    next_entry(&mut entry.value, line).map(|(entry, _)| (entry, false))
}

/// Puts a comment behind the entry that its line belongs to, or gives it back.
fn behind(shape: &mut Shape, line: usize, comment: Comment) -> Option<Comment> {
    let (flow, all) = entries(shape);
    let Some(entry) = all.iter_mut().rfind(|entry| !flow && (entry.start..=entry.end).contains(&line)) else {
        return Some(comment);
    };
    let comment = behind(&mut entry.value, line, comment)?;
    if entry.trail.is_none() && (entry.start == line || entry.end == line) {
        entry.trail = Some(comment.text);
        return None;
    }
    entry.lead.push(comment);
    None
}

fn mark_blanks(shape: &mut Shape, lines: &[&str]) {
    let (_, all) = entries(shape);
    for entry in all {
        entry.blank = blank_before(lines, entry.start);
        mark_blanks(&mut entry.value, lines);
    }
}
