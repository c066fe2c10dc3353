//! One act against one action: conditions, reduction, evidence, factors, rounding, caps, budgets, in the one
//! fixed order.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::action::Action;
use super::batch::Formed;
use super::budget;
use super::decision::{Credit, Decision, ENGINE_VERSION, Facts, Hold, Receipt, Refusal, Usage};
use super::diagnostic::text;
use super::era::Era;
use super::evidence::Evidence;
use super::fund::Drawn;
use super::grant::{self, Act, CapUse};
use super::inputs::{InputProblem, slots};
use super::payout::Yield;
use super::program::Results;
use super::same_act::ActSpan;
use super::section::NAME_CHARS_MAX;
use super::verdict::{Granted, Reason, Scratch, Slots, SlotsOf, Typed, Verdict};
use crate::text::Text;
use crate::time::civil_day;

/// Whoever wants to see how a decision is made.
pub(crate) trait Witness {
    const SEES_CAPS: bool;
    fn before_caps(&mut self, granted: Granted);
    fn cap(&mut self, cap: impl FnOnce() -> CapUse);
    fn drawn(&mut self, drawn: &Drawn);
}

/// Nobody looks.
impl Witness for () {
    const SEES_CAPS: bool = false;
    #[inline]
    fn before_caps(&mut self, _: Granted) {}
    #[inline]
    fn cap(&mut self, _: impl FnOnce() -> CapUse) {}
    #[inline]
    fn drawn(&mut self, _: &Drawn) {}
}

/// Looks at budgets alone.
impl Witness for Drawn {
    const SEES_CAPS: bool = false;
    fn before_caps(&mut self, _: Granted) {}
    fn cap(&mut self, _: impl FnOnce() -> CapUse) {}
    fn drawn(&mut self, drawn: &Drawn) {
        *self = *drawn;
    }
}

/// A decision with all that an explanation shows of its making, in numbers alone.
#[derive(Debug, Clone)]
pub(super) struct Assessment<'a> {
    pub(super) era: Option<&'a Era>,
    pub(super) results: Option<Results>,
    pub(super) before_caps: Option<Granted>,
    pub(super) caps: Vec<CapUse>,
    pub(super) drawn: Drawn,
    pub(super) verdict: Verdict,
}

impl Witness for Assessment<'_> {
    const SEES_CAPS: bool = true;

    fn before_caps(&mut self, granted: Granted) {
        self.before_caps = Some(granted);
    }

    fn cap(&mut self, cap: impl FnOnce() -> CapUse) {
        self.caps.push(cap());
    }

    fn drawn(&mut self, drawn: &Drawn) {
        self.drawn = *drawn;
    }
}

/// The slots of an act. Where no factor is in force it does not matter what it looks back at.
pub(super) fn slots_of(action: &Action, zone: Tz, facts: &Facts<'_>) -> Result<Slots, InputProblem> {
    let (day, second) = moment(facts.occurred_at, zone);
    let mut all = Slots::at(day, second);
    slots(action, facts.inputs, &mut all)?;
    for found in action.look_back(facts.history, action.is_rated(day)) {
        match found {
            Ok(value) => all.push(value),
            Err((look, readings)) => {
                return Err(InputProblem::too_short(look.name(), look.too_short(readings)));
            }
        }
    }
    Ok(all)
}

/// Civil day counted from the common era, and second of the day.
fn moment(instant: DateTime<Utc>, zone: Tz) -> (i64, i64) {
    let local = instant.with_timezone(&zone);
    (i64::from(local.num_days_from_ce()), i64::from(local.num_seconds_from_midnight()))
}

pub(super) fn evaluate(action: &Action, zone: Tz, facts: &Facts<'_>, used: &[Usage]) -> Decision {
    let mut drawn = Drawn::NOTHING;
    let verdict = match slots_of(action, zone, facts) {
        Ok(slots) => {
            let typed = Typed::of(slots.as_slice(), facts);
            decide(action, &typed, used, &mut Scratch::default(), &mut drawn)
        }
        Err(_) => Verdict::Refused(Reason::Unfit),
    };
    let receipt = receipt(action, zone, facts, used);
    match verdict {
        Verdict::Credited(granted) => {
            let Granted { reduction, points, queued, quantity, capped, budget_exhausted } = granted;
            let drawn = drawn.first(budget::windows(action, civil_day(facts.occurred_at, zone)).len());
            let credit =
                Credit { reduction, points, queued, quantity, capped, budget_exhausted, drawn, receipt };
            Decision::Credited(credit)
        }
        Verdict::Refused(reason) => {
            let (code, reason) = told(reason, action, zone, facts);
            Decision::Refused(Refusal { code, reason, receipt })
        }
        Verdict::Held(place) => {
            let (code, reason) = hold(action, place);
            Decision::Held(Hold { code, reason, receipt })
        }
    }
}

/// Whether a factor is in force on the act's day and such evidence is paid for.
pub(super) fn takes(action: &Action, zone: Tz, occurred_at: DateTime<Utc>, evidence: Evidence) -> bool {
    let (day, _) = moment(occurred_at, zone);
    action.era_on(day).is_some_and(|era| era.payout(evidence).is_some())
}

/// What the decision depended on. A district that no campaign of the day asks for is not kept, nor what no
/// cap of a window counts.
fn receipt(action: &Action, zone: Tz, facts: &Facts<'_>, used: &[Usage]) -> Receipt {
    let day = civil_day(facts.occurred_at, zone);
    let asked = action.live_campaigns(day).any(|campaign| campaign.districts.is_some());
    Receipt {
        engine: ENGINE_VERSION,
        inputs: facts.inputs.clone(),
        occurred_at: facts.occurred_at,
        evidence: facts.evidence,
        used: grant::counted(action, used),
        district: facts.district.filter(|name| asked && name.len() <= NAME_CHARS_MAX).map(str::to_owned),
        history: facts.history.to_vec(),
        issued: facts.issued.to_vec(),
        card: facts.card.filter(|_| action.counts_cards()),
        reviewed: facts.reviewed && !action.holds.is_empty(),
    }
}

pub(super) fn assess<'a>(action: &'a Action, zone: Tz, facts: &Facts<'_>, used: &[Usage]) -> Assessment<'a> {
    let mut seen = Assessment {
        era: None,
        results: None,
        before_caps: None,
        caps: Vec::with_capacity(action.caps.len()),
        drawn: Drawn::NOTHING,
        verdict: Verdict::Refused(Reason::Unfit),
    };
    let Ok(slots) = slots_of(action, zone, facts) else { return seen };
    let (typed, slots) = (Typed::of(slots.as_slice(), facts), slots.as_slice());
    let Some((era, place)) = action.era_of(slots) else {
        seen.verdict = Verdict::Refused(Reason::NoFactor);
        return seen;
    };
    seen.era = Some(era);
    let results = seen.results.insert(era.program.run(slots));
    if era.takes(slots) {
        let full = Yield::read(&era.outputs, |register| results.get(register));
        let formed = era.formed((action, place), &full, typed.evidence);
        seen.verdict = settle(action, &typed, &formed, used, &mut seen);
    }
    seen
}

/// The stretch of time of an act.
pub(super) fn span(action: &Action, zone: Tz, facts: &Facts<'_>) -> Option<ActSpan> {
    let same = action.same_act()?;
    let slots = slots_of(action, zone, facts).ok()?;
    let era = slots.as_slice().first().and_then(|day| action.era_on(*day))?;
    let seconds = era.outputs.lasts.map_or(0, |register| era.program.run(slots.as_slice()).get(register));
    let from = facts.occurred_at;
    let lasts = TimeDelta::try_seconds(i64::try_from(seconds).ok()?)?;
    let trip = same.trip.and_then(|place| action.id_at(place, facts.inputs));
    Some(ActSpan {
        group: same.group.clone(),
        from,
        until: from.checked_add_signed(lasts)?,
        overlap: same.overlap,
        trip: trip.map(str::to_owned),
    })
}

/// Code and sentence of a hold.
pub(super) fn hold(action: &Action, place: usize) -> (String, Text) {
    let condition = action.holds.get(place);
    condition.map_or_else(Default::default, |condition| (condition.code.clone(), condition.reason.clone()))
}

/// Code and sentence of a refusal.
pub(super) fn told(reason: Reason, action: &Action, zone: Tz, facts: &Facts<'_>) -> (String, Text) {
    match reason {
        Reason::Unfit => match slots_of(action, zone, facts) {
            Err(problem) => (problem.code.to_owned(), problem.detail),
            Ok(_) => {
                ("invalid_value".to_owned(), text!("输入不合此行为", "the inputs do not fit this action"))
            }
        },
        Reason::NoFactor => {
            let day = facts.occurred_at.with_timezone(&zone).date_naive();
            let found = text!("{day} 当天没有有效的因子", "no factor is in force on {day}");
            ("no_factor_in_force".to_owned(), found)
        }
        Reason::Condition(place) => action
            .eligible
            .get(place)
            .map_or_else(Default::default, |condition| (condition.code.clone(), condition.reason.clone())),
        Reason::Evidence => ("evidence_not_accepted".to_owned(), evidence_refused(facts.evidence)),
    }
}

fn evidence_refused(evidence: Evidence) -> Text {
    let label = evidence.label();
    text!(
        "此行为不接受此类凭证: {zh}",
        "this action does not accept such evidence: {en}",
        zh = label.zh,
        en = label.en
    )
}

/// Decides one act. Allocates nothing.
pub(super) fn decide<W: Witness>(
    action: &Action,
    typed: &Typed<'_>,
    used: &[Usage],
    scratch: &mut Scratch,
    witness: &mut W,
) -> Verdict {
    let SlotsOf::Alone(slots) = typed.slots else { return Verdict::Refused(Reason::Unfit) };
    let Some((era, place)) = action.era_of(slots) else { return Verdict::Refused(Reason::NoFactor) };
    let formed = era.form((action, place), slots, typed.evidence, scratch);
    settle_in((action, era), typed, &formed, used, witness)
}

/// Runs the formulas for one act.
#[inline]
pub(crate) fn form(action: &Action, slots: &[i64], evidence: Evidence, scratch: &mut Scratch) -> Formed {
    let Some((era, place)) = action.era_of(slots) else { return Formed::refused(Reason::NoFactor) };
    era.form((action, place), slots, evidence, scratch)
}

/// Decides one act whose formulas have been run.
#[inline]
pub(crate) fn settle<W: Witness>(
    action: &Action,
    typed: &Typed<'_>,
    formed: &Formed,
    used: &[Usage],
    witness: &mut W,
) -> Verdict {
    match (formed.refused, action.eras.get(usize::from(formed.era))) {
        (Some(reason), _) => Verdict::Refused(reason),
        (None, None) => Verdict::Refused(Reason::NoFactor),
        (None, Some(era)) => settle_in((action, era), typed, formed, used, witness),
    }
}

#[inline]
fn settle_in<W: Witness>(
    (action, era): (&Action, &Era),
    typed: &Typed<'_>,
    formed: &Formed,
    used: &[Usage],
    witness: &mut W,
) -> Verdict {
    if let Some(reason) = formed.refused {
        return Verdict::Refused(reason);
    }
    let Some(payout) = era.payout(typed.evidence) else { return Verdict::Refused(Reason::Evidence) };
    if let Some(place) = formed.held.filter(|_| !typed.reviewed) {
        return Verdict::Held(usize::from(place));
    }
    Act { action, era, payout, typed, formed }.credited(used, witness)
}
