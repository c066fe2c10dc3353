//! Some thousand events in the order in which they were credited, as columns. Must never change their order.

use super::bytes::{RowError, put, take};
use super::row::Row;
use super::shape::Schema;
use crate::rule::Evidence;

/// Events of one block.
pub const BLOCK_ROWS: usize = 16_384;

/// Some events as columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    pub(super) citizens: Vec<u32>,
    pub(super) at: Vec<i64>,
    pub(super) days: Vec<i32>,
    pub(super) seconds: Vec<u32>,
    pub(super) shapes: Vec<u16>,
    pub(super) districts: Vec<u16>,
    pub(super) cards: Vec<u64>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) reviewed: Vec<bool>,
    pub(super) late_by: Vec<i32>,
    /// By the place of the shape.
    pub(super) parts: Vec<Part>,
}

/// The events of one shape, as its formulas ask for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) days: Vec<i64>,
    pub(super) seconds: Vec<i64>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) slots: Vec<Vec<i64>>,
}

/// One event without its slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bare {
    pub(super) citizen: u32,
    pub(super) at: i64,
    pub(super) day: i32,
    pub(super) shape: u16,
    pub(super) district: u16,
    pub(super) card: u64,
    pub(super) evidence: Evidence,
    pub(super) reviewed: bool,
    pub(super) late_by: i32,
}

/// What is told of a block before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many events.
    pub rows: u32,
    /// How many bytes follow.
    pub bytes: u32,
    /// The earliest civil day, and the earliest second.
    pub horizon: Horizon,
}

/// Nothing of a block and those after it happened earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// Civil day counted from the common era.
    pub day: i32,
    /// Seconds since 1970.
    pub at: i64,
}

impl Horizon {
    /// Of no events at all.
    pub const NEVER: Self = Self { day: i32::MAX, at: i64::MAX };

    /// The earlier of both.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        Self { day: self.day.min(other.day), at: self.at.min(other.at) }
    }
}

impl Head {
    /// Bytes that a head takes.
    pub const BYTES: usize = 20;

    /// Reads a head.
    #[must_use]
    pub fn read(from: [u8; Self::BYTES]) -> Self {
        let [r0, r1, r2, r3, b0, b1, b2, b3, d0, d1, d2, d3, at @ ..] = from;
        let day = i32::from_le_bytes([d0, d1, d2, d3]);
        Self {
            rows: u32::from_le_bytes([r0, r1, r2, r3]),
            bytes: u32::from_le_bytes([b0, b1, b2, b3]),
            horizon: Horizon { day, at: i64::from_le_bytes(at) },
        }
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.rows.to_le_bytes());
        to.extend_from_slice(&self.bytes.to_le_bytes());
        to.extend_from_slice(&self.horizon.day.to_le_bytes());
        to.extend_from_slice(&self.horizon.at.to_le_bytes());
    }
}

impl Block {
    /// How many events it holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.shapes.len()
    }

    /// The number of each event's citizen.
    #[must_use]
    pub fn citizens(&self) -> &[u32] {
        &self.citizens
    }

    /// The place of each event's shape in the schema.
    #[must_use]
    pub fn shapes(&self) -> &[u16] {
        &self.shapes
    }

    /// Day, second and inputs of the events of one shape, as columns.
    #[must_use]
    pub fn columns(&self, shape: u16) -> Vec<&[i64]> {
        let Some(part) = self.parts.get(usize::from(shape)) else { return Vec::new() };
        let moment = [part.days.as_slice(), part.seconds.as_slice()];
        moment.into_iter().chain(part.slots.iter().map(Vec::as_slice)).collect()
    }

    /// Adds the next event.
    pub fn push(&mut self, row: &Row) {
        let shape = usize::from(row.shape);
        if self.parts.len() <= shape {
            self.parts.resize_with(shape.saturating_add(1), Part::default);
        }
        if let Some(part) = self.parts.get_mut(shape) {
            part.slots.resize_with(part.slots.len().max(row.slots().len()), Vec::new);
            part.slots.iter_mut().zip(row.slots()).for_each(|(column, slot)| column.push(*slot));
            part.note(row.day, row.second, row.evidence);
        }
        self.citizens.push(row.citizen);
        self.at.push(row.at);
        self.days.push(row.day);
        self.seconds.push(row.second);
        self.shapes.push(row.shape);
        self.districts.push(row.district);
        self.cards.push(row.card);
        self.evidence.push(row.evidence);
        self.reviewed.push(row.reviewed);
        self.late_by.push(row.late_by);
    }

    /// Forgets its events.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// One event without its slots.
    #[inline]
    pub(super) fn bare(&self, row: usize) -> Option<Bare> {
        Some(Bare {
            citizen: *self.citizens.get(row)?,
            at: *self.at.get(row)?,
            day: *self.days.get(row)?,
            shape: *self.shapes.get(row)?,
            district: *self.districts.get(row)?,
            card: *self.cards.get(row)?,
            evidence: *self.evidence.get(row)?,
            reviewed: *self.reviewed.get(row)?,
            late_by: *self.late_by.get(row)?,
        })
    }

    /// The slots of one event's inputs.
    pub(super) fn slots(&self, row: usize) -> Option<Vec<i64>> {
        let shape = self.shapes.get(row)?;
        let place = self.shapes.get(..row)?.iter().filter(|other| *other == shape).count();
        let part = self.parts.get(usize::from(*shape))?;
        part.slots.iter().map(|column| column.get(place).copied()).collect()
    }

    /// Appends head and bytes; gives the head.
    pub fn write(&self, to: &mut Vec<u8>) -> Head {
        let mut body = Vec::with_capacity(self.rows().saturating_mul(64));
        put(&mut body, &self.citizens, u32::to_le_bytes);
        put(&mut body, &self.at, i64::to_le_bytes);
        put(&mut body, &self.days, i32::to_le_bytes);
        put(&mut body, &self.seconds, u32::to_le_bytes);
        put(&mut body, &self.shapes, u16::to_le_bytes);
        put(&mut body, &self.districts, u16::to_le_bytes);
        put(&mut body, &self.cards, u64::to_le_bytes);
        put(&mut body, &self.evidence, |grade| [grade as u8]);
        put(&mut body, &self.reviewed, |reviewed| [u8::from(reviewed)]);
        put(&mut body, &self.late_by, i32::to_le_bytes);
        for column in self.parts.iter().flat_map(|part| &part.slots) {
            put(&mut body, column, i64::to_le_bytes);
        }
        let horizon = Horizon {
            day: self.days.iter().copied().min().unwrap_or(i32::MAX),
            at: self.at.iter().copied().min().unwrap_or(i64::MAX),
        };
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let head = Head { rows: number(self.rows()), bytes: number(body.len()), horizon };
        head.write(to);
        to.append(&mut body);
        head
    }

    /// Reads the bytes after a head.
    pub fn read(head: Head, mut from: &[u8], schema: &Schema) -> Result<Self, RowError> {
        let rows = usize::try_from(head.rows).map_err(|_| RowError::Malformed)?;
        let grade = |[place]: [u8; 1]| Evidence::ALL.get(usize::from(place)).copied();
        let mut block = Self {
            citizens: take(&mut from, rows, u32::from_le_bytes)?,
            at: take(&mut from, rows, i64::from_le_bytes)?,
            days: take(&mut from, rows, i32::from_le_bytes)?,
            seconds: take(&mut from, rows, u32::from_le_bytes)?,
            shapes: take(&mut from, rows, u16::from_le_bytes)?,
            districts: take(&mut from, rows, u16::from_le_bytes)?,
            cards: take(&mut from, rows, u64::from_le_bytes)?,
            evidence: take(&mut from, rows, grade)?
                .into_iter()
                .collect::<Option<_>>()
                .ok_or(RowError::Malformed)?,
            reviewed: take(&mut from, rows, |[reviewed]: [u8; 1]| reviewed != 0)?,
            late_by: take(&mut from, rows, i32::from_le_bytes)?,
            parts: Vec::new(),
        };
        let places = schema.districts.len();
        if block.districts.iter().any(|place| usize::from(*place) > places) {
            return Err(RowError::Malformed);
        }
        block.parts.resize_with(schema.shapes.len(), Part::default);
        for (row, shape) in block.shapes.iter().enumerate() {
            let part = block.parts.get_mut(usize::from(*shape)).ok_or(RowError::Malformed)?;
            let (day, second) = (block.days.get(row), block.seconds.get(row));
            if let (Some(day), Some(second), Some(grade)) = (day, second, block.evidence.get(row)) {
                part.note(*day, *second, *grade);
            }
        }
        for (part, shape) in block.parts.iter_mut().zip(&schema.shapes) {
            for _ in 0..if part.days.is_empty() { 0 } else { shape.slots() } {
                part.slots.push(take(&mut from, part.days.len(), i64::from_le_bytes)?);
            }
        }
        if from.is_empty() { Ok(block) } else { Err(RowError::Malformed) }
    }
}

impl Part {
    fn note(&mut self, day: i32, second: u32, evidence: Evidence) {
        self.days.push(i64::from(day));
        self.seconds.push(i64::from(second));
        self.evidence.push(evidence);
    }
}
