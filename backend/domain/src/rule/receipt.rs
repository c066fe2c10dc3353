//! Receipts as they are stored: some twenty bytes beside every activity. Must never lose a digit, nor read
//! what it does not know.
//!
//! First the format number, the engine's version and the grade of evidence. Then sections, each a tag, the
//! length of its body and the body, in the order of their tags and none twice. Numbers are varints of seven
//! bits a byte, the lowest first; signed ones are zigzag. The instant of the act lies in the activity's row.
//!
//! Whoever adds to [`Receipt`] adds a section: the next tag in [`Section`], one function that writes its
//! body, one that reads it. It is written only where it has something to say, and its absence means what
//! held before there was such a section. A tag that a program does not know is an error: half a receipt must
//! not be explained. Receipts older than this format are JSON and begin with `{`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::action::Action;
use super::cap::CAPS_MAX;
use super::decision::{Receipt, Usage};
use super::evidence::Evidence;
use super::fund::DRAWN_MAX;
use super::history::{HISTORY_MAX, Readings};
use super::input::{InputKind, InputSpec};
use super::input_value::{InputValue, Inputs};
use super::inputs::ID_BYTES_MAX;
use super::section::NAME_CHARS_MAX;
use super::verdict::MOMENT_SLOTS;
use crate::amount::{Points, ReductionMg};
use crate::id::SharedId;

mod codec;

use codec::{Reader, put, put_signed};

/// Longest receipt, in bytes.
pub const RECEIPT_BYTES_MAX: usize = 16_384;

const FORMAT: u8 = 1;
const JSON: u8 = b'{';

/// The parts of a receipt that are not in every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// One number for each input that the action declares, in that order.
    Inputs = 1,
    /// For each cap window: which of events, points, grams and quantity are not zero, then those.
    Used = 2,
    /// For each input that is an identifier, in the order declared: its length and its bytes.
    Ids = 3,
    /// The district, in bytes.
    District = 4,
    /// For each history window: how many readings, and their sum.
    History = 5,
    /// For each budget: points issued before.
    Issued = 6,
    /// A person had looked at the act: one zero.
    Reviewed = 7,
    /// The card, meter or account: the 16 bytes of its id.
    Card = 8,
}

impl Section {
    fn of_tag(tag: u8) -> Option<Self> {
        let all = [
            Self::Inputs,
            Self::Used,
            Self::Ids,
            Self::District,
            Self::History,
            Self::Issued,
            Self::Reviewed,
            Self::Card,
        ];
        all.into_iter().find(|section| *section as u8 == tag)
    }
}

/// A stored receipt. Reading it takes the action that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ReceiptBytes(Vec<u8>);

impl From<Vec<u8>> for ReceiptBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for ReceiptBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Why bytes are not a receipt of an action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// More than [`RECEIPT_BYTES_MAX`] bytes.
    #[error("a receipt of {0} bytes; {RECEIPT_BYTES_MAX} are the most")]
    TooLong(usize),
    /// It ends within a value.
    #[error("the receipt ends too early")]
    CutShort,
    /// A format that this program does not read.
    #[error("the receipt has format {0}, which this program does not read")]
    UnknownFormat(u8),
    /// A section that this program does not read.
    #[error("the receipt has section {0}, which this program does not read")]
    UnknownSection(u8),
    /// A section twice, or out of order, or one with something left over.
    #[error("section {0} of the receipt is malformed")]
    Malformed(u8),
    /// A number that is too large for its place.
    #[error("a number of the receipt is out of range")]
    OutOfRange,
    /// Values that are not the action's inputs.
    #[error("the receipt's inputs do not fit the action")]
    ForeignInputs,
    /// A receipt in JSON that cannot be read.
    #[error("the receipt is not valid JSON: {0}")]
    Json(String),
}

impl Receipt {
    /// The receipt as it is stored. The instant is left to the activity's row.
    #[must_use]
    pub fn to_bytes(&self, action: &Action) -> ReceiptBytes {
        let Ok(slots) = action.input_slots(&self.inputs) else {
            return ReceiptBytes(serde_json::to_vec(self).unwrap_or_default());
        };
        let mut bytes = Vec::with_capacity(32);
        bytes.push(FORMAT);
        put(&mut bytes, u64::from(self.engine));
        bytes.push(grade_number(self.evidence));
        let mut body = Vec::with_capacity(32);
        for slot in slots.as_slice().iter().skip(MOMENT_SLOTS) {
            put_signed(&mut body, *slot);
        }
        put_section(&mut bytes, Section::Inputs, &mut body);
        for used in &self.used {
            put_usage(&mut body, *used);
        }
        put_section(&mut bytes, Section::Used, &mut body);
        put_ids(&mut body, action, &self.inputs);
        put_section(&mut bytes, Section::Ids, &mut body);
        body.extend(self.district.iter().flat_map(|district| district.bytes()));
        put_section(&mut bytes, Section::District, &mut body);
        for readings in &self.history {
            put_signed(&mut body, readings.count);
            put_signed(&mut body, readings.sum);
        }
        put_section(&mut bytes, Section::History, &mut body);
        self.issued.iter().for_each(|issued| put_signed(&mut body, issued.get()));
        put_section(&mut bytes, Section::Issued, &mut body);
        if self.reviewed {
            body.push(0);
        }
        put_section(&mut bytes, Section::Reviewed, &mut body);
        body.extend(self.card.iter().flat_map(|card| card.get().into_bytes()));
        put_section(&mut bytes, Section::Card, &mut body);
        ReceiptBytes(bytes)
    }

    /// Reads a stored receipt of an act at an instant.
    pub fn from_bytes(
        action: &Action,
        occurred_at: DateTime<Utc>,
        bytes: &ReceiptBytes,
    ) -> Result<Self, ReceiptError> {
        let ReceiptBytes(bytes) = bytes;
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptError::TooLong(bytes.len()));
        }
        if bytes.first() == Some(&JSON) {
            return serde_json::from_slice(bytes).map_err(|error| ReceiptError::Json(error.to_string()));
        }
        let mut rest = Reader(bytes);
        let format = rest.byte()?;
        if format != FORMAT {
            return Err(ReceiptError::UnknownFormat(format));
        }
        let engine = u16::try_from(rest.number()?).map_err(|_| ReceiptError::OutOfRange)?;
        let evidence = grade(rest.byte()?).ok_or(ReceiptError::OutOfRange)?;
        let mut receipt = Self { engine, evidence, ..Self::empty(occurred_at) };
        let mut last_tag = 0;
        while !rest.is_empty() {
            let (tag, mut body) = rest.section()?;
            let section = Section::of_tag(tag).ok_or(ReceiptError::UnknownSection(tag))?;
            if tag <= last_tag {
                return Err(ReceiptError::Malformed(tag));
            }
            last_tag = tag;
            receipt.read(section, action, &mut body)?;
            if !body.is_empty() {
                return Err(ReceiptError::Malformed(tag));
            }
        }
        action.input_slots(&receipt.inputs).map_err(|_| ReceiptError::ForeignInputs)?;
        Ok(receipt)
    }

    fn empty(occurred_at: DateTime<Utc>) -> Self {
        Self {
            engine: 0,
            inputs: Inputs::default(),
            occurred_at,
            evidence: Evidence::Operator,
            used: Vec::new(),
            district: None,
            history: Vec::new(),
            issued: Vec::new(),
            card: None,
            reviewed: false,
        }
    }

    fn read(&mut self, section: Section, action: &Action, body: &mut Reader<'_>) -> Result<(), ReceiptError> {
        match section {
            Section::Inputs => self.inputs = read_inputs(action, body)?,
            Section::Used => self.used = body.each(CAPS_MAX, usage)?,
            Section::Ids => self.inputs = read_ids(action, &self.inputs, body)?,
            Section::District => self.district = Some(body.text(NAME_CHARS_MAX)?),
            Section::History => {
                let readings =
                    |body: &mut Reader<'_>| Ok(Readings { count: body.signed()?, sum: body.signed()? });
                self.history = body.each(HISTORY_MAX, readings)?;
            }
            Section::Issued => {
                self.issued = body.each(DRAWN_MAX, |body| body.signed().map(Points::new))?;
            }
            Section::Reviewed => {
                self.reviewed = true;
                if body.byte()? != 0 {
                    return Err(ReceiptError::OutOfRange);
                }
            }
            Section::Card => self.card = Some(SharedId::new(Uuid::from_bytes(body.bytes()?))),
        }
        Ok(())
    }
}

fn read_inputs(action: &Action, body: &mut Reader<'_>) -> Result<Inputs, ReceiptError> {
    action.inputs().iter().map(|spec| Ok((Arc::clone(&spec.name), value(spec, body.signed()?)?))).collect()
}

/// The value that a program finds in an input's slot.
fn value(spec: &InputSpec, slot: i64) -> Result<InputValue, ReceiptError> {
    match spec.kind() {
        InputKind::Number(number) => {
            Ok(InputValue::Number { number: number.decimal(slot), unit: number.unit() })
        }
        InputKind::YesNo if slot == 0 || slot == 1 => Ok(InputValue::YesNo(slot == 1)),
        InputKind::Choice(options) => {
            let option = usize::try_from(slot).ok().and_then(|place| options.get(place));
            option.map(|word| InputValue::Choice(word.clone())).ok_or(ReceiptError::ForeignInputs)
        }
        InputKind::Id if slot == 0 => Ok(InputValue::Id(String::new())),
        InputKind::YesNo | InputKind::Id => Err(ReceiptError::ForeignInputs),
    }
}

fn put_ids(bytes: &mut Vec<u8>, action: &Action, inputs: &Inputs) {
    for spec in action.inputs() {
        if let Some(InputValue::Id(id)) = inputs.get(spec.name()) {
            put(bytes, u64::try_from(id.len()).unwrap_or(u64::MAX));
            bytes.extend_from_slice(id.as_bytes());
        }
    }
}

/// The inputs with their identifiers, of which the slots know nothing.
fn read_ids(action: &Action, inputs: &Inputs, body: &mut Reader<'_>) -> Result<Inputs, ReceiptError> {
    let value = |spec: &InputSpec| {
        let value = if matches!(spec.kind(), InputKind::Id) {
            let length = usize::try_from(body.number()?).map_err(|_| ReceiptError::OutOfRange)?;
            InputValue::Id(body.take(length)?.text(ID_BYTES_MAX)?)
        } else {
            inputs.get(spec.name()).cloned().ok_or(ReceiptError::ForeignInputs)?
        };
        Ok((Arc::clone(&spec.name), value))
    };
    action.inputs().iter().map(value).collect()
}

/// Stored for ever: never renumber.
fn grade_number(evidence: Evidence) -> u8 {
    match evidence {
        Evidence::Operator => 1,
        Evidence::Receipt => 2,
        Evidence::Device => 3,
        Evidence::SelfDeclared => 4,
    }
}

fn grade(number: u8) -> Option<Evidence> {
    Evidence::ALL.into_iter().find(|evidence| grade_number(*evidence) == number)
}

fn put_usage(bytes: &mut Vec<u8>, used: Usage) {
    let amounts: [i64; 4] = <(i64, i64, i64, i64)>::from(used).into();
    let present = amounts.iter().zip(0..).filter(|(amount, _)| **amount != 0);
    bytes.push(present.fold(0, |mask: u8, (_, place)| mask | (1 << place)));
    amounts.into_iter().filter(|amount| *amount != 0).for_each(|amount| put_signed(bytes, amount));
}

/// Writes a section and empties the body, unless there is nothing to say.
fn put_section(bytes: &mut Vec<u8>, section: Section, body: &mut Vec<u8>) {
    if !body.is_empty() {
        bytes.push(section as u8);
        put(bytes, u64::try_from(body.len()).unwrap_or(u64::MAX));
        bytes.append(body);
    }
}

fn usage(body: &mut Reader<'_>) -> Result<Usage, ReceiptError> {
    let mask = body.byte()?;
    if mask > 0b1111 {
        return Err(ReceiptError::OutOfRange);
    }
    let mut amount = |place: u8| if mask & (1 << place) == 0 { Ok(0) } else { body.signed() };
    Ok(Usage {
        events: amount(0)?,
        points: Points::new(amount(1)?),
        reduction: ReductionMg::new(amount(2)?),
        quantity: amount(3)?,
    })
}

#[cfg(test)]
mod tests;
