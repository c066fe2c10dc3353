//! `cargo xtask tidy`: the house rules that no compiler checks.
//!
//! Every check is pure, from file texts to findings; reading the files happens here alone.

mod code;
mod ground;
mod mend;
mod rooms;
mod sizes;
mod source;
mod text;
mod words;

use std::fmt;
use std::path::Path;

use crate::failure::Failure;
use crate::workspace;
use source::Source;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the root.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and how to mend it.
    pub what: String,
}

impl Finding {
    /// A broken rule at a place.
    pub fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Checks the working copy and prints every finding.
pub fn run() -> Result<(), Failure> {
    let root = workspace::root()?;
    let findings = check(&root)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err(Failure::Missing("1 house rule is broken".to_owned())),
        many => Err(Failure::Missing(format!("{many} house rules are broken"))),
    }
}

/// Mends what needs no judgement, then checks.
pub fn mend() -> Result<(), Failure> {
    let root = workspace::root()?;
    for file in workspace::files(&root)? {
        let path = root.join(&file);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let mended = mend::mend(&file, &text);
        if mended != text {
            std::fs::write(&path, mended).map_err(Failure::io(format!("writing {file}")))?;
            println!("mended {file}");
        }
    }
    run()
}

fn check(root: &Path) -> Result<Vec<Finding>, Failure> {
    let files = workspace::files(root)?;
    let mut findings = ground::check(&files);
    for file in &files {
        let bytes = std::fs::read(root.join(file)).map_err(Failure::io(format!("reading {file}")))?;
        if let Ok(text) = String::from_utf8(bytes) {
            findings.extend(check_file(file, &text));
        }
    }
    findings.sort();
    Ok(findings)
}

fn check_file(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = text::check(file, text);
    if file.ends_with("Cargo.toml") {
        findings.extend(rooms::check_manifest(file, text));
    }
    if Path::new(file).extension() == Some("rs".as_ref()) {
        let source = Source::new(file, text);
        findings.extend(sizes::check(&source));
        findings.extend(words::check(&source));
        findings.extend(rooms::check_source(&source));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_can_break_several_rules() {
        let text = format!("use axum::Router; \nfn f() {{ {}!() }}", "todo");
        let found: Vec<String> =
            check_file("backend/domain/src/x.rs", &text).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found.iter().any(|line| line.starts_with("backend/domain/src/x.rs:1: axum")));
    }
}
