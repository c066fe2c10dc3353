//! Runs an import: two passes over the files, one item after another. Knows no format.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, TimeDelta};
use tanhui_domain::text::Text;

use crate::civil;
use crate::draft::Mould;
use crate::error::ImportError;
use crate::format::{Format, Layout, Outcome, Row, sniff};
use crate::item::{Item, Reason, Refused};
use crate::kind::{Kind, Options, default_source};
use crate::table::Table;

/// Most rows of one import: the pairing of taps holds about 60 bytes for each, so 1.2 GB at the most.
pub const ROWS_MAX: u32 = 20_000_000;

/// Opens files as one import. Reads them once to learn what only the whole tells (pairs, overlaps, the
/// earliest day); iterating reads them a second time.
pub fn open(kind: Kind, files: &[PathBuf], options: &Options) -> Result<Import, ImportError> {
    open_bounded(kind, files, options, ROWS_MAX)
}

struct Source {
    path: PathBuf,
    stem: String,
    columns: Vec<Option<usize>>,
    reader: usize,
    rows: u32,
}

struct Reader {
    layout: &'static Layout,
    format: Box<dyn Format>,
    mould: Mould,
}

/// An import under way: an iterator of events and refused rows.
pub struct Import {
    sources: Vec<Source>,
    readers: Vec<Reader>,
    at: usize,
    table: Option<Table>,
    queue: VecDeque<Item>,
    outcomes: Vec<Outcome>,
    rows_read: u32,
    rows_in_file: u32,
    bytes_before: u64,
    bytes_total: u64,
    failed: bool,
}

impl fmt::Debug for Import {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<&PathBuf> = self.sources.iter().map(|source| &source.path).collect();
        formatter
            .debug_struct("Import")
            .field("files", &files)
            .field("rows_read", &self.rows_read)
            .finish_non_exhaustive()
    }
}

pub(crate) fn open_bounded(
    kind: Kind,
    files: &[PathBuf],
    options: &Options,
    rows_max: u32,
) -> Result<Import, ImportError> {
    if files.is_empty() {
        return Err(ImportError::NoFiles);
    }
    let (mut sources, mut readers) = (Vec::new(), Vec::<Reader>::new());
    let mut bytes_total: u64 = 0;
    for path in files {
        let table = Table::open(path)?;
        let (layout, columns) = sniff(kind, table.name(), table.header())?;
        let known = readers.iter().position(|reader| reader.layout.name == layout.name);
        let reader = known.unwrap_or(readers.len());
        if known.is_none() {
            readers.push(reader_of(kind, layout, files, options)?);
        }
        bytes_total = bytes_total.saturating_add(path.metadata().map_or(0, |metadata| metadata.len()));
        sources.push(Source { path: path.clone(), stem: stem(path), columns, reader, rows: 0 });
    }
    let earliest = survey(&mut sources, &mut readers, rows_max)?;
    let shift = shift_to(earliest, options.replay_at);
    for reader in &mut readers {
        reader.format.settle();
        reader.mould.shift = shift;
    }
    Ok(Import {
        sources,
        readers,
        at: 0,
        table: None,
        queue: VecDeque::new(),
        outcomes: Vec::new(),
        rows_read: 0,
        rows_in_file: 0,
        bytes_before: 0,
        bytes_total,
        failed: false,
    })
}

fn reader_of(
    kind: Kind,
    layout: &'static Layout,
    files: &[PathBuf],
    options: &Options,
) -> Result<Reader, ImportError> {
    let source = if options.source.is_empty() { default_source(kind) } else { options.source.clone() };
    let zone = options.zone.unwrap_or(layout.zone);
    let mould = Mould { kind, source, zone, shift: TimeDelta::zero() };
    Ok(Reader { layout, format: (layout.build)(options, files)?, mould })
}

fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    plain.strip_suffix(".csv").unwrap_or(plain).to_owned()
}

/// First pass over all files; the earliest day any readable row tells.
fn survey(
    sources: &mut [Source],
    readers: &mut [Reader],
    rows_max: u32,
) -> Result<Option<NaiveDate>, ImportError> {
    let mut earliest: Option<NaiveDate> = None;
    let mut ordinal: u32 = 0;
    for source in sources {
        let Some(reader) = readers.get_mut(source.reader) else { continue };
        let mut table = Table::open(&source.path)?;
        while let Some(readable) = table.advance()? {
            if ordinal >= rows_max {
                return Err(ImportError::TooManyRows { max: rows_max });
            }
            if readable.is_ok()
                && let Ok(Some(day)) = reader.format.survey(&row(&table, source, reader.layout, ordinal))
            {
                earliest = Some(earliest.map_or(day, |earlier| earlier.min(day)));
            }
            ordinal = ordinal.saturating_add(1);
            source.rows = source.rows.saturating_add(1);
        }
    }
    Ok(earliest)
}

fn row<'a>(table: &'a Table, source: &'a Source, layout: &'static Layout, ordinal: u32) -> Row<'a> {
    Row {
        ordinal,
        header: table.header(),
        fields: table.fields(),
        layout,
        columns: &source.columns,
        stem: &source.stem,
    }
}

/// Whole weeks from the earliest day's week to the wanted one.
fn shift_to(earliest: Option<NaiveDate>, replay_at: Option<NaiveDate>) -> TimeDelta {
    match (earliest, replay_at) {
        (Some(earliest), Some(wanted)) => {
            civil::monday(wanted).signed_duration_since(civil::monday(earliest))
        }
        _ => TimeDelta::zero(),
    }
}

impl Import {
    /// Rows handed over so far, without headers and blank lines.
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        self.rows_read.into()
    }

    /// Rows of all files together.
    #[must_use]
    pub fn rows_total(&self) -> u64 {
        self.sources.iter().map(|source| u64::from(source.rows)).sum()
    }

    /// Bytes of the files read so far, as they are stored.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_before
            .saturating_add(self.table.as_ref().map_or(0, Table::bytes_read))
            .min(self.bytes_total)
    }

    /// Bytes of all files, as they are stored.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// The formats found, mends made and tables used. Complete once the iterator has ended.
    #[must_use]
    pub fn notes(&self) -> Vec<Text> {
        let found = self.readers.iter().map(|reader| {
            let (name, zone) = (reader.layout.name, reader.mould.zone);
            Text::new(format!("格式：{name}，时区 {zone}"), format!("format: {name}, time zone {zone}"))
        });
        found.chain(self.readers.iter().flat_map(|reader| reader.format.notes())).collect()
    }

    /// Reads until there is an item; `false` at the end of the last file.
    fn fill(&mut self) -> Result<bool, ImportError> {
        while self.queue.is_empty() {
            let Some(source) = self.sources.get(self.at) else { return Ok(false) };
            if self.table.is_none() {
                self.table = Some(Table::open(&source.path)?);
                self.rows_in_file = 0;
            }
            let Some(table) = self.table.as_mut() else { return Ok(false) };
            match table.advance()? {
                None => self.close_file()?,
                Some(readable) => self.take(readable)?,
            }
        }
        Ok(true)
    }

    fn close_file(&mut self) -> Result<(), ImportError> {
        if let (Some(source), Some(table)) = (self.sources.get(self.at), self.table.take()) {
            if source.rows != self.rows_in_file {
                return Err(ImportError::Changed(table.name().to_owned()));
            }
            self.bytes_before = self.bytes_before.saturating_add(table.bytes_read());
        }
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn take(&mut self, readable: Result<(), Reason>) -> Result<(), ImportError> {
        let (Some(source), Some(table)) = (self.sources.get(self.at), self.table.as_ref()) else {
            return Ok(());
        };
        let Some(reader) = self.readers.get_mut(source.reader) else { return Ok(()) };
        if self.rows_in_file >= source.rows {
            return Err(ImportError::Changed(table.name().to_owned()));
        }
        if let Err(reason) = readable {
            self.outcomes.push(Err(reason));
        } else {
            let row = row(table, source, reader.layout, self.rows_read);
            reader.format.emit(&row, &mut self.outcomes);
        }
        for outcome in self.outcomes.drain(..) {
            self.queue.push_back(match outcome.and_then(|draft| reader.mould.event(&draft)) {
                Ok(event) => Item::Event(event),
                Err(reason) => Item::Refused(refused(table, reason)),
            });
        }
        self.rows_read = self.rows_read.saturating_add(1);
        self.rows_in_file = self.rows_in_file.saturating_add(1);
        Ok(())
    }
}

fn refused(table: &Table, reason: Reason) -> Refused {
    Refused {
        file: table.name().to_owned(),
        row: table.line(),
        code: reason.code,
        detail: reason.detail,
        raw: table.raw(),
    }
}

impl Iterator for Import {
    type Item = Result<Item, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.fill() {
            Ok(true) => self.queue.pop_front().map(Ok),
            Ok(false) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests;
