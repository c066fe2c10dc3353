//! A terminal as a picture: a command and what was printed, as SVG. Must never change a word of it.

/// Most columns of a line; what is longer is folded.
const COLUMNS: usize = 110;
const WIDTH_PX: u32 = 912;
const LINE_PX: u32 = 20;
const MARGIN_PX: u32 = 16;

/// The picture of a command and its output.
pub fn draw(command: &str, output: &str) -> String {
    let mut lines = vec![(format!("$ {command}"), "#8b949e")];
    for line in output.lines() {
        let colour = colour_of(line);
        lines.extend(folded(line).into_iter().map(|part| (part, colour)));
    }
    let mut y = MARGIN_PX;
    let mut rows = Vec::new();
    for (text, colour) in &lines {
        y = y.saturating_add(LINE_PX);
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        rows.push(format!("<text x=\"{MARGIN_PX}\" y=\"{y}\" fill=\"{colour}\">{text}</text>\n"));
    }
    let (height, rows) = (y.saturating_add(MARGIN_PX), rows.concat());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH_PX}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH_PX} {height}\" font-size=\"13\" xml:space=\"preserve\" \
         font-family=\"ui-monospace, Menlo, Consolas, 'Noto Sans Mono CJK SC', monospace\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n{rows}</svg>\n"
    )
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
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for word in line.split_inclusive(' ') {
        if !piece.trim().is_empty() && columns(&piece).saturating_add(columns(word.trim_end())) > COLUMNS {
            pieces.push(std::mem::replace(&mut piece, "    ".to_owned()));
        }
        piece.push_str(word);
    }
    pieces.push(piece);
    pieces
}

/// Columns of a terminal; a Chinese character takes two.
fn columns(text: &str) -> usize {
    text.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum()
}
