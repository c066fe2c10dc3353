//! Rules for every text file: endings, blanks, no paths of one machine, short decisions.

use std::path::Path;

use super::Finding;

/// Files whose blanks carry meaning or came from elsewhere.
const AS_RECEIVED: [&str; 3] = [".csv", ".ndjson", ".txt"];
/// Folders of one machine; split so that this file does not contain them.
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
/// Lines of an architecture decision.
const DECISION_LINES: usize = 60;

/// Findings of one text file.
pub fn check(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let as_received = is_as_received(file);
    for (number, line) in (1..).zip(text.lines()) {
        if !as_received && line.ends_with(char::is_whitespace) {
            findings.push(Finding::new(file, number, "blanks at the end of the line; remove them"));
        }
        for folder in MACHINE_FOLDERS.into_iter().filter(|folder| names_folder(line, folder)) {
            let what = format!("`{folder}` is a path of one machine; use a relative path or a setting");
            findings.push(Finding::new(file, number, what));
        }
    }
    let length = text.lines().count();
    if !as_received && !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::new(file, length, "no newline at the end of the file; add one"));
    }
    if !as_received && text.ends_with("\n\n") {
        findings.push(Finding::new(file, length, "blank lines at the end of the file; remove them"));
    }
    if is_decision(file) && length > DECISION_LINES {
        let what =
            format!("{length} lines, {DECISION_LINES} allowed; a decision is context, choice and cost");
        findings.push(Finding::new(file, length, what));
    }
    findings
}

/// Whether a file is kept byte for byte.
pub fn is_as_received(file: &str) -> bool {
    AS_RECEIVED.iter().any(|ending| file.ends_with(ending))
}

fn is_decision(file: &str) -> bool {
    file.starts_with("docs/adr/") && Path::new(file).extension() == Some("md".as_ref())
}

/// Whether an absolute path begins here, rather than going on from a name or an address.
fn names_folder(line: &str, folder: &str) -> bool {
    let goes_on = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '}' | '/');
    line.match_indices(folder)
        .any(|(at, _)| !line.get(..at).and_then(|text| text.chars().next_back()).is_some_and(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_checked_except_in_files_as_received() {
        for text in ["a \n", "a\t\n", "a", "a\n\n"] {
            assert_eq!(check("a.md", text).len(), 1, "{text:?}");
            assert_eq!(check("samples/a.csv", text).len(), 0, "{text:?}");
        }
        assert_eq!(check("a.md", "a\n"), []);
        assert_eq!(check("a.md", ""), []);
    }

    #[test]
    fn paths_of_one_machine_are_found_everywhere() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(check("a.csv", &format!("data = \"{folder}x\"\n")).len(), 1, "{folder}");
            assert_eq!(check("a.md", &format!("https://example.org{folder}x\n")).len(), 0, "{folder}");
        }
    }

    #[test]
    fn decisions_at_the_limit_pass_and_above_it_fail() {
        let found = |lines: usize| check("docs/adr/0001-a.md", &"a\n".repeat(lines)).len();
        assert_eq!([59, 60, 61].map(found), [0, 0, 1]);
        assert_eq!(check("docs/guide.md", &"a\n".repeat(61)), []);
    }
}
