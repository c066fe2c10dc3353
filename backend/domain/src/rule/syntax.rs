//! The tree of a formula. Holds no behaviour but the listing of names.

use chrono::{NaiveDate, NaiveTime};

use super::exact::{Decimal, Rounding};
use super::unit::Unit;

/// A formula as text and tree.
#[derive(Debug, Clone)]
pub(super) struct Formula {
    pub(super) source: String,
    pub(super) tree: Tree,
    /// Where each name stands, in characters, to show the formula with its numbers.
    pub(super) names: Vec<(usize, usize)>,
}

impl Formula {
    /// Every name in the formula, in order of appearance.
    pub(super) fn words(&self) -> impl Iterator<Item = String> {
        let letters: Vec<char> = self.source.chars().collect();
        self.names
            .iter()
            .map(move |(start, end)| letters.get(*start..*end).unwrap_or_default().iter().collect())
    }
}

#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) at: usize,
    pub(super) kind: TreeKind,
}

#[derive(Debug, Clone)]
pub(super) enum TreeKind {
    Number(Decimal, Unit),
    Date(NaiveDate),
    Time(NaiveTime),
    YesNo(bool),
    Quoted(String),
    Name(String),
    Not(Box<Tree>),
    Negated(Box<Tree>),
    Arithmetic(Arithmetic, Box<Tree>, Box<Tree>),
    Compared(Comparison, Box<Tree>, Box<Tree>),
    Joined(Junction, Box<Tree>, Box<Tree>),
    OneOf(Box<Tree>, Vec<Tree>),
    Within(Box<Tree>, Box<Interval>),
    If(Box<[Tree; 3]>),
    Extreme(Extreme, Vec<Tree>),
    Rounded(Box<Tree>, Rounding, Box<Tree>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Junction {
    And,
    Or,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extreme {
    Min,
    Max,
}

#[derive(Debug, Clone)]
pub(super) struct Interval {
    pub(super) low: Tree,
    pub(super) low_inside: bool,
    pub(super) high: Tree,
    pub(super) high_inside: bool,
}
