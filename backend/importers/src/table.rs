//! CSV files, plain or gzip, read line by line.
//!
//! A row is one line: a quoted field cannot hold a line break, so a stray quote spoils its own row and no
//! other, and no row is larger than [`ROW_BYTES_MAX`]. Nothing here knows what the columns mean.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::error::ImportError;
use crate::item::Reason;

/// Longest row, in bytes without its line end.
pub const ROW_BYTES_MAX: usize = 65_536;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// A quote that the line does not close.
struct Unclosed;

/// One row's fields, kept in one buffer that is used again for the next row.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    text: String,
    ends: Vec<usize>,
}

impl Fields {
    /// Splits one line as RFC 4180 does; false when a quote is not closed.
    pub(crate) fn split(&mut self, line: &str) -> bool {
        self.text.clear();
        self.ends.clear();
        let mut rest = Some(line);
        while let Some(field) = rest {
            let after = match field.strip_prefix('"') {
                Some(quoted) => match self.take_quoted(quoted) {
                    Ok(after) => after,
                    Err(Unclosed) => return false,
                },
                None => self.take_plain(field),
            };
            self.ends.push(self.text.len());
            rest = after;
        }
        true
    }

    /// Takes a field up to the comma; what follows the comma, `None` at the line's end.
    fn take_plain<'a>(&mut self, field: &'a str) -> Option<&'a str> {
        if let Some((value, after)) = field.split_once(',') {
            self.text.push_str(value);
            Some(after)
        } else {
            self.text.push_str(field);
            None
        }
    }

    fn take_quoted<'a>(&mut self, mut quoted: &'a str) -> Result<Option<&'a str>, Unclosed> {
        loop {
            let (value, after) = quoted.split_once('"').ok_or(Unclosed)?;
            self.text.push_str(value);
            match after.strip_prefix('"') {
                Some(doubled) => {
                    self.text.push('"');
                    quoted = doubled;
                }
                None => return Ok(self.take_plain(after)),
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field's text, empty when there is none at this index.
    pub(crate) fn get(&self, index: usize) -> &str {
        let start = match index.checked_sub(1) {
            Some(previous) => self.ends.get(previous).copied(),
            None => Some(0),
        };
        let end = self.ends.get(index).copied();
        start.zip(end).and_then(|(start, end)| self.text.get(start..end)).unwrap_or("")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}

struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.fetch_add(u64::try_from(read).unwrap_or(0), Ordering::Relaxed);
        Ok(read)
    }
}

/// An open file past its header line.
pub(crate) struct Table {
    name: String,
    reader: Box<dyn BufRead + Send>,
    bytes: Arc<AtomicU64>,
    buffer: Vec<u8>,
    line: u64,
    header: Vec<String>,
    fields: Fields,
}

enum Line {
    End,
    Whole,
    TooLong,
}

impl Table {
    /// Opens a file, tells gzip by its first bytes, and reads the header.
    pub(crate) fn open(path: &Path) -> Result<Self, ImportError> {
        let name = path.display().to_string();
        let failed = |problem| ImportError::Io { file: name.clone(), line: 0, problem };
        let bytes = Arc::new(AtomicU64::new(0));
        let file = File::open(path).map_err(failed)?;
        let mut raw = BufReader::new(Counted { inner: file, bytes: Arc::clone(&bytes) });
        let gzip = raw.fill_buf().map_err(failed)?.starts_with(GZIP_MAGIC);
        let reader: Box<dyn BufRead + Send> =
            if gzip { Box::new(BufReader::new(MultiGzDecoder::new(raw))) } else { Box::new(raw) };
        let mut table = Self {
            name,
            reader,
            bytes,
            buffer: Vec::new(),
            line: 0,
            header: Vec::new(),
            fields: Fields::default(),
        };
        table.read_header()?;
        Ok(table)
    }

    fn read_header(&mut self) -> Result<(), ImportError> {
        if self.advance()?.is_none() {
            return Err(ImportError::Empty(self.name.clone()));
        }
        let plain = |name: &str| name.trim_start_matches('\u{feff}').trim().trim_matches('"').to_owned();
        self.header = self.fields.iter().map(plain).collect();
        Ok(())
    }

    /// Goes to the next row. `None` at the end; `Some(Err)` for a row that cannot be read.
    pub(crate) fn advance(&mut self) -> Result<Option<Result<(), Reason>>, ImportError> {
        loop {
            match self.next_line().map_err(|problem| self.failed(problem))? {
                Line::End => return Ok(None),
                Line::TooLong => return Ok(Some(Err(too_long()))),
                Line::Whole if self.buffer.is_empty() => {}
                Line::Whole => return Ok(Some(self.split())),
            }
        }
    }

    fn failed(&self, problem: io::Error) -> ImportError {
        ImportError::Io { file: self.name.clone(), line: self.line, problem }
    }

    fn split(&mut self) -> Result<(), Reason> {
        let text = std::str::from_utf8(&self.buffer).map_err(|_| bad_utf8())?;
        if !self.fields.split(text) {
            return Err(unclosed_quote());
        }
        if !self.header.is_empty() && self.fields.len() != self.header.len() {
            return Err(column_count(self.fields.len(), self.header.len()));
        }
        Ok(())
    }

    fn next_line(&mut self) -> io::Result<Line> {
        self.buffer.clear();
        let limit = u64::try_from(ROW_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(2);
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(Line::End);
        }
        self.line = self.line.saturating_add(1);
        let ended = self.buffer.last() == Some(&b'\n');
        if ended {
            self.buffer.pop();
        }
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        if self.buffer.len() <= ROW_BYTES_MAX {
            return Ok(Line::Whole);
        }
        if !ended {
            self.reader.skip_until(b'\n')?;
        }
        self.buffer.truncate(256);
        Ok(Line::TooLong)
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Line number of the row, 1 for the header.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The row as read; bytes that are no UTF-8 show as U+FFFD.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// Bytes taken from the file so far, compressed ones where it is compressed.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

fn too_long() -> Reason {
    Reason::new(
        "row_too_long",
        format!("一行超过 {ROW_BYTES_MAX} 字节"),
        format!("the row is longer than {ROW_BYTES_MAX} bytes"),
    )
}

fn bad_utf8() -> Reason {
    Reason::new("bad_utf8", "该行不是 UTF-8 文本", "the row is not UTF-8 text")
}

fn unclosed_quote() -> Reason {
    Reason::new(
        "unclosed_quote",
        "引号未闭合（字段内不支持换行）",
        "a quote is not closed (line breaks within a field are not supported)",
    )
}

fn column_count(found: usize, expected: usize) -> Reason {
    Reason::new(
        "column_count",
        format!("该行有 {found} 列，表头有 {expected} 列"),
        format!("the row has {found} columns, the header {expected}"),
    )
}

#[cfg(test)]
mod tests;
