//! Exact numbers of the rule language: decimals as written, positive fractions for steps. Never a float,
//! never a wrap.

use std::cmp::Ordering;
use std::fmt;

/// Most digits of a number as written.
pub const DIGITS_MAX: usize = 30;

/// An exact decimal: `mantissa` times ten to the power of minus `decimals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// All digits, with the sign.
    pub mantissa: i128,
    /// How many of them stand behind the point.
    pub decimals: u8,
}

impl Decimal {
    /// Reads `-12.50`; with `exponent`, also the `1.25e3` that JSON allows. At most [`DIGITS_MAX`] digits.
    #[must_use]
    pub fn parse(text: &str, exponent: bool) -> Option<Self> {
        let (number, power) = match text.find(['e', 'E']) {
            Some(at) if exponent => {
                let (number, power) = text.split_at(at);
                (number, power.get(1..)?.parse::<i8>().ok()?)
            }
            _ => (text, 0),
        };
        let (negative, digits) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let dangling = digits.contains('.') && behind.is_empty();
        if whole.is_empty() || dangling || !all_digits(whole) || !all_digits(behind) {
            return None;
        }
        if whole.len().saturating_add(behind.len()) > DIGITS_MAX {
            return None;
        }
        let magnitude = number_of(number_of(0, whole)?, behind)?;
        let mantissa = if negative { magnitude.checked_neg()? } else { magnitude };
        let decimals = i16::try_from(behind.len()).ok()?.checked_sub(i16::from(power))?;
        if decimals < 0 {
            let raised = mantissa.checked_mul(power_of_ten(u8::try_from(decimals.checked_neg()?).ok()?)?)?;
            return Some(Self { mantissa: raised, decimals: 0 });
        }
        Some(Self { mantissa, decimals: u8::try_from(decimals).ok()? }.trimmed())
            .filter(|number| usize::from(number.decimals) <= DIGITS_MAX)
    }

    /// The same number without zeros at the end.
    #[must_use]
    pub fn trimmed(self) -> Self {
        let mut number = self;
        while number.decimals > 0 && ends_in_zero(number.mantissa) {
            number.mantissa = number.mantissa.checked_div(10).unwrap_or(0);
            number.decimals = number.decimals.saturating_sub(1);
        }
        number
    }

    /// The mantissa at another count of decimals, if no digit is lost.
    #[must_use]
    pub fn at_decimals(self, decimals: u8) -> Option<i128> {
        let own = if self.decimals > decimals { self.trimmed() } else { self };
        own.mantissa.checked_mul(power_of_ten(decimals.checked_sub(own.decimals)?)?)
    }

    /// One unit in the last decimal, as a fraction.
    #[must_use]
    pub fn step(self) -> Option<Ratio> {
        Ratio::new(1, power_of_ten(self.decimals)?)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let decimals = usize::from(self.decimals);
        let padded = format!("{digits:0>width$}", width = decimals.saturating_add(1));
        let (whole, behind) = padded.split_at(padded.len().saturating_sub(decimals));
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if behind.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{behind}") }
    }
}

/// Ten to a power, while it fits.
#[must_use]
pub fn power_of_ten(power: u8) -> Option<i128> {
    let power = u32::from(power);
    10_i64.checked_pow(power).map(i128::from).or_else(|| 10_i128.checked_pow(power))
}

/// Most numbers fit 64 bits, which divide faster.
fn ends_in_zero(number: i128) -> bool {
    match i64::try_from(number) {
        Ok(small) => small.checked_rem(10) == Some(0),
        Err(_) => number.checked_rem(10) == Some(0),
    }
}

/// A number with further digits behind it.
fn number_of(so_far: i128, digits: &str) -> Option<i128> {
    // Eighteen digits fit 64 bits, which are faster.
    let (head, tail) = digits.split_at(digits.len().min(18));
    let small = head.bytes().fold(0_i64, |number, digit| {
        number.wrapping_mul(10).wrapping_add(i64::from(digit.wrapping_sub(b'0')))
    });
    let lifted = so_far.checked_mul(power_of_ten(u8::try_from(head.len()).ok()?)?)?;
    let number = lifted.checked_add(small.into())?;
    if tail.is_empty() { Some(number) } else { number_of(number, tail) }
}

/// A positive fraction in lowest terms: what one unit of a register is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    /// One.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// The fraction in lowest terms; both parts must be above zero.
    #[must_use]
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if numerator <= 0 || denominator <= 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        Some(Self {
            numerator: numerator.checked_div(divisor)?,
            denominator: denominator.checked_div(divisor)?,
        })
    }

    /// Upper part.
    #[must_use]
    pub fn numerator(self) -> i128 {
        self.numerator
    }

    /// Lower part.
    #[must_use]
    pub fn denominator(self) -> i128 {
        self.denominator
    }

    /// The reciprocal.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { numerator: self.denominator, denominator: self.numerator }
    }

    /// Product, while it fits.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        let left = Self::new(self.numerator, other.denominator)?;
        let right = Self::new(other.numerator, self.denominator)?;
        Self::new(
            left.numerator.checked_mul(right.numerator)?,
            left.denominator.checked_mul(right.denominator)?,
        )
    }

    /// Quotient, while it fits.
    #[must_use]
    pub fn over(self, other: Self) -> Option<Self> {
        self.times(other.inverse())
    }

    /// Power with any whole exponent, while it fits.
    #[must_use]
    pub fn power(self, exponent: i8) -> Option<Self> {
        let base = if exponent < 0 { self.inverse() } else { self };
        let count = u32::from(exponent.unsigned_abs());
        Self::new(base.numerator.checked_pow(count)?, base.denominator.checked_pow(count)?)
    }

    /// Whether this is above another, as long as the comparison fits.
    #[must_use]
    pub fn exceeds(self, other: Self) -> bool {
        self.over(other).is_some_and(|share| share.numerator > share.denominator)
    }

    /// The largest fraction of which both are whole multiples.
    #[must_use]
    pub fn common_step(self, other: Self) -> Option<Self> {
        let shared = greatest_common_divisor(self.denominator, other.denominator);
        let lift = other.denominator.checked_div(shared)?;
        let denominator = self.denominator.checked_mul(lift)?;
        let one = self.numerator.checked_mul(lift)?;
        let two = other.numerator.checked_mul(self.denominator.checked_div(shared)?)?;
        Self::new(greatest_common_divisor(one, two), denominator)
    }

    /// How many of `step` make up this, if a whole number.
    #[must_use]
    pub fn whole_multiple_of(self, step: Self) -> Option<i128> {
        self.over(step).filter(|count| count.denominator == 1).map(|count| count.numerator)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// Greatest common divisor of two numbers above zero.
fn greatest_common_divisor(one: i128, other: i128) -> i128 {
    let (mut large, mut small) = (one, other);
    while small != 0 {
        (large, small) = (small, large.checked_rem(small).unwrap_or(0));
    }
    large.max(1)
}

/// The way a rounding goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// Towards minus infinity.
    Down,
    /// Towards plus infinity.
    Up,
    /// To the nearest, a half away from zero.
    HalfUp,
    /// To the nearest, a half to the even neighbour.
    HalfEven,
}

impl Rounding {
    /// `numerator / denominator` as a whole number, rounded this way. The denominator must be above zero.
    #[must_use]
    pub fn divide(self, numerator: i128, denominator: i128) -> Option<i128> {
        if let (Ok(up), Ok(down)) = (i64::try_from(numerator), i64::try_from(denominator)) {
            return self.divide_narrow(up, down).map(i128::from);
        }
        if denominator <= 0 {
            return None;
        }
        let floor = numerator.checked_div_euclid(denominator)?;
        let rest = numerator.checked_rem_euclid(denominator)?;
        let past_half = rest.cmp(&denominator.checked_sub(rest)?);
        let up = self.goes_up(rest != 0, past_half, numerator > 0, floor.checked_rem(2) != Some(0));
        floor.checked_add(i128::from(up))
    }

    /// The same in 64 bits.
    #[must_use]
    pub(super) fn divide_narrow(self, numerator: i64, denominator: i64) -> Option<i64> {
        if denominator <= 0 {
            return None;
        }
        let floor = numerator.checked_div_euclid(denominator)?;
        let rest = numerator.checked_rem_euclid(denominator)?;
        let past_half = rest.cmp(&denominator.checked_sub(rest)?);
        let up = self.goes_up(rest != 0, past_half, numerator > 0, floor & 1 != 0);
        floor.checked_add(i64::from(up))
    }

    fn goes_up(self, has_rest: bool, past_half: Ordering, positive: bool, odd: bool) -> bool {
        match self {
            Self::Down => false,
            Self::Up => has_rest,
            Self::HalfUp => past_half.is_gt() || (past_half.is_eq() && positive),
            Self::HalfEven => past_half.is_gt() || (past_half.is_eq() && odd),
        }
    }
}

/// A number of steps as decimal text; where no decimal ends, rounded to six places and marked with `≈`.
#[must_use]
pub fn decimal_text(mantissa: i128, step: Ratio) -> String {
    let magnitude = mantissa.checked_abs().and_then(|count| Ratio::new(count, 1));
    let Some(value) = magnitude.and_then(|count| count.times(step)) else {
        return if mantissa == 0 { "0".to_owned() } else { format!("{mantissa}*{step}") };
    };
    let (without_twos, twos) = without(2, value.denominator);
    let (rest, fives) = without(5, without_twos);
    let (mark, decimals) = if rest == 1 { ("", twos.max(fives)) } else { ("≈", 6) };
    let scaled = power_of_ten(decimals)
        .and_then(|power| Ratio::new(power, 1)?.times(value))
        .and_then(|scaled| Rounding::HalfEven.divide(scaled.numerator, scaled.denominator));
    let Some(digits) = scaled else { return format!("{mantissa}*{step}") };
    let signed = if mantissa < 0 { digits.saturating_neg() } else { digits };
    format!("{mark}{}", Decimal { mantissa: signed, decimals }.trimmed())
}

/// A number above zero without a prime factor, and how often that divided it.
fn without(prime: i128, number: i128) -> (i128, u8) {
    let (mut rest, mut count) = (number, 0_u8);
    while rest.checked_rem(prime) == Some(0) {
        rest = rest.checked_div(prime).unwrap_or(1);
        count = count.saturating_add(1);
    }
    (rest, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        Decimal::parse(text, true).map(|number| number.to_string())
    }

    #[test]
    fn decimals_keep_their_digits() {
        assert_eq!(read("7.20").as_deref(), Some("7.2"));
        assert_eq!(read("-0.05").as_deref(), Some("-0.05"));
        assert_eq!(read("1.25e3").as_deref(), Some("1250"));
        assert_eq!(read("5E-3").as_deref(), Some("0.005"));
        for wrong in ["", "-", ".5", "5.", "1,000", "0x1", "1e", "1e999", "+1", "１", "NaN"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(Decimal::parse("1e3", false).is_none());
    }

    #[test]
    fn digits_are_bounded() {
        for (digits, accepted) in [(DIGITS_MAX - 1, true), (DIGITS_MAX, true), (DIGITS_MAX + 1, false)] {
            assert_eq!(Decimal::parse(&"9".repeat(digits), false).is_some(), accepted);
        }
    }

    #[test]
    fn roundings_go_their_way_on_both_sides_of_zero() {
        let table =
            [(7, 3, 4, 4, 4), (5, 2, 3, 3, 2), (-5, -3, -2, -3, -2), (4, 2, 2, 2, 2), (3, 1, 2, 2, 2)];
        for (numerator, down, up, half_up, half_even) in table {
            assert_eq!(Rounding::Down.divide(numerator, 2), Some(down));
            assert_eq!(Rounding::Up.divide(numerator, 2), Some(up));
            assert_eq!(Rounding::HalfUp.divide(numerator, 2), Some(half_up));
            assert_eq!(Rounding::HalfEven.divide(numerator, 2), Some(half_even), "{numerator}");
        }
        assert_eq!(Rounding::Down.divide(1, 0), None);
        assert_eq!(Rounding::Down.divide(i128::MIN, 1), Some(i128::MIN));
    }

    #[test]
    fn steps_align_exactly() {
        let minute = Ratio::new(60, 1).unwrap();
        let per_hour = Ratio::new(1, 3600).unwrap();
        assert_eq!(minute.times(per_hour), Ratio::new(1, 60));
        let common = Ratio::new(1, 6).unwrap().common_step(Ratio::new(1, 10).unwrap()).unwrap();
        assert_eq!(common, Ratio::new(1, 30).unwrap());
        assert_eq!(Ratio::new(1, 6).unwrap().whole_multiple_of(common), Some(5));
        assert_eq!(decimal_text(467, Ratio::new(1, 10).unwrap()), "46.7");
        assert_eq!(decimal_text(1, Ratio::new(1, 3).unwrap()), "≈0.333333");
    }
}
