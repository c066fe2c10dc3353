//! One Rust file as the checks see it: its text, its code, and which lines are tests.

use super::code::code_only;

/// A Rust file.
pub struct Source {
    /// The path, from the root.
    pub file: String,
    /// As written.
    pub text: String,
    /// The same lines without comments and the insides of strings.
    pub code: String,
    test_lines: Vec<(usize, usize)>,
}

impl Source {
    /// Reads Rust text.
    pub fn new(file: &str, text: &str) -> Self {
        let code = code_only(text);
        let test_lines = test_blocks(&code);
        Self { file: file.to_owned(), text: text.to_owned(), code, test_lines }
    }

    /// Lines of code with their numbers, from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines())
    }

    /// Whether a line is test code: in a `tests` folder or file, or in a `#[cfg(test)]` block.
    pub fn is_test(&self, line: usize) -> bool {
        let by_place = self.file.split('/').any(|part| part == "tests" || part == "tests.rs");
        by_place || self.test_lines.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }
}

/// The last line of the block that opens at or after the start of the given line, unless a `;` comes first.
pub fn block_end(code: &str, first_line: usize) -> Option<usize> {
    let mut depth: usize = 0;
    let mut brackets: usize = 0;
    for (number, line) in (1..).zip(code.lines()).skip(first_line.saturating_sub(1)) {
        for letter in line.chars() {
            match letter {
                '{' => depth = depth.saturating_add(1),
                '(' | '[' => brackets = brackets.saturating_add(1),
                ')' | ']' => brackets = brackets.saturating_sub(1),
                '}' if depth == 1 => return Some(number),
                '}' => depth = depth.saturating_sub(1),
                ';' if depth == 0 && brackets == 0 => return None,
                _ => {}
            }
        }
    }
    None
}

fn test_blocks(code: &str) -> Vec<(usize, usize)> {
    let starts = (1..).zip(code.lines()).filter(|(_, line)| line.contains("#[cfg(test)]"));
    starts.filter_map(|(first, _)| Some((first, block_end(code, first)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_lines_are_told_by_block_and_by_place() {
        let text = "fn a() {}\n#[cfg(test)]\nmod t {\n    fn b() { '}' }\n}\nfn c() {}\n";
        let source = Source::new("backend/domain/src/a.rs", text);
        let told: Vec<bool> = (1..=6).map(|line| source.is_test(line)).collect();
        assert_eq!(told, [false, true, true, true, true, false]);
        for file in ["tests/src/a.rs", "backend/store/tests/a.rs", "backend/domain/src/rule/tests.rs"] {
            assert!(Source::new(file, text).is_test(1), "{file}");
        }
    }

    #[test]
    fn a_declaration_has_no_block() {
        assert_eq!(block_end("mod tests;\nfn a() {\n}\n", 1), None);
        assert_eq!(block_end("fn a(x: [u8; 2]) {\n}\n", 1), Some(2));
    }
}
