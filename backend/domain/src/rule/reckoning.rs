//! A decision computed again from its receipt, as data: what each step came to, which conditions held, what
//! factors, caps and budgets did. Every name and formula is borrowed, no number is put into words.
//!
//! This is the explanation; [`Explanation`](super::Explanation) is the same in words, for whoever shows it.

use std::fmt;

use super::action::Action;
use super::check::{Type, Value};
use super::decision::Receipt;
use super::evaluate::{Assessment, assess};
use super::exact::Ratio;
use super::explain::milligram;
use super::expression::value_text;
use super::grant::CapUse;
use super::ruleset::RuleSet;
use super::section::Located;
use super::unit::Unit;
use super::verdict::{Granted, Verdict};
use crate::amount::Points;

/// How a decision came about, in numbers.
#[derive(Debug, Clone)]
pub struct Reckoning<'a> {
    pub(super) action: &'a Action,
    pub(super) receipt: &'a Receipt,
    pub(super) assessment: Assessment<'a>,
}

/// One step and what it came to. Shown, it is the number with its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reckoned<'a> {
    /// The step's name.
    pub name: &'a str,
    /// The formula as written.
    pub formula: &'a str,
    /// What it came to, exactly: so many times `step` in base units; 1 and 0 for yes and no, the place of a
    /// word, a day or second.
    pub count: i128,
    step: Ratio,
    kind: Type,
}

impl Reckoned<'_> {
    /// What one of the count is worth in base units, as a fraction.
    #[must_use]
    pub fn step(&self) -> (i128, i128) {
        (self.step.numerator(), self.step.denominator())
    }
}

impl fmt::Display for Reckoned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&value_text(self.count, &self.kind, self.step))
    }
}

impl RuleSet {
    /// Computes a decision again from its receipt.
    #[must_use]
    pub fn reckon<'a>(&self, action: &'a Action, receipt: &'a Receipt) -> Reckoning<'a> {
        let assessment = assess(action, self.timezone(), &receipt.facts(), &receipt.used);
        Reckoning { action, receipt, assessment }
    }
}

impl<'a> Reckoning<'a> {
    /// How it ended.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.assessment.verdict
    }

    /// The formulas up to the points, in the order of evaluation; none where the act never came to them.
    pub fn steps(&self) -> impl Iterator<Item = Reckoned<'a>> {
        let named = self.assessment.era.zip(self.assessment.results.as_ref()).map(|(era, results)| {
            let steps = self.action.steps.iter().zip(&era.steps);
            steps.map(|((name, located), Value { register, kind, step, .. })| {
                Reckoned::new(name, located, results.get(*register), (*step, kind.clone()))
            })
        });
        named.into_iter().flatten().chain(self.outcome())
    }

    /// Grams and points before caps.
    fn outcome(&self) -> impl Iterator<Item = Reckoned<'a>> {
        let (action, before) = (self.action, self.assessment.before_caps);
        let grams = before.zip(action.reduction.as_ref()).map(|(before, located)| {
            let milligrams = i128::from(before.reduction.get());
            Reckoned::new("reduction", located, milligrams, (milligram(), Type::Number(Unit::carbon())))
        });
        let points = before.map(|before| {
            let points = i128::from(before.points.get());
            Reckoned::new("points", &action.points, points, (Ratio::ONE, Type::Number(Unit::points())))
        });
        grams.into_iter().chain(points)
    }

    /// The conditions up to the first that failed: the formula as written, and whether it held.
    pub fn conditions(&self) -> impl Iterator<Item = (&'a str, bool)> {
        let known = self.assessment.era.zip(self.assessment.results.as_ref());
        let all = known.map(|(era, results)| {
            let conditions = self.action.eligible.iter().zip(&era.outputs.conditions);
            conditions.map(|(condition, register)| {
                (condition.when.formula.source.as_str(), results.holds(*register))
            })
        });
        let mut failed = false;
        all.into_iter().flatten().take_while(move |(_, holds)| !std::mem::replace(&mut failed, !holds))
    }

    /// Grams and points before caps; none where the act never came to them.
    #[must_use]
    pub fn before_caps(&self) -> Option<Granted> {
        self.assessment.before_caps
    }

    /// What each cap did, in the order of their application.
    #[must_use]
    pub fn caps(&self) -> &[CapUse] {
        &self.assessment.caps
    }

    /// Points drawn from the budget at a place among `RuleSet::budget_windows` of the act's civil day.
    #[must_use]
    pub fn drawn(&self, place: usize) -> Points {
        Points::new(self.assessment.drawn.at(place))
    }
}

impl<'a> Reckoned<'a> {
    fn new(name: &'a str, located: &'a Located, count: i128, (step, kind): (Ratio, Type)) -> Self {
        Self { name, formula: &located.formula.source, count, step, kind }
    }
}
