//! Mends what needs no judgement: comments that are too long, blanks at line ends, the last newline.

use std::path::Path;

use super::sizes::LINE_CHARS;
use super::text::is_as_received;

/// The text with the simple findings mended.
pub fn mend(file: &str, text: &str) -> String {
    if is_as_received(file) || text.is_empty() {
        return text.to_owned();
    }
    let is_rust = Path::new(file).extension() == Some("rs".as_ref());
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let pieces = if is_rust { wrap(line) } else { vec![line.to_owned()] };
        for piece in pieces {
            out.push_str(piece.trim_end());
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Breaks a line that is a comment and nothing else; tables and code stay as they are.
fn wrap(line: &str) -> Vec<String> {
    let Some((lead, words)) = comment(line) else { return vec![line.to_owned()] };
    if line.chars().count() <= LINE_CHARS || words.starts_with('|') {
        return vec![line.to_owned()];
    }
    let hanging = if words.starts_with("- ") { "  " } else { "" };
    let mut pieces = Vec::new();
    let mut piece = lead.clone();
    for word in words.split(' ') {
        let fits = piece.chars().count().saturating_add(word.chars().count()) < LINE_CHARS;
        if !fits && piece.trim() != lead.trim() {
            pieces.push(std::mem::replace(&mut piece, format!("{lead}{hanging}")));
        }
        if piece.ends_with(|last: char| last != ' ') {
            piece.push(' ');
        }
        piece.push_str(word);
    }
    pieces.push(piece);
    pieces
}

/// The indent and marker of a comment with the blank after it, and its words.
fn comment(line: &str) -> Option<(String, &str)> {
    let trimmed = line.trim_start();
    let indent = line.get(..line.len().saturating_sub(trimmed.len()))?;
    let marker = ["///", "//!", "//"].into_iter().find(|marker| trimmed.starts_with(marker))?;
    let words = trimmed.strip_prefix(marker)?.strip_prefix(' ')?;
    Some((format!("{indent}{marker} "), words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &str) -> Vec<usize> {
        text.lines().map(|line| line.chars().count()).collect()
    }

    #[test]
    fn a_long_comment_is_broken_between_words() {
        let text = format!("    /// {}end\n", "word ".repeat(25));
        let mended = mend("a.rs", &text);
        assert!(mended.lines().all(|line| line.starts_with("    /// ")), "{mended}");
        assert!(lengths(&mended).into_iter().all(|length| length <= LINE_CHARS), "{mended}");
        assert_eq!(mended.replace("\n    /// ", " "), text);
    }

    #[test]
    fn a_list_item_goes_on_under_its_words() {
        let mended = mend("a.rs", &format!("/// - {}\n", "word ".repeat(25)));
        assert!(mended.lines().nth(1).unwrap().starts_with("///   word"), "{mended}");
    }

    #[test]
    fn what_needs_judgement_stays() {
        let code = format!("let x = \"{}\";\n", "word ".repeat(25));
        let table = format!("/// | {} |\n", "word ".repeat(25));
        let one_word = format!("/// {}\n", "w".repeat(120));
        for text in [code, table, one_word] {
            assert_eq!(mend("a.rs", &text), text);
        }
    }

    #[test]
    fn ends_are_mended_except_in_files_as_received() {
        assert_eq!(mend("a.md", "a \n\tb\n\n"), "a\n\tb\n");
        assert_eq!(mend("a.csv", "a \n\n"), "a \n\n");
        assert_eq!(mend("a.md", ""), "");
    }
}
