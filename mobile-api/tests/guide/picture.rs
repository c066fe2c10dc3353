//! A terminal as a picture: a command and what was printed, as SVG. Must never change a word of it.

use std::fmt::Write as _;

/// Most columns of a line; what is longer is folded.
const COLUMNS: usize = 110;
const COLUMN_PX: usize = 8;
const LINE_PX: usize = 20;
const MARGIN_PX: usize = 16;

/// The picture of a command and its output.
pub fn draw(command: &str, output: &str) -> String {
    let mut lines = vec![(format!("$ {command}"), "#8b949e")];
    for line in output.lines() {
        let colour = colour_of(line);
        lines.extend(folded(line).into_iter().map(|part| (part, colour)));
    }
    let width = COLUMNS * COLUMN_PX + 2 * MARGIN_PX;
    let height = lines.len() * LINE_PX + 2 * MARGIN_PX;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-size=\"13\" \
         font-family=\"ui-monospace, Menlo, Consolas, 'Noto Sans Mono CJK SC', monospace\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    for (place, (text, colour)) in lines.iter().enumerate() {
        let y = MARGIN_PX + place * LINE_PX + 14;
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        writeln!(
            svg,
            "<text x=\"{MARGIN_PX}\" y=\"{y}\" fill=\"{colour}\" xml:space=\"preserve\">{text}</text>"
        )
        .unwrap();
    }
    svg.push_str("</svg>\n");
    svg
}

fn colour_of(line: &str) -> &'static str {
    if line.starts_with("  ") {
        "#79c0ff"
    } else if line.contains(": error:") || line.contains(": 错误:") {
        "#ff7b72"
    } else if line.contains(": warning:") || line.contains(": 提醒:") {
        "#d29922"
    } else {
        "#7ee787"
    }
}

/// A line in pieces that fit, broken after blanks; those after the first are indented.
fn folded(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let piece = pieces.last().map_or("", String::as_str);
        if !piece.trim().is_empty() && columns(piece) + columns(word.trim_end()) > COLUMNS {
            pieces.push("    ".to_owned());
        }
        pieces.last_mut().unwrap().push_str(word);
    }
    pieces
}

/// Columns of a terminal; a Chinese character takes two.
fn columns(text: &str) -> usize {
    text.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum()
}
