//! The file of kept events: what `--save-events` writes, so that a later simulation need not read JSON again.
//!
//! A mark, the length of a JSON schema and the schema, then blocks to the end of the file, each with its
//! head.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tanhui_domain::simulation::{BLOCK_ROWS, Block, Head, Horizon, Row, RowError, Schema};

use super::SimulationError;

const MARK: &[u8; 12] = b"tanhui rows3";
/// Longest schema, in bytes.
const SCHEMA_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Longest block, in bytes.
const BLOCK_BYTES_MAX: u32 = 64 * 1024 * 1024;

fn failed(path: &Path) -> impl Fn(std::io::Error) -> SimulationError {
    move |cause| SimulationError::File { path: path.to_owned(), cause }
}

/// Writes kept events.
pub struct Keeper {
    kept: Kept,
    block: Block,
    bytes: Vec<u8>,
}

/// A file of kept events, ready to be played.
pub struct Kept {
    path: PathBuf,
    file: File,
    schema: Schema,
    blocks: Vec<Place>,
    end: u64,
}

/// Where a block lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    head: Head,
    from: u64,
}

impl Keeper {
    /// Begins a file, a temporary one where no path is given.
    pub fn create(path: Option<&Path>, schema: Schema) -> Result<Self, SimulationError> {
        let (path, file) = if let Some(path) = path {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(true);
            (path.to_owned(), options.open(path).map_err(failed(path))?)
        } else {
            let path = std::env::temp_dir();
            let file = tempfile::tempfile().map_err(failed(&path))?;
            (path, file)
        };
        let text = serde_json::to_vec(&schema).map_err(|error| failed(&path)(error.into()))?;
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let mut kept = Kept { path, file, schema, blocks: Vec::new(), end: 0 };
        for part in [MARK.as_slice(), &length.to_le_bytes(), &text] {
            kept.append(part)?;
        }
        Ok(Self { kept, block: Block::default(), bytes: Vec::new() })
    }

    /// How the rows must be made.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.kept.schema
    }

    /// Keeps the next event.
    pub fn add(&mut self, row: &Row) -> Result<(), SimulationError> {
        self.block.push(row);
        if self.block.rows() < BLOCK_ROWS { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<(), SimulationError> {
        self.bytes.clear();
        let head = self.block.write(&mut self.bytes);
        let from = self.kept.end.saturating_add(u64::try_from(Head::BYTES).unwrap_or(0));
        self.kept.append(&self.bytes)?;
        self.kept.blocks.push(Place { head, from });
        self.block.clear();
        Ok(())
    }

    /// All events are kept.
    pub fn finish(mut self) -> Result<Kept, SimulationError> {
        if self.block.rows() > 0 {
            self.write()?;
        }
        self.kept.file.flush().map_err(failed(&self.kept.path))?;
        Ok(self.kept)
    }
}

impl Kept {
    /// Opens a file that a [`Keeper`] wrote.
    pub fn open(path: &Path) -> Result<Self, SimulationError> {
        let not_kept = || SimulationError::NotKept(path.to_owned());
        let file = File::open(path).map_err(failed(path))?;
        let size = file.metadata().map_err(failed(path))?.len();
        let mut reader = BufReader::new(file.try_clone().map_err(failed(path))?);
        let (mut mark, mut length) = ([0; MARK.len()], [0; 8]);
        reader.read_exact(&mut mark).and_then(|()| reader.read_exact(&mut length)).map_err(|_| not_kept())?;
        let length = u64::from_le_bytes(length);
        if mark != *MARK || length > SCHEMA_BYTES_MAX {
            return Err(not_kept());
        }
        let mut text = Vec::new();
        reader.by_ref().take(length).read_to_end(&mut text).map_err(failed(path))?;
        let schema = serde_json::from_slice(&text).map_err(|_| not_kept())?;
        let head_bytes = u64::try_from(MARK.len()).unwrap_or(0).saturating_add(8);
        let end = head_bytes.saturating_add(length);
        let mut kept = Self { path: path.to_owned(), file, schema, blocks: Vec::new(), end };
        while kept.end < size {
            kept.find_block(size)?;
        }
        Ok(kept)
    }

    fn find_block(&mut self, size: u64) -> Result<(), SimulationError> {
        let mut head = [0; Head::BYTES];
        self.file.seek(SeekFrom::Start(self.end)).map_err(failed(&self.path))?;
        self.file.read_exact(&mut head).map_err(|_| RowError::CutShort)?;
        let head = Head::read(head);
        let from = self.end.saturating_add(u64::try_from(Head::BYTES).unwrap_or(0));
        self.end = from.saturating_add(u64::from(head.bytes));
        if head.bytes > BLOCK_BYTES_MAX {
            return Err(RowError::Malformed.into());
        }
        if self.end > size {
            return Err(RowError::CutShort.into());
        }
        self.blocks.push(Place { head, from });
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), SimulationError> {
        self.file.write_all(bytes).map_err(failed(&self.path))?;
        self.end = self.end.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// How the rows are to be read.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// How many events there are.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.blocks.iter().fold(0, |sum, place| sum.saturating_add(u64::from(place.head.rows)))
    }

    /// How many bytes the file has.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.end
    }

    /// How many blocks there are.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// For each block, before which nothing in it or later happened.
    #[must_use]
    pub fn horizons(&self) -> Vec<Horizon> {
        let mut horizon = Horizon::NEVER;
        let earlier = |place: &Place| {
            horizon = horizon.earlier(place.head.horizon);
            horizon
        };
        let mut horizons: Vec<Horizon> = self.blocks.iter().rev().map(earlier).collect();
        horizons.reverse();
        horizons
    }

    /// Reads one block; one beyond the last has no events.
    pub fn block(&self, place: usize) -> Result<Block, SimulationError> {
        let Some(Place { head, from }) = self.blocks.get(place) else { return Ok(Block::default()) };
        let mut file = &self.file;
        file.seek(SeekFrom::Start(*from)).map_err(failed(&self.path))?;
        let mut bytes = vec![0; usize::try_from(head.bytes).unwrap_or(0)];
        file.read_exact(&mut bytes).map_err(failed(&self.path))?;
        Ok(Block::read(*head, &bytes, &self.schema)?)
    }
}
