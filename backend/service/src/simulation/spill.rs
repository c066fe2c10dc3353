//! Events shared out by citizen among temporary files, each in event order. Must never hold more of them than
//! one buffer a file.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};

use tanhui_domain::simulation::{Row, RowError};

use super::SimulationError;

/// Bytes that one file buffers.
const BUFFER_BYTES: usize = 64 * 1024;
/// Bytes of events that a file should hold at most, so that many processors can each hold one.
const PART_BYTES: u64 = 16 * 1024 * 1024;
const PARTS_MIN: u64 = 8;
const PARTS_MAX: u64 = 512;

struct Part {
    file: File,
    buffer: Vec<u8>,
    bytes: u64,
}

/// All events, by citizen.
pub struct Spill {
    parts: Vec<Part>,
    events: u64,
}

impl Spill {
    /// For about so many bytes of events.
    pub fn new(bytes: u64) -> Result<Self, SimulationError> {
        let parts = bytes.div_ceil(PART_BYTES).clamp(PARTS_MIN, PARTS_MAX);
        let part = |_| {
            let file = tempfile::tempfile().map_err(SimulationError::Spill)?;
            Ok(Part { file, buffer: Vec::with_capacity(BUFFER_BYTES), bytes: 0 })
        };
        Ok(Self { parts: (0..parts).map(part).collect::<Result<_, SimulationError>>()?, events: 0 })
    }

    /// Adds the next event.
    pub fn add(&mut self, row: &Row) -> Result<(), SimulationError> {
        let parts = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        let place = row.citizen.checked_rem(parts).and_then(|place| usize::try_from(place).ok());
        if let Some(part) = place.and_then(|place| self.parts.get_mut(place)) {
            part.buffer.extend_from_slice(&self.events.to_le_bytes());
            row.write(&mut part.buffer);
            if part.buffer.len() >= BUFFER_BYTES {
                part.flush()?;
            }
        }
        self.events = self.events.saturating_add(1);
        Ok(())
    }

    /// How many events there are.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many files hold them.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Writes out what is buffered.
    pub(super) fn finish(&mut self) -> Result<(), SimulationError> {
        self.parts.iter_mut().try_for_each(Part::flush)
    }

    /// One file's events as bytes, read into a buffer that is used again.
    pub(super) fn read(&self, place: usize, into: &mut Vec<u8>) -> Result<(), SimulationError> {
        into.clear();
        let Some(part) = self.parts.get(place) else { return Ok(()) };
        let mut file = &part.file;
        file.rewind().map_err(SimulationError::Spill)?;
        let read = file.read_to_end(into).map_err(SimulationError::Spill)?;
        let whole = u64::try_from(read).is_ok_and(|read| read == part.bytes);
        if whole { Ok(()) } else { Err(RowError::CutShort.into()) }
    }
}

impl Part {
    fn flush(&mut self) -> Result<(), SimulationError> {
        self.file.write_all(&self.buffer).map_err(SimulationError::Spill)?;
        self.bytes = self.bytes.saturating_add(u64::try_from(self.buffer.len()).unwrap_or(u64::MAX));
        self.buffer.clear();
        Ok(())
    }
}

/// An event, its place among all, and the bytes after it.
pub(super) type Next<'b> = (u64, Row, &'b [u8]);

/// Takes the next event from a file's bytes.
pub(super) fn next_event(bytes: &[u8]) -> Result<Option<Next<'_>>, RowError> {
    let Some((order, rest)) = bytes.split_first_chunk::<8>() else {
        return if bytes.is_empty() { Ok(None) } else { Err(RowError::CutShort) };
    };
    let (row, taken) = Row::read(rest)?.ok_or(RowError::CutShort)?;
    Ok(Some((u64::from_le_bytes(*order), row, rest.get(taken..).unwrap_or_default())))
}
