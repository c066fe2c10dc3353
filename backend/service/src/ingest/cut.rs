//! Cuts a body into elements without reading them, so that a broken element stays its own.
//!
//! Works on bytes: those of a UTF-8 sequence are never taken for a quote, a comma or a bracket.

use serde::de::IgnoredAny;

/// How events lie in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The body is one event.
    One,
    /// A JSON array of events.
    Array,
    /// An event on each line; blank lines do not count.
    Lines,
}

/// The body is no JSON array.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: String,
}

/// The elements, and no more of them than `most` and one.
pub(super) fn elements(format: Format, body: &[u8], most: usize) -> Result<Vec<&[u8]>, Malformed> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match format {
        Format::One => Ok(vec![body]),
        Format::Array => split_array(body, most).ok_or_else(|| malformed(body)),
        Format::Lines => Ok(lines(body).take(most.saturating_add(1)).collect()),
    }
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

fn malformed(body: &[u8]) -> Malformed {
    match serde_json::from_slice::<Vec<IgnoredAny>>(body) {
        Err(error) => Malformed { line: error.line(), column: error.column(), reason: error.to_string() },
        Ok(_) => Malformed { line: 1, column: 1, reason: "not a JSON array".to_owned() },
    }
}

/// Cuts `[...]` at the commas outside of strings and inner brackets. None when the outermost bracket is not
/// the whole.
fn split_array(body: &[u8], most: usize) -> Option<Vec<&[u8]>> {
    let inside = body.trim_ascii().strip_prefix(b"[")?;
    let mut elements = Vec::new();
    let (mut depth, mut begin) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in inside.iter().enumerate() {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth = depth.saturating_add(1),
            b',' if depth == 0 => {
                elements.push(inside.get(begin..at)?.trim_ascii());
                begin = at.saturating_add(1);
                if elements.len() > most {
                    return Some(elements);
                }
            }
            b']' if depth == 0 => {
                let last = inside.get(begin..at)?.trim_ascii();
                if !(last.is_empty() && elements.is_empty()) {
                    elements.push(last);
                }
                let is_whole = at.saturating_add(1) == inside.len();
                return is_whole.then_some(elements);
            }
            b']' | b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &str) -> Result<Vec<&str>, Malformed> {
        let elements = elements(Format::Array, body.as_bytes(), 10)?;
        Ok(elements.into_iter().map(|element| std::str::from_utf8(element).unwrap()).collect())
    }

    #[test]
    fn a_broken_element_is_cut_out_whole() {
        assert_eq!(cut(r#"[{"a":"],"}, {b}, 3]"#).unwrap(), [r#"{"a":"],"}"#, "{b}", "3"]);
        assert_eq!(cut(r#"[{"a":"\"]"},,[1,{"b":[]}]]"#).unwrap(), [r#"{"a":"\"]"}"#, "", r#"[1,{"b":[]}]"#]);
        assert_eq!(cut(r#"["\\", nope]"#).unwrap(), [r#""\\""#, "nope"]);
        assert_eq!(cut(" [] ").unwrap(), Vec::<&str>::new());
    }

    #[test]
    fn what_is_no_array_is_refused_with_its_place() {
        for body in ["", "{}", "[", "[1", "[1]]", "[1] x", "[}]", r#"["a]"#, "7", "null"] {
            assert!(cut(body).is_err(), "{body}");
        }
        let error = cut("[\n{},").unwrap_err();
        assert_eq!((error.line, error.column), (2, 3));
    }

    #[test]
    fn bytes_that_are_not_utf8_stay_in_their_element() {
        let body = b"[{\"id\":\"\xff\"},{}]";
        assert_eq!(elements(Format::Array, body, 10).unwrap(), [&b"{\"id\":\"\xff\"}"[..], b"{}"]);
    }

    #[test]
    fn cutting_stops_one_past_the_bound() {
        for (sent, cut) in [(9, 9), (10, 10), (11, 11), (12, 11)] {
            let array = format!("[{}]", vec!["{}"; sent].join(","));
            assert_eq!(elements(Format::Array, array.as_bytes(), 10).unwrap().len(), cut);
            assert_eq!(elements(Format::Lines, "{}\n".repeat(sent).as_bytes(), 10).unwrap().len(), cut);
        }
    }

    #[test]
    fn lines_end_as_any_system_ends_them() {
        assert_eq!(elements(Format::Lines, b"\xef\xbb\xbf{}\r\n\n  \n7\n", 9).unwrap(), [&b"{}"[..], b"7"]);
        assert_eq!(elements(Format::Lines, b"", 9).unwrap().len(), 0);
        assert_eq!(elements(Format::One, b"", 9).unwrap().len(), 1);
    }
}
