//! The file of kept events: what `--save-events` writes, so that a later simulation need not read JSON again.
//!
//! A mark, the length of a JSON schema and the schema, then rows to the end of the file.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tanhui_domain::simulation::{Row, RowError, Schema};

use super::spill::Spill;
use super::{Phase, Progress, SimulationError};

const MARK: &[u8; 12] = b"tanhui rows1";
/// Longest schema, in bytes.
const SCHEMA_BYTES_MAX: u64 = 16 * 1024 * 1024;
const CHUNK_BYTES: usize = 1024 * 1024;

fn failed(path: &Path) -> impl Fn(std::io::Error) -> SimulationError {
    move |cause| SimulationError::File { path: path.to_owned(), cause }
}

/// Writes kept events.
pub struct Keeper {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: Vec<u8>,
}

impl Keeper {
    /// Begins a file. The schema must be whole: see [`super::Reading`].
    pub fn create(path: &Path, schema: &Schema) -> Result<Self, SimulationError> {
        let file = File::create(path).map_err(failed(path))?;
        let mut keeper = Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(CHUNK_BYTES, file),
            bytes: Vec::new(),
        };
        let schema = serde_json::to_vec(schema).map_err(|error| failed(path)(error.into()))?;
        let length = u64::try_from(schema.len()).unwrap_or(u64::MAX);
        for part in [MARK.as_slice(), &length.to_le_bytes(), &schema] {
            keeper.file.write_all(part).map_err(failed(path))?;
        }
        Ok(keeper)
    }

    /// Keeps the next event.
    pub fn add(&mut self, row: &Row) -> Result<(), SimulationError> {
        self.bytes.clear();
        row.write(&mut self.bytes);
        self.file.write_all(&self.bytes).map_err(failed(&self.path))
    }

    /// Everything is on its way to the disk.
    pub fn finish(mut self) -> Result<(), SimulationError> {
        self.file.flush().map_err(failed(&self.path))
    }
}

/// The schema of a file of kept events, and the place where its rows begin.
pub fn kept_schema(path: &Path) -> Result<(Schema, u64), SimulationError> {
    let not_kept = || SimulationError::NotKept(path.to_owned());
    let mut file = BufReader::new(File::open(path).map_err(failed(path))?);
    let mut mark = [0; MARK.len()];
    let mut length = [0; 8];
    file.read_exact(&mut mark).and_then(|()| file.read_exact(&mut length)).map_err(|_| not_kept())?;
    let length = u64::from_le_bytes(length);
    if mark != *MARK || length > SCHEMA_BYTES_MAX {
        return Err(not_kept());
    }
    let mut schema = Vec::new();
    file.by_ref().take(length).read_to_end(&mut schema).map_err(failed(path))?;
    let schema = serde_json::from_slice(&schema).map_err(|_| not_kept())?;
    let head = u64::try_from(MARK.len()).unwrap_or(0).saturating_add(8);
    Ok((schema, head.saturating_add(length)))
}

/// Reads kept events into a spill.
pub fn read_kept(path: &Path, from: u64, progress: Progress<'_>) -> Result<Spill, SimulationError> {
    let mut file = File::open(path).map_err(failed(path))?;
    let size = file.metadata().map_err(failed(path))?.len();
    file.seek(SeekFrom::Start(from)).map_err(failed(path))?;
    let mut spill = Spill::new(size)?;
    let (mut bytes, mut done) = (Vec::with_capacity(CHUNK_BYTES), from);
    loop {
        let chunk = u64::try_from(CHUNK_BYTES).unwrap_or(u64::MAX);
        let read = (&mut file).take(chunk).read_to_end(&mut bytes).map_err(failed(path))?;
        let mut rest = bytes.as_slice();
        loop {
            match Row::read(rest) {
                Ok(Some((row, taken))) => {
                    spill.add(&row)?;
                    rest = rest.get(taken..).unwrap_or_default();
                }
                Ok(None) => break,
                Err(RowError::CutShort) if read > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        let left = rest.len();
        bytes.drain(..bytes.len().saturating_sub(left));
        if read == 0 {
            return Ok(spill);
        }
        done = done.saturating_add(u64::try_from(read).unwrap_or(0));
        progress(Phase::Reading, done, size);
    }
}
