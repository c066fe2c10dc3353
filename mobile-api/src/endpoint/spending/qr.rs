//! A QR code as a small SVG: one path of horizontal strokes, with the quiet zone that scanners need.

use std::fmt::Write as _;

use qrcode::canvas::{Canvas, MaskPattern};
use qrcode::types::QrError;
use qrcode::{Color, EcLevel, bits, ec};

/// Light modules around the code.
const QUIET: usize = 4;

/// The QR code of a text; empty when the text does not fit into one.
pub fn svg(text: &str) -> String {
    let Ok((width, colors)) = modules(text) else {
        return String::new();
    };
    let size = width.saturating_add(QUIET.saturating_mul(2));
    // Each row is drawn as strokes: down to its middle, then runs of dark and moves over light modules.
    let mut svg = String::with_capacity(colors.len().saturating_mul(3));
    // Writing into a string cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" \
         shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path stroke=\"#000\" d=\""
    );
    for (y, row) in colors.chunks(width).enumerate() {
        let top = y.saturating_add(QUIET);
        let _ = write!(svg, "M{QUIET} {top}.5");
        for run in row.chunk_by(|one, other| one == other) {
            match run.first() {
                Some(Color::Dark) => stroke(&mut svg, "h", run.len(), ""),
                Some(Color::Light) | None => stroke(&mut svg, "m", run.len(), " 0"),
            }
        }
    }
    svg.push_str("\"/></svg>");
    svg
}

/// Most strokes are short, and a digit is quicker than formatting.
fn stroke(svg: &mut String, letter: &str, length: usize, end: &str) {
    svg.push_str(letter);
    match u32::try_from(length).ok().and_then(|length| char::from_digit(length, 10)) {
        Some(digit) => svg.push(digit),
        None => svg.push_str(&length.to_string()),
    }
    svg.push_str(end);
}

/// How wide the code is, and its modules. One mask for all: weighing all eight took most of a redemption's
/// time, and every reader takes any.
fn modules(text: &str) -> Result<(usize, Vec<Color>), QrError> {
    let bits = bits::encode_auto(text.as_bytes(), EcLevel::M)?;
    let version = bits.version();
    let (data, correction) = ec::construct_codewords(&bits.into_bytes(), version, EcLevel::M)?;
    let mut canvas = Canvas::new(version, EcLevel::M);
    canvas.draw_all_functional_patterns();
    canvas.draw_data(&data, &correction);
    canvas.apply_mask(MaskPattern::Checkerboard);
    Ok((usize::try_from(version.width()).unwrap_or(0), canvas.into_colors()))
}

#[cfg(test)]
mod tests {
    use qrcode::QrCode;

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
            let (svg, width) = (svg(text), code.width());
            let modules = drawn(&svg, width);
            assert_eq!(modules.len(), width * width);
            // Finder patterns, timing and the dark module are no mask's.
            let fixed = (0..width * width).filter(|place| {
                let (x, y) = (place % width, place / width);
                (x < 7 && (y < 7 || y >= width - 7)) || (x >= width - 7 && y < 7) || x == 6 || y == 6
            });
            for place in fixed {
                assert_eq!(modules[place], code.to_colors()[place], "{place}");
            }
            assert!(svg.contains(&format!("viewBox=\"0 0 {size} {size}\"")), "{svg}");
            assert!(svg.len() < bytes_max, "{}", svg.len());
        }
        assert_eq!(svg(&"7".repeat(10_000)), "");
    }
}
