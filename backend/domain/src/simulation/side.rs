//! One rule set at work on kept events: reads their slots its own way and remembers what caps look at. Must
//! give what crediting the events one by one gives.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::row::Row;
use super::shape::{Schema, Shape};
use crate::amount::AmountOverflow;
use crate::rule::{Action, Evidence, Facts, Granted, Reason, RuleSet, Scratch, Slots, Typed, Usage, Verdict};
use crate::time::{Period, day_start};

/// A sum that a cap looks at left the range of its type, or a day the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SideError {
    /// A sum left `i64`.
    #[error(transparent)]
    Overflow(#[from] AmountOverflow),
    /// No such day.
    #[error("an event lies outside the calendar")]
    Day,
}

/// How a shape's slots become an action's.
enum Lens<'r> {
    /// The rule set has no such action.
    Unknown,
    Same(&'r Action),
    Converted(&'r Action),
}

struct Reading<'r> {
    lens: Lens<'r>,
    /// Number of the action among those of the rule set, and the periods that its caps count in.
    action: u16,
    periods: Vec<Period>,
}

/// A rule set, and what it has granted.
pub(super) struct Side<'r> {
    rules: &'r RuleSet,
    shapes: &'r [Shape],
    readings: Vec<Reading<'r>>,
    used: HashMap<(u32, u16, Period, i32), Usage>,
    starts: Starts,
    scratch: Scratch,
    /// What the caps of the last event looked at.
    seen: Vec<Usage>,
}

impl<'r> Side<'r> {
    pub(super) fn new(rules: &'r RuleSet, schema: &'r Schema) -> Self {
        let readings = schema.shapes.iter().map(|shape| Reading::new(rules, shape)).collect();
        Self {
            rules,
            shapes: &schema.shapes,
            readings,
            used: HashMap::new(),
            starts: Starts::default(),
            scratch: Scratch::default(),
            seen: Vec::new(),
        }
    }

    /// Forgets what it granted: other citizens come.
    pub(super) fn forget(&mut self) {
        self.used.clear();
    }

    /// Decides the next event of a citizen.
    pub(super) fn judge(&mut self, row: &Row) -> Result<Verdict, SideError> {
        self.seen.clear();
        let Some(reading) = self.readings.get(usize::from(row.shape)) else {
            return Ok(Verdict::Refused(Reason::Unfit));
        };
        let (action, slots) = match &reading.lens {
            Lens::Unknown => return Ok(Verdict::Refused(Reason::Unfit)),
            Lens::Same(action) => (*action, Some(Slots::of(row.day, row.second, row.slots()))),
            Lens::Converted(action) => (*action, self.converted(action, row)),
        };
        let Some(slots) = slots else { return Ok(Verdict::Refused(Reason::Unfit)) };
        let starts = self.starts.of(row.day)?;
        for period in &reading.periods {
            let used = self.used.get(&(row.citizen, reading.action, *period, starts.start(*period)));
            self.seen.push(used.copied().unwrap_or_default());
        }
        let typed = Typed::new(slots.as_slice(), row.evidence);
        let verdict = self.rules.decide(action, typed, &self.seen, &mut self.scratch);
        if let Verdict::Credited(granted) = &verdict {
            for period in &reading.periods {
                let key = (row.citizen, reading.action, *period, starts.start(*period));
                self.used.entry(key).or_default().grant(granted)?;
            }
        }
        Ok(verdict)
    }

    fn converted(&self, action: &Action, row: &Row) -> Option<Slots> {
        let inputs = self.shapes.get(usize::from(row.shape))?.inputs(row.slots())?;
        let day = NaiveDate::from_num_days_from_ce_opt(row.day)?;
        let midnight = day_start(day, self.rules.timezone());
        let facts = Facts::new(&inputs, midnight, Evidence::Operator);
        let slots = self.rules.slots(action, &facts).ok()?;
        Some(Slots::of(row.day, row.second, slots.inputs()))
    }

    /// What the caps looked at when the last event was judged.
    pub(super) fn seen(&self) -> &[Usage] {
        &self.seen
    }

    /// The action of a row.
    pub(super) fn action(&self, row: &Row) -> Option<&'r Action> {
        match self.readings.get(usize::from(row.shape))?.lens {
            Lens::Unknown => None,
            Lens::Same(action) | Lens::Converted(action) => Some(action),
        }
    }

    pub(super) fn rules(&self) -> &'r RuleSet {
        self.rules
    }
}

impl<'r> Reading<'r> {
    fn new(rules: &'r RuleSet, shape: &Shape) -> Self {
        let found = rules.actions().zip(0_u16..).find(|(action, _)| action.id() == shape.action());
        let Some((action, number)) = found else {
            return Self { lens: Lens::Unknown, action: 0, periods: Vec::new() };
        };
        let same = Shape::of(action) == *shape;
        let windows = rules.cap_windows(action, NaiveDate::default());
        Self {
            lens: if same { Lens::Same(action) } else { Lens::Converted(action) },
            action: number,
            periods: windows.into_iter().map(|window| window.period).collect(),
        }
    }
}

impl Usage {
    fn grant(&mut self, granted: &Granted) -> Result<(), AmountOverflow> {
        self.events = self.events.checked_add(1).ok_or(AmountOverflow)?;
        self.points = self.points.plus(granted.points)?;
        self.reduction = self.reduction.plus(granted.reduction)?;
        self.quantity = self.quantity.checked_add(granted.quantity).ok_or(AmountOverflow)?;
        Ok(())
    }
}

/// The first days of the periods that hold a day.
#[derive(Debug, Clone, Copy)]
struct Start {
    day: i32,
    week: i32,
    month: i32,
    year: i32,
}

impl Start {
    fn start(self, period: Period) -> i32 {
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
struct Starts(HashMap<i32, Start>);

impl Starts {
    fn of(&mut self, day: i32) -> Result<Start, SideError> {
        use chrono::Datelike as _;
        if let Some(known) = self.0.get(&day) {
            return Ok(*known);
        }
        let date = NaiveDate::from_num_days_from_ce_opt(day).ok_or(SideError::Day)?;
        let first = |period: Period| period.range(date).from.num_days_from_ce();
        let (week, month, year) = (first(Period::Week), first(Period::Month), first(Period::Year));
        let start = Start { day, week, month, year };
        self.0.insert(day, start);
        Ok(start)
    }
}
