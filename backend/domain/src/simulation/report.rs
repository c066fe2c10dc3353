//! What a simulation found, ready to be shown or kept as JSON. Holds no rule.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use serde::Serialize;

use super::comparison::Candidate;
use super::funds::Purse;
use super::shape::{Schema, Shape};
use super::side::{Found, Holding, Side, Sums};
use super::tally::{Count, Judged, Pair, Standing};
use super::trail::Sight;
use crate::amount::{Points, ReductionMg};
use crate::rule::{Badge, Explanation, Facts, Level, RuleSet};
use crate::text::Text;

/// Everything that a simulation found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// All events.
    pub totals: Totals,
    /// By action.
    pub actions: Vec<Named>,
    /// By the citizen's home district; empty where no event names one.
    pub districts: Vec<Named>,
    /// By civil day.
    pub days: Vec<Named>,
    /// Citizens in ten groups, from the fewest points under the rules in force to the most.
    pub deciles: Vec<Decile>,
    /// Citizens that caps trim under the draft only.
    pub newly_capped: u64,
    /// Citizens that caps trim under the rules in force only.
    pub no_longer_capped: u64,
    /// Budgets and campaigns, each in each period that saw an event.
    pub budgets: Vec<Fund>,
    /// How many citizens these events alone bring to each level.
    pub levels: Vec<Reached>,
    /// How many citizens these events alone bring each badge.
    pub badges: Vec<Reached>,
    /// The events whose points differ most.
    pub differences: Vec<Difference>,
}

/// All events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many citizens.
    pub citizens: u64,
    /// Citizens with more points under the draft.
    pub gain: u64,
    /// Citizens with fewer.
    pub lose: u64,
    /// Both sides.
    #[serde(flatten)]
    pub counts: Pair,
}

/// The events of one action, district or day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Which.
    pub name: String,
    /// Both sides.
    #[serde(flatten)]
    pub counts: Pair,
}

/// A tenth of the citizens. Points that wait for a budget are among theirs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Decile {
    /// How many.
    pub citizens: u64,
    /// Those with more points under the draft.
    pub gain: u64,
    /// Those with fewer.
    pub lose: u64,
    /// Their points under the rules in force.
    pub in_force_points: i128,
    /// Their points under the draft.
    pub draft_points: i128,
}

/// A budget or campaign in one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fund {
    /// Its id.
    pub id: String,
    /// The first civil day.
    pub from: NaiveDate,
    /// The first civil day after it.
    pub until: NaiveDate,
    /// Under the rules in force; none where they have no such budget.
    pub in_force: Option<BudgetUse>,
    /// Under the draft.
    pub draft: Option<BudgetUse>,
}

/// What became of a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetUse {
    /// Points that it holds.
    pub limit: Points,
    /// Points issued, those paid to whom waited among them.
    pub issued: Points,
    /// Points promised for acts of its days that still wait.
    pub waiting: Points,
    /// Points promised for acts of its days that were paid after waiting.
    pub paid_later: Points,
    /// Points promised for acts of its days that will not be given.
    pub given_up: Points,
    /// When the act happened that took the last of it; none where something is left.
    pub ended_at: Option<String>,
}

/// One level or badge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Text,
    /// Citizens under the rules in force; none where they have no such thing.
    pub in_force: Option<u64>,
    /// Citizens under the draft.
    pub draft: Option<u64>,
}

/// One event that both sides judge differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Place of the event among all, from 0.
    pub event: u64,
    /// Id of its action.
    pub action: String,
    /// How the rules in force judge it.
    pub in_force: SideOf,
    /// How the draft judges it.
    pub draft: SideOf,
}

/// How one side judges an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideOf {
    /// What became of it.
    pub standing: Standing,
    /// Points, those that wait among them.
    pub points: i64,
    /// How it came about; none where the rules have no such action, or the
    /// act was counted before or came too late or too early.
    pub explanation: Option<Explanation>,
}

impl Report {
    pub(super) fn new(in_force: Side<'_>, draft: Side<'_>, largest: &[Candidate]) -> Self {
        let (schema, old_rules, new_rules) = (in_force.schema, in_force.rules, draft.rules);
        let differences =
            largest.iter().map(|candidate| difference(candidate, schema, [old_rules, new_rules])).collect();
        let (old_found, new_found) = (in_force.into_found(), draft.into_found());
        let badges = badges((old_rules, &old_found.badges), (new_rules, &new_found.badges));
        let Found { sums: old, holdings: old_holdings, purses: old_purses, .. } = old_found;
        let Found { sums: new, holdings: new_holdings, purses: new_purses, .. } = new_found;
        let sums = [&old, &new];
        let action = |(_, shape, _): (i32, u16, u16)| {
            schema.shapes.get(usize::from(shape)).map_or("", Shape::action).to_owned()
        };
        let order = |name: &str| schema.shapes.iter().position(|shape| shape.action() == name);
        let mut actions = named(sums, action);
        actions.sort_by_key(|named| order(&named.name));
        let mut districts =
            named(sums, |(_, _, district)| schema.district(district).unwrap_or("-").to_owned());
        if districts.iter().all(|named| named.name == "-") {
            districts.clear();
        }
        let days = named(sums, |(day, _, _)| day_text(day));
        let standings = standings(&old_holdings, &new_holdings);
        let deciles = deciles(&standings);
        let sum = |of: fn(&Decile) -> u64| deciles.iter().map(of).fold(0_u64, u64::saturating_add);
        let mut counts = Pair::default();
        for count in old.values() {
            counts.in_force.join(count);
        }
        for count in new.values() {
            counts.draft.join(count);
        }
        let only = |one: &[Holding], other: &[Holding]| {
            let capped = one.iter().zip(other).filter(|(one, other)| one.capped && !other.capped);
            u64::try_from(capped.count()).unwrap_or(u64::MAX)
        };
        Self {
            totals: Totals {
                citizens: sum(|decile| decile.citizens),
                gain: sum(|decile| decile.gain),
                lose: sum(|decile| decile.lose),
                counts,
            },
            actions,
            districts,
            days,
            newly_capped: only(&new_holdings, &old_holdings),
            no_longer_capped: only(&old_holdings, &new_holdings),
            deciles,
            budgets: funds((old_rules, old_purses), (new_rules, new_purses)),
            levels: levels((old_rules, &old_holdings), (new_rules, &new_holdings)),
            badges,
            differences,
        }
    }
}

/// Sums under the names that a key goes by, in the order of the names.
fn named([old, new]: [&Sums; 2], name: impl Fn((i32, u16, u16)) -> String) -> Vec<Named> {
    let mut all: BTreeMap<String, Pair> = BTreeMap::new();
    let mut add = |sums: &Sums, side: fn(&mut Pair) -> &mut Count| {
        for (key, count) in sums {
            side(all.entry(name(*key)).or_default()).join(count);
        }
    };
    add(old, |pair| &mut pair.in_force);
    add(new, |pair| &mut pair.draft);
    all.into_iter().map(|(name, counts)| Named { name, counts }).collect()
}

fn day_text(day: i32) -> String {
    NaiveDate::from_num_days_from_ce_opt(day).unwrap_or_default().to_string()
}

/// Points on both sides of everyone who did something, in order.
fn standings(old: &[Holding], new: &[Holding]) -> Vec<(i64, i64)> {
    let seen = old.iter().zip(new).filter(|(old, _)| old.seen);
    let mut standings: Vec<(i64, i64)> = seen.map(|(old, new)| (old.points, new.points)).collect();
    standings.sort_unstable();
    standings
}

/// Ten groups of citizens in order; where ten do not divide them, the first groups are one smaller.
fn deciles(standings: &[(i64, i64)]) -> Vec<Decile> {
    let cut = |tenths: usize| standings.len().saturating_mul(tenths).checked_div(10).unwrap_or(0);
    let group = |tenth: usize| standings.get(cut(tenth)..cut(tenth.saturating_add(1))).unwrap_or_default();
    (0..10).map(|tenth| decile(group(tenth))).collect()
}

fn decile(group: &[(i64, i64)]) -> Decile {
    let mut decile = Decile::default();
    for (in_force, draft) in group {
        decile.citizens = decile.citizens.saturating_add(1);
        decile.gain = decile.gain.saturating_add(u64::from(draft > in_force));
        decile.lose = decile.lose.saturating_add(u64::from(draft < in_force));
        decile.in_force_points = decile.in_force_points.saturating_add(i128::from(*in_force));
        decile.draft_points = decile.draft_points.saturating_add(i128::from(*draft));
    }
    decile
}

/// Both sides' budgets by period and id.
fn funds(old: (&RuleSet, Vec<Purse>), new: (&RuleSet, Vec<Purse>)) -> Vec<Fund> {
    let mut all: BTreeMap<(NaiveDate, String), Fund> = BTreeMap::new();
    let mut add = |(rules, purses): (&RuleSet, Vec<Purse>), side: fn(&mut Fund) -> &mut Option<BudgetUse>| {
        for Purse { id, range, limit, issued, waiting, paid_later, given_up, ended_at, .. } in purses {
            let local = |second| {
                let at = DateTime::from_timestamp(second, 0)?.with_timezone(&rules.timezone());
                Some(at.format("%Y-%m-%d %H:%M:%S").to_string())
            };
            let fund = all.entry((range.from, id.clone())).or_insert_with(|| Fund {
                id,
                from: range.from,
                until: range.until,
                in_force: None,
                draft: None,
            });
            *side(fund) = Some(BudgetUse {
                limit,
                issued,
                waiting,
                paid_later,
                given_up,
                ended_at: ended_at.and_then(local),
            });
        }
    };
    add(old, |fund| &mut fund.in_force);
    add(new, |fund| &mut fund.draft);
    all.into_values().collect()
}

/// Both sides' levels, those of the rules in force first.
fn levels(old: (&RuleSet, &[Holding]), new: (&RuleSet, &[Holding])) -> Vec<Reached> {
    let of = |(rules, holdings): (&RuleSet, &[Holding])| -> Vec<(String, Text, u64)> {
        let count = |level: &Level| {
            let reached = |holding: &&Holding| {
                let (points, reduction) =
                    (Points::new(holding.points), ReductionMg::new(holding.reduction_mg));
                holding.seen && rules.level(points, reduction).is_some_and(|own| own.id() == level.id())
            };
            let citizens = u64::try_from(holdings.iter().filter(reached).count()).unwrap_or(u64::MAX);
            (level.id().to_owned(), level.name().clone(), citizens)
        };
        rules.levels().iter().map(count).collect()
    };
    side_by_side(of(old), of(new))
}

/// Both sides' badges, those of the rules in force first.
fn badges(old: (&RuleSet, &[u64]), new: (&RuleSet, &[u64])) -> Vec<Reached> {
    let of = |(rules, citizens): (&RuleSet, &[u64])| {
        let told =
            |(badge, citizens): (&Badge, &u64)| (badge.id().to_owned(), badge.name().clone(), *citizens);
        rules.badges().iter().zip(citizens).map(told).collect()
    };
    side_by_side(of(old), of(new))
}

/// What both sides say of how many citizens reach what, under the same ids.
fn side_by_side(old: Vec<(String, Text, u64)>, new: Vec<(String, Text, u64)>) -> Vec<Reached> {
    let alone = |(id, name, citizens)| Reached { id, name, in_force: Some(citizens), draft: None };
    let mut all: Vec<Reached> = old.into_iter().map(alone).collect();
    for (id, name, citizens) in new {
        match all.iter_mut().find(|known| known.id == id) {
            Some(known) => known.draft = Some(citizens),
            None => all.push(Reached { id, name, in_force: None, draft: Some(citizens) }),
        }
    }
    all
}

fn difference(candidate: &Candidate, schema: &Schema, rules: [&RuleSet; 2]) -> Difference {
    let shape = schema.shapes.get(usize::from(candidate.bare.shape));
    let ([old, new], [old_rules, new_rules]) = (&candidate.sides, rules);
    let side = |rules: &RuleSet, (judged, sight): &(Judged, Sight)| SideOf {
        standing: judged.standing,
        points: judged.promised(),
        explanation: shape
            .filter(|_| !matches!(judged.standing, Standing::ToldAgain | Standing::Untimely))
            .and_then(|shape| explanation(rules, shape, candidate, schema, sight)),
    };
    Difference {
        event: candidate.event(),
        action: shape.map_or("", Shape::action).to_owned(),
        in_force: side(old_rules, old),
        draft: side(new_rules, new),
    }
}

fn explanation(
    rules: &RuleSet,
    shape: &Shape,
    candidate: &Candidate,
    schema: &Schema,
    sight: &Sight,
) -> Option<Explanation> {
    let (action, bare) = (rules.action(shape.action())?, &candidate.bare);
    let inputs = shape.inputs(&candidate.slots)?;
    let facts = Facts {
        district: schema.district(bare.district),
        history: &sight.history,
        issued: &sight.issued,
        reviewed: bare.reviewed,
        ..Facts::new(&inputs, DateTime::from_timestamp(bare.at, 0)?, bare.evidence)
    };
    Some(rules.explain(action, rules.evaluate(action, &facts, &sight.used).receipt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deciles_share_out_everybody() {
        for count in [0, 1, 9, 10, 11, 25] {
            let standings: Vec<(i64, i64)> = (0..count).map(|place| (place, place + place % 3 - 1)).collect();
            let groups = deciles(&standings);
            assert_eq!(groups.len(), 10);
            assert_eq!(groups.iter().map(|group| group.citizens).sum::<u64>(), count.unsigned_abs());
            assert!(groups.iter().all(|group| group.citizens.abs_diff(count.unsigned_abs() / 10) <= 1));
        }
    }
}
