//! One event decided after all that came before it: same acts, caps, budgets, and what it adds to them.

use chrono::{Datelike as _, NaiveDate};

use super::acts::Acts;
use super::block::{Bare, Horizon, Part};
use super::counts::{Counts, Owner, grant};
use super::funds::{Fund, Funds};
use super::looks::Looks;
use super::quick::QuickMap;
use super::reading::Reading;
use super::side::SideError;
use super::tally::{Judged, Standing};
use super::trail::Trail;
use super::waiting::Waiter;
use crate::amount::Points;
use crate::rule::{
    Batch, CapScope, Drawn, Formed, Granted, Readings, Reason, RuleSet, Scratch, SlotsOf, Typed, Usage,
    Verdict, form, settle,
};
use crate::same_act::{Seen, Stretch};
use crate::time::Period;

/// Slots before those of the inputs.
const MOMENT: usize = 2;

/// What later events can ask for.
pub(super) struct State {
    pub(super) counts: Counts,
    pub(super) looks: Looks,
    pub(super) acts: Acts,
    pub(super) funds: Funds,
    /// Whose counts the event in hand belongs to, each with its first window.
    owners: Vec<(Owner, u32)>,
}

impl State {
    /// Nothing happened yet, under rules of so many actions.
    pub(super) fn new(actions: usize) -> Self {
        Self {
            counts: Counts::new(actions),
            looks: Looks::default(),
            acts: Acts::default(),
            funds: Funds::default(),
            owners: Vec::new(),
        }
    }
}

/// An event whose action looks back.
pub(super) struct LookingBack<'t> {
    pub(super) reading: &'t Reading<'t>,
    pub(super) bare: &'t Bare,
    pub(super) looks: &'t Looks,
}

impl LookingBack<'_> {
    /// What the formulas give; none where crediting would not keep the event. Appends what was looked at, and
    /// its slots.
    pub(super) fn formed(
        &self,
        slots: &mut Vec<i64>,
        scratch: &mut Scratch,
        trail: &mut Trail,
    ) -> Option<Formed> {
        let Bare { citizen, day, .. } = *self.bare;
        let action = self.reading.action;
        if !action.takes(slots.get(MOMENT..).unwrap_or_default()) {
            return None;
        }
        let key = (citizen, self.reading.number);
        let before = trail.history.len();
        trail.history.extend(self.reading.looks.iter().map(|days| self.looks.before(key, day, *days)));
        let own = slots.len();
        if !self.form(slots, trail.history.get(before..).unwrap_or_default()) {
            return Some(Formed::refused(Reason::Unfit));
        }
        let formed = form(action, slots, self.bare.evidence, scratch);
        if formed.refusal() == Some(Reason::NoFactor) {
            return None;
        }
        if action.evidence_percent(self.bare.evidence).is_some() {
            return Some(formed);
        }
        // Whether such evidence is turned away unread is decided on no readings at all.
        let mut alone = slots.get(..own).unwrap_or_default().to_vec();
        let short = !self.form(&mut alone, &[]);
        let first = |scratch: &mut Scratch| form(action, &alone, self.bare.evidence, scratch).refusal();
        (short || first(scratch).is_none_or(|reason| matches!(reason, Reason::Condition(_))))
            .then_some(formed)
    }

    /// Appends what formulas find of readings; tells whether there are enough.
    fn form(&self, slots: &mut Vec<i64>, history: &[Readings]) -> bool {
        let rated = self.reading.action.is_rated(i64::from(self.bare.day));
        for found in self.reading.action.look_back(history, rated) {
            let Ok(value) = found else { return false };
            slots.push(value);
        }
        true
    }
}

/// One event whose formulas have been run.
pub(super) struct Desk<'t> {
    pub(super) rules: &'t RuleSet,
    pub(super) district: Option<&'t str>,
    pub(super) reading: &'t Reading<'t>,
    pub(super) bare: &'t Bare,
    /// All events of its shape, and its place among them.
    pub(super) part: Option<&'t Part>,
    pub(super) columns: &'t [&'t [i64]],
    pub(super) place: usize,
    /// The answers of its shape; none where the action looks back.
    pub(super) batch: Option<&'t Batch>,
    /// Its place among all events.
    pub(super) number: u64,
    pub(super) start: Start,
    pub(super) horizon: Horizon,
}

impl Desk<'_> {
    pub(super) fn settle(
        &self,
        state: &mut State,
        (slots, formed): (&[i64], &Formed),
        trail: &mut Trail,
    ) -> Result<Judged, SideError> {
        let Bare { at, reviewed, .. } = *self.bare;
        let act = self.act(formed);
        let seen = act.map_or(Seen::New, |(body, stretch)| state.acts.look(body, &stretch));
        if matches!(seen, Seen::Again(_)) {
            return Ok(Judged::nothing(Standing::ToldAgain));
        }
        self.look_at_caps(state, trail);
        let fund = self.look_at_funds(state, trail);
        let mut drawn = fund.map(|_| Drawn::NOTHING);
        let verdict = self.decide((slots, formed), trail, drawn.as_mut());
        self.read(state, slots)?;
        let judged = if seen == Seen::Elsewhere && !reviewed && matches!(verdict, Verdict::Credited(_)) {
            Judged::nothing(Standing::Held)
        } else {
            Judged::of(&verdict)
        };
        match (&verdict, judged.standing) {
            (Verdict::Credited(granted), Standing::Credited) => {
                self.count(state, granted)?;
                if let Some((fund, drawn)) = fund.zip(drawn.as_ref()) {
                    state.funds.draw(fund, drawn, at);
                    self.wait(state, fund, granted.queued)?;
                }
            }
            (Verdict::Credited(_) | Verdict::Held(_), _) => {}
            (Verdict::Refused(_), _) => return Ok(judged),
        }
        if let Some((body, stretch)) = act {
            state.acts.count(body, self.number, &stretch, self.horizon.at);
        }
        Ok(judged)
    }

    /// Lets points wait that a budget does not pay at once.
    fn wait(&self, state: &mut State, fund: Fund, points: Points) -> Result<(), SideError> {
        if points == Points::ZERO {
            return Ok(());
        }
        let Bare { day, shape, district, citizen, .. } = *self.bare;
        let cells = state.owners.iter().map(|(_, first)| *first).collect();
        let waiter = Waiter { place: (day, shape, district), citizen, cells };
        Ok(state.funds.wait(fund, points, waiter)?)
    }

    /// The budgets that it may draw on; none where no campaign and no budget has a say.
    fn look_at_funds(&self, state: &mut State, trail: &mut Trail) -> Option<Fund> {
        let Reading { action, number, is_funded, .. } = self.reading;
        is_funded.then(|| {
            let fund = state.funds.open(self.rules, action, *number, self.bare.day);
            state.funds.issued(fund, &mut trail.issued);
            fund
        })
    }

    /// The whole decision, and what it draws from budgets.
    fn decide(
        &self,
        (slots, formed): (&[i64], &Formed),
        trail: &Trail,
        drawn: Option<&mut Drawn>,
    ) -> Verdict {
        let [used, _, issued] = trail.starts();
        let columns = SlotsOf::Row(self.columns, self.place);
        let typed = Typed {
            slots: if self.batch.is_some() { columns } else { SlotsOf::Alone(slots) },
            evidence: self.bare.evidence,
            district: self.district,
            issued: trail.issued.get(issued..).unwrap_or_default(),
            reviewed: self.bare.reviewed,
        };
        let used = trail.used.get(used..).unwrap_or_default();
        let action = self.reading.action;
        let unbound = self.batch.and_then(|batch| batch.unbound(action, (columns, self.place), used));
        if let Some(verdict) = unbound {
            return verdict;
        }
        match drawn {
            Some(drawn) => settle(action, &typed, formed, used, drawn),
            None => settle(action, &typed, formed, used, &mut ()),
        }
    }

    /// Whose body is where and for how long; none where the action shuts nothing out, or the event is not one
    /// of it.
    fn act(&self, formed: &Formed) -> Option<((u32, u16), Stretch)> {
        let same = self.reading.same_act?;
        if formed.refusal() == Some(Reason::Unfit) {
            return None;
        }
        let trip = same.trip.map_or(0, |column| self.named(column));
        let (from, until) = (self.bare.at, self.bare.at.saturating_add(formed.lasts()));
        Some(((self.bare.citizen, same.group), Stretch { from, until, overlap: same.overlap, trip }))
    }

    /// The number that the identifier in a column goes by.
    fn named(&self, column: usize) -> u64 {
        let column = self.part.and_then(|part| part.slots.get(column));
        column.and_then(|column| column.get(self.place)).map_or(0, |name| name.cast_unsigned())
    }

    /// Where an act tells neither card nor device, the citizen's own count stands in.
    fn owner(&self, scope: CapScope) -> Owner {
        let (kind, number) = match scope {
            CapScope::Citizen => (0, 0),
            CapScope::Binding => (1, self.bare.card),
            CapScope::Input(place) => {
                let column = self.reading.lens.id(usize::from(place));
                (place.saturating_add(2), column.map_or(0, |column| self.named(column)))
            }
        };
        if number == 0 { Owner::Citizen(self.bare.citizen) } else { Owner::Named(kind, number) }
    }

    fn look_at_caps(&self, state: &mut State, trail: &mut Trail) {
        let State { counts, owners, .. } = state;
        let Reading { windows, counted, number, .. } = self.reading;
        owners.clear();
        let mut group = |owner: Owner, counts: &mut Counts| {
            if let Some((_, first)) = owners.iter().find(|(known, _)| *known == owner) {
                return *first;
            }
            let first = counts.group(owner, *number, counted.len());
            owners.push((owner, first));
            first
        };
        if !counted.is_empty() {
            group(Owner::Citizen(self.bare.citizen), counts);
        }
        let before = trail.used.len();
        trail.used.resize(before.saturating_add(*windows), Usage::NONE);
        let used = trail.used.get_mut(before..).unwrap_or_default();
        for (counted, nth) in counted.iter().zip(0_u32..) {
            let cell = group(self.owner(counted.scope), counts).saturating_add(nth);
            let amount = *counts.at(cell, counted.period, self.start.of(counted.period), self.horizon.day);
            if let Some(usage) = used.get_mut(counted.window) {
                counted.tell(usage, amount);
            }
        }
    }

    /// Caps count points that wait for a budget as given.
    fn count(&self, state: &mut State, granted: &Granted) -> Result<(), SideError> {
        let State { counts, owners, .. } = state;
        let points = granted.points.plus(granted.queued)?;
        let added = Usage { events: 1, points, reduction: granted.reduction, quantity: granted.quantity };
        for (_, first) in owners.iter() {
            for (counted, nth) in self.reading.counted.iter().zip(0_u32..) {
                let (cell, start) = (first.saturating_add(nth), self.start.of(counted.period));
                grant(counts.at(cell, counted.period, start, self.horizon.day), counted.of(&added))?;
            }
        }
        Ok(())
    }

    /// What the act said counts as a reading whatever becomes of it.
    fn read(&self, state: &mut State, slots: &[i64]) -> Result<(), SideError> {
        let Some(longest) = self.reading.looks.iter().max() else { return Ok(()) };
        let Some((place, thousandths)) = self.reading.measured else { return Ok(()) };
        let value = slots.get(place.saturating_add(MOMENT)).copied();
        if let Some(quantity) = value.and_then(|value| value.checked_mul(thousandths)) {
            let key = (self.bare.citizen, self.reading.number);
            let from = self.horizon.day.saturating_sub(*longest);
            state.looks.add(key, (self.bare.day, quantity), from)?;
        }
        Ok(())
    }
}

/// The first days of the periods that hold a day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    day: i32,
    week: i32,
    month: i32,
    year: i32,
}

impl Start {
    pub(super) fn of(self, period: Period) -> i32 {
        match period {
            Period::Day => self.day,
            Period::Week => self.week,
            Period::Month => self.month,
            Period::Year => self.year,
            Period::All => 0,
        }
    }
}

/// Looked up once for each day.
#[derive(Default)]
pub(super) struct Starts {
    known: QuickMap<i32, Start>,
    last: Option<Start>,
}

impl Starts {
    #[inline]
    pub(super) fn of(&mut self, day: i32) -> Result<Start, SideError> {
        if let Some(last) = self.last.filter(|last| last.day == day) {
            return Ok(last);
        }
        let start = match self.known.get(&day) {
            Some(start) => *start,
            None => starts(day)?,
        };
        self.known.insert(day, start);
        self.last = Some(start);
        Ok(start)
    }
}

fn starts(day: i32) -> Result<Start, SideError> {
    let date = NaiveDate::from_num_days_from_ce_opt(day).ok_or(SideError::Day)?;
    let first = |period: Period| period.range(date).from.num_days_from_ce();
    Ok(Start { day, week: first(Period::Week), month: first(Period::Month), year: first(Period::Year) })
}
