//! What a case expects, and what came out of it, compared exactly. Must never evaluate a rule.

use super::decision::Decision;
use super::diagnostic::{Finding, text};
use super::exact::{Decimal, Ratio};
use super::section::Reading;
use super::unit::Unit;
use super::yaml::Node;
use crate::amount::{Points, ReductionMg};
use crate::text::{Language, Text};

/// What came out of a case, or what was expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Credited { reduction: ReductionMg, points: Points, capped: bool },
    Refused(String),
}

/// An expectation; what is not stated is not compared.
pub(super) enum Expected {
    Credited { reduction: Option<ReductionMg>, points: Option<Points>, capped: Option<bool> },
    Refused(String),
}

pub(super) fn outcome(decision: Decision) -> Outcome {
    match decision {
        Decision::Refused(refusal) => Outcome::Refused(refusal.code),
        Decision::Credited(credit) => {
            Outcome::Credited { reduction: credit.reduction, points: credit.points, capped: credit.capped }
        }
    }
}

pub(super) fn read_expected(reading: &mut Reading<'_>, node: &Node, step: &str) -> Option<Expected> {
    let path = format!("{step}.expect");
    let mut section = reading.section(node, &path)?;
    let place = section.place;
    let refused = section.optional("refused").map(|node| reading.bounded(node, &path));
    let reduction = section.optional("reduction").map(|node| read_reduction(reading, node, &path));
    let points = section.optional("points").map(|node| read_points(reading, node, &path));
    let words = [("yes", true), ("no", false)];
    let capped = section.optional("capped").map(|node| reading.choice(node, &path, &words));
    section.finish(&[], reading);
    match (refused, reduction, points, capped) {
        (Some(code), None, None, None) => code.map(Expected::Refused),
        (None, reduction, points, capped) if reduction.is_some() || points.is_some() || capped.is_some() => {
            let (mut stated_grams, mut stated_points, mut stated_capped) = (None, None, None);
            if let Some(value) = reduction {
                stated_grams = Some(value?);
            }
            if let Some(value) = points {
                stated_points = Some(value?);
            }
            if let Some(value) = capped {
                stated_capped = Some(value?);
            }
            Some(Expected::Credited { reduction: stated_grams, points: stated_points, capped: stated_capped })
        }
        _ => {
            let found = text!(
                "expect 应写 reduction、points、capped, 或只写 refused",
                "`expect` states reduction, points, capped, or refused alone"
            );
            reading.error(place, &path, Finding::new(found));
            None
        }
    }
}

pub(super) fn read_count(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    unit: Unit,
    grain: Option<Ratio>,
) -> Option<i64> {
    let quantity = reading.quantity(node, path)?;
    let kind = quantity.unit.same_dimension(unit) && quantity.unit != Unit::NONE;
    let count = grain.and_then(|grain| quantity.count_of(grain)).filter(|_| kind);
    if count.is_none() {
        let found = text!("应为以 {unit} 计的数, 不能太细", "expected a number in {unit}, not too fine");
        reading.error(node.place, path, Finding::new(found));
    }
    count
}

pub(super) fn read_reduction(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<ReductionMg> {
    read_count(reading, node, path, Unit::carbon(), Ratio::new(1, 1000)).map(ReductionMg::new)
}

pub(super) fn read_points(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Points> {
    read_count(reading, node, path, Unit::points(), Some(Ratio::ONE)).map(Points::new)
}

pub(super) fn mismatch(name: &str, expected: &Expected, outcome: &Outcome) -> Option<Text> {
    let name: String = name.chars().take(60).collect();
    let differs = match (expected, outcome) {
        (Expected::Refused(code), Outcome::Refused(found)) => code != found,
        (
            Expected::Credited { reduction, points, capped },
            Outcome::Credited { reduction: grams, points: paid, capped: trimmed },
        ) => {
            reduction.is_some_and(|wanted| wanted != *grams)
                || points.is_some_and(|wanted| wanted != *paid)
                || capped.is_some_and(|wanted| wanted != *trimmed)
        }
        (Expected::Refused(_), Outcome::Credited { .. })
        | (Expected::Credited { .. }, Outcome::Refused(_)) => true,
    };
    let texts =
        [Language::Zh, Language::En].map(|language| (expected.show(language), outcome.show(language)));
    let [(wanted_zh, found_zh), (wanted, found)] = texts;
    differs.then(|| {
        text!(
            "例 `{name}`: 应为 {wanted_zh}, 实为 {found_zh}",
            "example `{name}`: expected {wanted}, got {found}"
        )
    })
}

fn refused(code: &str, language: Language) -> String {
    text!("拒绝 {code}", "refused {code}").in_language(language).to_owned()
}

fn capped_word(capped: bool) -> Text {
    if capped { text!("已封顶", "capped") } else { text!("未封顶", "not capped") }
}

impl Expected {
    fn show(&self, language: Language) -> String {
        match self {
            Self::Refused(code) => refused(code, language),
            Self::Credited { reduction, points, capped } => {
                let grams = reduction.map(|grams| grams_text(grams.get()));
                let points = points.map(|points| format!("{points} pt"));
                let capped = capped.map(|capped| capped_word(capped).in_language(language).to_owned());
                [grams, points, capped].into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Outcome {
    fn show(&self, language: Language) -> String {
        match self {
            Self::Refused(code) => refused(code, language),
            Self::Credited { reduction, points, capped } => {
                let granted = format!("{}, {points} pt", grams_text(reduction.get()));
                let word = capped_word(true);
                if *capped { format!("{granted}, {}", word.in_language(language)) } else { granted }
            }
        }
    }
}

/// Milligrams as grams.
pub(super) fn grams_text(milligrams: i64) -> String {
    format!("{} gCO2e", Decimal { mantissa: i128::from(milligrams), decimals: 3 }.trimmed())
}
