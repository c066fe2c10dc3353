//! The tree of a formula. Holds no behaviour but the listing of names and parts.

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

impl Tree {
    /// The trees right below this one.
    pub(super) fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            TreeKind::Number(..)
            | TreeKind::Date(_)
            | TreeKind::Time(_)
            | TreeKind::YesNo(_)
            | TreeKind::Quoted(_)
            | TreeKind::Name(_) => Vec::new(),
            TreeKind::Not(inner) | TreeKind::Negated(inner) => vec![inner],
            TreeKind::Arithmetic(_, one, other)
            | TreeKind::Compared(_, one, other)
            | TreeKind::Joined(_, one, other)
            | TreeKind::Rounded(one, _, other) => vec![one, other],
            TreeKind::OneOf(value, members) => std::iter::once(&**value).chain(members).collect(),
            TreeKind::Within(value, interval) => vec![value, &interval.low, &interval.high],
            TreeKind::If(parts) => parts.iter().collect(),
            TreeKind::Extreme(_, members) => members.iter().collect(),
        }
    }

    /// How many trees this is, itself among them.
    pub(super) fn size(&self) -> usize {
        self.parts().into_iter().map(Self::size).fold(1, usize::saturating_add)
    }

    /// Whether a condition stands anywhere in it.
    pub(super) fn has_condition(&self) -> bool {
        matches!(self.kind, TreeKind::If(_)) || self.parts().into_iter().any(Self::has_condition)
    }
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
