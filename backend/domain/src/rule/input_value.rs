//! The values of an event once they are read: exact, in the units that the action declares.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::exact::Decimal;
use super::section::Quantity;
use super::unit::Unit;

/// One value of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum InputValue {
    /// A number in the unit that the action declares.
    Number {
        /// Exact, without zeros at the end.
        number: Decimal,
        /// The declared unit.
        unit: Unit,
    },
    /// Yes or no.
    YesNo(bool),
    /// One of the options.
    Choice(String),
    /// An identifier; empty where the event names none.
    Id(String),
}

impl fmt::Display for InputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { number, unit } if *unit == Unit::PERCENT => write!(f, "{number}%"),
            Self::Number { number, unit } => write!(f, "{number} {unit}"),
            Self::YesNo(holds) => f.write_str(if *holds { "yes" } else { "no" }),
            Self::Choice(word) => f.write_str(word),
            Self::Id(id) => write!(f, "#{id}"),
        }
    }
}

impl InputValue {
    /// Reads what `Display` writes.
    fn parse(written: &str) -> Option<Self> {
        match written {
            "yes" => return Some(Self::YesNo(true)),
            "no" => return Some(Self::YesNo(false)),
            _ => {}
        }
        if let Some(id) = written.strip_prefix('#') {
            return Some(Self::Id(id.to_owned()));
        }
        if written.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-') {
            let Quantity { number, unit } = Quantity::parse(written).ok()?;
            return Some(Self::Number { number: number.trimmed(), unit });
        }
        Some(Self::Choice(written.to_owned()))
    }
}

/// All inputs of one event, canonical: declared units, defaults filled in, ordered by name. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs(Arc<[(Arc<str>, InputValue)]>);

impl Inputs {
    /// The value of one input.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&InputValue> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
    }

    /// The value of one input for display, as in `7.2 km`.
    #[must_use]
    pub fn get_text(&self, name: &str) -> Option<String> {
        self.get(name).map(ToString::to_string)
    }

    /// All inputs by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &InputValue)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

/// Of distinct names.
impl FromIterator<(Arc<str>, InputValue)> for Inputs {
    fn from_iter<Values: IntoIterator<Item = (Arc<str>, InputValue)>>(values: Values) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_unstable_by(|(one, _): &(Arc<str>, InputValue), (other, _)| one.cmp(other));
        Self(values.into())
    }
}

impl Serialize for Inputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(name, value)| (name, value.to_string())))
    }
}

impl<'de> Deserialize<'de> for Inputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
        let read = |(name, written): (String, String)| match InputValue::parse(&written) {
            Some(value) => Ok((Arc::from(name), value)),
            None => Err(serde::de::Error::custom(format!("`{name}` is not an input value"))),
        };
        texts.into_iter().map(read).collect()
    }
}
