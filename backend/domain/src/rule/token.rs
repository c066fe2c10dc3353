//! A formula cut into words. Must never know which names exist.

use chrono::{NaiveDate, NaiveTime};

use super::diagnostic::{Finding, did_you_mean, text};
use super::exact::Decimal;
use super::slip::{is_wide, meant_unit, narrow_help};
use super::unit::{Unit, UnitProblem, is_unit_name, unit_names};

/// Most characters of one formula.
pub const FORMULA_CHARS_MAX: usize = 2_000;
/// Most words of one formula.
pub const FORMULA_TOKENS_MAX: usize = 400;

/// Words that mean something and name nothing.
pub(super) const KEYWORDS: [&str; 16] = [
    "and", "or", "not", "in", "between", "if", "then", "else", "min", "max", "rounded", "to", "yes", "no",
    "true", "false",
];

const SYMBOLS: [&str; 18] =
    ["..", "<=", ">=", "!=", "==", "<", ">", "=", "+", "-", "*", "/", "(", ")", "[", "]", ",", "×"];

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    Number(Decimal, Unit),
    Date(NaiveDate),
    Time(NaiveTime),
    Quoted(String),
    Name(String),
    Symbol(&'static str),
    End,
}

/// A word and where it stands, in characters.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Cuts a formula into words, the last of which is `End`.
pub(super) fn tokens(formula: &str) -> Result<Vec<Token>, Finding> {
    let letters: Vec<char> = formula.chars().take(FORMULA_CHARS_MAX.saturating_add(1)).collect();
    if letters.len() > FORMULA_CHARS_MAX {
        return Err(Finding::new(text!(
            "公式超过 {FORMULA_CHARS_MAX} 个字符",
            "the formula has more than {FORMULA_CHARS_MAX} characters"
        )));
    }
    let mut lexer = Lexer { letters, at: 0 };
    let mut all = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let word = lexer.word()?;
        let done = word == Word::End;
        all.push(Token { word, start, end: lexer.at });
        if done {
            return Ok(all);
        }
        if all.len() > FORMULA_TOKENS_MAX {
            return Err(Finding::new(text!(
                "公式超过 {FORMULA_TOKENS_MAX} 个词",
                "the formula has more than {FORMULA_TOKENS_MAX} words"
            ))
            .at(start));
        }
    }
}

struct Lexer {
    letters: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at.saturating_add(ahead)).copied()
    }

    fn advance(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn slice(&self, start: usize, end: usize) -> String {
        self.letters.get(start..end.min(self.letters.len())).unwrap_or_default().iter().collect()
    }

    fn skip_blanks(&mut self) {
        while self.peek(0).is_some_and(char::is_whitespace) {
            self.advance(1);
        }
    }

    fn word(&mut self) -> Result<Word, Finding> {
        let Some(letter) = self.peek(0) else { return Ok(Word::End) };
        if letter.is_ascii_digit() {
            return self.figure();
        }
        if letter.is_ascii_alphabetic() || letter == '_' {
            return Ok(Word::Name(self.take_while(|letter| letter.is_ascii_alphanumeric() || letter == '_')));
        }
        if letter == '"' || letter == '\'' {
            return self.quoted(letter);
        }
        let ahead = self.slice(self.at, self.at.saturating_add(2));
        if ahead == "**" {
            let found = text!("没有乘方 `**`", "there is no power `**`");
            let help = text!("请写成乘法, 如 a * a", "write the product, as in a * a");
            return Err(Finding::new(found).help(help).at(self.at));
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| ahead.starts_with(**symbol)) {
            self.advance(symbol.chars().count());
            return Ok(Word::Symbol(if *symbol == "×" { "*" } else { symbol }));
        }
        Err(self.unexpected(letter))
    }

    fn unexpected(&mut self, letter: char) -> Finding {
        let at = self.at;
        if letter.is_alphabetic() && !is_wide(letter) {
            let word = self.take_while(|letter| letter.is_alphabetic() && !letter.is_ascii());
            return foreign_word(&word).at(at);
        }
        let found = Finding::new(text!("不认识的字符 `{letter}`", "unexpected character `{letter}`")).at(at);
        match letter {
            '≤' | '≥' | '≠' => found.help(text!("请写 <= , >= 或 !=", "write <=, >= or !=")),
            '²' => found.help(text!("请写 m2", "write m2")),
            '³' => found.help(text!("请写 m3", "write m3")),
            '÷' => found.help(text!("请写 /", "write /")),
            '.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => {
                found.help(text!("小数点前请写 0, 如 0.5", "write the 0 before the point, as in 0.5"))
            }
            '&' | '|' | '!' => found.help(text!("请写 and, or, not", "write and, or, not")),
            _ => found.help_maybe(narrow_help(&letter.to_string())),
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(&wanted) {
            self.advance(1);
        }
        self.slice(start, self.at)
    }

    fn quoted(&mut self, mark: char) -> Result<Word, Finding> {
        let start = self.at;
        self.advance(1);
        let inside = self.take_while(|letter| letter != mark);
        if self.peek(0) != Some(mark) {
            return Err(Finding::new(text!("引号没有配对", "the quotation mark is not closed")).at(start));
        }
        self.advance(1);
        Ok(Word::Quoted(inside))
    }

    /// A date, a time of day, or a number with its unit.
    fn figure(&mut self) -> Result<Word, Finding> {
        let start = self.at;
        let digits = self.take_while(|letter| letter.is_ascii_digit());
        let next_is_digit = self.peek(1).is_some_and(|letter| letter.is_ascii_digit());
        if digits.len() == 4 && self.peek(0) == Some('-') && next_is_digit && self.peek(3) == Some('-') {
            self.advance(6);
            let written = self.slice(start, self.at);
            let date = NaiveDate::parse_from_str(&written, "%Y-%m-%d").ok();
            return date.map(Word::Date).ok_or_else(|| not_a("日期", "a date", &written).at(start));
        }
        if digits.len() == 2 && self.peek(0) == Some(':') && next_is_digit {
            self.advance(3);
            let written = self.slice(start, self.at);
            let time = NaiveTime::parse_from_str(&written, "%H:%M").ok();
            return time.map(Word::Time).ok_or_else(|| not_a("时刻", "a time of day", &written).at(start));
        }
        if self.peek(0) == Some('.') && next_is_digit {
            self.advance(1);
            self.take_while(|letter| letter.is_ascii_digit());
        }
        let written = self.slice(start, self.at);
        let number =
            Decimal::parse(&written, false).ok_or_else(|| not_a("数", "a number", &written).at(start))?;
        Ok(Word::Number(number, self.unit()?))
    }

    /// The unit after a number: the longest run of parts that is one.
    fn unit(&mut self) -> Result<Unit, Finding> {
        let before = self.at;
        self.skip_blanks();
        let start = self.at;
        if self.peek(0) == Some('%') {
            self.advance(1);
            return Ok(Unit::PERCENT);
        }
        let per_unit = self.peek(0) == Some('1') && self.peek(1) == Some('/');
        if per_unit || !self.peek(0).is_some_and(starts_unit) {
            self.at = before;
            return Ok(Unit::NONE);
        }
        let mut ends = Vec::new();
        loop {
            self.take_while(|letter| letter.is_ascii_alphanumeric() || "{}_".contains(letter));
            ends.push(self.at);
            let joined =
                matches!(self.peek(0), Some('/' | '.' | '*')) && self.peek(1).is_some_and(starts_unit);
            if !joined {
                break;
            }
            self.advance(1);
        }
        let first = self.slice(start, ends.first().copied().unwrap_or(start));
        if start == before && is_exponent(&first) {
            let found = text!("数不能用指数写法", "a number has no exponent");
            return Err(Finding::new(found).help(text!("请把数写全", "write the number in full")).at(start));
        }
        if KEYWORDS.contains(&first.as_str()) && !is_unit_name(&first) {
            self.at = before;
            return Ok(Unit::NONE);
        }
        for end in ends.iter().rev() {
            if let Ok(unit) = Unit::parse(&self.slice(start, *end)) {
                self.at = *end;
                return Ok(unit);
            }
        }
        Err(unknown_unit(&UnitProblem::Unknown(first)).at(start))
    }
}

/// `e3`, as floats are written.
fn is_exponent(word: &str) -> bool {
    let power = word.strip_prefix(['e', 'E']);
    power.is_some_and(|power| power.is_empty() || power.bytes().all(|byte| byte.is_ascii_digit()))
}

fn starts_unit(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '{'
}

fn not_a(zh: &str, en: &str, written: &str) -> Finding {
    Finding::new(text!("`{written}` 不是{zh}", "`{written}` is not {en}"))
}

/// The message for a word that is not written in a-z.
fn foreign_word(word: &str) -> Finding {
    if let Some(unit) = meant_unit(word) {
        let found = Finding::new(text!("没有单位 `{word}`", "there is no unit `{word}`"));
        return found.help(text!("请写 `{unit}`", "write `{unit}`"));
    }
    Finding::new(text!("公式里不能有 `{word}`", "`{word}` cannot stand in a formula")).help(text!(
        "公式里的名称只用小写字母、数字和下划线",
        "names in formulas are written with a-z, 0-9 and _"
    ))
}

/// The message for a unit that is not in the registry.
pub(super) fn unknown_unit(problem: &UnitProblem) -> Finding {
    match problem {
        UnitProblem::Unknown(name) => Finding::new(text!("没有单位 `{name}`", "there is no unit `{name}`"))
            .help(text!(
                "可用的单位: {all}",
                "the units are: {all}",
                all = unit_names().collect::<Vec<_>>().join(" ")
            ))
            .help_maybe(did_you_mean(name, unit_names()))
            .help_maybe(meant_unit(name).map(|unit| text!("请写 `{unit}`", "write `{unit}`"))),
        UnitProblem::Unsupported => {
            Finding::new(text!("不支持这样组合单位", "these units cannot be combined like this"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(formula: &str) -> Vec<Word> {
        tokens(formula).unwrap().into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn a_unit_belongs_to_its_number() {
        let all = words("reduction / 10 gCO2e/pt, rounded down to 1 pt");
        assert_eq!(all.len(), 9);
        assert_eq!(
            all[2],
            Word::Number(Decimal { mantissa: 10, decimals: 0 }, Unit::parse("gCO2e/pt").unwrap())
        );
        assert_eq!(words("2 kg*factor").len(), 4);
        assert_eq!(words("2 and 3").len(), 4);
        assert_eq!(words("5 kW.h")[0], words("5 kWh")[0]);
    }

    #[test]
    fn dates_times_and_ranges_are_words() {
        assert!(matches!(words("2026-01-31")[0], Word::Date(_)));
        assert!(matches!(words("[07:00..09:00)")[1], Word::Time(_)));
        assert_eq!(words("[1 km..2 km]").len(), 6);
        for wrong in ["2026-02-30", "25:00", "\"open", "a ， b", "3 kmm", "1234567890123456789012345678901"]
        {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn formulas_are_bounded() {
        for (chars, fits) in
            [(FORMULA_CHARS_MAX - 1, true), (FORMULA_CHARS_MAX, true), (FORMULA_CHARS_MAX + 1, false)]
        {
            assert_eq!(tokens(&"a".repeat(chars)).is_ok(), fits);
        }
        for (count, fits) in
            [(FORMULA_TOKENS_MAX - 1, true), (FORMULA_TOKENS_MAX, true), (FORMULA_TOKENS_MAX + 1, false)]
        {
            assert_eq!(tokens(&"a ".repeat(count)).is_ok(), fits, "{count}");
        }
    }
}
