//! A QR code as a small SVG: one path of horizontal runs, with the quiet zone that scanners need.

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
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(code.width()).enumerate() {
        let mut x = 0_usize;
        for run in row.chunk_by(|one, other| one == other) {
            if run.first() == Some(&Color::Dark) {
                let (left, top, length) = (x.saturating_add(QUIET), y.saturating_add(QUIET), run.len());
                // Writing into a string cannot fail.
                let _ = write!(path, "M{left} {top}h{length}v1h-{length}z");
            }
            x = x.saturating_add(run.len());
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" \
         shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{path}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the runs back into rows of modules.
    #[expect(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
    fn drawn(svg: &str, width: usize) -> Vec<Color> {
        let mut modules = vec![Color::Light; width * width];
        let path = svg.rsplit_once("<path d=\"").unwrap().1.split_once('"').unwrap().0;
        for run in path.split('M').skip(1) {
            let (left, rest) = run.split_once(' ').unwrap();
            let (top, rest) = rest.split_once('h').unwrap();
            let length: usize = rest.split_once('v').unwrap().0.parse().unwrap();
            let begin =
                (top.parse::<usize>().unwrap() - QUIET) * width + left.parse::<usize>().unwrap() - QUIET;
            modules[begin..begin + length].fill(Color::Dark);
        }
        modules
    }

    #[test]
    fn every_module_is_drawn() {
        for text in ["7K3M9QXR2T8WZ4HN", "0000000000000000"] {
            let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
            let svg = svg(text);
            assert_eq!(drawn(&svg, code.width()), code.to_colors());
            assert!(svg.contains("viewBox=\"0 0 29 29\"") && svg.len() < 4096, "{}", svg.len());
        }
        assert_eq!(svg(&"7".repeat(10_000)), "");
    }
}
