//! What a credited act counts for: worked out when it is credited, and again where it is undone or audited.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::book::{CountOf, Counter, Needs, Tally, WHENEVER};
use super::{Claim, DayGrant, waiting_budget};
use crate::amount::{AmountOverflow, Points};
use crate::rule::{Credit, Decision, Receipt, Usage};

/// An addition to a count on a civil day.
pub(super) type Count<'a> = (Counter<'a>, NaiveDate, Usage);

/// All that one credit adds to counts, as long as nothing of it was given up.
pub(super) fn counts<'a>(
    claim: &Claim<'a>,
    needs: &Needs<'a>,
    credit: &Credit,
) -> Result<Vec<Count<'a>>, AmountOverflow> {
    let (day, granted) = (claim.day(), granted(credit)?);
    let own = Counter { of: CountOf::Granted(claim.citizen), name: claim.action.id() };
    let mut all: Vec<Count<'a>> =
        std::iter::once(own).chain(needs.shared()).map(|counter| (counter, day, granted)).collect();
    let drawn = needs.budgets.iter().zip(&credit.drawn).filter(|(_, points)| **points != Points::ZERO);
    all.extend(drawn.map(|((counter, _), points)| (*counter, day, of_points(*points))));
    if let Some(budget) = waiting_budget(claim.action).filter(|_| credit.queued > Points::ZERO) {
        let waiting = Counter { of: CountOf::Waiting(claim.city), name: budget.id() };
        all.push((waiting, WHENEVER, of_points(credit.queued)));
    }
    Ok(all)
}

/// Caps count points that wait for a budget as given.
fn granted(credit: &Credit) -> Result<Usage, AmountOverflow> {
    let points = credit.points.plus(credit.queued)?;
    Ok(Usage { events: 1, points, reduction: credit.reduction, quantity: credit.quantity })
}

const fn of_points(points: Points) -> Usage {
    Usage { points, ..Usage::NONE }
}

/// What a credited act counts for, worked out from its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// For its citizen's own caps.
    pub own: DayGrant,
    /// For cards, devices and budgets.
    pub tallies: Vec<Tally>,
    /// Points that had to wait when it was credited.
    pub queued: Points,
}

/// What a credited act counts for since so many of its points were given up; none where its receipt gives no
/// credit.
pub fn counted(
    claim: &Claim<'_>,
    receipt: &Receipt,
    given_up: Points,
) -> Result<Option<Counted>, AmountOverflow> {
    let Decision::Credited(credit) = claim.rule_set.evaluate(claim.action, &receipt.facts(), &receipt.used)
    else {
        return Ok(None);
    };
    let mut own = own(claim, Usage::NONE);
    let mut tallies = Vec::new();
    for (Counter { of, name }, day, added) in counts(claim, &Needs::of(claim), &credit)? {
        let kept = |added: Usage| {
            let points = added.points.minus(given_up)?;
            Ok::<_, AmountOverflow>(Usage { points, ..added })
        };
        let name = name.to_owned();
        match of {
            CountOf::Granted(_) => own.granted = kept(added)?,
            CountOf::Shared(_) => tallies.push(Tally { of, name, day, added: kept(added)? }),
            CountOf::Issued(_) => tallies.push(Tally { of, name, day, added }),
            CountOf::Read(_) | CountOf::Waiting(_) => {}
        }
    }
    Ok(Some(Counted { own, tallies, queued: credit.queued }))
}

/// What a reversed act takes back from counts: the citizen's own, and those of cards, devices and budgets,
/// less what was given up before.
pub fn undo(
    claim: &Claim<'_>,
    receipt: &Receipt,
    given_up: Points,
) -> Result<(DayGrant, Vec<Tally>), AmountOverflow> {
    let Some(Counted { mut own, mut tallies, .. }) = counted(claim, receipt, given_up)? else {
        return Ok((own(claim, Usage::NONE), Vec::new()));
    };
    own.granted = negated(own.granted)?;
    for tally in &mut tallies {
        tally.added = negated(tally.added)?;
    }
    Ok((own, tallies))
}

/// What counts lose when points that waited are given up: the citizen's own, and those of cards and devices.
pub fn give_up(claim: &Claim<'_>, points: Points) -> Result<(DayGrant, Vec<Tally>), AmountOverflow> {
    let less = of_points(points.negated()?);
    let needs = Needs::of(claim);
    let tally = |Counter { of, name }: Counter<'_>| Tally {
        of,
        name: name.to_owned(),
        day: claim.day(),
        added: less,
    };
    Ok((own(claim, less), needs.shared().map(tally).collect()))
}

/// Tallies of which no two are of one count and day, as they are written.
pub fn added_up(tallies: Vec<Tally>) -> Result<Vec<Tally>, AmountOverflow> {
    let mut sums: BTreeMap<(CountOf, String, NaiveDate), Usage> = BTreeMap::new();
    for Tally { of, name, day, added } in tallies {
        let known = sums.entry((of, name, day)).or_default();
        *known = sum(known, &added)?;
    }
    let changed = sums.into_iter().filter(|(_, added)| *added != Usage::NONE);
    Ok(changed.map(|((of, name, day), added)| Tally { of, name, day, added }).collect())
}

fn own(claim: &Claim<'_>, granted: Usage) -> DayGrant {
    let action = claim.action.id().to_owned();
    DayGrant { citizen: claim.citizen, action, day: claim.day(), granted }
}

fn negated(usage: Usage) -> Result<Usage, AmountOverflow> {
    let negated = |count: i64| count.checked_neg().ok_or(AmountOverflow);
    Ok(Usage {
        events: negated(usage.events)?,
        points: usage.points.negated()?,
        reduction: usage.reduction.negated()?,
        quantity: negated(usage.quantity)?,
    })
}

pub(super) fn sum(one: &Usage, other: &Usage) -> Result<Usage, AmountOverflow> {
    let count = |one: i64, other: i64| one.checked_add(other).ok_or(AmountOverflow);
    Ok(Usage {
        events: count(one.events, other.events)?,
        points: one.points.plus(other.points)?,
        reduction: one.reduction.plus(other.reduction)?,
        quantity: count(one.quantity, other.quantity)?,
    })
}
