//! Random expressions without units, short enough that 28 digits hold every number on the way.

/// Most digits that any number on the way may have: the least that all compared languages keep.
const DIGITS_MAX: u32 = 24;

/// A small generator with a given seed (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[(self.roll() % all.len() as u64) as usize]
    }
}

/// A number.
pub enum Number {
    Literal(String),
    Joined(&'static str, Box<Number>, Box<Number>),
    Negated(Box<Number>),
    Extreme(&'static str, Vec<Number>),
    Chosen(Box<Test>, Box<Number>, Box<Number>),
    /// Down or up to a whole number.
    Whole(bool, Box<Number>),
    /// A rounding that only FEEL has, to so many decimals.
    Rounded(&'static str, Box<Number>, u64),
}

/// Yes or no.
pub enum Test {
    Compared(&'static str, Number, Number),
    Joined(&'static str, Box<Test>, Box<Test>),
    Not(Box<Test>),
    /// Whether a number lies in a range, which may be open on either side.
    Within(Number, (bool, u64), (u64, bool)),
}

/// What is computed.
pub enum Expression {
    Number(Number),
    Test(Test),
}

impl Expression {
    pub fn random(dice: &mut Dice) -> Self {
        let depth = 1 + dice.below(4) as u32;
        if dice.below(3) == 0 {
            Self::Test(Test::random(dice, depth))
        } else {
            Self::Number(Number::random(dice, depth))
        }
    }

    /// As FEEL and tanhui write it.
    pub fn feel(&self) -> String {
        match self {
            Self::Number(number) => number.feel(),
            Self::Test(test) => test.feel(),
        }
    }

    /// As zen-expression writes it; none where it has no such function.
    pub fn zen(&self) -> Option<String> {
        match self {
            Self::Number(number) => number.zen(),
            Self::Test(test) => test.zen(),
        }
    }
}

impl Number {
    fn random(dice: &mut Dice, depth: u32) -> Self {
        if depth == 0 {
            let whole = dice.below(1_000);
            return Self::Literal(match dice.below(3) {
                0 => whole.to_string(),
                1 => format!("{whole}.{}", dice.below(10)),
                _ => format!("{whole}.{:02}", dice.below(100)),
            });
        }
        let inner = |dice: &mut Dice| Box::new(Self::random(dice, depth - 1));
        match dice.below(9) {
            0 => Self::Joined("+", inner(dice), inner(dice)),
            1 => Self::Joined("-", inner(dice), inner(dice)),
            2 | 3 => {
                let (left, right) = (inner(dice), inner(dice));
                let short = left.digits() + right.digits() <= DIGITS_MAX;
                Self::Joined(if short { "*" } else { "+" }, left, right)
            }
            4 => Self::Negated(inner(dice)),
            5 => {
                let members = (0..2 + dice.below(2)).map(|_| Self::random(dice, depth - 1)).collect();
                Self::Extreme(dice.one_of(&["min", "max"]), members)
            }
            6 => Self::Chosen(Box::new(Test::random(dice, depth - 1)), inner(dice), inner(dice)),
            7 => Self::Whole(dice.below(2) == 0, inner(dice)),
            _ => {
                let names = ["decimal", "round up", "round down", "round half up", "round half down"];
                Self::Rounded(dice.one_of(&names), inner(dice), dice.below(3))
            }
        }
    }

    /// No more digits than this.
    fn digits(&self) -> u32 {
        match self {
            Self::Literal(_) => 5,
            Self::Joined("*", left, right) => left.digits() + right.digits(),
            Self::Joined(_, left, right) | Self::Chosen(_, left, right) => {
                left.digits().max(right.digits()) + 1
            }
            Self::Extreme(_, members) => members.iter().map(Self::digits).max().unwrap_or(0),
            Self::Negated(inner) => inner.digits(),
            Self::Whole(_, inner) | Self::Rounded(_, inner, _) => inner.digits() + 1,
        }
    }

    fn feel(&self) -> String {
        match self {
            Self::Literal(digits) => digits.clone(),
            Self::Joined(sign, left, right) => format!("({} {sign} {})", left.feel(), right.feel()),
            Self::Negated(inner) => format!("(-({}))", inner.feel()),
            Self::Extreme(name, members) => {
                format!("{name}({})", members.iter().map(Self::feel).collect::<Vec<_>>().join(", "))
            }
            Self::Chosen(test, yes, no) => {
                format!("(if {} then {} else {})", test.feel(), yes.feel(), no.feel())
            }
            Self::Whole(down, inner) => {
                format!("{}({})", if *down { "floor" } else { "ceiling" }, inner.feel())
            }
            Self::Rounded(name, inner, decimals) => format!("{name}({}, {decimals})", inner.feel()),
        }
    }

    fn zen(&self) -> Option<String> {
        Some(match self {
            Self::Literal(digits) => digits.clone(),
            Self::Joined(sign, left, right) => format!("({} {sign} {})", left.zen()?, right.zen()?),
            Self::Negated(inner) => format!("(-({}))", inner.zen()?),
            Self::Extreme(name, members) => {
                let members = members.iter().map(Self::zen).collect::<Option<Vec<_>>>()?;
                format!("{name}([{}])", members.join(", "))
            }
            Self::Chosen(test, yes, no) => format!("({} ? {} : {})", test.zen()?, yes.zen()?, no.zen()?),
            Self::Whole(down, inner) => format!("{}({})", if *down { "floor" } else { "ceil" }, inner.zen()?),
            Self::Rounded(..) => return None,
        })
    }
}

impl Test {
    fn random(dice: &mut Dice, depth: u32) -> Self {
        let number = |dice: &mut Dice| Number::random(dice, depth.saturating_sub(1));
        let inner = |dice: &mut Dice| Box::new(Self::random(dice, depth.saturating_sub(1)));
        match dice.below(if depth == 0 { 2 } else { 5 }) {
            0 => {
                let sign = dice.one_of(&["<", "<=", ">", ">=", "=", "!="]);
                let left = number(dice);
                // Equal numbers that are written in two ways are met often enough this way.
                let right = if dice.below(4) == 0 {
                    Number::Joined("+", Box::new(Number::Literal("0.00".to_owned())), Box::new(number(dice)))
                } else {
                    number(dice)
                };
                Self::Compared(sign, left, right)
            }
            1 => {
                let low = dice.below(1_000);
                let high = low + 1 + dice.below(1_000);
                Self::Within(number(dice), (dice.below(2) == 0, low), (high, dice.below(2) == 0))
            }
            2 => Self::Joined("and", inner(dice), inner(dice)),
            3 => Self::Joined("or", inner(dice), inner(dice)),
            _ => Self::Not(inner(dice)),
        }
    }

    fn feel(&self) -> String {
        match self {
            Self::Compared(sign, left, right) => format!("({} {sign} {})", left.feel(), right.feel()),
            Self::Joined(word, left, right) => format!("({} {word} {})", left.feel(), right.feel()),
            Self::Not(inner) => format!("not({})", inner.feel()),
            Self::Within(number, from, to) => format!("({} in {})", number.feel(), range(*from, *to)),
        }
    }

    fn zen(&self) -> Option<String> {
        Some(match self {
            Self::Compared("=", left, right) => format!("({} == {})", left.zen()?, right.zen()?),
            Self::Compared(sign, left, right) => format!("({} {sign} {})", left.zen()?, right.zen()?),
            Self::Joined(word, left, right) => format!("({} {word} {})", left.zen()?, right.zen()?),
            Self::Not(inner) => format!("(not ({}))", inner.zen()?),
            Self::Within(number, from, to) => format!("({} in {})", number.zen()?, range(*from, *to)),
        })
    }
}

fn range((from_open, low): (bool, u64), (high, to_open): (u64, bool)) -> String {
    let (start, end) = (if from_open { "(" } else { "[" }, if to_open { ")" } else { "]" });
    format!("{start}{low}..{high}{end}")
}
