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
    /// Those of the data first.
    pub fields: Vec<(&'static str, Value)>,
    pub points: i64,
    data: usize,
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

/// What a rule asks for besides the data: the time, what is usual, what was granted or issued before. That is
/// nothing.
fn needs(rule: &str) -> &'static [&'static str] {
    match rule {
        "metro" => &["second", "granted"],
        "waste" => &["granted_month", "times_granted"],
        "pv" => &["granted", "granted_month"],
        "home" => &["civilday", "usual", "granted"],
        _ => &["second", "civilday", "granted", "campaign_issued", "issued"],
    }
}

fn context(rule: &str, written: &Written) -> Option<Vec<(&'static str, Value)>> {
    let value = |name: &&'static str| {
        let value = match *name {
            "second" => counted(written.second),
            "civilday" => counted(written.day),
            "usual" => number(written.usual.0.get())?,
            _ => counted(0),
        };
        Some((*name, value))
    };
    needs(rule).iter().map(value).collect()
}

impl Event {
    /// None where a value cannot be read.
    pub fn read(rule: &str, written: &Written) -> Option<Self> {
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
        let data = fields.len();
        fields.extend(context(rule, written)?);
        Some(Self { json: written.data.get().to_owned(), fields, points: written.points, data })
    }

    /// What the data does not say.
    pub fn context(&self) -> &[(&'static str, Value)] {
        &self.fields[self.data..]
    }
}
