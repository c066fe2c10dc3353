//! The normal form of a rule file: order of keys, indentation, spacing, quotes, formulas. Must never change
//! what a file says, nor lose a comment: what it writes is read again and compared.

mod formula;
mod read;
mod write;

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Finding, Findings, Place, Severity, text};
use super::ruleset::SourceFile;
use super::yaml::{self, Kind, Node};
use read::{Entry, Shape, read};

/// The order of keys, by the path of the map that they stand in; `*` is any name. Others follow as written.
const ORDERS: [(&str, &[&str]); 10] = [
    (
        "",
        &[
            "format",
            "rules",
            "catalogue",
            "city",
            "title",
            "timezone",
            "uses",
            "points_expire",
            "accept",
            "reversal",
            "lists",
            "parameters",
            "actions",
            "campaigns",
            "budgets",
            "levels",
            "badges",
            "prizes",
            "examples",
            "cases",
        ],
    ),
    (
        "actions.*",
        &[
            "from",
            "name",
            "category",
            "description",
            "note",
            "inputs",
            "evidence",
            "history",
            "eligible",
            "hold",
            "steps",
            "points_only",
            "reduction",
            "points",
            "multipliers",
            "caps",
            "same_act",
            "accept",
            "settle",
        ],
    ),
    (
        "actions.*.inputs.*",
        &["label", "type", "of", "unit", "decimals", "min", "max", "more_pays", "default"],
    ),
    ("actions.*.eligible.*", &["when", "code", "else"]),
    ("actions.*.hold.*", &["when", "code", "reason"]),
    ("actions.*.caps.*", &["limit", "per", "of"]),
    ("parameters.*", &["same_as", "label", "values"]),
    ("parameters.*.values.*", &["from", "until", "value", "confidence", "source", "note"]),
    ("cases.*", &["name", "event", "used", "expect"]),
    ("examples.*", &["name", "event", "used", "expect"]),
];

/// The file in its normal form.
pub fn format_rules(file: &SourceFile) -> Result<String, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let refused = |findings: Findings| findings.finish().err().unwrap_or_default();
    let Some(before) = yaml::read(&file.name, &file.text, &mut findings) else {
        return Err(refused(findings));
    };
    let unsure = || {
        let mut findings = Findings::default();
        let found = text!(
            "此文件无法自动整理而不改变内容",
            "this file cannot be formatted without changing what it says"
        );
        findings.add(&file.name, Place::new(1, 1), "", Severity::Error, Finding::new(found));
        refused(findings)
    };
    let mut document = read(&file.text).ok_or_else(unsure)?;
    order(&mut document.root, "");
    let written = write::write(&document);
    let after = yaml::read(&file.name, &written, &mut findings);
    let same_words = after.is_some_and(|after| same(&before, &after));
    let same_comments = read(&written).is_some_and(|again| again.comments == document.comments);
    if same_words && same_comments { Ok(written) } else { Err(unsure()) }
}

fn order(shape: &mut Shape, path: &str) {
    match shape {
        Shape::Scalar(text) if formula::stands_under(path) => *text = formula::tidy(text),
        Shape::Scalar(_) => {}
        Shape::List { items, .. } => {
            for item in items {
                order(&mut item.value, &below(path, "*"));
            }
        }
        Shape::Map { entries, .. } => {
            let keys = ORDERS.iter().find(|(place, _)| *place == path).map_or(&[][..], |(_, keys)| keys);
            let rank = |entry: &Entry| keys.iter().position(|key| *key == entry.key).unwrap_or(usize::MAX);
            entries.sort_by_key(rank);
            let named = ["actions", "parameters", "actions.*.inputs"].contains(&path);
            for entry in entries {
                let step = below(path, if named { "*" } else { &entry.key });
                order(&mut entry.value, &step);
            }
        }
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Whether two trees say the same, whatever the order of keys.
fn same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Scalar { text: one, .. }, Kind::Scalar { text: other, .. }) => {
            one == other || formula::same_words(one, other)
        }
        (Kind::List(one), Kind::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Kind::Map(one), Kind::Map(other)) => {
            let others: BTreeMap<&str, &Node> =
                other.iter().map(|(key, node)| (key.text.as_str(), node)).collect();
            one.len() == others.len()
                && one
                    .iter()
                    .all(|(key, node)| others.get(key.text.as_str()).is_some_and(|other| same(node, other)))
        }
        (Kind::Scalar { .. } | Kind::List(_) | Kind::Map(_), _) => false,
    }
}
