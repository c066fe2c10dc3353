//! Runs an import over texts, for the tests of the formats.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tanhui_domain::event::CloudEvent;

use crate::import::{Import, ROWS_MAX, open_bounded};
use crate::item::Item;
use crate::kind::{Kind, Options};

/// What came out: events in order, refused rows with their line.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    pub(crate) events: Vec<CloudEvent>,
    pub(crate) refused: Vec<(u64, &'static str)>,
    pub(crate) notes: Vec<String>,
}

impl Trial {
    /// Action, subject, time and data of each event in one line.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.events.iter().map(line).collect()
    }

    /// All results by id, so that two imports can be compared whatever the order of rows.
    pub(crate) fn by_id(&self) -> BTreeMap<String, String> {
        self.events.iter().map(|event| (event.id.clone(), line(event))).collect()
    }

    /// How often each code was given.
    pub(crate) fn codes(&self) -> BTreeMap<&'static str, usize> {
        let mut codes: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (_, code) in &self.refused {
            let count = codes.entry(code).or_default();
            *count = count.saturating_add(1);
        }
        codes
    }
}

fn line(event: &CloudEvent) -> String {
    let data: Vec<String> = event.data.iter().map(|(name, json)| format!("{name}={}", json.get())).collect();
    let action = event.action().unwrap_or("?");
    format!("{action} {} {} {}", event.subject, event.time, data.join(" ")).trim_end().to_owned()
}

/// Imports texts as files of one folder, with tables beside them.
pub(crate) fn run(kind: Kind, texts: &[&str], tables: &[(&str, &str)], options: &Options) -> Trial {
    run_bytes(kind, &texts.iter().map(|text| text.as_bytes()).collect::<Vec<_>>(), tables, options)
}

pub(crate) fn run_bytes(kind: Kind, texts: &[&[u8]], tables: &[(&str, &str)], options: &Options) -> Trial {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in tables {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let files: Vec<PathBuf> =
        (0..texts.len()).map(|at| folder.path().join(format!("part{at}.csv"))).collect();
    for (file, text) in files.iter().zip(texts) {
        std::fs::write(file, text).unwrap();
    }
    collect(open_bounded(kind, &files, options, ROWS_MAX).unwrap())
}

pub(crate) fn collect(mut import: Import) -> Trial {
    let mut trial = Trial::default();
    for item in import.by_ref() {
        match item.unwrap() {
            Item::Event(event) => {
                event.check().unwrap();
                trial.events.push(event);
            }
            Item::Refused(refused) => trial.refused.push((refused.row, refused.code)),
        }
    }
    assert_eq!(import.rows_read(), import.rows_total());
    trial.notes = import.notes().into_iter().map(|note| note.en).collect();
    trial
}
