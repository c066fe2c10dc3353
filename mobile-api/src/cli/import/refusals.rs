//! The file of what was refused, row by row with the reason: for the sender to mend. Readable by its owner
//! only, since the rows are as they were read.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use tanhui_importers::Refused;
use tanhui_service::crediting::{EventResult, EventStatus};

use super::super::CommandError;

pub(super) struct Refusals {
    path: PathBuf,
    /// Made at the first refusal, so that a clean import leaves no file.
    writer: Option<csv::Writer<File>>,
}

impl Refusals {
    pub(super) fn create(path: PathBuf) -> Result<Self, CommandError> {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            Ok(()) | Err(_) => Ok(Self { path, writer: None }),
        }
    }

    pub(super) fn row(&mut self, refused: &Refused) -> Result<(), CommandError> {
        let row = refused.row.to_string();
        let detail = &refused.detail;
        self.write([&refused.file, &row, "", refused.code, &detail.zh, &detail.en, &refused.raw])
    }

    /// An event that was read and then rejected; others are passed over.
    pub(super) fn event(&mut self, result: &EventResult) -> Result<(), CommandError> {
        if result.status != EventStatus::Rejected {
            return Ok(());
        }
        let code = result.code.as_deref().unwrap_or_default();
        let (zh, en) = result.detail.as_ref().map(|text| (&*text.zh, &*text.en)).unwrap_or_default();
        self.write(["", "", &result.external_id, code, zh, en, ""])
    }

    fn write(&mut self, fields: [&str; 7]) -> Result<(), CommandError> {
        if self.writer.is_none() {
            let file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
            let mut writer = csv::Writer::from_writer(file);
            writer.write_record(["file", "row", "event_id", "code", "detail_zh", "detail_en", "raw"])?;
            self.writer = Some(writer);
        }
        match &mut self.writer {
            Some(writer) => Ok(writer.write_record(fields)?),
            None => Ok(()),
        }
    }

    /// The file's name, when anything was refused.
    pub(super) fn finish(self) -> Result<Option<String>, CommandError> {
        match self.writer {
            None => Ok(None),
            Some(mut writer) => {
                writer.flush()?;
                Ok(Some(self.path.to_string_lossy().into_owned()))
            }
        }
    }
}
