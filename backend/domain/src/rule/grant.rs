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
use super::exact::Ratio;
use super::factor::Factor;
use super::fund::{Drawn, Raised, pay};
use super::payout::{Payout, Worth};
use super::season::Live;
use super::verdict::{Granted, Typed, Verdict};
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
    /// What is used of the limit, and what is left.
    #[inline]
    fn used_and_left(&self, used: &[Usage]) -> (i64, i64) {
        let usage = self.window.and_then(|window| used.get(window));
        let (limit, used_before) = self.limit.against(usage.unwrap_or(&Usage::NONE));
        (used_before, limit.saturating_sub(used_before).max(0))
    }
}

/// The most points that caps leave of an act, where no cap in anything else takes something of it.
#[inline]
pub(super) fn ceiling(
    caps: &[Cap],
    (reduction, quantity): (ReductionMg, i64),
    used: &[Usage],
) -> Option<Points> {
    let act = Usage { events: 1, points: Points::ZERO, reduction, quantity };
    let mut ceiling = i64::MAX;
    for cap in caps {
        let (_, left) = cap.used_and_left(used);
        if matches!(cap.limit, CapLimit::Points(_)) {
            ceiling = ceiling.min(left);
        } else if cap.limit.against(&act).1 > left {
            return None;
        }
    }
    Some(Points::new(ceiling))
}

/// An act that counts, on its way to points.
pub(super) struct Act<'a> {
    pub(super) action: &'a Action,
    pub(super) era: &'a Era,
    pub(super) payout: &'a Payout,
    pub(super) typed: &'a Typed<'a>,
    pub(super) formed: &'a Formed,
}

impl<'a> Act<'a> {
    /// What it gives after campaigns, caps and budgets. The caps that a witness sees are those of the act
    /// with all its campaigns.
    #[inline]
    pub(super) fn credited<W: Witness>(&self, used: &[Usage], witness: &mut W) -> Verdict {
        let quantity = self.quantity();
        match ceiling(&self.action.caps, (self.formed.reduction, quantity), used) {
            None => self.credited_closely(used, witness),
            Some(_) if W::SEES_CAPS => self.credited_closely(used, witness),
            Some(ceiling) if self.action.is_funded() => self.raised_to(ceiling, witness),
            Some(ceiling) => Verdict::Credited(self.whole(self.formed.points, quantity, ceiling)),
        }
    }

    /// The act with so many points, of which caps leave as many as the ceiling.
    #[inline]
    fn whole(&self, points: Points, quantity: i64, ceiling: Points) -> Granted {
        Granted {
            reduction: self.formed.reduction,
            points: points.min(ceiling),
            quantity,
            capped: points > ceiling,
            ..Granted::default()
        }
    }

    /// With campaigns and budgets, where caps limit points alone.
    fn raised_to<W: Witness>(&self, ceiling: Points, witness: &mut W) -> Verdict {
        let capped = |_, points: Points| points.min(ceiling);
        self.funded(capped, |points| self.whole(points, self.quantity(), ceiling), witness)
    }

    /// With campaigns and budgets, one cap after another.
    #[cold]
    fn credited_closely<W: Witness>(&self, used: &[Usage], witness: &mut W) -> Verdict {
        let (plain, factors) = (self.plain(), &self.action.factors);
        let highest = self
            .reaching(self.live())
            .fold(plain, |factor, (place, live)| factors.raised(factor, (place, live.member)));
        let mut whole = Grant::new(self, highest, self.points(highest, plain));
        whole.cap(used, witness);
        if !self.action.is_funded() {
            return Verdict::Credited(whole.granted);
        }
        self.funded(|factor, points| whole.points_with(factor, points, used), |_| whole.granted, witness)
    }

    /// What campaigns and budgets make of it, from what caps leave of points with a factor, and of the act
    /// with the points of all its campaigns.
    #[inline]
    fn funded<W: Witness>(
        &self,
        capped: impl Fn(Factor, Points) -> Points,
        whole: impl FnOnce(Points) -> Granted,
        witness: &mut W,
    ) -> Verdict {
        let Self { action, typed, formed, .. } = *self;
        let (plain, live) = (self.plain(), self.live());
        let (mut factor, mut points) = (plain, formed.points);
        let least = capped(plain, points);
        let (mut drawn, mut raised, mut before) = (Drawn::NOTHING, Raised::default(), least);
        for (place, live) in self.reaching(live) {
            factor = action.factors.raised(factor, (place, live.member));
            points = self.points(factor, plain);
            let with = capped(factor, points);
            raised.add((&live.campaign, place), (before, with), typed.issued, &mut drawn);
            before = with;
        }
        let raised = raised.onto(least, whole(points));
        let granted = pay(action, raised, live.len(), typed.issued, &mut drawn);
        witness.drawn(&drawn);
        Verdict::Credited(granted)
    }

    /// The factor of its multipliers.
    #[inline]
    fn plain(&self) -> Factor {
        self.action.factors.multiplied(self.formed.multipliers)
    }

    /// The campaigns of its day.
    #[inline]
    fn live(&self) -> &'a [Live] {
        self.action.seasons.on(self.typed.slots.get(0).unwrap_or(i64::MIN))
    }

    /// Those that raise it, with their places.
    #[inline]
    fn reaching(&self, live: &'a [Live]) -> impl Iterator<Item = (usize, &'a Live)> {
        let district = self.typed.district;
        live.iter().enumerate().filter(move |(_, live)| live.campaign.reaches(district))
    }

    /// How much of the first numeric input it is, in thousandths of its base unit.
    #[inline]
    fn quantity(&self) -> i64 {
        self.era.measure.map_or(0, |(slot, thousandths)| {
            self.typed.slots.get(slot).map_or(0, |value| value.saturating_mul(thousandths))
        })
    }

    /// Points before caps.
    #[inline]
    fn points(&self, factor: Factor, plain: Factor) -> Points {
        if factor == plain {
            return self.formed.points;
        }
        self.payout.points(self.formed.whole, factor, || (self.worth(), self.ratio(factor)))
    }

    #[cold]
    fn ratio(&self, factor: Factor) -> Option<Ratio> {
        self.action.factors.ratio(factor, self.live().iter().map(|live| live.member))
    }

    /// What the whole act is worth.
    #[cold]
    fn worth(&self) -> Worth {
        let Self { era, typed, formed, .. } = *self;
        let run = || era.worth(typed.slots.together(None).as_slice());
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
    fn new(act: &'a Act<'a>, factor: Factor, points: Points) -> Self {
        let (reduction, quantity) = (act.formed.reduction, act.quantity());
        let granted = Granted { reduction, points, quantity, ..Granted::default() };
        Self { act, factor, trimmed: None, granted, ceiling: Points::new(i64::MAX), cut: false }
    }

    /// Leaves what all caps leave, the shortest period first.
    fn cap<W: Witness>(&mut self, used: &[Usage], witness: &mut W) {
        witness.before_caps(self.granted);
        for (place, cap) in self.act.action.caps.iter().enumerate() {
            let (used_before, left) = cap.used_and_left(used);
            let trimmed = self.trim(cap.limit, left);
            self.granted.capped |= trimmed;
            witness.cap(|| {
                let left_after = left.saturating_sub(self.taken(cap.limit)).max(0);
                CapUse { place, used_before, left_after, trimmed }
            });
        }
    }

    /// The points that the same caps leave of the act with another factor.
    fn points_with(&self, factor: Factor, points: Points, used: &[Usage]) -> Points {
        if self.cut { self.capped_again(factor, points, used) } else { points.min(self.ceiling) }
    }

    fn capped_again(&self, factor: Factor, points: Points, used: &[Usage]) -> Points {
        let mut again = Self::new(self.act, factor, points);
        again.cap(used, &mut ());
        again.granted.points
    }

    /// Trims to what is left of a limit; tells whether there was anything to trim.
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
    fn taken(&self, limit: CapLimit) -> i64 {
        let Granted { points, reduction, quantity, .. } = self.granted;
        limit.against(&Usage { events: 1, points, reduction, quantity }).1
    }

    fn nothing(&mut self) {
        self.cut = true;
        self.granted = Granted { capped: self.granted.capped, ..Granted::default() };
    }

    /// Points for the worth of the granted input and the part of its grams that is left; never more than
    /// before.
    fn pay_for(&mut self, worth: Worth) {
        let Act { payout, .. } = self.act;
        let factor = self.act.ratio(self.factor);
        let left = self.granted.reduction.get();
        let kept = if left < worth.reduction_mg { (left, worth.reduction_mg) } else { (1, 1) };
        let points = payout.points_of_part(worth, kept, factor);
        self.granted.points = self.granted.points.min(points);
        self.trimmed = Some(worth);
        self.cut = true;
    }

    fn trim_reduction(&mut self, left: i64) {
        self.granted.reduction = ReductionMg::new(left);
        let worth = self.trimmed.unwrap_or_else(|| self.act.worth());
        self.pay_for(worth);
    }

    fn trim_input(&mut self, left: i64) {
        let Some((slot, thousandths)) = self.act.era.measure else { return };
        let count = left.checked_div(thousandths).unwrap_or(0);
        if count == 0 {
            return self.nothing();
        }
        let trimmed = self.act.typed.slots.together(Some((slot, count)));
        let worth = self.act.era.worth(trimmed.as_slice());
        self.granted.quantity = count.saturating_mul(thousandths);
        self.granted.reduction = self.granted.reduction.min(ReductionMg::new(worth.reduction_mg));
        self.pay_for(worth);
    }
}
