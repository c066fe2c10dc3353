//! One formula on its own, as a calculator: an exact decimal with its unit, or why there is none.

use super::check::{Checker, Scope, Type, Value, date_number, time_number};
use super::diagnostic::{Finding, text};
use super::exact::{Ratio, decimal_text};
use super::parse::parse;
use super::program::Program;
use super::token::{Word, tokens};
use super::unit::{Unit, is_unit_name};
use crate::text::Text;

/// Most values given to one expression.
pub const BINDINGS_MAX: usize = 100;

/// Evaluates a formula, with values for its names such as `("distance", "7.2 km")`; else tells why not, with
/// the cure.
pub fn evaluate_expression(formula: &str, with: &[(String, String)]) -> Result<String, Text> {
    compute(formula, with).map_err(|Finding { message, help, .. }| match help {
        Some(help) => {
            Text::new(format!("{} ({})", message.zh, help.zh), format!("{} ({})", message.en, help.en))
        }
        None => message,
    })
}

fn compute(formula: &str, with: &[(String, String)]) -> Result<String, Finding> {
    if with.len() > BINDINGS_MAX {
        return Err(Finding::new(text!("值超过 {BINDINGS_MAX} 个", "more than {BINDINGS_MAX} values")));
    }
    let (formula, with) = &spaceless(formula, with);
    let mut program = Program::default();
    let mut scope = Scope::default();
    let formula = parse(formula)?;
    let options: Vec<String> = formula
        .words()
        .filter(|word| !is_unit_name(word) && !with.iter().any(|(name, _)| name == word))
        .collect();
    for (name, written) in with {
        if scope.names.contains_key(name) {
            return Err(Finding::new(text!("`{name}` 给了两次值", "`{name}` is given twice")));
        }
        let value = bind(&mut program, written, &options)?;
        scope.names.insert(name.clone(), value);
    }
    let mut checker = Checker { program: &mut program, scope: &scope, dividing: true, ordered: Vec::new() };
    let value = checker.check(&formula.tree)?;
    let result = program.run(&[]).get(value.register);
    let shown = match value.kind {
        Type::YesNo => (result != 0).to_string(),
        Type::Number(_) | Type::Choice(_) | Type::Date | Type::Time => {
            value_text(result, &value.kind, value.step)
        }
    };
    if value.divisor.is_some() || shown.starts_with('≈') {
        let found = text!("结果不是有限小数", "the result is not a finite decimal");
        let help = text!(
            "请写明如何取整, 如 `1 / 3, rounded half even to 0.01`",
            "say how it is rounded, as in `1 / 3, rounded half even to 0.01`"
        );
        return Err(Finding::new(found).help(help));
    }
    Ok(shown)
}

/// Names with blanks, as in `Monthly Fee`, joined by `_` wherever they stand; longer ones first.
fn spaceless(formula: &str, with: &[(String, String)]) -> (String, Vec<(String, String)>) {
    let mut with = with.to_vec();
    with.sort_by_key(|(name, _)| std::cmp::Reverse(name.chars().count()));
    let mut formula = formula.to_owned();
    for (name, _) in &mut with {
        let joined = name.split_whitespace().collect::<Vec<_>>().join("_");
        if joined != *name {
            formula = formula.replace(name.as_str(), &joined);
            *name = joined;
        }
    }
    (formula, with)
}

/// A value as given: a literal of the language, or a word that may be compared with the formula's own.
fn bind(program: &mut Program, written: &str, options: &[String]) -> Result<Value, Finding> {
    let (negative, literal) = match written.trim().strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, written.trim()),
    };
    let words = tokens(literal)?;
    let shown: String = written.chars().take(40).collect();
    let not_one = || Finding::new(text!("`{shown}` 不是一个值", "`{shown}` is not a value"));
    let [first, _] = words.as_slice() else { return Err(not_one()) };
    let (mantissa, kind, step) = match &first.word {
        Word::Number(number, unit) => {
            let number = number.trimmed();
            let step = number.step().zip(unit.factor()).and_then(|(step, factor)| step.times(factor));
            let mantissa = if negative { number.mantissa.saturating_neg() } else { number.mantissa };
            (mantissa, Type::Number(*unit), step.ok_or_else(not_one)?)
        }
        Word::Date(date) if !negative => (date_number(*date), Type::Date, Ratio::ONE),
        Word::Time(time) if !negative => (time_number(*time), Type::Time, Ratio::ONE),
        Word::Name(name) if !negative && ["yes", "true"].contains(&name.as_str()) => {
            (1, Type::YesNo, Ratio::ONE)
        }
        Word::Name(name) if !negative && ["no", "false"].contains(&name.as_str()) => {
            (0, Type::YesNo, Ratio::ONE)
        }
        Word::Quoted(word) | Word::Name(word) if !negative => {
            let all = std::iter::once(word).chain(options.iter().filter(|option| *option != word));
            (0, Type::Choice(all.cloned().collect()), Ratio::ONE)
        }
        Word::Date(_) | Word::Time(_) | Word::Quoted(_) | Word::Name(_) | Word::Symbol(_) | Word::End => {
            return Err(not_one());
        }
    };
    let register = program.constant(mantissa).map_err(|_| not_one())?;
    Ok(Value::new(register, kind, step))
}

/// A register's content as text, with its unit.
pub(super) fn value_text(content: i128, kind: &Type, step: Ratio) -> String {
    match kind {
        Type::Number(unit) => {
            let number = unit.factor().and_then(|factor| step.over(factor));
            let number = number.map_or_else(|| "?".to_owned(), |step| decimal_text(content, step));
            match *unit {
                Unit::NONE => number,
                Unit::PERCENT => format!("{number}%"),
                unit if unit.is_plain() => number,
                unit => format!("{number} {unit}"),
            }
        }
        Type::YesNo => (if content == 0 { "no" } else { "yes" }).to_owned(),
        Type::Choice(options) => {
            usize::try_from(content).ok().and_then(|place| options.get(place)).cloned().unwrap_or_default()
        }
        Type::Date => i32::try_from(content)
            .ok()
            .and_then(chrono::NaiveDate::from_num_days_from_ce_opt)
            .map_or_else(String::new, |date| date.to_string()),
        Type::Time => u32::try_from(content)
            .ok()
            .and_then(|seconds| chrono::NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0))
            .map_or_else(String::new, |time| time.format("%H:%M:%S").to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eval(formula: &str) -> String {
        evaluate_expression(formula, &[]).unwrap_or_else(|told| format!("error: {}", told.en))
    }

    #[test]
    fn it_calculates_exactly() {
        for (formula, expected) in [
            ("3.2 * 2", "6.4"),
            ("0.1 + 0.2", "0.3"),
            ("7.2 km * 46.7 gCO2e/km", "336.24 gCO2e"),
            ("1 km + 1 m", "1.001 km"),
            ("2 h + 30 min", "2.5 h"),
            ("20 pt/h * 90 min", "30 pt"),
            ("50% * 3 pt", "1.5 pt"),
            ("1 / 8", "0.125"),
            ("-7 / -2", "3.5"),
            ("1 / 3 * 3", "1"),
            ("1 / 3, rounded half even to 0.01", "0.33"),
            ("2.5 rounded half even to 1", "2"),
            ("2.5 rounded half up to 1", "3"),
            ("-2.5 rounded down to 1", "-3"),
            ("-2.5 rounded up to 1", "-2"),
            ("17 pt, rounded down to 5 pt", "15 pt"),
            ("max(1 km, 999 m)", "1 km"),
            ("if 2 kg > 1999 g then 1 pt else 0 pt", "1 pt"),
            ("3 in [1 .. 3)", "false"),
            ("3 in [1 .. 3]", "true"),
            ("1 in (1 .. 3)", "false"),
            ("2 in [1, 2]", "true"),
            ("07:30 in [07:00 .. 09:00)", "true"),
            ("2026-01-31 < 2026-02-01", "true"),
            ("not yes or no", "false"),
            ("1 m2 + 1 m2", "2 m2"),
        ] {
            assert_eq!(eval(formula), expected, "{formula}");
        }
    }

    #[test]
    fn it_says_why_not() {
        for (formula, expected) in [
            ("1 / 3", "not a finite decimal"),
            ("1 / 0", "the divisor may be zero or below"),
            ("1 km + 1 kg", "km and kg cannot be added"),
            ("1 kgCO2e + 1 kg", "kgCO2e and kg cannot be added"),
            ("1 km + 1", "km and a plain number cannot be added"),
            ("x", "there is no name `x`"),
            ("1 km and yes", "expected yes or no, found a number in km"),
            ("999999999999999999999999999999 * 999999999999999999999999999999", "can grow past"),
            ("10 gCO2e / pt", "`pt` is a unit, not a name"),
        ] {
            assert!(eval(formula).contains(expected), "{formula}: {}", eval(formula));
        }
    }

    #[test]
    fn names_take_their_values() {
        let with = [("d".to_owned(), "7.2 km".to_owned()), ("f".to_owned(), "-2 gCO2e/km".to_owned())];
        assert_eq!(evaluate_expression("d * f", &with).unwrap(), "-14.4 gCO2e");
        let with = [("kind".to_owned(), "red".to_owned())];
        assert_eq!(evaluate_expression("kind = red and not kind in [blue, green]", &with).unwrap(), "true");
        assert_eq!(evaluate_expression("kind != blue", &with).unwrap(), "true");
        let with = [("x".to_owned(), "false".to_owned()), ("y".to_owned(), "yes".to_owned())];
        assert_eq!(evaluate_expression("x or y", &with).unwrap(), "true");
        let with = [("kind".to_owned(), "red".to_owned())];
        assert!(evaluate_expression("knid = red", &with).unwrap_err().en.contains("there is no name `knid`"));
    }

    proptest! {
        #[test]
        fn random_formulas_never_panic(formula in "[0-9a-c .,()<>=+*/%\\[\\]-]{0,60}|[0-9]{1,30}( [*/+-] \
        [0-9.]{1,30}){0,6}") {
            let _ = evaluate_expression(&formula, &[]);
        }
    }
}
