//! What the city owes merchants: lines, statements over unbroken runs of them, two officers, payments.

use chrono::{DateTime, Datelike, Utc};
use tanhui_domain::time::day_start;

use super::Oracle;
use super::offer::{Issued, Standing};
use crate::command::Step;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Use,
    Void,
    Paid,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    at: DateTime<Utc>,
    kind: Kind,
    fen: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Submitted { by_other: bool },
    Approved,
    Paid,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Submitted { .. } => "submitted",
            Self::Approved => "approved",
            Self::Paid => "paid",
        }
    }
}

#[derive(Debug, Clone)]
struct Statement {
    /// How many lines of the account end with it.
    until: usize,
    uses: usize,
    voids: usize,
    fen: i64,
    state: State,
}

/// A merchant's account.
#[derive(Debug, Clone, Default)]
pub struct Merchant {
    pub standing: Standing,
    pub issued: Issued,
    lines: Vec<Line>,
    statements: Vec<Statement>,
}

impl Merchant {
    pub fn add(&mut self, at: DateTime<Utc>, kind: Kind, fen: i64) {
        self.lines.push(Line { at, kind, fen });
    }

    pub fn owed(&self) -> i64 {
        self.lines.iter().map(|line| line.fen).sum()
    }

    /// Everything up to the last line that was written before an instant.
    fn close(&mut self, before: DateTime<Utc>) -> bool {
        let from = self.statements.last().map_or(0, |last| last.until);
        let until = self.lines.iter().rposition(|line| line.at < before).map_or(0, |last| last + 1);
        let Some(lines) = self.lines.get(from..until).filter(|lines| !lines.is_empty()) else { return false };
        let count = |kind| lines.iter().filter(|line| line.kind == kind).count();
        let due = lines.iter().filter(|line| line.kind != Kind::Paid);
        let (uses, voids, fen) = (count(Kind::Use), count(Kind::Void), due.map(|line| line.fen).sum());
        self.statements.push(Statement { until, uses, voids, fen, state: State::Closed });
        true
    }

    fn step(&mut self, number: i64, step: Step, other: bool, now: DateTime<Utc>) -> String {
        let place = usize::try_from(number - 1).ok();
        let Some(statement) = place.and_then(|place| self.statements.get_mut(place)) else {
            return "no statement".to_owned();
        };
        statement.state = match (step, statement.state) {
            (Step::Submit, State::Closed) => State::Submitted { by_other: other },
            (Step::Approve, State::Submitted { by_other }) if by_other == other => {
                return "same person".to_owned();
            }
            (Step::Approve, State::Submitted { .. }) => State::Approved,
            (Step::Return, State::Submitted { .. } | State::Approved) => State::Closed,
            (Step::Pay, State::Approved) => State::Paid,
            (Step::Submit | Step::Approve | Step::Return | Step::Pay, state) => {
                return format!("is {}", state.word());
            }
        };
        let (state, fen) = (statement.state, statement.fen);
        if state == State::Paid && fen != 0 {
            self.add(now, Kind::Paid, -fen);
        }
        state.word().to_owned()
    }

    /// Each statement as it stands.
    pub fn statements(&self) -> Vec<String> {
        let told = |statement: &Statement| {
            let Statement { until, uses, voids, fen, state } = statement;
            format!("{} to line {until}: {uses} uses, {voids} voids, {fen} fen", state.word())
        };
        self.statements.iter().map(told).collect()
    }
}

impl Oracle {
    /// Whether the city has stopped a merchant.
    pub(super) fn is_halted(&self, merchant: usize) -> bool {
        self.merchants[merchant].standing != Standing::Active
    }

    /// How many statements are closed with what was written before an instant.
    pub(super) fn close(&mut self, before: DateTime<Utc>) -> usize {
        self.merchants.iter_mut().map(|merchant| usize::from(merchant.close(before))).sum()
    }

    /// The months that are over.
    pub(super) fn close_months(&mut self) {
        let first = self.today().with_day(1).expect("every month has a first day");
        self.close(day_start(first, self.zone));
    }

    pub(super) fn take_step(&mut self, merchant: usize, number: i64, step: Step, other: bool) -> String {
        let now = self.now;
        self.merchants[merchant].step(number, step, other, now)
    }
}
