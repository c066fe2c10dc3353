//! What campaigns add to an act and what budgets leave of it. Counts nothing; it is told what was issued.

use super::action::Action;
use super::budget::WhenExhausted;
use super::campaign::{CAMPAIGNS_AT_ONCE_MAX, Campaign};
use super::verdict::Granted;
use crate::amount::Points;

/// Most budgets that one act can draw on.
pub(super) const DRAWN_MAX: usize = CAMPAIGNS_AT_ONCE_MAX + super::budget::BUDGETS_MAX;

/// Points that an act adds to what was issued under each of its budgets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawn {
    places: [i64; DRAWN_MAX],
}

impl Drawn {
    pub(crate) const NOTHING: Self = Self { places: [0; DRAWN_MAX] };

    #[inline]
    fn add(&mut self, place: usize, points: i64) {
        if let Some(drawn) = self.places.get_mut(place) {
            *drawn = drawn.saturating_add(points);
        }
    }

    /// Points taken from the budget at a place.
    pub(crate) fn at(&self, place: usize) -> i64 {
        self.places.get(place).copied().unwrap_or(0)
    }

    /// For the first so many budgets.
    pub(super) fn first(&self, count: usize) -> Vec<Points> {
        self.places.iter().take(count).copied().map(Points::new).collect()
    }
}

impl Action {
    /// Whether campaigns or budgets have a say.
    #[inline]
    pub(super) fn is_funded(&self) -> bool {
        !(self.campaigns.is_empty() && self.budgets.is_empty())
    }
}

/// What campaigns add to an act, each from its own budget.
#[derive(Debug, Default)]
pub(super) struct Raised {
    added: i64,
    exhausted: bool,
}

impl Raised {
    /// One campaign more, whose budget is at a place; the points are those that the act has before it and
    /// with it, after caps.
    #[inline]
    pub(super) fn add(
        &mut self,
        (campaign, place): (&Campaign, usize),
        (before, with): (Points, Points),
        issued: &[Points],
        drawn: &mut Drawn,
    ) {
        let extra = with.get().saturating_sub(before.get()).max(0);
        let added = extra.min(left(campaign.budget, place, issued));
        drawn.add(place, added);
        self.exhausted |= added < extra;
        self.added = self.added.saturating_add(added);
    }

    /// With the points that the act has without any campaign.
    #[inline]
    pub(super) fn onto(&self, plain: Points, granted: Granted) -> Granted {
        let points = Points::new(plain.get().saturating_add(self.added));
        Granted { points, budget_exhausted: granted.budget_exhausted | self.exhausted, ..granted }
    }
}

/// What is left after the budgets of the programme, whose places begin after `campaigns`.
#[inline]
pub(super) fn pay(
    action: &Action,
    granted: Granted,
    campaigns: usize,
    issued: &[Points],
    drawn: &mut Drawn,
) -> Granted {
    let places = || action.budgets.iter().zip(campaigns..);
    let full = granted.points.get();
    let stops = places().filter(|(budget, _)| budget.when_exhausted == WhenExhausted::Stop);
    let promised = stops.fold(full, |so_far, (budget, place)| so_far.min(left(budget.limit, place, issued)));
    if promised < full {
        give_back(drawn, campaigns, full.saturating_sub(promised));
    }
    let mut now = promised;
    for (budget, place) in places() {
        match budget.when_exhausted {
            WhenExhausted::Stop => drawn.add(place, promised),
            WhenExhausted::Queue => {
                now = promised.min(left(budget.limit, place, issued));
                drawn.add(place, now);
            }
            WhenExhausted::Prorate => now = 0,
        }
    }
    Granted {
        points: Points::new(now),
        queued: Points::new(promised.saturating_sub(now)),
        budget_exhausted: granted.budget_exhausted || promised < full,
        ..granted
    }
}

/// Points that the programme could not pay were not added by campaigns either, the last campaign's first.
fn give_back(drawn: &mut Drawn, campaigns: usize, lost: i64) {
    let mut lost = lost;
    for place in (0..campaigns).rev() {
        let back = drawn.at(place).min(lost);
        drawn.add(place, back.saturating_neg());
        lost = lost.saturating_sub(back);
    }
}

#[inline]
fn left(limit: Points, place: usize, issued: &[Points]) -> i64 {
    let issued = issued.get(place).copied().unwrap_or_default();
    limit.get().saturating_sub(issued.get()).max(0)
}
