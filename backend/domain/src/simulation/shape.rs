//! How the integers of a kept event are to be read: the inputs of each action as they were when it was kept.

use serde::{Deserialize, Serialize};

use crate::rule::{Action, Decimal, InputKind, InputValue, Inputs, RuleSet, Unit};

/// One input as it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Number {
        unit: String,
        decimals: u8,
    },
    YesNo,
    Choice {
        of: Vec<String>,
    },
    /// Its slot holds the number that the identifier goes by.
    Id,
}

/// The inputs of one action, in the order of their slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    action: String,
    pub(super) inputs: Vec<(String, Kind)>,
}

impl Shape {
    /// The inputs of an action as it stands.
    #[must_use]
    pub fn of(action: &Action) -> Self {
        let kind = |kind: &InputKind| match kind {
            InputKind::Number(number) => {
                Kind::Number { unit: number.unit().to_string(), decimals: number.decimals() }
            }
            InputKind::YesNo => Kind::YesNo,
            InputKind::Choice(options) => Kind::Choice { of: options.to_vec() },
            InputKind::Id => Kind::Id,
        };
        let inputs = action.inputs().iter().map(|spec| (spec.name().to_owned(), kind(spec.kind())));
        Self { action: action.id().to_owned(), inputs: inputs.collect() }
    }

    /// Id of the action.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// How many slots its inputs take.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.inputs.len()
    }

    /// The inputs that slots stand for, identifiers by a number in place of their name; none where they stand
    /// for none.
    #[must_use]
    pub fn inputs(&self, slots: &[i64]) -> Option<Inputs> {
        if slots.len() != self.inputs.len() {
            return None;
        }
        let value =
            |((name, kind), slot): (&(String, Kind), &i64)| Some((name.as_str().into(), kind.value(*slot)?));
        self.inputs.iter().zip(slots).map(value).collect()
    }
}

impl Kind {
    fn value(&self, slot: i64) -> Option<InputValue> {
        match self {
            Self::Number { unit, decimals } => {
                let number = Decimal { mantissa: i128::from(slot), decimals: *decimals };
                Unit::named(unit).map(|unit| InputValue::Number { number: number.trimmed(), unit })
            }
            Self::YesNo => Some(InputValue::YesNo(slot != 0)),
            Self::Id if slot == 0 => Some(InputValue::Id(String::new())),
            Self::Id => Some(InputValue::Id(format!("{slot:016x}"))),
            Self::Choice { of } => {
                let option = usize::try_from(slot).ok().and_then(|place| of.get(place));
                option.map(|word| InputValue::Choice(word.clone()))
            }
        }
    }
}

/// All that is needed to read kept events: shapes by their number, districts by theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The time zone that days and seconds are told in.
    pub timezone: String,
    /// The shapes that rows name by their place.
    pub shapes: Vec<Shape>,
    /// The districts that rows name by their place plus one; zero is none.
    pub districts: Vec<String>,
}

/// Kept events do not fit the rules that they are to be played against.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Days would begin elsewhere.
    #[error("the events are kept in the time zone {kept}, the rules are in {rules}")]
    OtherTimezone {
        /// Of the events.
        kept: String,
        /// Of the rules.
        rules: String,
    },
}

impl Schema {
    /// The shapes of rule sets, each once, those of the first rule set first.
    pub fn of(rules: &[&RuleSet], districts: Vec<String>) -> Result<Self, SchemaError> {
        let timezone = rules.first().map(|rules| rules.timezone().to_string()).unwrap_or_default();
        let mut schema = Self { timezone, shapes: Vec::new(), districts };
        for rules in rules {
            schema.check(rules)?;
            for shape in rules.actions().map(Shape::of) {
                if !schema.shapes.contains(&shape) {
                    schema.shapes.push(shape);
                }
            }
        }
        Ok(schema)
    }

    /// Whether events kept so can be played against these rules.
    pub fn check(&self, rules: &RuleSet) -> Result<(), SchemaError> {
        let own = rules.timezone().to_string();
        if own == self.timezone {
            Ok(())
        } else {
            Err(SchemaError::OtherTimezone { kept: self.timezone.clone(), rules: own })
        }
    }

    /// The number of an action's shape; none where it is not among the shapes.
    #[must_use]
    pub fn shape_of(&self, action: &Action) -> Option<u16> {
        let shape = Shape::of(action);
        let place = self.shapes.iter().position(|known| *known == shape)?;
        u16::try_from(place).ok()
    }

    /// A district by its number; none for zero.
    pub(super) fn district(&self, number: u16) -> Option<&str> {
        let place = usize::from(number).checked_sub(1)?;
        self.districts.get(place).map(String::as_str)
    }
}
