//! What people type instead of what the language reads: full-width signs, Chinese units, dates in other
//! orders, numbers with exponents or thousands. Knows what was meant, and must never take it as written.

use chrono::{Datelike as _, Months, NaiveDate};

use super::diagnostic::text;
use super::exact::{Decimal, Ratio};
use crate::text::Text;

/// Units by what people call them.
const UNITS: [(&str, &str); 44] = [
    ("公里", "km"),
    ("千米", "km"),
    ("米", "m"),
    ("克", "g"),
    ("千克", "kg"),
    ("公斤", "kg"),
    ("吨", "t"),
    ("毫克", "mg"),
    ("度", "kWh"),
    ("度电", "kWh"),
    ("千瓦时", "kWh"),
    ("瓦时", "Wh"),
    ("兆瓦时", "MWh"),
    ("秒", "s"),
    ("分钟", "min"),
    ("小时", "h"),
    ("天", "d"),
    ("日", "d"),
    ("升", "L"),
    ("毫升", "mL"),
    ("立方米", "m3"),
    ("方", "m3"),
    ("平方米", "m2"),
    ("件", "item"),
    ("个", "item"),
    ("只", "item"),
    ("单", "order"),
    ("张", "sheet"),
    ("步", "step"),
    ("人", "person"),
    ("分", "pt"),
    ("积分", "pt"),
    ("元", "yuan"),
    ("points", "pt"),
    ("point", "pt"),
    ("hours", "h"),
    ("hour", "h"),
    ("minutes", "min"),
    ("mins", "min"),
    ("days", "d"),
    ("day", "d"),
    ("persons", "person"),
    ("RMB", "yuan"),
    ("liter", "L"),
];

/// The unit that a word from everyday speech stands for.
pub(super) fn meant_unit(word: &str) -> Option<&'static str> {
    UNITS.iter().find(|(said, _)| *said == word).map(|(_, unit)| *unit)
}

/// Whether a character is the wide form of an ASCII one, or one of the signs that Chinese keyboards give for
/// those.
pub(super) fn is_wide(letter: char) -> bool {
    narrow(letter) != letter
}

fn narrow(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => {
            let code = u32::from(letter).saturating_sub(0xfee0);
            char::from_u32(code).unwrap_or(letter)
        }
        '\u{3000}' => ' ',
        '。' => '.',
        '、' => ',',
        '“' | '”' => '"',
        '‘' | '’' => '\'',
        '【' => '[',
        '】' => ']',
        '—' | '–' | '−' => '-',
        letter => letter,
    }
}

/// The text in ASCII signs, if it held wide ones.
pub(super) fn narrowed(written: &str) -> Option<String> {
    written.contains(is_wide).then(|| written.chars().map(narrow).collect())
}

/// Advice for a text with wide signs.
pub(super) fn narrow_help(written: &str) -> Option<Text> {
    let narrow = narrowed(written)?;
    Some(text!("这里有全角字符, 请改成半角: `{narrow}`", "these are full-width signs; write `{narrow}`"))
}

/// Advice for a text that is almost a number with a unit.
pub(super) fn number_help(written: &str) -> Option<Text> {
    let meant = narrowed(written)
        .or_else(|| without_exponent(written))
        .or_else(|| without_thousands(written))
        .or_else(|| without_ten_thousands(written))
        .or_else(|| with_zero(written))?;
    Some(text!("请写 `{meant}`", "write `{meant}`"))
}

/// `1.5e3 kg` in full.
fn without_exponent(written: &str) -> Option<String> {
    let ends = |letter: char| !(letter.is_ascii_digit() || "-+.eE".contains(letter));
    let (number, unit) = written.split_at(written.find(ends).unwrap_or(written.len()));
    let number = number.trim_end_matches(['e', 'E']);
    let exact = Decimal::parse(&number.replace('+', ""), true).filter(|_| number.contains(['e', 'E']))?;
    let unit = unit.trim();
    Some(if unit.is_empty() { exact.to_string() } else { format!("{exact} {unit}") })
}

/// `1,000 pt` without its comma.
fn without_thousands(written: &str) -> Option<String> {
    let mut groups = written.split(',');
    let first = groups.next()?;
    let mut plain = first.to_owned();
    for group in groups {
        let three = group.len() >= 3 && group.bytes().take(3).all(|byte| byte.is_ascii_digit());
        plain.push_str(Some(group).filter(|_| three)?);
    }
    let whole = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    (whole && plain != written).then_some(plain)
}

/// `30万分` in full, with its unit.
fn without_ten_thousands(written: &str) -> Option<String> {
    let (times, (number, unit)) = [("万", 10_000), ("亿", 100_000_000)]
        .into_iter()
        .find_map(|(sign, times)| Some((times, written.split_once(sign)?)))?;
    let number = Decimal::parse(number.trim(), false)?;
    let count = number.step()?.times(Ratio::new(number.mantissa.checked_mul(times)?, 1)?)?;
    let unit = unit.trim();
    let unit = meant_unit(unit).unwrap_or(unit);
    (count.denominator() == 1).then(|| format!("{} {unit}", count.numerator()).trim_end().to_owned())
}

/// `.5 km` with its zero.
fn with_zero(written: &str) -> Option<String> {
    let behind = written.strip_prefix('.')?;
    behind.starts_with(|letter: char| letter.is_ascii_digit()).then(|| format!("0.{behind}"))
}

/// A date in another order or with other signs, where it can only mean one day.
pub(super) fn meant_date(written: &str) -> Option<NaiveDate> {
    let (year, month, day) = date_parts(written)?;
    NaiveDate::from_ymd_opt(year, month, day)
}

/// Advice for a day that its month does not have.
pub(super) fn last_day_help(written: &str) -> Option<Text> {
    let (year, month, day) = date_parts(written)?;
    let first = NaiveDate::from_ymd_opt(year, month, 1).filter(|_| (29..=31).contains(&day))?;
    let last = first.checked_add_months(Months::new(1))?.pred_opt()?.day();
    Some(text!("{year} 年 {month} 月只有 {last} 天", "month {month} of {year} has {last} days"))
}

/// Year, month and day.
fn date_parts(written: &str) -> Option<(i32, u32, u32)> {
    let written = narrowed(written).unwrap_or_else(|| written.to_owned());
    let parts: Vec<&str> = written
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|part| !part.is_empty() && part.len() <= 8)
        .collect();
    let number = |part: &str| part.parse::<u32>().ok();
    let (year, month, day) = match parts.as_slice() {
        [whole] if whole.len() == 8 => {
            (number(whole.get(..4)?)?, number(whole.get(4..6)?)?, number(whole.get(6..)?)?)
        }
        [year, month, day] if year.len() == 4 => (number(year)?, number(month)?, number(day)?),
        [one, other, year] if year.len() == 4 => match (number(one)?, number(other)?) {
            (month, day) if day > 12 => (number(year)?, month, day),
            (day, month) if day > 12 || day == month => (number(year)?, month, day),
            _ => return None,
        },
        _ => return None,
    };
    Some((i32::try_from(year).ok()?, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::unit::Unit;

    #[test]
    fn every_unit_meant_is_a_unit() {
        assert!(UNITS.iter().all(|(_, unit)| Unit::simple(unit).is_some()));
        assert_eq!(meant_unit("公里"), Some("km"));
        assert_eq!(meant_unit("km"), None);
    }

    #[test]
    fn numbers_are_recognised_in_other_clothes() {
        for (written, meant) in [
            ("４６．７ gCO2e/km", Some("46.7 gCO2e/km")),
            ("1e3 pt", Some("1000 pt")),
            ("4.67e1 gCO2e/km", Some("46.7 gCO2e/km")),
            ("5E-3 kg", Some("0.005 kg")),
            ("1,000 pt", Some("1000 pt")),
            ("12,345,678", Some("12345678")),
            (".5 km", Some("0.5 km")),
            ("1,5 km", None),
            ("30万分", Some("300000 pt")),
            ("1.5 亿 pt", Some("150000000 pt")),
            ("0.00001万分", None),
            ("abc", None),
            ("46.7 gCO2e/km", None),
        ] {
            assert_eq!(
                number_help(written).map(|help| help.en),
                meant.map(|meant| format!("write `{meant}`"))
            );
        }
    }

    #[test]
    fn dates_are_recognised_where_they_mean_one_day() {
        for (written, meant) in [
            ("2026/1/31", Some("2026-01-31")),
            ("2026年1月31日", Some("2026-01-31")),
            ("20260131", Some("2026-01-31")),
            ("31-01-2026", Some("2026-01-31")),
            ("01/31/2026", Some("2026-01-31")),
            ("２０２６-01-31", Some("2026-01-31")),
            ("01/02/2026", None),
            ("2026-02-30", None),
            ("soon", None),
        ] {
            assert_eq!(meant_date(written).map(|date| date.to_string()).as_deref(), meant, "{written}");
        }
        assert_eq!(last_day_help("2026/2/30").unwrap().en, "month 2 of 2026 has 28 days");
        assert_eq!(last_day_help("2024年2月30日").unwrap().zh, "2024 年 2 月只有 29 天");
        assert!(last_day_help("2026-13-30").is_none() && last_day_help("2026-06-32").is_none());
    }
}
