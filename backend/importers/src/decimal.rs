//! Decimal numbers as files write them, read exactly, rounded once and half to even. No floats.

use std::str::FromStr;

const PLACES: u32 = 24;
const ONE: i128 = 10_i128.pow(PLACES);
const TEXT_BYTES_MAX: usize = 80;

/// An exact decimal with 24 places, up to about 10^14. Digits beyond the 24th place are dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

/// The text is not a decimal number within range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number")]
pub struct NotDecimal;

impl FromStr for Decimal {
    type Err = NotDecimal;

    /// Reads `12`, `-0.46799999999999997`, `.5`, `1.2e-05`.
    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        parse(text).ok_or(NotDecimal)
    }
}

fn parse(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned.len() > TEXT_BYTES_MAX {
        return None;
    }
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i16>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut power =
        i64::try_from(whole.len()).ok()?.checked_add(exponent.into())?.checked_add(PLACES.into())?;
    let mut sum: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        power = power.checked_sub(1)?;
        let digit = char::from(byte).to_digit(10)?;
        if digit != 0 && power >= 0 {
            let unit = 10_i128.checked_pow(u32::try_from(power).ok()?)?;
            sum = sum.checked_add(unit.checked_mul(digit.into())?)?;
        }
    }
    Some(Decimal(if negative { sum.checked_neg()? } else { sum }))
}

impl Decimal {
    /// A whole number.
    #[must_use]
    pub fn whole(number: i32) -> Self {
        Self(i128::from(number).saturating_mul(ONE))
    }

    /// Below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The sum, `None` beyond the range.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, `None` beyond the range.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The product with a whole number, `None` beyond the range.
    #[must_use]
    pub fn checked_times(self, factor: i64) -> Option<Self> {
        self.0.checked_mul(factor.into()).map(Self)
    }

    /// `self * multiply / divide` as a whole number, half to even; `None` beyond the range or for `divide` 0.
    #[must_use]
    pub fn rounded(self, multiply: i64, divide: i64) -> Option<i64> {
        let dividend = self.0.checked_mul(multiply.into())?;
        let divisor = ONE.checked_mul(divide.into())?;
        let floor = dividend.checked_div_euclid(divisor)?;
        let rest_twice = dividend.checked_rem_euclid(divisor)?.checked_mul(2)?;
        let odd = floor.checked_rem_euclid(2)? == 1;
        let up = rest_twice > divisor || (rest_twice == divisor && odd);
        i64::try_from(floor.checked_add(i128::from(up))?).ok()
    }
}

/// Thousandths as decimal text with three places: metres to km, watt-hours to kWh, grams to kg.
pub(crate) fn thousandths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let size = value.unsigned_abs();
    format!("{sign}{}.{:03}", size.checked_div(1000).unwrap_or(0), size.checked_rem(1000).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milli(text: &str) -> Option<i64> {
        text.parse::<Decimal>().ok()?.rounded(1000, 1)
    }

    #[test]
    fn texts_are_read_exactly_and_rounded_half_to_even() {
        for (text, expected) in [
            ("7.245", Some(7245)),
            ("0.46799999999999997", Some(468)),
            ("13162.00", Some(13_162_000)),
            ("-0.0005", Some(0)),
            ("-0.0015", Some(-2)),
            ("0.0025", Some(2)),
            ("0.0035", Some(4)),
            ("0.00250000000000000000001", Some(3)),
            (".5", Some(500)),
            ("5.", Some(5000)),
            ("1.2e-02", Some(12)),
            ("1.2E3", Some(1_200_000)),
            ("+3", Some(3000)),
            ("1e-400", Some(0)),
            ("", None),
            (".", None),
            ("-", None),
            ("NA", None),
            ("1,5", None),
            ("0x10", None),
            ("1e", None),
            ("１", None),
            ("1e400", None),
        ] {
            assert_eq!(milli(text), expected, "{text}");
        }
    }

    #[test]
    fn the_range_ends_where_it_says() {
        let largest = "170141183460469";
        assert!(largest.parse::<Decimal>().is_ok());
        assert!("170141183460470".parse::<Decimal>().is_err());
        assert!(format!("0.{}", "1".repeat(TEXT_BYTES_MAX - 2)).parse::<Decimal>().is_ok());
        assert!(format!("0.{}", "1".repeat(TEXT_BYTES_MAX - 1)).parse::<Decimal>().is_err());
        assert_eq!(Decimal::whole(1).rounded(1, 0), None);
    }

    #[test]
    fn thousandths_keep_three_places() {
        assert_eq!(thousandths(7200), "7.200");
        assert_eq!(thousandths(5), "0.005");
        assert_eq!(thousandths(-12_345), "-12.345");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = text.parse::<Decimal>();
        }

        #[test]
        fn three_places_come_back_unchanged(value in -1_000_000_000_i64..1_000_000_000) {
            proptest::prop_assert_eq!(milli(&thousandths(value)), Some(value));
        }
    }
}
