//! Budgets of the programme: how many points may be issued in a period, and what becomes of the rest.
//!
//! The act's own civil day picks the period. Every function here is told what was issued before; nothing
//! here counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::action::Action;
use super::campaign::{read_actions, read_points};
use super::diagnostic::{Finding, text};
use super::section::Reading;
use super::yaml::Node;
use crate::amount::Points;
use crate::time::{DayRange, Period};

/// Most budgets of one file.
pub const BUDGETS_MAX: usize = 20;

/// What becomes of points that a budget cannot pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhenExhausted {
    /// They are not given; grams still count.
    Stop,
    /// They wait for a later period with something left.
    Queue,
    /// All points of the period wait for its end and share the budget.
    Prorate,
}

/// A limit on the points issued for some actions in each period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    pub(super) id: String,
    pub(super) limit: Points,
    pub(super) period: Period,
    pub(super) when_exhausted: WhenExhausted,
    pub(super) actions: Vec<String>,
}

impl Budget {
    /// Its id; what was issued under it is kept by this name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Most points of one period.
    #[must_use]
    pub fn limit(&self) -> Points {
        self.limit
    }

    /// In which period.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// What becomes of points beyond it.
    #[must_use]
    pub fn when_exhausted(&self) -> WhenExhausted {
        self.when_exhausted
    }

    /// Ids of the actions whose points it pays.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(String::as_str)
    }
}

/// A budget, a campaign's or the programme's, in the period that an act falls into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetWindow {
    /// The campaign's or the budget's id.
    pub id: String,
    /// The days that it is for.
    pub range: DayRange,
    /// Points that it holds.
    pub limit: Points,
}

/// The budgets that an act of that day may draw on: first those of campaigns, then those of the programme,
/// each in the order of the file.
pub(super) fn windows(action: &Action, day: NaiveDate) -> Vec<BudgetWindow> {
    let live = action.live_campaigns(day).map(|campaign| BudgetWindow {
        id: campaign.id.clone(),
        range: campaign.range,
        limit: campaign.budget,
    });
    let budgets = action.budgets.iter().map(|budget| BudgetWindow {
        id: budget.id.clone(),
        range: budget.period.range(day),
        limit: budget.limit,
    });
    live.chain(budgets).collect()
}

/// Shares what a `prorate` budget holds among the points that waited for it. Where they fit, each gets all of
/// them; else each gets its exact share, rounded down, and the points left over go one by one to the
/// greatest remainders, the earlier claim first among equals.
#[must_use]
pub fn prorate(left: Points, claims: &[Points]) -> Vec<Points> {
    let left = i128::from(left.get().max(0));
    let wanted = |claim: &Points| i128::from(claim.get().max(0));
    let total = claims.iter().map(wanted).fold(0_i128, i128::saturating_add);
    if total <= left {
        return claims.iter().map(|claim| (*claim).max(Points::ZERO)).collect();
    }
    // `left` and each claim fit 63 bits, so their product fits 126.
    let portion = |claim: &Points| left.saturating_mul(wanted(claim));
    let mut shares: Vec<i128> =
        claims.iter().map(|claim| portion(claim).checked_div(total).unwrap_or(0)).collect();
    let given = shares.iter().copied().fold(0_i128, i128::saturating_add);
    let mut places: Vec<(i128, usize)> = claims
        .iter()
        .enumerate()
        .map(|(place, claim)| (portion(claim).checked_rem(total).unwrap_or(0), place))
        .collect();
    places.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    let spare = usize::try_from(left.saturating_sub(given)).unwrap_or(0);
    for (_, place) in places.into_iter().take(spare) {
        if let Some(share) = shares.get_mut(place) {
            *share = share.saturating_add(1);
        }
    }
    shares.into_iter().map(|share| Points::new(i64::try_from(share).unwrap_or(0))).collect()
}

/// What claims of one size get of a budget that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The size of the claims.
    pub claim: Points,
    /// What each gets.
    pub share: Points,
    /// Who of them gets one point more.
    pub spare: Spare,
}

/// Who gets one of the points left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spare {
    /// Nobody of this size.
    Nobody,
    /// Everybody of this size.
    Everybody,
    /// The earliest of all sizes marked so, as many as [`Shares::first`] says.
    First,
}

/// What claims of all sizes get.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    /// By size, the smallest first where they were told so.
    pub sizes: Vec<Share>,
    /// How many claims marked [`Spare::First`] get a point more.
    pub first: i64,
}

impl Shares {
    /// What the next claim of a size gets; claims are asked for in their order, and only those told.
    pub fn next(&mut self, claim: Points) -> Points {
        let place = self.sizes.binary_search_by_key(&claim, |share| share.claim).ok();
        let Some(share) = place.and_then(|place| self.sizes.get(place)) else { return Points::ZERO };
        let more = match share.spare {
            Spare::Nobody => 0,
            Spare::Everybody => 1,
            Spare::First => {
                self.first = self.first.saturating_sub(1);
                i64::from(self.first >= 0)
            }
        };
        Points::new(share.share.get().saturating_add(more))
    }
}

/// The same as [`prorate`] for any number of claims, told by how many there are of each size, each size once.
#[must_use]
pub fn prorate_by_size(left: Points, sizes: &[(Points, i64)]) -> Shares {
    let left = i128::from(left.get().max(0));
    let times = |(claim, count): &(Points, i64)| i128::from(claim.get()).saturating_mul(i128::from(*count));
    let total = sizes.iter().map(times).fold(0_i128, i128::saturating_add);
    let portion = |claim: Points| left.saturating_mul(i128::from(claim.get()));
    let part = |claim: Points| portion(claim).checked_div(total).unwrap_or(0);
    let whole = |claim: Points| if total <= left { i128::from(claim.get()) } else { part(claim) };
    let mut rest: BTreeMap<i128, i64> = BTreeMap::new();
    let mut spare = left.min(total);
    for (claim, count) in sizes {
        spare = spare.saturating_sub(whole(*claim).saturating_mul(i128::from(*count)));
        let others = rest.entry(portion(*claim).checked_rem(total).unwrap_or(0)).or_default();
        *others = others.saturating_add(*count);
    }
    let mut shares = Shares::default();
    let mut lucky: BTreeMap<i128, Spare> = BTreeMap::new();
    for (remainder, count) in rest.into_iter().rev() {
        let fits = i128::from(count) <= spare;
        let mark = if fits {
            Spare::Everybody
        } else if spare > 0 {
            Spare::First
        } else {
            Spare::Nobody
        };
        if mark == Spare::First {
            shares.first = i64::try_from(spare).unwrap_or(0);
        }
        spare = if fits { spare.saturating_sub(i128::from(count)) } else { 0 };
        lucky.insert(remainder, mark);
    }
    let of = |(claim, _): &(Points, i64)| Share {
        claim: *claim,
        share: Points::new(i64::try_from(whole(*claim)).unwrap_or(0)),
        spare: lucky.get(&portion(*claim).checked_rem(total).unwrap_or(0)).copied().unwrap_or(Spare::Nobody),
    };
    shares.sizes = sizes.iter().map(of).collect();
    shares
}

/// Pays points that waited under a `queue` budget, the earliest first, until nothing is left; the last one
/// may be paid in part and goes on waiting for the rest.
#[must_use]
pub fn pay_queue(left: Points, claims: &[Points]) -> Vec<Points> {
    let mut left = left.get().max(0);
    let pay = |claim: &Points| {
        let paid = claim.get().max(0).min(left);
        left = left.saturating_sub(paid);
        Points::new(paid)
    };
    claims.iter().map(pay).collect()
}

/// Reads the budgets of the programme and gives each action its own.
pub(super) fn read_budgets(
    reading: &mut Reading<'_>,
    node: &Node,
    actions: &mut [Action],
    (ids, taken): (&[String], &[&str]),
) -> Vec<Arc<Budget>> {
    let path = "budgets";
    let items = reading.list(node, path);
    if items.len() > BUDGETS_MAX {
        let found = text!("预算超过 {BUDGETS_MAX} 项", "more than {BUDGETS_MAX} budgets");
        reading.error(node.place, path, Finding::new(found));
    }
    let mut budgets: Vec<Arc<Budget>> = Vec::new();
    for (place, item) in items.iter().take(BUDGETS_MAX).enumerate() {
        let path = format!("{path}.{number}", number = place.saturating_add(1));
        let Some(budget) = read_budget(reading, item, &path, ids) else { continue };
        let id = &budget.id;
        if taken.contains(&id.as_str()) || budgets.iter().any(|other| other.id == *id) {
            let found = text!("`{id}` 已是另一项预算", "`{id}` already names another budget");
            let help = text!("请写 id: 另一个名称", "give it an `id` of its own");
            reading.error(item.place, &path, Finding::new(found).help(help));
            continue;
        }
        budgets.push(Arc::new(budget));
    }
    for action in actions {
        let own = budgets.iter().filter(|budget| budget.actions.contains(&action.id));
        action.budgets = own.cloned().collect();
        action.budgets.sort_by_key(|budget| budget.when_exhausted);
        let mut waiting = action.budgets.iter().filter(|own| own.when_exhausted != WhenExhausted::Stop);
        if let (Some(one), Some(other)) = (waiting.next(), waiting.next()) {
            let (id, one, other) = (&action.id, &one.id, &other.id);
            let found = text!(
                "`{id}` 的积分同时在 `{one}` 与 `{other}` 两项预算中等待",
                "points of `{id}` would wait under two budgets, `{one}` and `{other}`"
            );
            let help =
                text!("只让一项 queue 或 prorate, 其余写 stop", "let one queue or prorate, the others stop");
            reading.error(node.place, path, Finding::new(found).help(help));
        }
    }
    budgets
}

fn read_budget(reading: &mut Reading<'_>, node: &Node, path: &str, ids: &[String]) -> Option<Budget> {
    let periods = [
        ("day", (Period::Day, "programme_day")),
        ("week", (Period::Week, "programme_week")),
        ("month", (Period::Month, "programme_month")),
        ("year", (Period::Year, "programme_year")),
    ];
    let ends =
        [("stop", WhenExhausted::Stop), ("queue", WhenExhausted::Queue), ("prorate", WhenExhausted::Prorate)];
    let mut section = reading.section(node, path)?;
    let id = match section.optional("id") {
        Some(node) => {
            let id = reading.scalar(node, path)?;
            Some(id.to_owned()).filter(|id| reading.name(id, node.place, path)).map(Some)?
        }
        None => None,
    };
    let limit = section.required("limit", reading).and_then(|node| read_points(reading, node, path));
    let per = section.required("per", reading).and_then(|node| reading.choice(node, path, &periods));
    let end = section.required("when_exhausted", reading);
    let when_exhausted = end.and_then(|node| reading.choice(node, path, &ends));
    let chosen = match section.optional("actions") {
        Some(node) => read_actions(reading, node, path, ids),
        None => Some(ids.to_vec()),
    };
    section.finish(&[], reading);
    let (period, usual) = per?;
    Some(Budget {
        id: id.unwrap_or_else(|| usual.to_owned()),
        limit: limit?,
        period,
        when_exhausted: when_exhausted?,
        actions: chosen?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(all: &[i64]) -> Vec<Points> {
        all.iter().copied().map(Points::new).collect()
    }

    #[test]
    fn shares_go_to_the_greatest_remainders() {
        assert_eq!(prorate(Points::new(10), &points(&[5, 5, 5])), points(&[4, 3, 3]), "the earliest first");
        assert_eq!(prorate(Points::new(10), &points(&[1, 2, 9])), points(&[1, 2, 7]));
        assert_eq!(prorate(Points::new(15), &points(&[5, 5, 5])), points(&[5, 5, 5]), "just enough");
        assert_eq!(prorate(Points::new(14), &points(&[5, 5, 5])), points(&[5, 5, 4]), "one too few");
        assert_eq!(prorate(Points::ZERO, &points(&[5, 1])), points(&[0, 0]));
        assert_eq!(prorate(Points::new(-3), &points(&[5, -1])), points(&[0, 0]));
        assert!(prorate(Points::new(3), &[]).is_empty());
    }

    proptest! {
        #[test]
        fn prorating_never_exceeds_and_sums_exactly(
            left in 0_i64..=i64::MAX,
            claims in proptest::collection::vec(prop_oneof![0_i64..200, 0_i64..=i64::MAX], 0..60),
        ) {
            let claims = points(&claims);
            let paid = prorate(Points::new(left), &claims);
            let sum = |all: &[Points]| all.iter().map(|points| i128::from(points.get())).sum::<i128>();
            prop_assert_eq!(sum(&paid), sum(&claims).min(i128::from(left)));
            let within = |paid: &Points, claim: &Points| *paid >= Points::ZERO && paid <= claim;
            prop_assert!(paid.iter().zip(&claims).all(|(paid, claim)| within(paid, claim)));
            for (one, first) in claims.iter().zip(&paid) {
                for (other, second) in claims.iter().zip(&paid) {
                    prop_assert!(one < other || first >= second || one == other, "more never gets less");
                    let apart = first.get().abs_diff(second.get());
                    prop_assert!(one != other || apart <= 1, "equals differ by one at most");
                }
            }
        }

        #[test]
        fn prorating_by_size_is_prorating(
            left in prop_oneof![0_i64..400, 0_i64..=i64::MAX],
            claims in proptest::collection::vec(prop_oneof![1_i64..12, 1_i64..=i64::MAX], 0..60),
        ) {
            let claims = points(&claims);
            let mut sizes: BTreeMap<Points, i64> = BTreeMap::new();
            for claim in &claims {
                let count: &mut i64 = sizes.entry(*claim).or_default();
                *count = count.saturating_add(1);
            }
            let mut shares = prorate_by_size(Points::new(left), &sizes.into_iter().collect::<Vec<_>>());
            let paid: Vec<Points> = claims.iter().map(|claim| shares.next(*claim)).collect();
            prop_assert_eq!(paid, prorate(Points::new(left), &claims));
        }

        #[test]
        fn a_queue_is_paid_in_order(
            left in 0_i64..500,
            claims in proptest::collection::vec(0_i64..100, 0..20),
        ) {
            let paid = pay_queue(Points::new(left), &points(&claims));
            let sum: i64 = paid.iter().map(|points| points.get()).sum();
            prop_assert_eq!(sum, left.min(claims.iter().sum()));
            let short = paid.iter().zip(&claims).position(|(paid, claim)| paid.get() < *claim);
            if let Some(short) = short {
                prop_assert!(paid.iter().skip(short.saturating_add(1)).all(|paid| *paid == Points::ZERO));
            }
        }
    }
}
