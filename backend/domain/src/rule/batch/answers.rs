//! The answers for a batch of events as columns, and how points are made of them. Must never round another
//! way than for one event.

use std::ops::Range;

use super::Formed;
use crate::amount::{Points, ReductionMg};
use crate::rule::action::Action;
use crate::rule::era::Era;
use crate::rule::evidence::Evidence;
use crate::rule::payout::{Payout, Quick, Worth};
use crate::rule::verdict::Reason;

/// One column for each part of an answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    /// See [`Refusal`].
    pub(super) refused: Vec<u16>,
    /// Place of the first reason to hold the act, plus one.
    pub(super) held: Vec<u16>,
    pub(super) multipliers: Vec<u16>,
    pub(super) era: Vec<u16>,
    pub(super) lasts: Vec<i64>,
    pub(super) reduction: Vec<i64>,
    pub(super) points: Vec<i64>,
    /// What points are made of; only meant where `whole` says so.
    pub(super) numerator: Vec<i64>,
    pub(super) whole: Vec<bool>,
}

/// A [`Reason`] as a number: zero for none, conditions last.
pub(super) struct Refusal;

impl Refusal {
    pub(super) const NONE: u16 = 0;
    const NO_FACTOR: u16 = 1;
    pub(super) const UNFIT: u16 = 2;
    pub(super) const EVIDENCE: u16 = 3;
    pub(super) const CONDITION: u16 = 4;

    fn number(reason: Option<Reason>) -> u16 {
        match reason {
            None => Self::NONE,
            Some(Reason::NoFactor) => Self::NO_FACTOR,
            Some(Reason::Unfit) => Self::UNFIT,
            Some(Reason::Evidence) => Self::EVIDENCE,
            Some(Reason::Condition(place)) => {
                u16::try_from(place).unwrap_or(u16::MAX).saturating_add(Self::CONDITION)
            }
        }
    }

    #[inline]
    pub(super) fn reason(number: u16) -> Option<Reason> {
        match number {
            Self::NONE => None,
            Self::NO_FACTOR => Some(Reason::NoFactor),
            Self::UNFIT => Some(Reason::Unfit),
            Self::EVIDENCE => Some(Reason::Evidence),
            condition => Some(Reason::Condition(usize::from(condition.saturating_sub(Self::CONDITION)))),
        }
    }
}

impl Answers {
    pub(super) fn resize(&mut self, rows: usize) {
        for column in [&mut self.refused, &mut self.held, &mut self.multipliers, &mut self.era] {
            column.resize(rows, 0);
        }
        let Self { lasts, reduction, points, numerator, .. } = self;
        for column in [lasts, reduction, points, numerator] {
            column.resize(rows, 0);
        }
        self.whole.resize(rows, false);
    }

    pub(super) fn part(&mut self, at: &Range<usize>) -> Part<'_> {
        fn cut<'c, T>(column: &'c mut [T], at: &Range<usize>) -> &'c mut [T] {
            column.get_mut(at.clone()).unwrap_or_default()
        }
        Part {
            refused: cut(&mut self.refused, at),
            held: cut(&mut self.held, at),
            multipliers: cut(&mut self.multipliers, at),
            era: cut(&mut self.era, at),
            lasts: cut(&mut self.lasts, at),
            reduction: cut(&mut self.reduction, at),
            points: cut(&mut self.points, at),
            numerator: cut(&mut self.numerator, at),
            whole: cut(&mut self.whole, at),
        }
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<Formed> {
        if let Some(reason) = Refusal::reason(*self.refused.get(row)?) {
            let lasts = if reason == Reason::Unfit { 0 } else { *self.lasts.get(row)? };
            return Some(Formed { lasts, ..Formed::refused(reason) });
        }
        let held = self.held.get(row)?.checked_sub(1);
        let (multipliers, era) = (*self.multipliers.get(row)?, *self.era.get(row)?);
        let (lasts, reduction_mg) = (*self.lasts.get(row)?, *self.reduction.get(row)?);
        let (points, numerator) = (*self.points.get(row)?, *self.numerator.get(row)?);
        let whole = self.whole.get(row)?.then_some(numerator);
        let (reduction, points) = (ReductionMg::new(reduction_mg), Points::new(points));
        Some(Formed { refused: None, held, multipliers, era, lasts, reduction, points, whole })
    }

    pub(super) fn put(&mut self, row: usize, formed: &Formed) {
        fn set<T>(column: &mut [T], row: usize, value: T) {
            if let Some(slot) = column.get_mut(row) {
                *slot = value;
            }
        }
        set(&mut self.refused, row, Refusal::number(formed.refused));
        set(&mut self.held, row, formed.held.map_or(0, |place| place.saturating_add(1)));
        set(&mut self.multipliers, row, formed.multipliers);
        set(&mut self.era, row, formed.era);
        set(&mut self.lasts, row, formed.lasts);
        set(&mut self.reduction, row, formed.reduction.get());
        set(&mut self.points, row, formed.points.get());
        set(&mut self.whole, row, false);
    }
}

/// Some rows of the answers.
pub(super) struct Part<'a> {
    pub(super) refused: &'a mut [u16],
    pub(super) held: &'a mut [u16],
    pub(super) multipliers: &'a mut [u16],
    pub(super) era: &'a mut [u16],
    pub(super) lasts: &'a mut [i64],
    pub(super) reduction: &'a mut [i64],
    pub(super) points: &'a mut [i64],
    pub(super) numerator: &'a mut [i64],
    pub(super) whole: &'a mut [bool],
}

impl Part<'_> {
    pub(super) fn pay(
        &mut self,
        (action, era): (&Action, &Era),
        evidence: &[Evidence],
        below: Option<&[i64]>,
    ) {
        let alike = evidence.first().filter(|first| evidence.iter().all(|grade| grade == *first));
        let payout = alike.and_then(|grade| era.payout(*grade)).filter(|_| below.is_none());
        let rows = self.points.iter_mut().zip(self.numerator.iter().zip(self.multipliers.iter()));
        if let Some(quick) = payout.and_then(|payout| quick_ways(action, payout)) {
            if let [only] = quick.as_slice() {
                rows.for_each(|(points, (numerator, _))| *points = only.points(*numerator));
            } else {
                rows.for_each(|(points, (numerator, bits))| {
                    let quick = quick.get(usize::from(*bits));
                    *points = quick.map_or(0, |quick| quick.points(*numerator));
                });
            }
            return;
        }
        for (row, ((points, (numerator, bits)), grade)) in rows.zip(evidence).enumerate() {
            let reduction_mg = self.reduction.get(row).copied().unwrap_or(0);
            let whole = below.is_none().then_some(*numerator);
            let worth = || {
                let denominator = below.and_then(|below| below.get(row)).copied().unwrap_or(1);
                Worth { reduction_mg, numerator: (*numerator).into(), denominator: denominator.into() }
            };
            let payout = era.payout(*grade).filter(|_| self.refused.get(row) == Some(&Refusal::NONE));
            let factor = action.factors.multiplied(*bits);
            let closely = || (worth(), action.factors.ratio(factor, std::iter::empty()));
            *points = payout.map_or(0, |payout| payout.points(whole, factor, closely).get());
        }
    }
}

/// The short way to points for each combination of multipliers; none where one has none.
fn quick_ways<'p>(action: &Action, payout: &'p Payout) -> Option<Vec<&'p Quick>> {
    action.factors.combined()?.iter().map(|factor| payout.quick(*factor)).collect()
}

pub(super) fn copy(into: &mut [i64], from: Option<&[i64]>) {
    match from {
        Some(from) => into.iter_mut().zip(from).for_each(|(into, from)| *into = *from),
        None => into.fill(0),
    }
}

/// Writes a number where something is so and nothing is written yet.
#[inline]
pub(super) fn mark(into: &mut [u16], so: impl Iterator<Item = bool>, number: u16) {
    for (into, so) in into.iter_mut().zip(so) {
        *into = if so && *into == 0 { number } else { *into };
    }
}
