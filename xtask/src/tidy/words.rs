//! Words that may not be committed, and sleeping tests.

use super::Finding;
use super::sizes::function_name;
use super::source::Source;

/// Calls and attributes that leave work undone, and what to do instead.
const UNDONE: [(&str, &str); 4] = [
    ("todo!", "refuse what is not built with a clear message"),
    ("unimplemented!", "refuse what is not built with a clear message"),
    ("dbg!", "take it out, or trace without personal data"),
    ("#[ignore", "mend the test or remove it"),
];

/// Notes to oneself; split so that this file does not contain them.
const NOTES: [&str; 3] = [concat!("FIX", "ME"), concat!("X", "XX"), concat!("TO", "DO")];

/// Findings of one Rust file.
pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut waits = false;
    for (number, line) in source.code_lines() {
        waits = function_name(line).map_or(waits, is_waiting);
        let mut find = |what: String| findings.push(Finding::new(&source.file, number, what));
        for (word, mend) in UNDONE {
            if has_word(line, word) {
                find(format!("`{word}`; {mend}"));
            }
        }
        if source.is_test(number) && !waits && has_word(line, "sleep(") {
            let mend = "wait on the state it needs, in a function `until...` with a time limit";
            find(format!("a test sleeps; {mend}"));
        }
    }
    for (number, line) in (1..).zip(source.text.lines()) {
        for note in NOTES.into_iter().filter(|note| has_word(line, note)) {
            let what = format!("`{note}`; do it now or write it in the issue");
            findings.push(Finding::new(&source.file, number, what));
        }
    }
    findings
}

/// Functions that look again and again, with a breath in between, until something holds.
fn is_waiting(function: &str) -> bool {
    function.starts_with("until") || function.starts_with("wait")
}

/// Whether a line has the word where a name could begin and, if the word is a plain name, end.
pub fn has_word(line: &str, word: &str) -> bool {
    let in_name = |letter: char| letter == '_' || letter.is_alphanumeric();
    line.match_indices(word).any(|(at, found)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at.saturating_add(found.len())..).and_then(|text| text.chars().next());
        let begins = !word.starts_with(in_name) || !before.is_some_and(in_name);
        begins && (!word.ends_with(in_name) || !after.is_some_and(in_name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(file: &str, text: &str) -> usize {
        check(&Source::new(file, text)).len()
    }

    #[test]
    fn undone_work_is_found_in_code_only() {
        for (word, _) in UNDONE {
            assert_eq!(findings("a.rs", &format!("{word}()")), 1, "{word}");
            assert_eq!(findings("a.rs", &format!("f(\"{word}\") // {word}")), 0, "{word}");
        }
        assert_eq!(findings("a.rs", "not_todo!()"), 0);
    }

    #[test]
    fn notes_are_found_in_comments_too() {
        for note in NOTES {
            assert_eq!(findings("a.rs", &format!("// {note}: later")), 1, "{note}");
            assert_eq!(findings("a.rs", &format!("// {note}S_AND_MORE")), 0, "{note}");
        }
    }

    #[test]
    fn only_tests_may_not_sleep() {
        let sleeping = "tokio::time::sleep(x).await;\n";
        assert_eq!(findings("tests/src/a.rs", sleeping), 1);
        assert_eq!(findings("backend/store/tests/a.rs", sleeping), 1);
        assert_eq!(findings("backend/store/src/a.rs", sleeping), 0);
        let waiting = format!("async fn until_ready() {{\n{sleeping}}}\nfn b() {{\n}}\n");
        assert_eq!(findings("tests/src/a.rs", &waiting), 0);
        assert_eq!(findings("tests/src/a.rs", &format!("{waiting}{sleeping}")), 1);
        let block = format!("#[cfg(test)]\nmod tests {{\n{sleeping}}}\n{sleeping}");
        assert_eq!(findings("backend/store/src/a.rs", &block), 1);
    }
}
