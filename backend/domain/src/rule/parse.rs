//! The grammar: words to a tree. Must never know units' meaning, names' values, or types.

use super::diagnostic::{Finding, text};
use super::exact::Rounding;
use super::syntax::{Arithmetic, Comparison, Extreme, Formula, Junction, Tree, TreeKind};
use super::token::{KEYWORDS, Token, Word, tokens};

/// Deepest nesting of brackets and conditions in one formula.
pub const FORMULA_DEPTH_MAX: usize = 32;

/// Reads one formula.
pub(super) fn parse(source: &str) -> Result<Formula, Finding> {
    let tokens = tokens(source)?;
    let names = tokens
        .iter()
        .filter(|token| matches!(&token.word, Word::Name(name) if !KEYWORDS.contains(&name.as_str())))
        .map(|token| (token.start, token.end))
        .collect();
    let mut parser = Parser { tokens, next: 0, depth: 0, copied: 0 };
    let tree = parser.formula()?;
    if *parser.word() == Word::End {
        return Ok(Formula { source: source.to_owned(), tree, names });
    }
    Err(parser.expected("公式到此结束", "the end of the formula"))
}

pub(super) struct Parser {
    tokens: Vec<Token>,
    pub(super) next: usize,
    depth: usize,
    /// Parts of trees that stand in the result more than once.
    pub(super) copied: usize,
}

impl Parser {
    pub(super) fn word_at(&self, place: usize) -> &Word {
        self.tokens.get(place).map_or(&Word::End, |token| &token.word)
    }

    pub(super) fn word(&self) -> &Word {
        self.word_at(self.next)
    }

    pub(super) fn word_ahead(&self, places: usize) -> &Word {
        self.word_at(self.next.saturating_add(places))
    }

    pub(super) fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(0, |token| token.start)
    }

    pub(super) fn advance(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    pub(super) fn symbol(&mut self, wanted: &str) -> bool {
        let found = matches!(self.word(), Word::Symbol(symbol) if *symbol == wanted);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn keyword(&mut self, wanted: &str) -> bool {
        let found = is_keyword(self.word(), wanted);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn need(&mut self, symbol: &str) -> Result<(), Finding> {
        if self.symbol(symbol) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{symbol}`"), &format!("`{symbol}`")))
        }
    }

    pub(super) fn need_keyword(&mut self, keyword: &str) -> Result<(), Finding> {
        if self.keyword(keyword) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{keyword}`"), &format!("`{keyword}`")))
        }
    }

    pub(super) fn expected(&self, zh: &str, en: &str) -> Finding {
        if let Some(found) = self.no_function() {
            return found;
        }
        let (found_zh, found_en) = match self.word() {
            Word::Name(name) => (format!("`{name}`"), format!("`{name}`")),
            Word::Symbol(symbol) => (format!("`{symbol}`"), format!("`{symbol}`")),
            Word::Number(..) => ("一个数".into(), "a number".into()),
            Word::Date(_) => ("一个日期".into(), "a date".into()),
            Word::Time(_) => ("一个时刻".into(), "a time".into()),
            Word::Quoted(_) => ("引号文字".into(), "quoted text".into()),
            Word::End => ("公式结尾".into(), "the end".into()),
        };
        Finding::new(text!("此处应为{zh},却是{found_zh}", "expected {en}, found {found_en}")).at(self.at())
    }

    pub(super) fn node(at: usize, kind: TreeKind) -> Tree {
        Tree { at, kind }
    }

    /// `or`s, and the rounding that may end a formula or a bracket.
    pub(super) fn formula(&mut self) -> Result<Tree, Finding> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > FORMULA_DEPTH_MAX {
            let found =
                text!("公式嵌套超过 {FORMULA_DEPTH_MAX} 层", "nested deeper than {FORMULA_DEPTH_MAX}");
            return Err(Finding::new(found).at(self.at()));
        }
        let at = self.at();
        let mut tree = if self.keyword("if") { self.condition(at)? } else { self.alternatives()? };
        let comma = matches!(self.word(), Word::Symbol(","));
        if comma && is_keyword(self.word_at(self.next.saturating_add(1)), "rounded") {
            self.advance();
        }
        if self.keyword("rounded") {
            tree = self.rounding(at, tree)?;
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(tree)
    }

    fn condition(&mut self, at: usize) -> Result<Tree, Finding> {
        let test = self.nested_alternatives()?;
        self.need_keyword("then")?;
        let yes = self.nested_alternatives()?;
        self.need_keyword("else")?;
        let no = self.nested_alternatives()?;
        Ok(Self::node(at, TreeKind::If(Box::new([test, yes, no]))))
    }

    /// Alternatives, or a further `if` one level down; a rounding belongs to the whole.
    fn nested_alternatives(&mut self) -> Result<Tree, Finding> {
        let at = self.at();
        if !self.keyword("if") {
            return self.alternatives();
        }
        self.depth = self.depth.saturating_add(1);
        if self.depth > FORMULA_DEPTH_MAX {
            let found =
                text!("公式嵌套超过 {FORMULA_DEPTH_MAX} 层", "nested deeper than {FORMULA_DEPTH_MAX}");
            return Err(Finding::new(found).at(at));
        }
        let tree = self.condition(at)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(tree)
    }

    fn rounding(&mut self, at: usize, value: Tree) -> Result<Tree, Finding> {
        let mode = if self.keyword("down") {
            Rounding::Down
        } else if self.keyword("up") {
            Rounding::Up
        } else if self.keyword("half") {
            if self.keyword("up") {
                Rounding::HalfUp
            } else if self.keyword("even") {
                Rounding::HalfEven
            } else {
                return Err(self.expected("`up` 或 `even`", "`up` or `even`"));
            }
        } else {
            return Err(self.expected(
                "`down`、`up`、`half up` 或 `half even`",
                "`down`, `up`, `half up` or `half even`",
            ));
        };
        self.need_keyword("to")?;
        let to = self.primary()?;
        Ok(Self::node(at, TreeKind::Rounded(Box::new(value), mode, Box::new(to))))
    }

    fn alternatives(&mut self) -> Result<Tree, Finding> {
        let at = self.at();
        let mut tree = self.conjunction()?;
        while self.keyword("or") {
            tree =
                pair(at, tree, self.conjunction()?, |one, other| TreeKind::Joined(Junction::Or, one, other));
        }
        Ok(tree)
    }

    fn conjunction(&mut self) -> Result<Tree, Finding> {
        let at = self.at();
        let mut tree = self.negation()?;
        while self.keyword("and") {
            tree = pair(at, tree, self.negation()?, |one, other| TreeKind::Joined(Junction::And, one, other));
        }
        Ok(tree)
    }

    fn negation(&mut self) -> Result<Tree, Finding> {
        let at = self.at();
        let mut flips = 0_usize;
        while self.keyword("not") {
            flips = flips.saturating_add(1);
        }
        let mut tree = self.comparison()?;
        if flips % 2 == 1 {
            tree = Self::node(at, TreeKind::Not(Box::new(tree)));
        }
        Ok(tree)
    }

    fn comparison(&mut self) -> Result<Tree, Finding> {
        let at = self.at();
        let left = self.sum()?;
        if self.keyword("in") {
            return self.membership(at, left);
        }
        if self.keyword("between") {
            return self.between(at, left);
        }
        let Some(comparison) = self.comparison_sign()? else { return Ok(left) };
        let right = self.sum()?;
        let tree = pair(at, left, right, |one, other| TreeKind::Compared(comparison, one, other));
        if matches!(self.word(), Word::Symbol("<" | "<=" | ">" | ">=" | "=" | "!=")) {
            let found = text!("比较不能连写", "comparisons cannot be chained");
            let help =
                text!("请用 and 连接, 或写 `in [a .. b)`", "join them with `and`, or write `in [a .. b)`");
            return Err(Finding::new(found).help(help).at(self.at()));
        }
        Ok(tree)
    }

    /// The comparison that stands here, passed over.
    pub(super) fn comparison_sign(&mut self) -> Result<Option<Comparison>, Finding> {
        let Word::Symbol(symbol) = self.word() else { return Ok(None) };
        let comparison = match *symbol {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            "=" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "==" => {
                let found = text!("比较相等只写一个 `=`", "write one `=` to compare");
                return Err(Finding::new(found).help(text!("请写 `=`", "write `=`")).at(self.at()));
            }
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(comparison))
    }

    pub(super) fn sum(&mut self) -> Result<Tree, Finding> {
        let at = self.at();
        let mut tree = self.product()?;
        loop {
            let operation = if self.symbol("+") {
                Arithmetic::Add
            } else if self.symbol("-") {
                Arithmetic::Subtract
            } else {
                return Ok(tree);
            };
            let right = self.product()?;
            tree = pair(at, tree, right, |one, other| TreeKind::Arithmetic(operation, one, other));
        }
    }

    fn product(&mut self) -> Result<Tree, Finding> {
        let at = self.at();
        let mut tree = self.signed()?;
        loop {
            let operation = if self.symbol("*") {
                Arithmetic::Multiply
            } else if self.symbol("/") {
                Arithmetic::Divide
            } else {
                return Ok(tree);
            };
            let right = self.signed()?;
            tree = pair(at, tree, right, |one, other| TreeKind::Arithmetic(operation, one, other));
        }
    }

    fn signed(&mut self) -> Result<Tree, Finding> {
        let at = self.at();
        let mut minus = false;
        while self.symbol("-") {
            minus = !minus;
        }
        let tree = self.primary()?;
        Ok(if minus { Self::node(at, TreeKind::Negated(Box::new(tree))) } else { tree })
    }

    pub(super) fn primary(&mut self) -> Result<Tree, Finding> {
        let at = self.at();
        if self.symbol("(") {
            let tree = self.formula()?;
            self.need(")")?;
            return Ok(tree);
        }
        if let Some(tree) = self.call(at)? {
            return Ok(tree);
        }
        let kind = match self.word().clone() {
            Word::Number(number, unit) => TreeKind::Number(number, unit),
            Word::Date(date) => TreeKind::Date(date),
            Word::Time(time) => TreeKind::Time(time),
            Word::Quoted(quoted) => TreeKind::Quoted(quoted),
            Word::Name(name) => match name.as_str() {
                "yes" | "true" => TreeKind::YesNo(true),
                "no" | "false" => TreeKind::YesNo(false),
                "min" => return self.extreme(at, Extreme::Min),
                "max" => return self.extreme(at, Extreme::Max),
                "not" if matches!(self.word_ahead(1), Word::Symbol("(")) => return self.negation(),
                "null" => {
                    let found =
                        text!("没有空值 null: 每个值都是已知的", "there is no null: every value is known");
                    return Err(Finding::new(found).at(at));
                }
                keyword if KEYWORDS.contains(&keyword) => {
                    return Err(self.expected("数或名称", "a number or a name"));
                }
                _ => TreeKind::Name(name),
            },
            Word::Symbol(_) | Word::End => return Err(self.expected("数或名称", "a number or a name")),
        };
        self.advance();
        Ok(Self::node(at, kind))
    }

    fn extreme(&mut self, at: usize, extreme: Extreme) -> Result<Tree, Finding> {
        self.advance();
        self.need("(")?;
        let mut members = vec![self.formula()?];
        while self.symbol(",") {
            members.push(self.formula()?);
        }
        self.need(")")?;
        Ok(Self::node(at, TreeKind::Extreme(extreme, members)))
    }
}

fn is_keyword(word: &Word, wanted: &str) -> bool {
    matches!(word, Word::Name(name) if name == wanted)
}

pub(super) fn pair(
    at: usize,
    left: Tree,
    right: Tree,
    kind: impl Fn(Box<Tree>, Box<Tree>) -> TreeKind,
) -> Tree {
    Tree { at, kind: kind(Box::new(left), Box::new(right)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_grammar_reads() {
        for formula in [
            "reduction / 10 gCO2e/pt, rounded down to 1 pt",
            "(if used < b * persons then b * persons - used else max(0 kWh, usual - used)) * grid_factor",
            "time in [07:00 .. 09:00) or time in [17:00 .. 19:00)",
            "not wet and material in [paper, glass] and district in districts",
            "max(a / 2 rounded up to 1 pt, b / 3, rounded half even to 1 pt)",
            "if a then b else if c then d else e",
            "-3 km + 2 km",
        ] {
            parse(formula).unwrap_or_else(|found| panic!("{formula}: {}", found.message.en));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for (depth, fits) in
            [(FORMULA_DEPTH_MAX - 2, true), (FORMULA_DEPTH_MAX - 1, true), (FORMULA_DEPTH_MAX, false)]
        {
            assert_eq!(
                parse(&format!("{}a{}", "(".repeat(depth), ")".repeat(depth))).is_ok(),
                fits,
                "{depth}"
            );
        }
        assert!(parse(&"if a then b else ".repeat(60)).is_err());
    }

    proptest! {
        #[test]
        fn random_formulas_never_panic(formula in "[a-z0-9 .,:()<>=+*/%\\[\\]\"-]{0,120}|\\PC{0,80}") {
            let _ = parse(&formula);
        }
    }
}
