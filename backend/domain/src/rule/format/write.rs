//! The tree of a file as text. Must never decide an order.

use super::read::{Comment, Document, Entry, Shape};

/// Widest line that is written where there is a choice.
pub const WIDTH_MAX: usize = 120;
const INDENT: usize = 2;

pub(super) fn write(document: &Document) -> String {
    let mut writer = Writer { out: String::new() };
    writer.comments(&document.head, 0);
    writer.children(&document.root, 0);
    writer.comments(&document.foot, 0);
    writer.out
}

struct Writer {
    out: String,
}

impl Writer {
    fn line(&mut self, indent: usize, text: &str) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A blank line, never at the top and never two.
    fn blank(&mut self, wanted: bool) {
        if wanted && !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn comments(&mut self, all: &[Comment], indent: usize) {
        for comment in all {
            self.blank(comment.blank);
            self.line(indent, &comment.text);
        }
    }

    fn children(&mut self, shape: &Shape, indent: usize) {
        match shape {
            Shape::Scalar(text) => self.line(indent, &scalar(text, false)),
            Shape::List { items, .. } => {
                for item in items {
                    self.before(item, indent);
                    self.item(item, indent);
                }
            }
            Shape::Map { entries, .. } => {
                for entry in entries {
                    self.before(entry, indent);
                    self.entry(entry, indent, "");
                }
            }
        }
    }

    fn before(&mut self, entry: &Entry, indent: usize) {
        self.blank(entry.blank && entry.lead.is_empty());
        self.comments(&entry.lead, indent);
        self.blank(entry.blank && !entry.lead.is_empty());
    }

    fn item(&mut self, item: &Entry, indent: usize) {
        let deeper = indent.saturating_add(INDENT);
        if let Some(lines) = folded(&item.value, deeper, deeper) {
            return self.folded((indent, deeper), &with_trail("- >-", item), &lines);
        }
        if let Some(text) = inline(&item.value, deeper) {
            return self.line(indent, &with_trail(&format!("- {text}"), item));
        }
        match &item.value {
            Shape::Map { entries, .. } => {
                for (place, entry) in entries.iter().enumerate() {
                    if place == 0 {
                        self.comments(&entry.lead, indent);
                        self.entry(entry, indent, "- ");
                    } else {
                        self.before(entry, deeper);
                        self.entry(entry, deeper, "");
                    }
                }
            }
            Shape::List { .. } | Shape::Scalar(_) => {
                self.line(indent, &with_trail("-", item));
                self.children(&item.value, deeper);
            }
        }
    }

    /// An entry behind a dash or not; what stands below a dash is two columns further.
    fn entry(&mut self, entry: &Entry, indent: usize, dash: &str) {
        let key = format!("{dash}{}:", scalar(&entry.key, false));
        let used = indent.saturating_add(key.chars().count()).saturating_add(1);
        let below = indent.saturating_add(dash.len()).saturating_add(INDENT);
        if let Some(lines) = folded(&entry.value, used, below) {
            return self.folded((indent, below), &with_trail(&format!("{key} >-"), entry), &lines);
        }
        match inline(&entry.value, used) {
            Some(text) if text.is_empty() => self.line(indent, &with_trail(&key, entry)),
            Some(text) => self.line(indent, &with_trail(&format!("{key} {text}"), entry)),
            None => {
                self.line(indent, &with_trail(&key, entry));
                self.children(&entry.value, below);
            }
        }
    }

    /// A text over several lines, which reading joins with blanks.
    fn folded(&mut self, (indent, below): (usize, usize), head: &str, lines: &[String]) {
        self.line(indent, head);
        for line in lines {
            self.line(below, line);
        }
    }
}

fn with_trail(text: &str, entry: &Entry) -> String {
    entry.trail.as_ref().map_or_else(|| text.to_owned(), |trail| format!("{text}  {trail}"))
}

/// A text that is too long behind what is used of a line, as lines; none where it fits, or where reading
/// would not join the lines to the same text.
fn folded(shape: &Shape, used: usize, below: usize) -> Option<Vec<String>> {
    let Shape::Scalar(text) = shape else { return None };
    let joins = !text.split(' ').any(str::is_empty) && !text.contains('\n');
    if !joins || fits(used, &scalar(text, false), 0) {
        return None;
    }
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        // What is chosen between stands below one another.
        let chooses = word == "else" && text.contains(" then ");
        let more = word.chars().count().saturating_add(1);
        match lines.last_mut().filter(|line| !chooses && fits(below, line, more)) {
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    (lines.len() > 1).then_some(lines)
}

/// Whether a text and so many letters more fit behind what is used of a line.
fn fits(used: usize, text: &str, more: usize) -> bool {
    used.saturating_add(text.chars().count()).saturating_add(more) <= WIDTH_MAX
}

/// A text, or brackets that hold no comment and fit behind what is used of the line and on lines below it.
fn inline(shape: &Shape, used: usize) -> Option<String> {
    match shape {
        Shape::Scalar(text) if text.is_empty() => Some(String::new()),
        Shape::Scalar(text) => Some(scalar(text, false)),
        Shape::List { items: all, flow } | Shape::Map { entries: all, flow } => {
            if !flow && !all.is_empty() {
                return None;
            }
            let text = in_brackets(shape)?;
            if fits(used, &text, 0) { Some(text) } else { filled(shape, used, 0) }
        }
    }
}

/// Brackets with as much on each line as fits, those inside them kept whole where they can be. `after`
/// letters follow the last line.
fn filled(shape: &Shape, column: usize, after: usize) -> Option<String> {
    let (open, close, all) = match shape {
        Shape::Scalar(_) => return None,
        Shape::List { items, .. } => ("[", "]", items),
        Shape::Map { entries, .. } => ("{", "}", entries),
    };
    let inner = column.saturating_add(1);
    let (mut told, mut used) = (open.to_owned(), inner);
    for (place, entry) in all.iter().enumerate() {
        let is_last = place.saturating_add(1) == all.len();
        let follows = if is_last { after.saturating_add(1) } else { 1 };
        let (key, text) = (key_in_brackets(entry), in_brackets(&entry.value)?);
        let whole = format!("{key}{text}").trim_end().to_owned();
        if place > 0 && fits(used, &whole, follows.saturating_add(1)) {
            told.push(' ');
            used = used.saturating_add(1);
        } else if place > 0 {
            told.push('\n');
            told.extend(std::iter::repeat_n(' ', inner));
            used = inner;
        }
        if fits(used, &whole, follows) {
            told.push_str(&whole);
            used = used.saturating_add(whole.chars().count()).saturating_add(1);
        } else {
            let deep = filled(&entry.value, used.saturating_add(key.chars().count()), follows)?;
            told.extend([key, deep]);
            used = WIDTH_MAX;
        }
        told.push_str(if is_last { close } else { "," });
    }
    Some(told)
}

/// What stands before a value inside brackets; nothing in a list.
fn key_in_brackets(entry: &Entry) -> String {
    if entry.key.is_empty() { String::new() } else { format!("{}: ", scalar(&entry.key, true)) }
}

fn in_brackets(shape: &Shape) -> Option<String> {
    let bare = |entry: &Entry| entry.lead.is_empty() && entry.trail.is_none();
    match shape {
        Shape::Scalar(text) => Some(scalar(text, true)),
        Shape::List { items, .. } => {
            let all = items.iter().map(|item| in_brackets(&item.value).filter(|_| bare(item)));
            Some(format!("[{}]", all.collect::<Option<Vec<_>>>()?.join(", ")))
        }
        Shape::Map { entries, .. } => {
            let all = entries.iter().map(|entry| {
                let (key, value) = (key_in_brackets(entry), in_brackets(&entry.value)?);
                bare(entry).then(|| format!("{key}{value}").trim_end().to_owned())
            });
            Some(format!("{{{}}}", all.collect::<Option<Vec<_>>>()?.join(", ")))
        }
    }
}

/// A text bare where YAML reads it back, else in double quotes.
fn scalar(text: &str, flow: bool) -> String {
    if text.is_empty() || is_plain(text, flow) {
        return text.to_owned();
    }
    let escaped = text.chars().fold(String::new(), |mut all, letter| {
        match letter {
            '"' => all.push_str("\\\""),
            '\\' => all.push_str("\\\\"),
            '\n' => all.push_str("\\n"),
            letter => all.push(letter),
        }
        all
    });
    format!("\"{escaped}\"")
}

fn is_plain(text: &str, flow: bool) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    let starts = match first {
        '-' => text.chars().nth(1).is_some_and(|next| next != ' '),
        first => !",[]{}#&*!|>'\"%@`?: ".contains(first),
    };
    let inside = text.contains(": ") || text.contains(" #") || text.contains('\n');
    let brackets = flow && text.contains([',', '[', ']', '{', '}']);
    let ends = text.ends_with([':', ' ']);
    starts && !inside && !brackets && !ends && !text.starts_with("---") && !text.starts_with("...")
}
