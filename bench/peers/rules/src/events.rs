//! The events that `tanhui bench rules` hands over, and what each must earn.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde::Deserialize;
use serde_json::value::RawValue;

/// One rule's events.
#[derive(Deserialize)]
pub struct Rule {
    /// Its name.
    pub rule: String,
    /// In order.
    pub events: Vec<Written>,
}

/// An event as it is handed over.
#[derive(Deserialize)]
pub struct Written {
    /// What the source sent, as JSON text.
    pub data: Box<RawValue>,
    /// Second of the day.
    pub second: i64,
    /// Civil day.
    pub day: i64,
    /// What was usual, in kWh.
    pub usual: Number,
    /// Points that it earns.
    pub points: i64,
}

/// A JSON number as its text.
#[derive(Deserialize, Clone)]
pub struct Number(Box<RawValue>);

/// A value in the types that engines take.
pub enum Value {
    Number(Decimal, f64),
    Word(String),
    Flag(bool),
}

/// An event with typed values.
pub struct Event {
    pub json: String,
    pub fields: Vec<(&'static str, Value)>,
    pub points: i64,
}

/// The names of all inputs of all rules.
const INPUTS: [&str; 8] = ["distance", "district", "weight", "kind", "clean", "made", "used", "persons"];

fn number(text: &str) -> Option<Value> {
    Some(Value::Number(Decimal::from_str_exact(text).ok()?, text.parse().ok()?))
}

fn counted(number: i64) -> Value {
    let decimal = Decimal::from_i64(number).unwrap_or_default();
    Value::Number(decimal, decimal.to_f64().unwrap_or_default())
}

/// What is known besides the data: the time, what is usual, and that nothing was granted or issued before.
fn context(written: &Written) -> Option<Vec<(&'static str, Value)>> {
    let mut all = vec![("second", counted(written.second)), ("civilday", counted(written.day))];
    all.push(("usual", number(written.usual.0.get())?));
    for name in ["granted", "granted_month", "times_granted", "campaign_issued", "issued"] {
        all.push((name, counted(0)));
    }
    Some(all)
}

impl Event {
    /// None where a value cannot be read.
    pub fn read(written: &Written) -> Option<Self> {
        let members: std::collections::BTreeMap<&str, &RawValue> =
            serde_json::from_str(written.data.get()).ok()?;
        let mut fields = Vec::new();
        for (name, value) in members {
            let name = *INPUTS.iter().find(|known| **known == name)?;
            let value = match value.get() {
                "true" => Value::Flag(true),
                "false" => Value::Flag(false),
                text if text.starts_with('"') => Value::Word(text.trim_matches('"').to_owned()),
                text => number(text)?,
            };
            fields.push((name, value));
        }
        fields.extend(context(written)?);
        Some(Self { json: written.data.get().to_owned(), fields, points: written.points })
    }

    /// What the data does not say.
    pub fn context(&self) -> &[(&'static str, Value)] {
        let from = self.fields.iter().position(|(name, _)| *name == "second").unwrap_or(0);
        &self.fields[from..]
    }
}
