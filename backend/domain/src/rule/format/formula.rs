//! The spacing of one formula. Must never change a word of it.

use super::super::token::{KEYWORDS, Token, Word, tokens};

/// Whether texts under such a path are formulas.
pub(super) fn stands_under(path: &str) -> bool {
    let Some(inner) = path.strip_prefix("actions.*.") else { return false };
    let steps: Vec<&str> = inner.split('.').collect();
    matches!(
        steps.as_slice(),
        ["reduction" | "points"]
            | ["steps", _]
            | ["eligible" | "hold" | "multipliers", _, "when"]
            | ["same_act", "lasts"]
    )
}

/// A formula with one blank between its words and none inside brackets; as it is where that would change it.
pub(super) fn tidy(formula: &str) -> String {
    let spaced = tokens(formula).ok().map(|words| spaced(formula, &words));
    spaced.filter(|spaced| same_words(formula, spaced)).unwrap_or_else(|| formula.to_owned())
}

/// Whether two texts are formulas of the same words.
pub(super) fn same_words(one: &str, other: &str) -> bool {
    let words =
        |text| tokens(text).ok().map(|all| all.into_iter().map(|token| token.word).collect::<Vec<_>>());
    words(one).zip(words(other)).is_some_and(|(one, other)| one == other)
}

fn spaced(formula: &str, words: &[Token]) -> String {
    let letters: Vec<char> = formula.chars().collect();
    let mut told = String::with_capacity(formula.len());
    let mut sign = false;
    let mut before: Option<&Word> = None;
    for token in words.iter().filter(|token| token.word != Word::End) {
        if before.is_some_and(|before| !sign && apart(before, &token.word)) {
            told.push(' ');
        }
        let written = letters.get(token.start..token.end).unwrap_or_default().iter().collect::<String>();
        told.push_str(&figure(&token.word, &written));
        sign = token.word == Word::Symbol("-") && before.is_none_or(begins_value);
        before = Some(&token.word);
    }
    told
}

/// A number and its unit with one blank between them, as in `3 km`; a percentage has none.
fn figure(word: &Word, written: &str) -> String {
    let Word::Number(..) = word else { return written.trim_end().to_owned() };
    let number =
        written.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(written.len());
    let (number, unit) = written.split_at(number);
    match unit.trim() {
        "" | "%" => format!("{number}{}", unit.trim()),
        unit => format!("{number} {unit}"),
    }
}

fn apart(before: &Word, next: &Word) -> bool {
    match (before, next) {
        (Word::Symbol("(" | "["), _) | (_, Word::Symbol(")" | "]" | ",")) => false,
        (Word::Name(name), Word::Symbol("(")) => {
            KEYWORDS.contains(&name.as_str()) && !["min", "max"].contains(&name.as_str())
        }
        _ => true,
    }
}

/// Whether a minus after this word is a sign.
fn begins_value(before: &Word) -> bool {
    match before {
        Word::Symbol(symbol) => !matches!(*symbol, ")" | "]"),
        Word::Name(name) => {
            KEYWORDS.contains(&name.as_str()) && !["yes", "no", "true", "false"].contains(&name.as_str())
        }
        Word::Number(..) | Word::Date(_) | Word::Time(_) | Word::Quoted(_) | Word::End => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacing_becomes_normal_and_no_word_changes() {
        for (written, expected) in [
            ("distance*metro_saving", "distance * metro_saving"),
            ("reduction /10gCO2e/pt,rounded  down to 1pt", "reduction / 10 gCO2e/pt, rounded down to 1 pt"),
            ("max( 0kWh ,usual-used )*grid", "max(0 kWh, usual - used) * grid"),
            ("-a+ -3 km", "-a + -3 km"),
            ("if(a<=2)then -1 else  37.5 %", "if (a <= 2) then -1 else 37.5%"),
            ("time in[07:00..09:00)or not(yes)", "time in [07:00 .. 09:00) or not (yes)"),
            ("date>=2026-01-31 and x==\"a  b\"", "date >= 2026-01-31 and x == \"a  b\""),
            ("a in [1,2 ,3]", "a in [1, 2, 3]"),
        ] {
            assert_eq!(tidy(written), expected);
            assert_eq!(tidy(expected), expected, "once is enough");
        }
        assert_eq!(tidy("a ≤ b"), "a ≤ b", "what cannot be read stays");
        assert!(same_words("a*b", "a  *  b") && !same_words("a*b", "a+b") && !same_words("≤", "≤"));
    }

    #[test]
    fn only_formulas_are_touched() {
        for (path, formula) in [
            ("actions.*.points", true),
            ("actions.*.steps.saved", true),
            ("actions.*.eligible.*.when", true),
            ("actions.*.eligible.*.else", false),
            ("actions.*.multipliers.rush.when", true),
            ("actions.*.caps.*.limit", false),
            ("campaigns.week.times", false),
        ] {
            assert_eq!(stands_under(path), formula, "{path}");
        }
    }
}
