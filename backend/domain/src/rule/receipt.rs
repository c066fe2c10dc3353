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

use chrono::{DateTime, Utc};

use super::action::Action;
use super::cap::CAPS_MAX;
use super::decision::{Receipt, Usage};
use super::evidence::Evidence;
use super::input::{InputKind, InputSpec};
use super::inputs::{InputProblem, InputValue, Inputs, slots};
use super::verdict::{MOMENT_SLOTS, Slots};
use crate::amount::{Points, ReductionMg};

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
}

impl Section {
    fn of_tag(tag: u8) -> Option<Self> {
        [Self::Inputs, Self::Used].into_iter().find(|section| *section as u8 == tag)
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
        let Ok(slots) = input_slots(action, &self.inputs) else {
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
        let (mut inputs, mut used) = (None, Vec::new());
        let mut last_tag = 0;
        while !rest.is_empty() {
            let (tag, mut body) = rest.section()?;
            let section = Section::of_tag(tag).ok_or(ReceiptError::UnknownSection(tag))?;
            if tag <= last_tag {
                return Err(ReceiptError::Malformed(tag));
            }
            last_tag = tag;
            match section {
                Section::Inputs => inputs = Some(read_inputs(action, &mut body)?),
                Section::Used => used = read_used(&mut body)?,
            }
            if !body.is_empty() {
                return Err(ReceiptError::Malformed(tag));
            }
        }
        let inputs = inputs.unwrap_or_default();
        input_slots(action, &inputs).map_err(|_| ReceiptError::ForeignInputs)?;
        Ok(Self { engine, inputs, occurred_at, evidence, used })
    }
}

/// The inputs as a program loads them, after the slots of a moment that nobody looks at.
fn input_slots(action: &Action, inputs: &Inputs) -> Result<Slots, InputProblem> {
    let mut all = Slots::at(0, 0);
    slots(action, inputs, &mut all).map(|()| all)
}

fn read_inputs(action: &Action, body: &mut Reader<'_>) -> Result<Inputs, ReceiptError> {
    action.inputs().iter().map(|spec| Ok((spec.name().to_owned(), value(spec, body.signed()?)?))).collect()
}

/// The value that a program finds in an input's slot.
fn value(spec: &InputSpec, slot: i64) -> Result<InputValue, ReceiptError> {
    match spec.kind() {
        InputKind::Number(number) => {
            Ok(InputValue::Number { number: number.decimal(slot), unit: number.unit() })
        }
        InputKind::YesNo if slot == 0 || slot == 1 => Ok(InputValue::YesNo(slot == 1)),
        InputKind::YesNo => Err(ReceiptError::ForeignInputs),
        InputKind::Choice(options) => {
            let option = usize::try_from(slot).ok().and_then(|place| options.get(place));
            option.map(|word| InputValue::Choice(word.clone())).ok_or(ReceiptError::ForeignInputs)
        }
    }
}

fn read_used(body: &mut Reader<'_>) -> Result<Vec<Usage>, ReceiptError> {
    let mut used = Vec::new();
    while !body.is_empty() {
        if used.len() == CAPS_MAX {
            return Err(ReceiptError::OutOfRange);
        }
        used.push(body.usage()?);
    }
    Ok(used)
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

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7F {
        bytes.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7F) as u8);
}

fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
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

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> Result<u8, ReceiptError> {
        let (first, rest) = self.0.split_first().ok_or(ReceiptError::CutShort)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, ReceiptError> {
        let mut number = 0;
        for shift in (0_u32..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(ReceiptError::OutOfRange)
    }

    fn signed(&mut self) -> Result<i64, ReceiptError> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ (number & 1).cast_signed().saturating_neg())
    }

    fn section(&mut self) -> Result<(u8, Self), ReceiptError> {
        let tag = self.byte()?;
        let length = usize::try_from(self.number()?).map_err(|_| ReceiptError::CutShort)?;
        let (body, rest) = self.0.split_at_checked(length).ok_or(ReceiptError::CutShort)?;
        self.0 = rest;
        Ok((tag, Self(body)))
    }

    fn usage(&mut self) -> Result<Usage, ReceiptError> {
        let mask = self.byte()?;
        if mask > 0b1111 {
            return Err(ReceiptError::OutOfRange);
        }
        let mut amount = |place: u8| if mask & (1 << place) == 0 { Ok(0) } else { self.signed() };
        Ok(Usage {
            events: amount(0)?,
            points: Points::new(amount(1)?),
            reduction: ReductionMg::new(amount(2)?),
            quantity: amount(3)?,
        })
    }
}

#[cfg(test)]
mod tests;
