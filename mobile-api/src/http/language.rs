//! Which of our two languages a caller would rather read.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use tanhui_domain::text::Language;

/// Ranges beyond this many are not looked at.
const RANGES_MAX: usize = 16;

/// The caller's language: the heaviest of the ranges that we speak, the first of equals, Chinese otherwise.
#[must_use]
pub fn of_headers(headers: &HeaderMap) -> Language {
    headers
        .get_all(ACCEPT_LANGUAGE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .take(RANGES_MAX)
        .filter_map(weighed)
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map_or_else(Language::default, |(_, language)| language)
}

/// One range with its weight in thousandths; nothing for weight 0 or a language that we do not speak.
fn weighed(range: &str) -> Option<(u16, Language)> {
    let mut parts = range.split(';');
    let tag = parts.next()?.trim();
    let language = match tag.split('-').next()?.to_ascii_lowercase().as_str() {
        "zh" | "*" => Language::Zh,
        "en" => Language::En,
        _ => return None,
    };
    let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Some(1000), thousandths)?;
    (weight > 0).then_some((weight, language))
}

/// `0`, `1`, `0.8`, `1.000`: at most three decimals, in thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u16 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_that_we_speak_wins() {
        let cases = [
            ("", Language::Zh),
            ("en", Language::En),
            ("en-GB,en;q=0.9", Language::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Zh),
            ("fr, en;q=0.3, zh;q=0.2", Language::En),
            ("en;q=0.5, zh;q=0.501", Language::Zh),
            ("en;q=0, *;q=0.1", Language::Zh),
            ("EN;q=1.000", Language::En),
            ("en;q=7", Language::Zh),
            ("de", Language::Zh),
            ("*, en;q=0.9", Language::Zh),
        ];
        for (header, language) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, header.parse().unwrap());
            assert_eq!(of_headers(&headers), language, "{header}");
        }
        assert_eq!(of_headers(&HeaderMap::new()), Language::Zh);
    }
}
