//! What is wrong with a rule file, said so that an officer can mend it. Must never decide whether something
//! is wrong.

use std::fmt;

use serde::Serialize;

use super::slip::narrow_help;
use crate::text::{Language, Text};

/// Most messages collected from one check; the rest would only repeat the first causes.
pub const DIAGNOSTICS_MAX: usize = 50;

/// Longest message, step or help; what was quoted from the file is cut.
pub const MESSAGE_CHARS_MAX: usize = 500;

/// A place in a file; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// In the rule file itself, although what it belongs to stands in a catalogue.
    #[serde(skip)]
    pub(super) overriding: bool,
}

impl Place {
    pub(super) fn new(line: usize, column: usize) -> Self {
        Self { line: narrowed(line), column: narrowed(column), overriding: false }
    }

    /// The place some characters further on the same line.
    #[must_use]
    pub fn right(self, characters: usize) -> Self {
        Self { column: self.column.saturating_add(narrowed(characters)), ..self }
    }
}

/// Files are far shorter than this can count.
fn narrowed(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file works, but this deserves a look.
    Warning,
}

/// One finding about a rule file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Name of the file.
    pub file: String,
    /// Where in the file.
    #[serde(flatten)]
    pub place: Place,
    /// The step it belongs to, as in `actions.metro_ride.reduction`; empty for the whole file.
    pub step: String,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong.
    pub message: Text,
    /// How to mend it, where known.
    pub help: Option<Text>,
}

impl Diagnostic {
    /// The finding as lines of text in one language.
    #[must_use]
    pub fn render(&self, language: Language) -> String {
        let (kind, help_word) = match (self.severity, language) {
            (Severity::Error, Language::Zh) => ("错误", "建议"),
            (Severity::Warning, Language::Zh) => ("提醒", "建议"),
            (Severity::Error, Language::En) => ("error", "help"),
            (Severity::Warning, Language::En) => ("warning", "help"),
        };
        let Place { line, column, .. } = self.place;
        let step = if self.step.is_empty() { String::new() } else { format!(" {}:", self.step) };
        let message = self.message.in_language(language);
        let mut text = format!("{}:{line}:{column}: {kind}:{step} {message}", self.file);
        if let Some(help) = &self.help {
            text = format!("{text}\n  {help_word}: {}", help.in_language(language));
        }
        text
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Language::En))
    }
}

/// A finding before its file and step are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) message: Text,
    pub(super) help: Option<Text>,
    /// Characters from the start of the text that was read.
    pub(super) offset: usize,
}

impl Finding {
    pub(super) fn new(message: Text) -> Self {
        Self { message, help: None, offset: 0 }
    }

    pub(super) fn at(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    pub(super) fn help(mut self, help: Text) -> Self {
        self.help = Some(help);
        self
    }

    pub(super) fn help_maybe(mut self, help: Option<Text>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

/// Collects findings over several files, bounded and without repeats.
#[derive(Debug, Default)]
pub(super) struct Findings {
    all: Vec<Diagnostic>,
    /// The rule file, in which overriding places stand.
    main: String,
}

impl Findings {
    pub(super) fn about(main: &str) -> Self {
        Self { all: Vec::new(), main: main.to_owned() }
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        if !self.is_full() && !self.all.contains(&diagnostic) {
            self.all.push(diagnostic);
        }
    }

    pub(super) fn add(&mut self, file: &str, place: Place, step: &str, severity: Severity, found: Finding) {
        let file = if place.overriding { &self.main } else { file };
        self.push(Diagnostic {
            file: shortened(file.to_owned()),
            place,
            step: shortened(step.to_owned()),
            severity,
            message: shortened_text(found.message),
            help: found.help.map(shortened_text),
        });
    }

    /// Whether further findings would be dropped.
    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= DIAGNOSTICS_MAX
    }

    pub(super) fn has_errors(&self) -> bool {
        self.all.iter().any(|found| found.severity == Severity::Error)
    }

    /// Errors and warnings.
    pub(super) fn all(self) -> Vec<Diagnostic> {
        self.all
    }

    /// Warnings, or the errors alone.
    pub(super) fn finish(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        if self.has_errors() {
            Err(self.all.into_iter().filter(|found| found.severity == Severity::Error).collect())
        } else {
            Ok(self.all)
        }
    }
}

fn shortened(mut text: String) -> String {
    if let Some((cut, _)) = text.char_indices().nth(MESSAGE_CHARS_MAX) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

fn shortened_text(text: Text) -> Text {
    Text::new(shortened(text.zh), shortened(text.en))
}

/// Text in both languages from two format strings.
macro_rules! text {
    ($zh:literal, $en:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        $(let $name = $value;)*
        $crate::text::Text::new(format!($zh), format!($en))
    }};
}
pub(super) use text;

/// The known name nearest to a mistyped one, if it is near enough to be meant.
pub(super) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wrong.chars().count();
    let allowed = (length / 3).clamp(1, 3).min(length.saturating_sub(1));
    known
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(steps, name)| *steps <= allowed || same_but_case(wrong, name))
        .min()
        .map(|(_, name)| name)
}

/// Advice for a name that is not known.
pub(super) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<Text> {
    let nearest = || nearest(wrong, known).map(|name| text!("是否想写 `{name}`?", "did you mean `{name}`?"));
    narrow_help(wrong).or_else(nearest)
}

fn same_but_case(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Edits between two words, a swap of neighbours counting as one. Long words are cut: names are short.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().take(64).collect();
    let other: Vec<char> = other.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row.saturating_add(1)];
        for (column, facing) in other.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let next = column.saturating_add(1);
            let replaced = at(&above, column).saturating_add(usize::from(letter != facing));
            let mut best =
                replaced.min(at(&above, next).saturating_add(1)).min(at(&current, column).saturating_add(1));
            let swapped = row > 0
                && column > 0
                && one.get(row.saturating_sub(1)) == Some(facing)
                && other.get(column.saturating_sub(1)) == Some(letter);
            if swapped {
                best = best.min(at(&before, column.saturating_sub(1)).saturating_add(1));
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near_or_none() {
        let known = ["distance", "metro_saving", "kWh"];
        assert_eq!(nearest("distnace", known), Some("distance"));
        assert_eq!(nearest("KWH", known), Some("kWh"));
        assert_eq!(nearest("weight", known), None);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }

    #[test]
    fn messages_are_cut_at_their_limit() {
        for (chars, cut) in
            [(MESSAGE_CHARS_MAX - 1, false), (MESSAGE_CHARS_MAX, false), (MESSAGE_CHARS_MAX + 1, true)]
        {
            assert_eq!(shortened("长".repeat(chars)).ends_with('…'), cut, "{chars}");
        }
    }

    #[test]
    fn findings_stop_at_their_limit_and_do_not_repeat() {
        let mut findings = Findings::default();
        for line in 0..DIAGNOSTICS_MAX + 5 {
            for _ in 0..2 {
                let place = Place::new(line, 1);
                findings.add("a.yaml", place, "", Severity::Error, Finding::new(text!("错", "wrong")));
            }
        }
        assert_eq!(findings.finish().unwrap_err().len(), DIAGNOSTICS_MAX);
    }
}
