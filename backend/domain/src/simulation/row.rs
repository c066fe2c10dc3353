//! One past event of which everything is a number.

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;

use crate::rule::{Action, Evidence, InputKind, InputValue, Inputs, SLOTS_MAX};
use crate::same_act::number_of_name;

/// When an event happened, and where that is.
#[derive(Debug, Clone, Copy)]
pub struct Happening {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The city's time zone.
    pub zone: Tz,
}

/// The number that a source's card, meter or account goes by.
#[must_use]
pub fn card_number(source: &str, subject: &str) -> u64 {
    number_of_name(&format!("{source}\n{subject}"))
}

/// One event of which everything is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The citizen's number in this set of events.
    pub citizen: u32,
    /// Seconds since 1970.
    pub at: i64,
    /// Civil day counted from the common era.
    pub day: i32,
    /// Second of the day.
    pub second: u32,
    /// Place of the shape in the schema.
    pub shape: u16,
    /// Place of the district in the schema plus one; zero for none.
    pub district: u16,
    /// What the card, meter or account goes by; zero for none.
    pub card: u64,
    /// How it was evidenced.
    pub evidence: Evidence,
    /// Whether a person has looked at it: nothing holds it again.
    pub reviewed: bool,
    /// Seconds from the act until it was reported, below zero where it was reported before; rounded away from
    /// zero, so that a limit is passed by as little as a microsecond.
    pub late_by: i32,
    slots: [i64; SLOTS_MAX],
    count: u8,
}

impl Row {
    /// An event of an action, still without citizen, district and card; none where the inputs are not the
    /// action's.
    #[must_use]
    pub fn of(
        shape: u16,
        action: &Action,
        inputs: &Inputs,
        when: Happening,
        evidence: Evidence,
    ) -> Option<Self> {
        let count = u8::try_from(action.inputs().len()).ok()?;
        let mut row = Self {
            citizen: 0,
            at: 0,
            day: 0,
            second: 0,
            shape,
            district: 0,
            card: 0,
            evidence,
            reviewed: false,
            late_by: 0,
            slots: [0; SLOTS_MAX],
            count,
        }
        .happened(when);
        let slots = action.input_slots(inputs).ok()?;
        row.slots.get_mut(..slots.inputs().len())?.copy_from_slice(slots.inputs());
        for (spec, slot) in action.inputs().iter().zip(&mut row.slots) {
            if let (InputKind::Id, Some(InputValue::Id(name))) = (spec.kind(), inputs.get(spec.name())) {
                *slot = number_of_name(name).cast_signed();
            }
        }
        Some(row)
    }

    /// The same at another moment.
    #[must_use]
    pub fn happened(self, when: Happening) -> Self {
        let local = when.at.with_timezone(&when.zone);
        let (day, second) = (local.num_days_from_ce(), local.num_seconds_from_midnight());
        Self { at: when.at.timestamp(), day, second, ..self }
    }

    /// The same, reported so long after it happened.
    #[must_use]
    pub fn reported(self, behind: TimeDelta) -> Self {
        let further = behind.subsec_nanos().signum();
        let seconds = behind.num_seconds().saturating_add(i64::from(further));
        let bounded = seconds.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        Self { late_by: i32::try_from(bounded).unwrap_or(0), ..self }
    }

    /// The slots of its inputs; of an identifier the number that it goes by.
    #[must_use]
    pub fn slots(&self) -> &[i64] {
        self.slots.get(..usize::from(self.count)).unwrap_or_default()
    }
}
