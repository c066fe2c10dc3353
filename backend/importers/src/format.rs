//! What every file format answers to, and how a header finds its format.

use std::path::PathBuf;

use chrono::NaiveDate;
use chrono_tz::Tz;
use tanhui_domain::text::Text;

use crate::decimal::Decimal;
use crate::draft::{Draft, key};
use crate::error::ImportError;
use crate::item::Reason;
use crate::kind::{Kind, Options};
use crate::table::Fields;
use crate::{bikes, ev, oyster, pv, steps, taps, waste};

/// What a row, or the group of rows that it ends, comes to.
pub(crate) type Outcome = Result<Draft, Reason>;

/// Reads all rows twice: first to learn what can only be known from the whole, then to hand out results.
pub(crate) trait Format: Send {
    /// First pass: takes the row in and says on which day it happened, if the file tells.
    fn survey(&mut self, row: &Row<'_>) -> Result<Option<NaiveDate>, Reason>;

    /// Between the passes.
    fn settle(&mut self) {}

    /// Second pass, same rows in the same order: what the row comes to. Nothing for a row that is part of
    /// another row's act.
    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>);

    /// Mends made and tables used, for the operator.
    fn notes(&self) -> Vec<Text> {
        Vec::new()
    }
}

/// Makes a format for the options and the files given.
type Build = fn(&Options, &[PathBuf]) -> Result<Box<dyn Format>, ImportError>;

/// One file format: how to know it and how to read it.
pub(crate) struct Layout {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    /// Columns that must be there, in any order; then those that are used when they are.
    pub(crate) required: &'static [&'static str],
    pub(crate) optional: &'static [&'static str],
    pub(crate) zone: Tz,
    pub(crate) build: Build,
}

const LAYOUTS: &[&Layout] = &[
    &taps::LAYOUT,
    &bikes::trips::SHANGHAI,
    &bikes::trips::DOCKED,
    &bikes::points::LAYOUT,
    &pv::counter::LAYOUT,
    &pv::power::HALF_HOUR_KW,
    &pv::power::QUARTER_HOUR_W,
    &ev::LAYOUT,
    &waste::LAYOUT,
    &steps::LAYOUT,
    &oyster::LAYOUT,
];

/// Files that record no citizen's act, known by two of their columns.
const AGGREGATES: &[(&str, &str)] = &[("BOROUGH", "COMMUNITYDISTRICT"), ("route", "tonnes")];

impl Layout {
    /// Where each named column stands in a header, `None` when a required one is missing.
    pub(crate) fn columns(&self, header: &[String]) -> Option<Vec<Option<usize>>> {
        let at = |name: &&str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
        let mut columns = self.required.iter().map(|name| at(name).map(Some)).collect::<Option<Vec<_>>>()?;
        columns.extend(self.optional.iter().map(at));
        Some(columns)
    }
}

/// The kind's format whose columns the header has.
pub(crate) fn sniff(
    kind: Kind,
    file: &str,
    header: &[String],
) -> Result<(&'static Layout, Vec<Option<usize>>), ImportError> {
    let fitting = |layout: &&'static Layout| layout.columns(header).map(|columns| (*layout, columns));
    LAYOUTS.iter().filter(|layout| layout.kind == kind).find_map(fitting).ok_or_else(|| {
        ImportError::UnknownHeader {
            file: file.to_owned(),
            kind,
            found: shown(header.iter().map(String::as_str)),
            known: LAYOUTS.iter().filter(|layout| layout.kind == kind).map(|layout| known(layout)).collect(),
            hint: hint(header),
        }
    })
}

fn known(layout: &Layout) -> String {
    format!("  {}: {}\n", layout.name, shown(layout.required.iter().copied()))
}

fn shown<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> =
        names.take(60).map(|name| if name.is_empty() { "(no name)" } else { name }).collect();
    names.join(", ").chars().take(2_000).collect()
}

fn hint(header: &[String]) -> String {
    let has = |name: &str| header.iter().any(|column| column.eq_ignore_ascii_case(name));
    if AGGREGATES.iter().any(|(first, second)| has(first) && has(second)) {
        return "this file adds up whole districts or routes: no row is a citizen's act, \
                nothing can be credited"
            .to_owned();
    }
    LAYOUTS.iter().find(|layout| layout.columns(header).is_some()).map_or_else(String::new, |layout| {
        format!("the columns are those of kind {}: {}", layout.kind, layout.name)
    })
}

/// A readable row and where it stands.
pub(crate) struct Row<'a> {
    /// Number of the row over all files of the import, from 0.
    pub(crate) ordinal: u32,
    pub(crate) header: &'a [String],
    pub(crate) fields: &'a Fields,
    pub(crate) layout: &'static Layout,
    pub(crate) columns: &'a [Option<usize>],
    /// The file's name without folder and endings.
    pub(crate) stem: &'a str,
}

impl<'a> Row<'a> {
    /// The text of a layout's column, trimmed; empty where it is missing.
    pub(crate) fn text(&self, column: usize) -> &'a str {
        self.columns.get(column).copied().flatten().map_or("", |index| self.fields.get(index).trim())
    }

    /// Like [`Row::text`], refused when empty.
    pub(crate) fn required(&self, column: usize) -> Result<&'a str, Reason> {
        let text = self.text(column);
        if text.is_empty() {
            let name = self.name(column);
            return Err(Reason::new("missing_field", format!("缺少 {name}"), format!("{name} is empty")));
        }
        Ok(text)
    }

    /// A number that is not below zero.
    pub(crate) fn amount(&self, column: usize) -> Result<Decimal, Reason> {
        let number = self.number(column)?;
        if number.is_negative() { Err(self.bad_number(column)) } else { Ok(number) }
    }

    pub(crate) fn number(&self, column: usize) -> Result<Decimal, Reason> {
        self.required(column)?.parse().map_err(|_| self.bad_number(column))
    }

    pub(crate) fn bad_number(&self, column: usize) -> Reason {
        let name = self.name(column);
        Reason::new(
            "bad_number",
            format!("{name} 不是可用的数"),
            format!("{name} is not a number that can be used"),
        )
    }

    /// Stands for all the row holds, whatever the order of its columns.
    pub(crate) fn content(&self) -> u64 {
        let named = self.header.iter().zip(self.fields.iter());
        let mut parts: Vec<String> = named.map(|(name, text)| format!("{name}={text}")).collect();
        parts.sort_unstable();
        key(&parts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn name(&self, column: usize) -> &'static str {
        let optional =
            || column.checked_sub(self.layout.required.len()).and_then(|at| self.layout.optional.get(at));
        self.layout.required.get(column).or_else(optional).copied().unwrap_or("")
    }
}
