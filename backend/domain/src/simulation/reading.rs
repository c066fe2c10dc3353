//! How one rule set reads the events of one shape. Decides nothing.

use chrono::{NaiveDate, TimeDelta};

use super::block::Bare;
use super::counts::Counted;
use super::lens::Lens;
use super::shape::Shape;
use crate::rule::{Acceptance, Action, RuleSet, SameAct};

/// One shape under one rule set.
pub(super) struct Reading<'r> {
    pub(super) action: &'r Action,
    /// Number of the action among those of the rule set.
    pub(super) number: u16,
    pub(super) lens: Lens,
    /// How many windows its caps count in, and what they count there.
    pub(super) windows: usize,
    pub(super) counted: Vec<Counted>,
    /// How many days each window of its history has.
    pub(super) looks: Vec<i32>,
    /// The place of the number that readings are kept of, and its thousandths.
    pub(super) measured: Option<(usize, i64)>,
    pub(super) same_act: Option<SameActs>,
    pub(super) is_funded: bool,
    /// How late and how early its acts may be reported.
    accept: Acceptance,
}

/// What makes two acts one.
#[derive(Clone, Copy)]
pub(super) struct SameActs {
    pub(super) group: u16,
    /// The column that names the trip.
    pub(super) trip: Option<usize>,
    pub(super) overlap: TimeDelta,
}

/// All shapes under one rule set, in their order; none where it knows no such act.
pub(super) fn readings<'r>(rules: &'r RuleSet, shapes: &[Shape]) -> Vec<Option<Reading<'r>>> {
    let mut groups: Vec<&str> = rules.actions().filter_map(Action::same_act).map(SameAct::group).collect();
    groups.sort_unstable();
    groups.dedup();
    shapes.iter().map(|shape| Reading::new(rules, shape, &groups)).collect()
}

impl<'r> Reading<'r> {
    /// Whether an act was reported neither too late nor too early.
    pub(super) fn is_timely(&self, bare: &Bare) -> bool {
        let behind = i64::from(bare.late_by);
        let in_time = self.accept.late.is_none_or(|late| TimeDelta::seconds(behind) <= late);
        in_time && TimeDelta::seconds(behind.saturating_neg()) <= self.accept.early && bare.at >= 0
    }

    fn new(rules: &'r RuleSet, shape: &Shape, groups: &[&str]) -> Option<Self> {
        let (action, number) =
            rules.actions().zip(0_u16..).find(|(action, _)| action.id() == shape.action())?;
        let lens = Lens::new(shape, action)?;
        let same_act = action.same_act().and_then(|same| {
            let group = groups.iter().position(|group| *group == same.group())?;
            let trip = same.trip().and_then(|place| lens.id(place));
            Some(SameActs { group: u16::try_from(group).ok()?, trip, overlap: same.overlap() })
        });
        let any_day = NaiveDate::default();
        let windows = rules.cap_windows(action, any_day);
        let history = rules.history_windows(action, any_day).into_iter();
        let days = |days: i64| i32::try_from(days).unwrap_or(i32::MAX);
        Some(Self {
            action,
            number,
            lens,
            windows: windows.len(),
            counted: Counted::all(action, &windows),
            looks: history
                .map(|range| days(range.until.signed_duration_since(range.from).num_days()))
                .collect(),
            measured: action.measured(),
            same_act,
            accept: rules.accept_of(action),
            is_funded: action.campaigns().next().is_some() || action.budgets().next().is_some(),
        })
    }
}
