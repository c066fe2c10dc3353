//! The numbers and dates in the texts of a file, and each with its last digit or its day changed by one. Must
//! never take a time of day or a part of a name for a number.

use chrono::NaiveDate;

use super::super::diagnostic::Place;
use super::super::yaml::{Kind, Node};
use super::tree::members;

/// Keys below which nothing is calculated.
const WORDS: [&str; 14] = [
    "name",
    "label",
    "note",
    "description",
    "else",
    "reason",
    "category",
    "code",
    "same_as",
    "type",
    "of",
    "source",
    "confidence",
    "title",
];

/// A number or a date as it stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numeral {
    pub(super) place: Place,
    /// Where it belongs, as in `actions.metro_ride.caps.1.limit`.
    pub(super) path: String,
    pub(super) written: String,
}

impl Numeral {
    /// Whether it is a date.
    pub(super) fn is_date(&self) -> bool {
        date(&self.written).is_some()
    }

    /// The number with its last digit one up, or one down; the day after a date, or before it.
    pub(super) fn changed(&self, up: bool) -> Option<String> {
        if let Some(day) = date(&self.written) {
            return if up { day.succ_opt() } else { day.pred_opt() }.map(|day| day.to_string());
        }
        let digits: String = self.written.chars().filter(|letter| *letter != '.').collect();
        let decimals = self.written.split_once('.').map_or(0, |(_, behind)| behind.len());
        let count = digits.parse::<u64>().ok()?;
        let count = if up { count.checked_add(1)? } else { count.checked_sub(1)? };
        let padded = format!("{count:0>width$}", width = decimals.saturating_add(1));
        let (whole, behind) = padded.split_at(padded.len().saturating_sub(decimals));
        Some(if behind.is_empty() { whole.to_owned() } else { format!("{whole}.{behind}") })
    }
}

/// Of the form `2026-09-16`, and nothing else.
fn date(written: &str) -> Option<NaiveDate> {
    written.parse().ok().filter(|day: &NaiveDate| day.to_string() == written)
}

/// All numbers and dates that something is calculated from, below a node.
pub(super) fn numerals(node: &Node, path: &str) -> Vec<Numeral> {
    let below = |key: &str| format!("{path}.{key}");
    match &node.kind {
        Kind::Scalar { text, inline: true } => in_text(text)
            .map(|(at, written)| Numeral { place: node.place.right(at), path: path.to_owned(), written })
            .collect(),
        Kind::Scalar { inline: false, .. } => Vec::new(),
        Kind::List(items) => {
            let items = items.iter().zip(1_usize..);
            items.flat_map(|(item, place)| numerals(item, &below(&place.to_string()))).collect()
        }
        Kind::Map(_) => {
            let entries = members(node).iter().filter(|(key, _)| !WORDS.contains(&key.text.as_str()));
            entries.flat_map(|(key, inner)| numerals(inner, &below(&key.text))).collect()
        }
    }
}

/// Each number with how many characters stand before it.
fn in_text(text: &str) -> impl Iterator<Item = (usize, String)> {
    let letters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0_usize;
    while let Some(letter) = letters.get(at) {
        let joined = |letter: &char| letter.is_alphanumeric() || "_.-:".contains(*letter);
        if !joined(letter) {
            at = at.saturating_add(1);
            continue;
        }
        let word: Vec<char> = letters.iter().skip(at).copied().take_while(joined).collect();
        let whole: String = word.iter().collect();
        found.extend(date(&whole).map_or_else(|| number_at(&word, at), |_| Some((at, whole))));
        at = at.saturating_add(word.len());
    }
    found.into_iter()
}

/// The number that a word begins with; `3.2`, `6.` of `6..8` and `12kg` have one, `m3`, `08:30` have none.
fn number_at(word: &[char], at: usize) -> Option<(usize, String)> {
    let signs = word.iter().take_while(|letter| **letter == '-').count();
    let rest = word.get(signs..)?;
    let whole = rest.iter().take_while(|letter| letter.is_ascii_digit()).count();
    let fraction = match rest.get(whole) {
        Some('.') => {
            rest.iter().skip(whole.saturating_add(1)).take_while(|letter| letter.is_ascii_digit()).count()
        }
        _ => 0,
    };
    let length = if fraction > 0 { whole.saturating_add(1).saturating_add(fraction) } else { whole };
    let next = rest.get(length);
    if whole == 0 || matches!(next, Some(':' | '-' | '_')) {
        return None;
    }
    Some((at.saturating_add(signs), rest.iter().take(length).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_told_from_names_and_times() {
        for (text, expected) in [
            ("reduction / 10 gCO2e/pt, rounded down to 1 pt", vec![(12, "10"), (41, "1")]),
            ("time in [07:00 .. 09:30) or date >= 2026-01-31", vec![(36, "2026-01-31")]),
            ("2026-02-30 or 2026-1-3", vec![]),
            ("max(0.50 km, -3km) * m3_b2", vec![(4, "0.50"), (14, "3")]),
            ("37.5%", vec![(0, "37.5")]),
            ("a in [1 .. 2]", vec![(6, "1"), (11, "2")]),
        ] {
            let found: Vec<(usize, String)> = in_text(text).collect();
            let expected: Vec<(usize, String)> =
                expected.into_iter().map(|(at, number)| (at, number.to_owned())).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn the_last_digit_goes_up_and_down() {
        for (written, up, down) in [
            ("46.7", "46.8", Some("46.6")),
            ("9", "10", Some("8")),
            ("0.10", "0.11", Some("0.09")),
            ("0", "1", None),
            ("2026-02-28", "2026-03-01", Some("2026-02-27")),
        ] {
            let number =
                Numeral { place: Place::new(1, 1), path: String::new(), written: written.to_owned() };
            assert_eq!(number.changed(true).as_deref(), Some(up));
            assert_eq!(number.changed(false).as_deref(), down);
        }
    }
}
