//! The tree of a file as text. Must never decide an order.

use super::read::{Comment, Document, Entry, Shape};

/// Widest line on which brackets are kept.
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
        if let Some(text) = on_one_line(&item.value, indent.saturating_add(INDENT)) {
            return self.line(indent, &with_trail(&format!("- {text}"), item));
        }
        match &item.value {
            Shape::Map { entries, .. } => {
                let deeper = indent.saturating_add(INDENT);
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
                self.children(&item.value, indent.saturating_add(INDENT));
            }
        }
    }

    /// An entry behind a dash or not; what stands below a dash is two columns further.
    fn entry(&mut self, entry: &Entry, indent: usize, dash: &str) {
        let key = format!("{dash}{}:", scalar(&entry.key, false));
        let used = indent.saturating_add(key.chars().count()).saturating_add(1);
        match on_one_line(&entry.value, used) {
            Some(text) if text.is_empty() => self.line(indent, &with_trail(&key, entry)),
            Some(text) => self.line(indent, &with_trail(&format!("{key} {text}"), entry)),
            None => {
                self.line(indent, &with_trail(&key, entry));
                let below = indent.saturating_add(dash.len()).saturating_add(INDENT);
                self.children(&entry.value, below);
            }
        }
    }
}

fn with_trail(text: &str, entry: &Entry) -> String {
    entry.trail.as_ref().map_or_else(|| text.to_owned(), |trail| format!("{text}  {trail}"))
}

/// A text, or brackets that fit behind what is used of the line and hold no comment.
fn on_one_line(shape: &Shape, used: usize) -> Option<String> {
    match shape {
        Shape::Scalar(text) if text.is_empty() => Some(String::new()),
        Shape::Scalar(text) => Some(scalar(text, false)),
        Shape::List { items: all, flow } | Shape::Map { entries: all, flow } => {
            if !flow && !all.is_empty() {
                return None;
            }
            let text = in_brackets(shape)?;
            (used.saturating_add(text.chars().count()) <= WIDTH_MAX).then_some(text)
        }
    }
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
                let (key, value) = (scalar(&entry.key, true), in_brackets(&entry.value)?);
                bare(entry)
                    .then(|| if value.is_empty() { format!("{key}:") } else { format!("{key}: {value}") })
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
