//! What a case expects, and what came out of it, compared exactly. Must never evaluate a rule.

use super::action::Action;
use super::decision::Decision;
use super::diagnostic::{Finding, text};
use super::exact::{Decimal, Ratio};
use super::section::{Reading, Section};
use super::unit::Unit;
use super::yaml::Node;
use crate::amount::{Points, ReductionMg};
use crate::text::{Language, Text};

/// What came out of a case, or what was expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Credited { reduction: ReductionMg, points: Points, queued: Points, capped: bool, exhausted: bool },
    Refused(String),
    Held(String),
}

/// An expectation; what is not stated is not compared.
pub(super) enum Expected {
    Credited(Stated),
    Refused(String),
    Held(String),
}

#[derive(Default)]
pub(super) struct Stated {
    reduction: Option<ReductionMg>,
    points: Option<Points>,
    queued: Option<Points>,
    capped: Option<bool>,
    exhausted: Option<bool>,
}

pub(super) fn outcome(decision: Decision) -> Outcome {
    match decision {
        Decision::Refused(refusal) => Outcome::Refused(refusal.code),
        Decision::Held(hold) => Outcome::Held(hold.code),
        Decision::Credited(credit) => Outcome::Credited {
            reduction: credit.reduction,
            points: credit.points,
            queued: credit.queued,
            capped: credit.capped,
            exhausted: credit.budget_exhausted,
        },
    }
}

pub(super) fn read_expected(reading: &mut Reading<'_>, node: &Node, step: &str) -> Option<Expected> {
    let path = format!("{step}.expect");
    let mut section = reading.section(node, &path)?;
    let place = section.place;
    let count = section.entries().len();
    let refused = section.optional("refused");
    let held = section.optional("held");
    let stated = read_stated(reading, &mut section, &path);
    section.finish(&[], reading);
    match (refused, held) {
        (Some(node), None) if count == 1 => reading.bounded(node, &path).map(Expected::Refused),
        (None, Some(node)) if count == 1 => reading.bounded(node, &path).map(Expected::Held),
        (None, None) if count > 0 => stated.map(Expected::Credited),
        _ => {
            let found = text!(
                "expect 应写 reduction、points、capped 等, 或只写 refused 或 held",
                "`expect` states reduction, points, capped and the like, or refused or held alone"
            );
            reading.error(place, &path, Finding::new(found));
            None
        }
    }
}

fn read_stated(reading: &mut Reading<'_>, section: &mut Section<'_>, path: &str) -> Option<Stated> {
    let words = [("yes", true), ("no", false)];
    let mut stated = Stated::default();
    if let Some(node) = section.optional("reduction") {
        stated.reduction = Some(read_reduction(reading, node, path)?);
    }
    if let Some(node) = section.optional("points") {
        stated.points = Some(read_points(reading, node, path)?);
    }
    if let Some(node) = section.optional("queued") {
        stated.queued = Some(read_points(reading, node, path)?);
    }
    if let Some(node) = section.optional("capped") {
        stated.capped = Some(reading.choice(node, path, &words)?);
    }
    if let Some(node) = section.optional("budget_exhausted") {
        stated.exhausted = Some(reading.choice(node, path, &words)?);
    }
    Some(stated)
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
        (Expected::Refused(code), Outcome::Refused(found)) | (Expected::Held(code), Outcome::Held(found)) => {
            code != found
        }
        (Expected::Credited(stated), Outcome::Credited { reduction, points, queued, capped, exhausted }) => {
            stated.reduction.is_some_and(|wanted| wanted != *reduction)
                || stated.points.is_some_and(|wanted| wanted != *points)
                || stated.queued.is_some_and(|wanted| wanted != *queued)
                || stated.capped.is_some_and(|wanted| wanted != *capped)
                || stated.exhausted.is_some_and(|wanted| wanted != *exhausted)
        }
        (Expected::Refused(_) | Expected::Held(_) | Expected::Credited(_), _) => true,
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

/// Where to look when an example does not come out.
pub(super) fn advice(action: &Action, expected: &Expected, outcome: &Outcome) -> Text {
    let used = action.parameters().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let thousandfold = match (expected, outcome) {
        (Expected::Credited(Stated { reduction: Some(wanted), .. }), Outcome::Credited { reduction, .. }) => {
            let thousand = |less: ReductionMg, more: ReductionMg| {
                less.get() > 0 && less.get().checked_mul(1_000) == Some(more.get())
            };
            thousand(*wanted, *reduction) || thousand(*reduction, *wanted)
        }
        (Expected::Credited(_) | Expected::Refused(_) | Expected::Held(_), _) => false,
    };
    if thousandfold {
        return text!(
            "减排量相差 1000 倍: 请核对因子的单位是 gCO2e 还是 kgCO2e: {used}",
            "the grams differ a thousandfold: is a factor in gCO2e or in kgCO2e? Look at {used}"
        );
    }
    if used.is_empty() {
        return text!(
            "请核对此行为的规则; 规则若对, 请改此例",
            "check the action; if it is right, mend the example"
        );
    }
    text!(
        "请核对此行为和所用因子 {used}; 规则若对, 请改此例",
        "check the action and what it uses, {used}; if they are right, mend the example"
    )
}

fn refused(code: &str, language: Language) -> String {
    text!("拒绝 {code}", "refused {code}").in_language(language).to_owned()
}

fn held(code: &str, language: Language) -> String {
    text!("待审核 {code}", "held {code}").in_language(language).to_owned()
}

fn queued_words(points: Points) -> Text {
    text!("{points} pt 等待预算", "{points} pt queued")
}

fn exhausted_words(exhausted: bool) -> Text {
    if exhausted {
        text!("预算已用完", "budget exhausted")
    } else {
        text!("预算未用完", "budget not exhausted")
    }
}

fn capped_word(capped: bool) -> Text {
    if capped { text!("已封顶", "capped") } else { text!("未封顶", "not capped") }
}

impl Expected {
    fn show(&self, language: Language) -> String {
        match self {
            Self::Refused(code) => refused(code, language),
            Self::Held(code) => held(code, language),
            Self::Credited(stated) => {
                let said = |text: Text| text.in_language(language).to_owned();
                let parts = [
                    stated.reduction.map(|grams| grams_text(grams.get())),
                    stated.points.map(|points| format!("{points} pt")),
                    stated.queued.map(|points| said(queued_words(points))),
                    stated.capped.map(|capped| said(capped_word(capped))),
                    stated.exhausted.map(|exhausted| said(exhausted_words(exhausted))),
                ];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Outcome {
    fn show(&self, language: Language) -> String {
        match self {
            Self::Refused(code) => refused(code, language),
            Self::Held(code) => held(code, language),
            Self::Credited { reduction, points, queued, capped, exhausted } => {
                let said = |text: Text| text.in_language(language).to_owned();
                let parts = [
                    Some(format!("{}, {points} pt", grams_text(reduction.get()))),
                    (*queued > Points::ZERO).then(|| said(queued_words(*queued))),
                    capped.then(|| said(capped_word(true))),
                    exhausted.then(|| said(exhausted_words(true))),
                ];
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// Milligrams as grams with their unit, as in `467 gCO2e`.
#[must_use]
pub fn grams_text(milligrams: i64) -> String {
    format!("{} gCO2e", Decimal { mantissa: i128::from(milligrams), decimals: 3 }.trimmed())
}
