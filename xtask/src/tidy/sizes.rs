//! How long files, functions and lines may be.

use super::Finding;
use super::source::{Source, block_end};

/// Lines of a file.
const FILE_LINES: usize = 400;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES: usize = 70;
/// Characters of a line.
pub const LINE_CHARS: usize = 110;

/// Findings of one Rust file.
pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = lines(source);
    findings.extend(functions(source));
    let length = source.text.lines().count();
    if length > FILE_LINES {
        let what = format!("{length} lines, {FILE_LINES} allowed; make the file a folder of smaller rooms");
        findings.push(Finding::new(&source.file, length, what));
    }
    findings
}

fn lines(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(source.text.lines()) {
        let length = line.chars().count();
        if length > LINE_CHARS {
            let what = format!("{length} characters, {LINE_CHARS} allowed; break the line");
            findings.push(Finding::new(&source.file, number, what));
        }
    }
    findings
}

fn functions(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (first, line) in source.code_lines() {
        let Some(name) = function_name(line) else { continue };
        let Some(last) = block_end(&source.code, first) else { continue };
        let length = last.saturating_sub(first).saturating_add(1);
        if length > FUNCTION_LINES {
            let what = format!("`{name}` has {length} lines, {FUNCTION_LINES} allowed; split it by phases");
            findings.push(Finding::new(&source.file, first, what));
        }
    }
    findings
}

/// The name after `fn`, where a line declares a function.
pub fn function_name(line: &str) -> Option<&str> {
    let trimmed = line.trim_start();
    let after = match trimmed.strip_prefix("fn ") {
        Some(after) => after,
        None => trimmed.split_once(" fn ").map(|(_, after)| after)?,
    };
    let end = after.find(|letter: char| letter != '_' && !letter.is_alphanumeric()).unwrap_or(after.len());
    after.get(..end).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        check(&Source::new("a.rs", text)).len()
    }

    fn function_of(lines: usize) -> String {
        format!("pub async fn f(\n    x: u8) {{\n{}}}\n", "    g(\"{\");\n".repeat(lines.saturating_sub(3)))
    }

    #[test]
    fn functions_at_the_limit_pass_and_above_it_fail() {
        assert_eq!([69, 70, 71].map(|lines| findings(&function_of(lines))), [0, 0, 1]);
    }

    #[test]
    fn a_method_inside_a_test_module_counts_too() {
        let text = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function_of(71));
        assert_eq!(findings(&text), 1);
    }

    #[test]
    fn files_at_the_limit_pass_and_above_it_fail() {
        assert_eq!([399, 400, 401].map(|lines| findings(&"//\n".repeat(lines))), [0, 0, 1]);
    }

    #[test]
    fn lines_at_the_limit_pass_and_above_it_fail() {
        assert_eq!([109, 110, 111].map(|chars| findings(&"碳".repeat(chars))), [0, 0, 1]);
    }

    #[test]
    fn only_declarations_name_a_function() {
        assert_eq!(function_name("    pub(crate) const fn one(x: u8)"), Some("one"));
        assert_eq!(function_name("let f: fn(u8) = g;"), None);
    }
}
