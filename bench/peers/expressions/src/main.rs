//! Random expressions without units, computed by tanhui, by zen-expression and by dsntk's FEEL:
//! `peer-expressions [COUNT [SEED]]`. Numbers stay within 24 digits, which all three keep exactly.
//!
//! Ends with code 1 where tanhui has no result, or where another language has none or one that differs.
//! FEEL's `round ...` functions are counted apart and do not decide: dsntk gives `round half down(28.55, 0)`
//! as 28, `round down(0.12, 1)` as 1 and `round up(0, 2)` as null.

mod expression;

use std::error::Error;
use std::process::ExitCode;

use dsntk_feel::FeelScope;
use rust_decimal::Decimal;
use zen_types::variable::Variable;

use expression::{Dice, Expression};

/// Expressions that are shown where they differ.
const SHOWN_MAX: u64 = 3;

/// A result in one form: a number without zeros at its end, or `true` or `false`.
fn plain(text: &str) -> Option<String> {
    if text == "true" || text == "false" {
        return Some(text.to_owned());
    }
    let number = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text)).ok()?;
    Some(number.normalize().to_string())
}

fn ours(text: &str) -> Option<String> {
    plain(&tanhui_domain::rule::evaluate_expression(text, &[]).ok()?)
}

fn zen(text: &str) -> Option<String> {
    match zen_expression::evaluate_expression(text, Variable::empty_object()).ok()? {
        Variable::Number(number) => plain(&number.to_string()),
        Variable::Bool(holds) => Some(holds.to_string()),
        _ => None,
    }
}

fn dsntk(scope: &FeelScope, text: &str) -> Option<String> {
    let node = dsntk_feel_parser::parse_textual_expression(scope, text, false).ok()?;
    plain(&dsntk_feel_evaluator::evaluate(scope, &node).to_string())
}

/// How one language compares.
#[derive(Default)]
struct Count {
    same: u64,
    none: u64,
    differing: u64,
}

impl Count {
    fn take(&mut self, text: &str, wanted: &str, found: Option<String>) {
        match found {
            Some(found) if found == wanted => self.same += 1,
            Some(found) => {
                self.differing += 1;
                if self.differing <= SHOWN_MAX {
                    println!("{text}\n  tanhui {wanted}, here {found}");
                }
            }
            None => self.none += 1,
        }
    }

    fn agrees(&self) -> bool {
        self.none == 0 && self.differing == 0
    }

    fn tell(&self, name: &str) {
        let Self { same, none, differing } = self;
        println!("{name}: {same} the same, {differing} differ, {none} without a result there");
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let count: u64 = words.next().map_or(Ok(100_000), |word| word.parse())?;
    let mut dice = Dice(words.next().map_or(Ok(1), |word| word.parse())?);
    let scope = FeelScope::default();
    let (mut by_zen, mut by_dsntk, mut rounded) = (Count::default(), Count::default(), Count::default());
    let mut without = 0_u64;
    for _ in 0..count {
        let expression = Expression::random(&mut dice);
        let text = expression.feel();
        let Some(wanted) = ours(&text) else {
            without += 1;
            if without <= SHOWN_MAX {
                println!("{text}\n  tanhui {:?}", tanhui_domain::rule::evaluate_expression(&text, &[]));
            }
            continue;
        };
        let count = if text.contains("round ") { &mut rounded } else { &mut by_dsntk };
        count.take(&text, &wanted, dsntk(&scope, &text));
        if let Some(text) = expression.zen() {
            by_zen.take(&text, &wanted, zen(&text));
        }
    }
    println!("{count} expressions, {without} without a result by tanhui");
    by_zen.tell("zen-expression 2.1.6");
    by_dsntk.tell("dsntk 0.3.0 (FEEL)");
    rounded.tell("dsntk 0.3.0 (FEEL), with `round ...` functions");
    let agree = without == 0 && by_zen.agrees() && by_dsntk.agrees();
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
