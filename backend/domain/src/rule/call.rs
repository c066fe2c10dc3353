//! Functions with brackets, as FEEL writes them, each spelt out in the language's own roundings, choices and
//! extremes. Must never need a kind of tree, a check or an operation of its own.

use super::diagnostic::{Finding, text};
use super::exact::{DIGITS_MAX, Decimal, Rounding, power_of_ten};
use super::parse::{Parser, pair};
use super::syntax::{Arithmetic, Comparison, Extreme, Tree, TreeKind};
use super::token::{KEYWORDS, Word};
use super::unit::Unit;

/// Most parts of a formula's tree that may stand in it twice.
pub const COPIES_MAX: usize = 2_000;

/// What stands before the brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Abs,
    Modulo,
    Rounded(Rounding),
    /// One way from zero up, another below.
    BySign(Rounding, Rounding),
    HalfTowardsZero,
}

impl Function {
    /// What stands in its brackets.
    fn takes(self) -> (&'static str, &'static str) {
        match self {
            Self::Abs => ("一个数", "one number"),
            Self::Modulo => ("被除数和除数", "a number and a divisor"),
            Self::Rounded(_) | Self::BySign(..) | Self::HalfTowardsZero => {
                ("一个数, 可加小数位数", "a number and perhaps how many decimals")
            }
        }
    }
}

const FUNCTIONS: [(&str, Function); 10] = [
    ("abs", Function::Abs),
    ("modulo", Function::Modulo),
    ("floor", Function::Rounded(Rounding::Down)),
    ("ceiling", Function::Rounded(Rounding::Up)),
    ("decimal", Function::Rounded(Rounding::HalfEven)),
    ("round half even", Function::Rounded(Rounding::HalfEven)),
    ("round up", Function::BySign(Rounding::Up, Rounding::Down)),
    ("round down", Function::BySign(Rounding::Down, Rounding::Up)),
    ("round half up", Function::Rounded(Rounding::HalfUp)),
    ("round half down", Function::HalfTowardsZero),
];

impl Parser {
    /// Brackets behind a name that is no function.
    pub(super) fn no_function(&self) -> Option<Finding> {
        let Word::Name(name) = self.word_at(self.next.checked_sub(1)?) else { return None };
        if *self.word() != Word::Symbol("(") || KEYWORDS.contains(&name.as_str()) {
            return None;
        }
        let all: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).chain(["min", "max"]).collect();
        let all = all.join(", ");
        let found = text!("没有函数 `{name}`", "there is no function `{name}`");
        Some(Finding::new(found).at(self.at()).help(text!("函数有: {all}", "functions are: {all}")))
    }

    /// A function's value, if the name in hand is one and brackets follow.
    pub(super) fn call(&mut self, at: usize) -> Result<Option<Tree>, Finding> {
        let Some((name, function)) = self.function() else { return Ok(None) };
        self.need("(")?;
        let mut members = vec![self.formula()?];
        while self.symbol(",") {
            members.push(self.formula()?);
        }
        self.need(")")?;
        let wrong = || {
            let (zh, en) = function.takes();
            Err(Finding::new(text!("`{name}` 的参数应为 {zh}", "`{name}` takes {en}")).at(at))
        };
        let mut members = members.into_iter();
        let (Some(value), second, None) = (members.next(), members.next(), members.next()) else {
            return wrong();
        };
        let granule = |scale: Option<Tree>| scale.map_or(Ok(one()), |scale| granule(&scale));
        let tree = match (function, second) {
            (Function::Abs, None) => self.absolute(at, value)?,
            (Function::Modulo, Some(divisor)) => self.modulo(at, value, divisor)?,
            (Function::Abs, Some(_)) | (Function::Modulo, None) => return wrong(),
            (Function::Rounded(mode), scale) => rounded(at, value, mode, granule(scale)?),
            (Function::BySign(above, below), scale) => {
                let granule = granule(scale)?;
                let mode = |over| if over { above } else { below };
                self.by_sign(at, &value, |value, over| rounded(at, value, mode(over), granule))?
            }
            (Function::HalfTowardsZero, scale) => self.half_towards_zero(at, &value, granule(scale)?)?,
        };
        Ok(Some(tree))
    }

    /// Passes over a function's name, of up to three words.
    fn function(&mut self) -> Option<(&'static str, Function)> {
        let (name, function) = FUNCTIONS.iter().find(|(name, _)| self.names_function(name))?;
        (0..name.split(' ').count()).for_each(|_| self.advance());
        Some((name, *function))
    }

    fn names_function(&self, name: &str) -> bool {
        let mut place = 0_usize;
        for word in name.split(' ') {
            if !matches!(self.word_ahead(place), Word::Name(found) if found == word) {
                return false;
            }
            place = place.saturating_add(1);
        }
        matches!(self.word_ahead(place), Word::Symbol("("))
    }

    /// A second copy of a tree; copies of copies are bounded.
    pub(super) fn copy(&mut self, tree: &Tree) -> Result<Tree, Finding> {
        self.copied = self.copied.saturating_add(tree.size());
        if self.copied > COPIES_MAX {
            let found = text!("公式太长", "the formula is too long");
            return Err(Finding::new(found).at(tree.at));
        }
        Ok(tree.clone())
    }

    fn absolute(&mut self, at: usize, value: Tree) -> Result<Tree, Finding> {
        let turned = Self::node(at, TreeKind::Negated(Box::new(self.copy(&value)?)));
        Ok(Self::node(at, TreeKind::Extreme(Extreme::Max, vec![value, turned])))
    }

    /// What is left of a number after whole divisors, with the divisor's sign.
    fn modulo(&mut self, at: usize, value: Tree, divisor: Tree) -> Result<Tree, Finding> {
        let (up, down) = (self.copy(&value)?, self.copy(&divisor)?);
        let share = pair(at, up, down, |up, down| TreeKind::Arithmetic(Arithmetic::Divide, up, down));
        let times = rounded(at, share, Rounding::Down, one());
        let taken = pair(at, divisor, times, |one, two| TreeKind::Arithmetic(Arithmetic::Multiply, one, two));
        Ok(pair(at, value, taken, |one, two| TreeKind::Arithmetic(Arithmetic::Subtract, one, two)))
    }

    /// One formula from zero up, its mirror image below.
    fn by_sign(&mut self, at: usize, value: &Tree, of: impl Fn(Tree, bool) -> Tree) -> Result<Tree, Finding> {
        let (tested, above, below) = (self.copy(value)?, self.copy(value)?, self.copy(value)?);
        let zero = number(at, Decimal { mantissa: 0, decimals: 0 });
        let test =
            pair(at, tested, zero, |one, two| TreeKind::Compared(Comparison::GreaterOrEqual, one, two));
        Ok(Self::node(at, TreeKind::If(Box::new([test, of(above, true), of(below, false)]))))
    }

    fn half_towards_zero(&mut self, at: usize, value: &Tree, granule: Decimal) -> Result<Tree, Finding> {
        let tenths = granule.mantissa.checked_mul(5).zip(granule.decimals.checked_add(1));
        let (mantissa, decimals) = tenths.ok_or_else(|| scale_refused(at))?;
        let half = Decimal { mantissa, decimals };
        self.by_sign(at, value, |value, above| {
            let (away, mode) =
                if above { (Arithmetic::Subtract, Rounding::Up) } else { (Arithmetic::Add, Rounding::Down) };
            let moved = pair(at, value, number(at, half), |one, two| TreeKind::Arithmetic(away, one, two));
            rounded(at, moved, mode, granule)
        })
    }
}

fn number(at: usize, number: Decimal) -> Tree {
    Parser::node(at, TreeKind::Number(number, Unit::NONE))
}

fn rounded(at: usize, value: Tree, mode: Rounding, to: Decimal) -> Tree {
    Parser::node(at, TreeKind::Rounded(Box::new(value), mode, Box::new(number(at, to))))
}

fn one() -> Decimal {
    Decimal { mantissa: 1, decimals: 0 }
}

/// One in the last of so many decimals; below zero decimals, tens and hundreds.
fn granule(scale: &Tree) -> Result<Decimal, Finding> {
    let refused = || scale_refused(scale.at);
    let (negative, written) = match &scale.kind {
        TreeKind::Negated(inner) => (true, &inner.kind),
        written => (false, written),
    };
    let TreeKind::Number(count, Unit::NONE) = written else { return Err(refused()) };
    let count = count.at_decimals(0).and_then(|count| u8::try_from(count).ok());
    let count = count.filter(|count| usize::from(*count) <= DIGITS_MAX).ok_or_else(refused)?;
    if negative {
        let mantissa = power_of_ten(count).ok_or_else(refused)?;
        return Ok(Decimal { mantissa, decimals: 0 });
    }
    Ok(Decimal { mantissa: 1, decimals: count })
}

fn scale_refused(at: usize) -> Finding {
    Finding::new(text!(
        "小数位数应写成 -{DIGITS_MAX} 至 {DIGITS_MAX} 的整数",
        "the number of decimals must be written as a whole number from -{DIGITS_MAX} to {DIGITS_MAX}"
    ))
    .at(at)
}
