//! A QR code as a small SVG: one path of horizontal strokes, with the quiet zone that scanners need.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code.
const QUIET: usize = 4;

/// The QR code of a text; empty when the text does not fit into one.
pub fn svg(text: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return String::new();
    };
    let size = code.width().saturating_add(QUIET.saturating_mul(2));
    // Each row is drawn as strokes: down to its middle, then runs of dark and moves over light modules.
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(code.width()).enumerate() {
        let top = y.saturating_add(QUIET);
        // Writing into a string cannot fail.
        let _ = write!(path, "M{QUIET} {top}.5");
        for run in row.chunk_by(|one, other| one == other) {
            let length = run.len();
            let _ = match run.first() {
                Some(Color::Dark) => write!(path, "h{length}"),
                Some(Color::Light) | None => write!(path, "m{length} 0"),
            };
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" \
         shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path stroke=\"#000\" d=\"{path}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the strokes back into rows of modules.
    #[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
    fn drawn(svg: &str, width: usize) -> Vec<Color> {
        let mut modules = Vec::new();
        let path = svg.rsplit_once(" d=\"").unwrap().1.split_once('"').unwrap().0;
        for (y, row) in path.split('M').skip(1).enumerate() {
            let (begin, strokes) = row.split_at(row.find(['h', 'm']).unwrap());
            assert_eq!(begin, format!("{QUIET} {}.5", y + QUIET));
            for stroke in strokes.replace(" 0", "").replace('h', " h").replace('m', " m").split_whitespace() {
                let color = if stroke.starts_with('h') { Color::Dark } else { Color::Light };
                modules.extend(vec![color; stroke[1..].parse().unwrap()]);
            }
            assert_eq!(modules.len(), (y + 1) * width);
        }
        modules
    }

    #[test]
    fn every_module_is_drawn() {
        let payload = format!("TH1.{}", "A2B3C4D5".repeat(23));
        for (text, size, bytes_max) in [("7K3M9QXR2T8WZ4HN", 29, 1_500), (payload.as_str(), 57, 7_000)] {
            let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
            let svg = svg(text);
            assert_eq!(drawn(&svg, code.width()), code.to_colors());
            assert!(svg.contains(&format!("viewBox=\"0 0 {size} {size}\"")), "{svg}");
            assert!(svg.len() < bytes_max, "{}", svg.len());
        }
        assert_eq!(svg(&"7".repeat(10_000)), "");
    }
}
