//! What may lie at the root: only what a newcomer or a tool looks for there.

use std::collections::BTreeSet;

use super::Finding;

const FILES: [&str; 18] = [
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "compose.yaml",
    "deny.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
];

const FOLDERS: [&str; 13] = [
    ".cargo",
    ".ci",
    ".config",
    "backend",
    "bench",
    "docs",
    "migrations",
    "mobile-api",
    "rules",
    "samples",
    "tests",
    "web",
    "xtask",
];

/// Findings over the names of all files.
pub fn check(files: &[String]) -> Vec<Finding> {
    let mut strangers = BTreeSet::new();
    for file in files {
        let (known, name) = match file.split_once('/') {
            Some((folder, _)) => (FOLDERS.contains(&folder), folder),
            None => (FILES.contains(&file.as_str()), file.as_str()),
        };
        if !known {
            strangers.insert(name);
        }
    }
    let what = "is not known at the root; move it to its room, or add it in xtask/src/tidy/ground.rs";
    strangers.into_iter().map(|name| Finding::new(name, 1, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strangers(files: &[&str]) -> Vec<String> {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        check(&files).into_iter().map(|finding| finding.file).collect()
    }

    #[test]
    fn strangers_are_named_once() {
        let files = ["Cargo.toml", "notes.md", "backend/x.rs", "old/a.rs", "old/b.rs"];
        assert_eq!(strangers(&files), ["notes.md", "old"]);
    }
}
