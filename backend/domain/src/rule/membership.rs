//! What may stand after `in` and `between`: values, ranges, comparisons, and lists of these. Must never know
//! which names are lists.

use super::diagnostic::Finding;
use super::parse::{Parser, pair};
use super::syntax::{Comparison, Interval, Junction, Tree, TreeKind};
use super::token::Word;

/// One thing that a value may be in.
enum Member {
    Value(Tree),
    Range(Box<Interval>),
    Compared(Comparison, Tree),
}

impl Parser {
    /// After `in`: a list's name, `[a, b]`, `[a .. b)`, `>= a`, or brackets around several of these.
    pub(super) fn membership(&mut self, at: usize, value: Tree) -> Result<Tree, Finding> {
        if matches!(self.word(), Word::Name(_)) {
            let list = self.primary()?;
            return Ok(Self::node(at, TreeKind::OneOf(Box::new(value), vec![list])));
        }
        if !matches!(self.word(), Word::Symbol("[" | "(")) || self.stands_range() {
            let member = self.member()?;
            return self.joined(at, value, vec![member]);
        }
        let close = if self.symbol("[") { "]" } else { ")" };
        if close == ")" {
            self.need("(")?;
        }
        let mut members = vec![self.member()?];
        while self.symbol(",") {
            members.push(self.member()?);
        }
        self.need(close)?;
        self.joined(at, value, members)
    }

    /// After `between`: both ends belong to it.
    pub(super) fn between(&mut self, at: usize, value: Tree) -> Result<Tree, Finding> {
        let low = self.sum()?;
        self.need_keyword("and")?;
        let high = self.sum()?;
        let interval = Interval { low, low_inside: true, high, high_inside: true };
        Ok(Self::node(at, TreeKind::Within(Box::new(value), Box::new(interval))))
    }

    fn member(&mut self) -> Result<Member, Finding> {
        if let Some(comparison) = self.comparison_sign()? {
            return Ok(Member::Compared(comparison, self.sum()?));
        }
        if self.stands_range() { self.range() } else { self.sum().map(Member::Value) }
    }

    /// Whether brackets stand here and `..` in them.
    fn stands_range(&self) -> bool {
        if matches!(self.word(), Word::Symbol("]")) {
            return true;
        }
        let mut depth = 0_usize;
        let mut place = 0_usize;
        loop {
            match self.word_ahead(place) {
                Word::Symbol("[" | "(") => depth = depth.saturating_add(1),
                Word::Symbol("]" | ")") => depth = depth.saturating_sub(1),
                Word::Symbol("..") if depth == 1 => return true,
                Word::End => return false,
                Word::Symbol(_)
                | Word::Number(..)
                | Word::Date(_)
                | Word::Time(_)
                | Word::Quoted(_)
                | Word::Name(_) => {}
            }
            if depth == 0 {
                return false;
            }
            place = place.saturating_add(1);
        }
    }

    /// `[a .. b)`; an outward bracket leaves its end out, as in `]a .. b[`.
    fn range(&mut self) -> Result<Member, Finding> {
        let low_inside = self.symbol("[");
        if !low_inside && !self.symbol("]") {
            self.need("(")?;
        }
        let low = self.sum()?;
        self.need("..")?;
        let high = self.sum()?;
        let high_inside = self.symbol("]");
        if !high_inside && !self.symbol("[") {
            self.need(")")?;
        }
        Ok(Member::Range(Box::new(Interval { low, low_inside, high, high_inside })))
    }

    /// Whether the value is any of the members.
    fn joined(&mut self, at: usize, value: Tree, members: Vec<Member>) -> Result<Tree, Finding> {
        let mut values = Vec::new();
        let mut tests = Vec::new();
        for member in members {
            let kind = match member {
                Member::Value(tree) => {
                    values.push(tree);
                    continue;
                }
                Member::Range(interval) => TreeKind::Within(Box::new(self.copy(&value)?), interval),
                Member::Compared(comparison, other) => {
                    TreeKind::Compared(comparison, Box::new(self.copy(&value)?), Box::new(other))
                }
            };
            tests.push(Self::node(at, kind));
        }
        if !values.is_empty() || tests.is_empty() {
            tests.insert(0, Self::node(at, TreeKind::OneOf(Box::new(value), values)));
        }
        let mut tests = tests.into_iter();
        let first = tests.next().ok_or_else(|| self.expected("一个值", "a value"))?;
        Ok(tests.fold(first, |one, other| {
            pair(at, one, other, |one, other| TreeKind::Joined(Junction::Or, one, other))
        }))
    }
}
