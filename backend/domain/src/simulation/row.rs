//! One kept event as bytes: some thirty of them, all little-endian. Must never lose a digit.

use crate::rule::{Evidence, SLOTS_MAX};

/// Bytes before the slots.
const HEAD: usize = 18;

/// One event of which everything is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The citizen's number in this set of events.
    pub citizen: u32,
    /// Civil day counted from the common era.
    pub day: i32,
    /// Second of the day.
    pub second: u32,
    /// Place of the shape in the schema.
    pub shape: u16,
    /// Place of the district in the schema plus one; zero for none.
    pub district: u16,
    /// How it was evidenced.
    pub evidence: Evidence,
    slots: [i64; SLOTS_MAX],
    count: u8,
}

/// Bytes that are no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// They end within a row.
    #[error("an event ends too early")]
    CutShort,
    /// A grade of evidence or a number of slots that there is not.
    #[error("an event is malformed")]
    Malformed,
}

impl Row {
    /// A row with the slots of its inputs; none where there are too many.
    #[must_use]
    pub fn new(citizen: u32, (day, second): (i32, u32), shape: u16, inputs: &[i64]) -> Option<Self> {
        let mut slots = [0; SLOTS_MAX];
        slots.get_mut(..inputs.len())?.copy_from_slice(inputs);
        let count = u8::try_from(inputs.len()).ok()?;
        Some(Self { citizen, day, second, shape, district: 0, evidence: Evidence::Operator, slots, count })
    }

    /// The slots of its inputs.
    #[must_use]
    pub fn slots(&self) -> &[i64] {
        self.slots.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// Appends its bytes.
    pub fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.citizen.to_le_bytes());
        to.extend_from_slice(&self.day.to_le_bytes());
        to.extend_from_slice(&self.second.to_le_bytes());
        to.extend_from_slice(&self.shape.to_le_bytes());
        to.extend_from_slice(&self.district.to_le_bytes());
        to.push(self.evidence as u8);
        to.push(self.count);
        for slot in self.slots() {
            to.extend_from_slice(&slot.to_le_bytes());
        }
    }

    /// Reads the first row of some bytes, and how many bytes it took; none at their end.
    pub fn read(from: &[u8]) -> Result<Option<(Self, usize)>, RowError> {
        let Some((head, rest)) = from.split_first_chunk::<HEAD>() else {
            return if from.is_empty() { Ok(None) } else { Err(RowError::CutShort) };
        };
        let [c0, c1, c2, c3, d0, d1, d2, d3, s0, s1, s2, s3, a0, a1, p0, p1, evidence, count] = *head;
        let evidence = Evidence::ALL.get(usize::from(evidence)).ok_or(RowError::Malformed)?;
        let mut slots = [0; SLOTS_MAX];
        let taken = slots.get_mut(..usize::from(count)).ok_or(RowError::Malformed)?;
        let bytes = rest.get(..taken.len().saturating_mul(8)).ok_or(RowError::CutShort)?;
        for (slot, bytes) in taken.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *slot = i64::from_le_bytes(*bytes);
        }
        let row = Self {
            citizen: u32::from_le_bytes([c0, c1, c2, c3]),
            day: i32::from_le_bytes([d0, d1, d2, d3]),
            second: u32::from_le_bytes([s0, s1, s2, s3]),
            shape: u16::from_le_bytes([a0, a1]),
            district: u16::from_le_bytes([p0, p1]),
            evidence: *evidence,
            slots,
            count,
        };
        Ok(Some((row, HEAD.saturating_add(bytes.len()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_written() {
        let mut bytes = Vec::new();
        let one = Row::new(7, (739_000, 86_399), 3, &[i64::MIN, 0, i64::MAX]).unwrap();
        let two =
            Row { district: 9, evidence: Evidence::SelfDeclared, ..Row::new(8, (1, 0), 0, &[]).unwrap() };
        one.write(&mut bytes);
        two.write(&mut bytes);
        let (first, taken) = Row::read(&bytes).unwrap().unwrap();
        assert_eq!((first, taken), (one, HEAD + 24));
        assert_eq!(Row::read(&bytes[taken..]), Ok(Some((two, HEAD))));
        assert_eq!(Row::read(&[]), Ok(None));
        for cut in [1, HEAD - 1, HEAD, HEAD + 23] {
            assert_eq!(Row::read(&bytes[..cut]), Err(RowError::CutShort), "{cut}");
        }
        bytes[16] = 4;
        assert_eq!(Row::read(&bytes), Err(RowError::Malformed), "a grade that there is not");
    }

    #[test]
    fn slots_are_bounded() {
        for (count, accepted) in [(SLOTS_MAX - 1, true), (SLOTS_MAX, true), (SLOTS_MAX + 1, false)] {
            assert_eq!(Row::new(1, (1, 1), 0, &vec![0; count]).is_some(), accepted);
        }
    }
}
