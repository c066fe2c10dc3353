//! What campaigns add and what budgets leave, and counts that citizens share: gates, cards, points issued.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::person::{Granted, Span, Used};
use crate::command::Act;
use crate::law::{Campaign, Law, Stacking};

/// Budgets of the programme.
const MONTH: &str = "gates_month";
const DAY: &str = "gates_day";

/// Counts of the whole city.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    gates: BTreeMap<(u32, NaiveDate), Used>,
    cards: BTreeMap<(usize, u32, NaiveDate), Used>,
    /// Points issued under a campaign or budget for acts of a day.
    issued: BTreeMap<(&'static str, NaiveDate), i64>,
}

/// What an act drew from campaigns, then from budgets, each in the order of the file.
pub type Drawn = Vec<(&'static str, i64)>;

/// A citizen's own part in deciding about a gate.
#[derive(Debug, Clone, Copy)]
pub struct Passer {
    pub share: i64,
    pub in_south: Option<bool>,
    pub points_this_year: i64,
}

impl Shared {
    pub fn issued(&self, name: &'static str, (from, until): (NaiveDate, NaiveDate)) -> i64 {
        self.issued.range((name, from)..(name, until)).map(|(_, points)| points).sum()
    }

    fn of_card(&self, act: Act, day: NaiveDate) -> Used {
        let (from, until) = Span::Week.around(day);
        let inside = self.cards.range((act.source, act.card, from)..(act.source, act.card, until));
        inside.fold(Used::default(), |sum, (_, used)| sum.plus(*used))
    }

    /// What passing a gate gives, and what of it comes from where.
    pub fn pass(&self, law: &Law, act: Act, day: NaiveDate, passer: Passer) -> (Granted, bool, Drawn) {
        let left_of_card = law.card_points_a_week - self.of_card(act, day).points;
        let left_of_year = law.gate_points_a_year - passer.points_this_year;
        let used_up =
            self.gates.get(&(act.mark, day)).is_some_and(|used| used.events >= law.gate_times_a_day);
        let capped = |factor: i64| {
            let full = if used_up { 0 } else { law.gate_points * factor * passer.share / 100 };
            let points = full.min(left_of_card.max(0)).min(left_of_year.max(0));
            (points, used_up || points < full)
        };
        let (plain, mut trimmed) = capped(1);
        let (mut factor, mut before, mut points, mut short) = (None, plain, plain, false);
        let mut drawn: Drawn = Vec::new();
        for campaign in law.campaigns.iter().filter(|campaign| campaign.is_for(day, passer.in_south)) {
            factor = Some(joined(law.stacking, factor, campaign.times));
            let (with, trims) = capped(factor.expect("set just now"));
            let left = (campaign.budget - self.issued(campaign.id, campaign.days)).max(0);
            let added = (with - before).max(0).min(left);
            short |= added < (with - before).max(0);
            drawn.push((campaign.id, added));
            points += added;
            (before, trimmed) = (with, trims);
        }
        let left = |name, limit: i64, span: Span| (limit - self.issued(name, span.around(day))).max(0);
        let paid =
            points.min(left(MONTH, law.gates_month, Span::Month)).min(left(DAY, law.gates_day, Span::Day));
        short |= paid < points;
        give_back(&mut drawn, points - paid);
        drawn.extend([(MONTH, paid), (DAY, paid)]);
        (Granted { points: paid, capped: trimmed, ..Granted::default() }, short, drawn)
    }

    /// An act counts on its gate and its card once, or once less.
    pub fn count(&mut self, act: Act, day: NaiveDate, granted: Granted, once: i64) {
        self.gates.entry((act.mark, day)).or_default().count(granted, once);
        self.cards.entry((act.source, act.card, day)).or_default().count(granted, once);
    }

    /// What was drawn counts as issued once, or once less.
    pub fn issue(&mut self, drawn: &Drawn, day: NaiveDate, once: i64) {
        for (name, points) in drawn {
            *self.issued.entry((name, day)).or_default() += once * points;
        }
    }

    /// Nothing was issued that is not there, and no budget was ever broken.
    pub fn check(&self) {
        assert!(self.issued.values().all(|points| *points >= 0), "issued below zero");
        assert!(self.gates.values().all(|used| used.events >= 0 && used.points >= 0), "a gate below zero");
    }
}

impl Campaign {
    fn is_for(&self, day: NaiveDate, in_south: Option<bool>) -> bool {
        let (from, until) = self.days;
        let here = self.district.is_none_or(|district| in_south == Some(district == "south"));
        (from..until).contains(&day) && here
    }
}

fn joined(stacking: Stacking, so_far: Option<i64>, next: i64) -> i64 {
    match (so_far, stacking) {
        (None, _) => next,
        (Some(so_far), Stacking::Highest) => so_far.max(next),
        (Some(so_far), Stacking::Multiply) => so_far * next,
        (Some(so_far), Stacking::First) => so_far,
    }
}

/// What budgets could not pay was not added by campaigns either, the last one's first.
fn give_back(drawn: &mut Drawn, mut lost: i64) {
    for (_, points) in drawn.iter_mut().rev() {
        let back = lost.min(*points);
        *points -= back;
        lost -= back;
    }
}
