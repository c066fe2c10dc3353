//! Reading the tree of a file as keys, texts and formulas, with a finding for all that does not fit. Knows
//! no key by name.

use super::diagnostic::{Finding, Findings, Place, Severity, did_you_mean, text};
use super::exact::{Decimal, Ratio, Rounding};
use super::parse::parse;
use super::slip::{narrow_help, number_help};
use super::syntax::Formula;
use super::token::{KEYWORDS, unknown_unit};
use super::unit::{Unit, is_unit_name};
use super::yaml::{Key, Kind, Node};
use crate::text::Text;

/// Longest name of an action, input, parameter, list or option.
pub const NAME_CHARS_MAX: usize = 64;
/// Longest text in one language.
pub const TEXT_CHARS_MAX: usize = 1_000;

/// How many keys are looked through for a misspelt one.
const SPELLED_MAX: usize = 100;

/// Names that formulas already use.
pub(super) const RESERVED: [&str; 8] = ["date", "time", "reduction", "points", "down", "up", "half", "even"];

/// One file being read.
pub(super) struct Reading<'a> {
    pub(super) file: &'a str,
    pub(super) findings: &'a mut Findings,
}

/// What is wrong was reported where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reported;

/// A formula that still knows where it stands.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) formula: Formula,
    pub(super) file: String,
    pub(super) step: String,
    place: Place,
    inline: bool,
}

impl Located {
    /// Reports a finding about this formula.
    pub(super) fn report(&self, findings: &mut Findings, severity: Severity, found: Finding) {
        let place = if self.inline { self.place.right(found.offset) } else { self.place };
        findings.add(&self.file, place, &self.step, severity, found);
    }
}

/// A map whose keys are being asked for.
pub(super) struct Section<'n> {
    pub(super) place: Place,
    pub(super) path: String,
    entries: &'n [(Key, Node)],
    asked: Vec<&'static str>,
}

impl<'n> Section<'n> {
    pub(super) fn optional(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        self.entries.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    pub(super) fn required(&mut self, key: &'static str, reading: &mut Reading<'_>) -> Option<&'n Node> {
        let node = self.optional(key);
        if node.is_none() {
            let found = Finding::new(text!("缺少 `{key}`", "`{key}` is missing"));
            let found = found.help_maybe(sample(key).map(|line| text!("例如 `{line}`", "as in `{line}`")));
            let misspelt = self
                .entries
                .iter()
                .take(SPELLED_MAX)
                .map(|(known, _)| known.text.as_str())
                .find(|known| did_you_mean(known, [key]).is_some());
            if misspelt.is_none() {
                reading.error(self.place, &self.path, found);
            }
        }
        node
    }

    pub(super) fn entries(&self) -> &'n [(Key, Node)] {
        self.entries
    }

    pub(super) fn step(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Reports every key that nobody asked for; those of `later` are known but not built yet.
    pub(super) fn finish(self, later: &[&str], reading: &mut Reading<'_>) {
        for (key, node) in self.entries.iter().filter(|(key, _)| !self.asked.contains(&key.text.as_str())) {
            if reading.findings.is_full() {
                return;
            }
            let cut_at_comma = matches!(&node.kind, Kind::Scalar { text, .. } if text.is_empty());
            let name: String = key.text.chars().take(NAME_CHARS_MAX).collect();
            let found = if later.contains(&name.as_str()) {
                Finding::new(text!(
                    "此版本的引擎不支持 `{name}`",
                    "`{name}` is not supported by this engine version"
                ))
            } else {
                let all = self.asked.join(", ");
                let near = did_you_mean(&name, self.asked.iter().copied());
                let help = match near {
                    Some(near) => near,
                    None if cut_at_comma => text!(
                        "在 {{ }} 里, 含逗号的文字和公式要加引号",
                        "inside {{ }}, put a text or formula that holds a comma into quotes"
                    ),
                    None => text!("此处可用: {all}", "known here: {all}"),
                };
                Finding::new(text!("没有键 `{name}`", "there is no key `{name}`")).help(help)
            };
            reading.error(key.place, &self.step(&name), found);
        }
    }
}

/// How a key that is often forgotten is written.
fn sample(key: &str) -> Option<&'static str> {
    let samples = [
        ("from", "from: 2026-01-31"),
        ("until", "until: 2026-12-31"),
        ("unit", "unit: km"),
        ("decimals", "decimals: 2"),
        ("per", "per: day"),
        ("confidence", "confidence: proposed"),
        ("evidence", "evidence: {operator: 100%}"),
        ("else", "else: {zh: 里程不足, en: Too short}"),
        ("zh", "{zh: 地铁出行, en: Metro ride}"),
        ("en", "{zh: 地铁出行, en: Metro ride}"),
    ];
    samples.iter().find(|(known, _)| *known == key).map(|(_, line)| *line)
}

impl Reading<'_> {
    pub(super) fn error(&mut self, place: Place, step: &str, found: Finding) {
        self.findings.add(self.file, place.right(found.offset), step, Severity::Error, found);
    }

    pub(super) fn warn(&mut self, place: Place, step: &str, found: Finding) {
        self.findings.add(self.file, place, step, Severity::Warning, found);
    }

    pub(super) fn section<'n>(&mut self, node: &'n Node, path: &str) -> Option<Section<'n>> {
        match &node.kind {
            Kind::Map(entries) => {
                Some(Section { place: node.place, path: path.to_owned(), entries, asked: Vec::new() })
            }
            Kind::Scalar { .. } | Kind::List(_) => {
                let found = Finding::new(text!("此处应为 `键: 值`", "expected `key: value` lines"));
                let dashed = matches!(node.kind, Kind::List(_))
                    .then(|| text!("请去掉行首的 `-`", "take away the `-` at the start of the line"));
                self.error(node.place, path, found.help_maybe(dashed));
                None
            }
        }
    }

    pub(super) fn list<'n>(&mut self, node: &'n Node, path: &str) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) => items,
            Kind::Scalar { .. } | Kind::Map(_) => {
                let found = text!("此处应为列表 [..]", "expected a list [..]");
                let word = if let Kind::Scalar { text, .. } = &node.kind { text.as_str() } else { "" };
                let shown: String = word.chars().take(40).collect();
                let help = narrow_help(&shown)
                    .or_else(|| (!word.is_empty()).then(|| text!("请写 [{shown}]", "write [{shown}]")));
                self.error(node.place, path, Finding::new(found).help_maybe(help));
                &[]
            }
        }
    }

    pub(super) fn scalar<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        match &node.kind {
            Kind::Scalar { text, .. } if !text.is_empty() => Some(text),
            Kind::Scalar { .. } => {
                self.error(node.place, path, Finding::new(text!("缺少值", "the value is missing")));
                None
            }
            Kind::List(_) | Kind::Map(_) => {
                let found = text!("此处应为一个值", "expected a single value");
                self.error(node.place, path, Finding::new(found));
                None
            }
        }
    }

    /// `{zh: .., en: ..}`, both present.
    pub(super) fn text(&mut self, node: &Node, path: &str) -> Option<Text> {
        if let Kind::Scalar { text, .. } = &node.kind {
            let found = text!("此处应写中英两种文字", "expected text in both languages");
            let shown: String = text.chars().take(20).collect();
            let help = text!("{{zh: {shown}, en: ...}}", "{{zh: {shown}, en: ...}}");
            self.error(node.place, path, Finding::new(found).help(help));
            return None;
        }
        let mut section = self.section(node, path)?;
        let zh = section.required("zh", self).and_then(|node| self.bounded(node, path));
        let en = section.required("en", self).and_then(|node| self.bounded(node, path));
        section.finish(&[], self);
        Some(Text::new(zh?, en?))
    }

    pub(super) fn bounded(&mut self, node: &Node, path: &str) -> Option<String> {
        let text = self.scalar(node, path)?;
        if text.chars().count() > TEXT_CHARS_MAX {
            let found =
                text!("文字超过 {TEXT_CHARS_MAX} 个字符", "text of more than {TEXT_CHARS_MAX} characters");
            self.error(node.place, path, Finding::new(found));
            return None;
        }
        Some(text.to_owned())
    }

    /// Whether a word can name something: lower-case letters, digits and `_`, a letter first.
    pub(super) fn name(&mut self, word: &str, place: Place, path: &str) -> bool {
        let mut letters = word.chars();
        let well_formed = letters.next().is_some_and(|first| first.is_ascii_lowercase())
            && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
            && word.len() <= NAME_CHARS_MAX;
        if !well_formed {
            let word: String = word.chars().take(NAME_CHARS_MAX).collect();
            let found = text!("`{word}` 不能作名称", "`{word}` cannot be a name");
            let help = text!("用小写字母、数字和下划线, 字母开头", "use a-z, 0-9 and _, a letter first");
            self.error(place, path, Finding::new(found).help(help));
        }
        well_formed
    }

    /// As `name`, for names that formulas use: not a unit, not a word of the language.
    pub(super) fn variable(&mut self, word: &str, place: Place, path: &str) -> bool {
        if is_unit_name(word) || KEYWORDS.contains(&word) || RESERVED.contains(&word) {
            let found = text!(
                "`{word}` 已有别的含义,不能作名称",
                "`{word}` already means something and cannot be a name"
            );
            self.error(place, path, Finding::new(found));
            return false;
        }
        self.name(word, place, path)
    }

    pub(super) fn formula(&mut self, node: &Node, path: &str) -> Option<Located> {
        let source = self.scalar(node, path)?.trim_end();
        let inline = matches!(node.kind, Kind::Scalar { inline: true, .. });
        match parse(source) {
            Ok(formula) => Some(Located {
                formula,
                file: self.file.to_owned(),
                step: path.to_owned(),
                place: node.place,
                inline,
            }),
            Err(found) => {
                let found = if inline { found } else { found.at(0) };
                self.error(node.place, path, found);
                None
            }
        }
    }

    pub(super) fn unit(&mut self, node: &Node, path: &str) -> Option<Unit> {
        let word = self.scalar(node, path)?;
        match Unit::parse(word) {
            Ok(unit) => Some(unit),
            Err(problem) => {
                self.error(node.place, path, unknown_unit(&problem));
                None
            }
        }
    }

    /// A number with its unit, as in `46.7 gCO2e/km`.
    pub(super) fn quantity(&mut self, node: &Node, path: &str) -> Option<Quantity> {
        let written = self.scalar(node, path)?;
        match Quantity::parse(written) {
            Ok(quantity) => Some(quantity),
            Err(found) => {
                self.error(node.place, path, found);
                None
            }
        }
    }

    pub(super) fn choice<T: Copy>(&mut self, node: &Node, path: &str, options: &[(&str, T)]) -> Option<T> {
        let word = self.scalar(node, path)?;
        let found = options.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if found.is_none() {
            let all = options.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            let help = did_you_mean(word, options.iter().map(|(name, _)| *name))
                .unwrap_or_else(|| text!("可选: {all}", "one of: {all}"));
            let shown: String = word.chars().take(NAME_CHARS_MAX).collect();
            let found = Finding::new(text!("`{shown}` 不是可用的值", "`{shown}` is not a value here"));
            self.error(node.place, path, found.help(help));
        }
        found
    }
}

/// A number with a unit, as written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) number: Decimal,
    pub(super) unit: Unit,
}

impl Quantity {
    pub(super) fn parse(written: &str) -> Result<Self, Finding> {
        let digits = written.find(|letter: char| !(letter.is_ascii_digit() || "-.".contains(letter)));
        let (number, unit) = written.split_at(digits.unwrap_or(written.len()));
        let number = Decimal::parse(number, false).ok_or_else(|| not_a_quantity(written))?;
        let unit = match unit.trim() {
            "" => Unit::NONE,
            word => Unit::parse(word).map_err(|problem| match number_help(written) {
                Some(_) => not_a_quantity(written),
                None => unknown_unit(&problem),
            })?,
        };
        Ok(Self { number, unit })
    }

    /// Whether another quantity of its kind is a hundred times this one or more, or a hundredth or less.
    pub(super) fn jumps_to(self, other: Self) -> bool {
        let worth = |quantity: Self| {
            let count = Ratio::new(quantity.number.mantissa, 1)?;
            count.times(quantity.number.step()?)?.times(quantity.unit.factor()?)
        };
        let share = worth(self).zip(worth(other)).and_then(|(one, other)| other.over(one));
        share.is_some_and(|share| {
            let (up, down) = (share.numerator(), share.denominator());
            let reaches =
                |large: i128, small: i128| small.checked_mul(100).is_some_and(|small| large >= small);
            reaches(up, down) || reaches(down, up)
        })
    }

    /// How many `grain`s this is, if a whole number that fits.
    pub(super) fn count_of(self, grain: Ratio) -> Option<i64> {
        let worth = self.number.step()?.times(self.unit.factor()?)?.over(grain)?;
        let product = self.number.mantissa.checked_mul(worth.numerator())?;
        let whole = Rounding::Down.divide(product, worth.denominator())?;
        let exact = whole.checked_mul(worth.denominator())? == product;
        i64::try_from(whole).ok().filter(|_| exact)
    }
}

fn not_a_quantity(written: &str) -> Finding {
    let shown: String = written.chars().take(40).collect();
    let help = number_help(&shown).unwrap_or_else(|| text!("例如 46.7 gCO2e/km", "as in 46.7 gCO2e/km"));
    Finding::new(text!("`{shown}` 不是带单位的数", "`{shown}` is not a number with a unit")).help(help)
}
