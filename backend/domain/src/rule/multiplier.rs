//! Multipliers of an action and how they stack with one another and with campaigns. Must never touch grams.

use super::diagnostic::{Finding, text};
use super::exact::{Decimal, Ratio, power_of_ten};
use super::section::{Located, Reading};
use super::yaml::Node;
use crate::text::Text;

/// Most multipliers of one action.
pub const MULTIPLIERS_MAX: usize = 12;
/// Greatest factor of one multiplier or campaign.
pub const TIMES_MAX: i128 = 100;
/// Most decimals of such a factor.
pub const TIMES_DECIMALS_MAX: u8 = 3;

/// What becomes of several factors that hold at once. Multipliers come before campaigns, each in the order
/// of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stacking {
    /// The greatest counts.
    Highest,
    /// Their product counts.
    Multiply,
    /// The first counts.
    First,
}

impl Stacking {
    /// The factor so far with one more that holds; none where the numbers grow too large.
    pub(super) fn joined(self, so_far: Option<Ratio>, next: Ratio) -> Option<Ratio> {
        let Some(so_far) = so_far else { return Some(next) };
        match self {
            Self::First => Some(so_far),
            Self::Multiply => so_far.times(next),
            Self::Highest => Some(if next.exceeds(so_far) { next } else { so_far }),
        }
    }
}

/// How often points count while a condition holds.
#[derive(Debug, Clone)]
pub struct Multiplier {
    pub(super) id: String,
    pub(super) name: Text,
    pub(super) when: Located,
    pub(super) times: Times,
}

impl Multiplier {
    /// Its id in the file.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name for citizens; its id where the file gives none.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The condition as written.
    #[must_use]
    pub fn formula(&self) -> &str {
        &self.when.formula.source
    }

    /// Its factor.
    #[must_use]
    pub fn times(&self) -> Decimal {
        self.times.written
    }
}

/// A factor as written and as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) written: Decimal,
    pub(super) ratio: Ratio,
}

pub(super) const STACKINGS: [(&str, Stacking); 3] =
    [("highest", Stacking::Highest), ("multiply", Stacking::Multiply), ("first", Stacking::First)];

/// Reads the multipliers of one action.
pub(super) fn read_multipliers(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
) -> Option<(Stacking, Vec<Multiplier>)> {
    let mut section = reading.section(node, path)?;
    let step = section.step("stacking");
    let stacking =
        section.required("stacking", reading).and_then(|node| reading.choice(node, &step, &STACKINGS));
    let entries: Vec<_> = section.entries().iter().filter(|(key, _)| key.text != "stacking").collect();
    if entries.is_empty() || entries.len() > MULTIPLIERS_MAX {
        let found =
            text!("应有 1 至 {MULTIPLIERS_MAX} 个倍数", "expected 1 to {MULTIPLIERS_MAX} multipliers");
        reading.error(node.place, path, Finding::new(found));
        return None;
    }
    let mut all = Some(Vec::new());
    for (key, node) in entries {
        let step = section.step(&key.text);
        let named = reading.name(&key.text, key.place, &step);
        match (read_multiplier(reading, &key.text, node, &step).filter(|_| named), &mut all) {
            (Some(multiplier), Some(multipliers)) => multipliers.push(multiplier),
            (None, _) => all = None,
            (Some(_), None) => {}
        }
    }
    Some((stacking?, all?))
}

fn read_multiplier(reading: &mut Reading<'_>, id: &str, node: &Node, path: &str) -> Option<Multiplier> {
    let mut section = reading.section(node, path)?;
    let name = read_name(reading, section.optional("name"), id, path);
    let when = section.required("when", reading).and_then(|node| reading.formula(node, path));
    let times = section.required("times", reading).and_then(|node| read_times(reading, node, path));
    section.finish(&[], reading);
    Some(Multiplier { id: id.to_owned(), name: name?, when: when?, times: times? })
}

/// A name for citizens, or the id in its place.
pub(super) fn read_name(
    reading: &mut Reading<'_>,
    node: Option<&Node>,
    id: &str,
    path: &str,
) -> Option<Text> {
    match node {
        Some(node) => reading.text(node, path),
        None => Some(Text::new(id, id)),
    }
}

/// A plain number above zero.
pub(super) fn read_times(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Times> {
    let written = reading.scalar(node, path)?;
    let number = Decimal::parse(written, false).map(Decimal::trimmed);
    let fits = |number: &Decimal| {
        let most = power_of_ten(number.decimals).and_then(|unit| unit.checked_mul(TIMES_MAX));
        number.decimals <= TIMES_DECIMALS_MAX && most.is_some_and(|most| number.mantissa <= most)
    };
    let times = number.filter(fits).and_then(|written| {
        let ratio = Ratio::new(written.mantissa, power_of_ten(written.decimals)?)?;
        Some(Times { written, ratio })
    });
    if times.is_none() {
        let shown: String = written.chars().take(40).collect();
        let found = text!("`{shown}` 不是倍数", "`{shown}` is not a factor");
        let help = text!(
            "应大于 0, 至多 {TIMES_MAX}, 至多 {TIMES_DECIMALS_MAX} 位小数, 如 1.5",
            "above 0, at most {TIMES_MAX}, at most {TIMES_DECIMALS_MAX} decimals, as in 1.5"
        );
        reading.error(node.place, path, Finding::new(found).help(help));
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_stack_as_declared() {
        let ratio = |up, down| Ratio::new(up, down).unwrap();
        let joined = |stacking: Stacking| {
            let all = [ratio(3, 2), ratio(2, 1), ratio(1, 2)];
            all.into_iter().fold(None, |so_far, next| stacking.joined(so_far, next))
        };
        assert_eq!(joined(Stacking::Highest), Some(ratio(2, 1)));
        assert_eq!(joined(Stacking::Multiply), Some(ratio(3, 2)));
        assert_eq!(joined(Stacking::First), Some(ratio(3, 2)));
        assert_eq!(Stacking::Highest.joined(None, ratio(1, 2)), Some(ratio(1, 2)));
    }
}
