//! The words of formulas and amounts in a reader's language. Must never change a number, a unit or a name.

use crate::text::Language;

const ROUNDINGS: [(&str, &str); 5] = [
    ("rounded half even to", "四舍六入五成双到"),
    ("rounded half up to", "四舍五入到"),
    ("rounded half down to", "五舍六入到"),
    ("rounded down to", "向下取整到"),
    ("rounded up to", "向上取整到"),
];

const WORDS: [(&str, &str); 11] = [
    ("yes", "是"),
    ("no", "否"),
    ("times", "次"),
    ("and", "且"),
    ("or", "或"),
    ("not", "非"),
    ("if", "若"),
    ("then", "则"),
    ("else", "否则"),
    ("in", "属于"),
    ("between", "介于"),
];

/// A formula, a value or an amount as the rules write it, with its words in a language.
#[must_use]
pub fn in_words(written: &str, language: Language) -> String {
    match language {
        Language::En => written.to_owned(),
        Language::Zh => in_chinese(written),
    }
}

fn in_chinese(written: &str) -> String {
    let rounded = ROUNDINGS.iter().fold(written.to_owned(), |told, (en, zh)| told.replace(en, zh));
    let mut told = String::with_capacity(rounded.len());
    let mut rest = rounded.as_str();
    while !rest.is_empty() {
        let word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let length = rest.find(|letter| !word(letter)).unwrap_or(rest.len());
        let (own, after) = rest.split_at(length);
        told.push_str(WORDS.iter().find(|(en, _)| *en == own).map_or(own, |(_, zh)| zh));
        let between = after.find(word).unwrap_or(after.len());
        let (signs, next) = after.split_at(between);
        told.push_str(signs);
        rest = next;
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_turn_and_names_numbers_and_units_stay() {
        for (written, zh) in [
            ("yes", "是"),
            ("6 times", "6 次"),
            ("467 gCO2e ÷ 10 gCO2e/pt, rounded down to 1 pt", "467 gCO2e ÷ 10 gCO2e/pt, 向下取整到 1 pt"),
            ("(1 kg) × 50%, rounded half up to 1 pt", "(1 kg) × 50%, 四舍五入到 1 pt"),
            (
                "if no_return and not returned then 0 km else max(1 km, 2 km)",
                "若 no_return 且 非 returned 则 0 km 否则 max(1 km, 2 km)",
            ),
            ("7.2 km × 46.7 gCO2e/km", "7.2 km × 46.7 gCO2e/km"),
            ("", ""),
        ] {
            assert_eq!(in_words(written, Language::Zh), zh);
            assert_eq!(in_words(written, Language::En), written);
        }
    }
}
