//! What an act would give, and what caps leave of it.
//!
//! A cap in points trims points alone. A cap in gCO2e trims grams, and points in the same proportion before
//! their rounding. A cap in input units trims the input and evaluates the formulas anew; multipliers stay as
//! the whole act has them. A cap in times gives nothing once it is used up. No cap ever raises anything.

use chrono::NaiveDate;

use super::action::Action;
use super::batch::Formed;
use super::cap::{Cap, CapLimit, CapWindow};
use super::decision::Usage;
use super::era::Era;
use super::evaluate::Witness;
use super::factor::Factor;
use super::fund::{Drawn, Raised, pay};
use super::payout::{Payout, Worth};
use super::verdict::{Asked, Granted};
use crate::amount::{Points, ReductionMg};

/// The periods and scopes that an action's caps count in, the shortest first.
pub(super) fn windows(action: &Action, day: NaiveDate) -> Vec<CapWindow> {
    let mut counted: Vec<_> = action.caps.iter().filter_map(Cap::counted_in).collect();
    counted.dedup();
    counted.into_iter().map(|(period, scope)| CapWindow { period, range: period.range(day), scope }).collect()
}

/// Of what was used in each window, that which some cap of the window counts.
pub(super) fn counted(action: &Action, used: &[Usage]) -> Vec<Usage> {
    let of_window = |(window, usage): (usize, &Usage)| {
        let caps = action.caps.iter().filter(|cap| cap.window == Some(window));
        caps.fold(Usage::NONE, |counted, cap| match cap.limit {
            CapLimit::Times(_) => Usage { events: usage.events, ..counted },
            CapLimit::Points(_) => Usage { points: usage.points, ..counted },
            CapLimit::Reduction(_) => Usage { reduction: usage.reduction, ..counted },
            CapLimit::Input(_) => Usage { quantity: usage.quantity, ..counted },
        })
    };
    used.iter().enumerate().map(of_window).collect()
}

/// One cap's part in a decision, counted in what it limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapUse {
    /// Place among the action's caps.
    pub place: usize,
    /// Used before the act.
    pub used_before: i64,
    /// Left after it.
    pub left_after: i64,
    /// Whether it trimmed the act.
    pub trimmed: bool,
}

impl Cap {
    /// The limit, and what of it is used.
    #[inline]
    pub(super) fn against(&self, usage: &Usage) -> (i64, i64) {
        match self.limit {
            CapLimit::Times(limit) => (limit, usage.events),
            CapLimit::Points(limit) => (limit, usage.points.get()),
            CapLimit::Reduction(limit) => (limit, usage.reduction.get()),
            CapLimit::Input(limit) => (limit, usage.quantity),
        }
    }
}

/// An act that counts, on its way to points.
pub(super) struct Act<'a> {
    pub(super) action: &'a Action,
    pub(super) era: &'a Era,
    pub(super) payout: &'a Payout,
    pub(super) asked: &'a Asked<'a>,
    pub(super) formed: &'a Formed,
}

impl Act<'_> {
    /// What it gives after campaigns, caps and budgets. The caps that a witness sees are those of the act
    /// with all its campaigns.
    #[inline]
    pub(super) fn granted<W: Witness>(&self, used: &[Usage], witness: &mut W) -> Granted {
        let Self { action, asked, formed, .. } = *self;
        let plain = action.factors.multiplied(formed.multipliers);
        let live = action.seasons.on(asked.slots.get(0).unwrap_or(i64::MIN));
        let reaching = || live.iter().zip(0..).filter(|(live, _)| live.campaign.reaches(asked.district));
        let highest = reaching().fold(plain, |factor, (live, _)| action.factors.join(factor, live.member));
        let mut whole = Grant::new(self, highest, self.points(highest, plain));
        whole.cap(used, witness);
        if !action.is_funded() {
            return whole.granted;
        }
        let (mut drawn, mut raised, mut factor) = (Drawn::NOTHING, Raised::default(), plain);
        let least = whole.points_with(plain, formed.points, used);
        let mut before = least;
        for (live, place) in reaching() {
            factor = action.factors.join(factor, live.member);
            let with = whole.points_with(factor, self.points(factor, plain), used);
            raised.add((&live.campaign, place), (before, with), asked.issued, &mut drawn);
            before = with;
        }
        let mut granted = whole.granted;
        raised.onto(least, &mut granted);
        pay(action, &mut granted, live.len(), asked.issued, &mut drawn);
        witness.drawn(&drawn);
        granted
    }

    /// Points before caps.
    #[inline]
    fn points(&self, factor: Factor, plain: Factor) -> Points {
        let points = || Points::new(self.payout.points(|| self.worth(), self.formed.whole, factor));
        if factor == plain { self.formed.points } else { points() }
    }

    /// What the whole act is worth.
    #[cold]
    fn worth(&self) -> Worth {
        let Self { era, asked, formed, .. } = *self;
        let run = || era.worth(asked.slots.together(None).as_slice());
        formed.whole.map_or_else(run, |numerator| Worth {
            reduction_mg: formed.reduction.get(),
            numerator: numerator.into(),
            denominator: 1,
        })
    }
}

/// A grant while caps work on it.
struct Grant<'a> {
    act: &'a Act<'a>,
    factor: Factor,
    /// What the trimmed input is worth; none while it is whole.
    trimmed: Option<Worth>,
    granted: Granted,
    /// The least that a cap in points leaves.
    ceiling: Points,
    /// Whether a cap in anything but points took something.
    cut: bool,
}

impl<'a> Grant<'a> {
    #[inline]
    fn new(act: &'a Act<'a>, factor: Factor, points: Points) -> Self {
        let quantity = act.era.measure.map_or(0, |(slot, thousandths)| {
            act.asked.slots.get(slot).map_or(0, |value| value.saturating_mul(thousandths))
        });
        let granted = Granted { reduction: act.formed.reduction, points, quantity, ..Granted::default() };
        Self { act, factor, trimmed: None, granted, ceiling: Points::new(i64::MAX), cut: false }
    }

    /// Leaves what all caps leave, the shortest period first.
    #[expect(clippy::inline_always, reason = "a grant that is moved costs more than capping it")]
    #[inline(always)]
    fn cap<W: Witness>(&mut self, used: &[Usage], witness: &mut W) {
        witness.before_caps(self.granted);
        for (place, cap) in self.act.action.caps.iter().enumerate() {
            let usage = cap.window.and_then(|window| used.get(window));
            let (limit, used_before) = cap.against(usage.unwrap_or(&Usage::NONE));
            let left = limit.saturating_sub(used_before).max(0);
            let trimmed = self.trim(cap.limit, left);
            self.granted.capped |= trimmed;
            witness.cap(|| {
                let left_after = left.saturating_sub(self.taken(cap.limit)).max(0);
                CapUse { place, used_before, left_after, trimmed }
            });
        }
    }

    /// The points that the same caps leave of the act with another factor.
    #[inline]
    fn points_with(&self, factor: Factor, points: Points, used: &[Usage]) -> Points {
        if self.cut { self.capped_again(factor, points, used) } else { points.min(self.ceiling) }
    }

    #[cold]
    fn capped_again(&self, factor: Factor, points: Points, used: &[Usage]) -> Points {
        let mut again = Self::new(self.act, factor, points);
        again.cap(used, &mut ());
        again.granted.points
    }

    /// Trims to what is left of a limit; tells whether there was anything to trim.
    #[inline]
    fn trim(&mut self, limit: CapLimit, left: i64) -> bool {
        let over = self.taken(limit) > left;
        match limit {
            CapLimit::Points(_) => {
                self.ceiling = self.ceiling.min(Points::new(left));
                self.granted.points = self.granted.points.min(self.ceiling);
            }
            CapLimit::Times(_) if over => self.nothing(),
            CapLimit::Reduction(_) if over => self.trim_reduction(left),
            CapLimit::Input(_) if over => self.trim_input(left),
            CapLimit::Times(_) | CapLimit::Reduction(_) | CapLimit::Input(_) => {}
        }
        over
    }

    /// How much of what a limit counts the grant takes.
    #[inline]
    fn taken(&self, limit: CapLimit) -> i64 {
        match limit {
            CapLimit::Times(_) => 1,
            CapLimit::Points(_) => self.granted.points.get(),
            CapLimit::Reduction(_) => self.granted.reduction.get(),
            CapLimit::Input(_) => self.granted.quantity,
        }
    }

    fn nothing(&mut self) {
        self.cut = true;
        self.granted = Granted { capped: self.granted.capped, ..Granted::default() };
    }

    /// Points for the worth of the granted input and the part of its grams that is left; never more than
    /// before.
    fn pay_for(&mut self, worth: Worth) {
        let Act { payout, .. } = self.act;
        let left = self.granted.reduction.get();
        let kept = if left < worth.reduction_mg { (left, worth.reduction_mg) } else { (1, 1) };
        let points = payout.points_of_part(worth, kept, self.factor);
        self.granted.points = self.granted.points.min(Points::new(points));
        self.trimmed = Some(worth);
        self.cut = true;
    }

    #[cold]
    fn trim_reduction(&mut self, left: i64) {
        self.granted.reduction = ReductionMg::new(left);
        let worth = self.trimmed.unwrap_or_else(|| self.act.worth());
        self.pay_for(worth);
    }

    #[cold]
    fn trim_input(&mut self, left: i64) {
        let Some((slot, thousandths)) = self.act.era.measure else { return };
        let count = left.checked_div(thousandths).unwrap_or(0);
        if count == 0 {
            return self.nothing();
        }
        let trimmed = self.act.asked.slots.together(Some((slot, count)));
        let worth = self.act.era.worth(trimmed.as_slice());
        self.granted.quantity = count.saturating_mul(thousandths);
        self.granted.reduction = self.granted.reduction.min(ReductionMg::new(worth.reduction_mg));
        self.pay_for(worth);
    }
}
