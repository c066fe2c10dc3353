use std::io::Write;

use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn rows(bytes: &[u8]) -> Vec<Result<Vec<String>, &'static str>> {
    let file = file(bytes);
    let mut table = Table::open(file.path()).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = table.advance().unwrap() {
        rows.push(
            row.map(|()| table.fields().iter().map(str::to_owned).collect()).map_err(|reason| reason.code),
        );
    }
    rows
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_bad_row_spoils_no_other() {
    let read = rows(b"\xef\xbb\xbfa,b\r\n1,2\r\n\"x,y\n\n3\n\xff,4\n\"5\"\"\",\"6,7\"\n8,9");
    let row = |a: &str, b: &str| Ok(vec![a.to_owned(), b.to_owned()]);
    assert_eq!(
        read,
        vec![
            row("1", "2"),
            Err("unclosed_quote"),
            Err("column_count"),
            Err("bad_utf8"),
            row("5\"", "6,7"),
            row("8", "9")
        ]
    );
}

#[test]
fn rows_are_bounded() {
    for (length, fits) in [(ROW_BYTES_MAX - 1, true), (ROW_BYTES_MAX, true), (ROW_BYTES_MAX + 1, false)] {
        for end in ["\n", "\r\n"] {
            let text = format!("a\n{}{end}2{end}", "x".repeat(length));
            let read = rows(text.as_bytes());
            assert_eq!(read[0].is_ok(), fits, "{length}");
            assert_eq!(read[1], Ok(vec!["2".to_owned()]));
            assert_eq!(read.len(), 2);
        }
    }
}

#[test]
fn gzip_is_told_by_its_bytes_and_may_have_members() {
    let mut bytes = gzip(b"a\n1\n");
    bytes.extend(gzip(b"2\n"));
    assert_eq!(rows(&bytes), vec![Ok(vec!["1".to_owned()]), Ok(vec!["2".to_owned()])]);
}

#[test]
fn a_cut_gzip_is_an_error_and_not_an_end() {
    let text = (0..10_000).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
    let bytes = gzip(text.as_bytes());
    let file = file(&bytes[..bytes.len() / 2]);
    let mut table = Table::open(file.path()).unwrap();
    let problem = loop {
        match table.advance() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the cut went unnoticed"),
            Err(problem) => break problem,
        }
    };
    assert!(matches!(problem, ImportError::Io { line, .. } if line > 0), "{problem}");
}

#[test]
fn an_empty_file_says_so() {
    assert!(matches!(Table::open(file(b"").path()), Err(ImportError::Empty(_))));
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_the_end(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        let file = file(&[b"a,b\n", bytes.as_slice()].concat());
        let mut table = Table::open(file.path()).unwrap();
        while let Some(_row) = table.advance().unwrap() {}
    }

    #[test]
    fn lines_split_as_the_csv_crate_splits_them(line in "[ab\",' \u{4e2d}]{1,24}") {
        let mut fields = Fields::default();
        let closed = fields.split(&line);
        let mut oracle =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
        let record = oracle.records().next().unwrap().unwrap();
        if closed {
            let ours: Vec<&str> = fields.iter().collect();
            prop_assert_eq!(ours, record.iter().collect::<Vec<_>>());
        }
    }
}
