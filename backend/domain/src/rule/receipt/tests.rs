use proptest::prelude::*;

use super::*;
use crate::rule::{Facts, RuleSet, SourceFile};

const FACTORS: &str = include_str!("../../../tests/rules/factors/town.yaml");
const TOWN: &str = include_str!("../../../tests/rules/town.yaml");

fn town() -> RuleSet {
    let file = |name: &str, text: &str| SourceFile { name: name.to_owned(), text: text.to_owned() };
    RuleSet::compile(&file("town.yaml", TOWN), &[file("factors/town.yaml", FACTORS)]).unwrap()
}

fn noon() -> DateTime<Utc> {
    "2026-03-02T04:00:00Z".parse().unwrap()
}

fn receipt(rules: &RuleSet, used: Vec<Usage>) -> Receipt {
    let metro = rules.action("metro_ride").unwrap();
    let inputs = rules.read_inputs(metro, [("distance_km", "7.20")]).unwrap();
    Receipt { engine: 1, inputs, used, ..Receipt::empty(noon()) }
}

#[test]
fn a_receipt_is_a_few_bytes() {
    let rules = town();
    let metro = rules.action("metro_ride").unwrap();
    let used = vec![Usage::from((1, 33, 0, 0)), Usage::default()];
    let bytes = receipt(&rules, used).to_bytes(metro);
    let expected = [
        &[1, 1, 1][..],          // format, engine, operator
        &[1, 3, 0xC0, 0x70, 0],  // inputs: 7.200 km in metres, not estimated
        &[2, 4, 0b11, 2, 66, 0], // day: one event, 33 pt; month: nothing
    ];
    assert_eq!(bytes.as_ref(), expected.concat());
}

#[test]
fn receipts_from_before_are_still_read() {
    let rules = town();
    let metro = rules.action("metro_ride").unwrap();
    let known = receipt(&rules, vec![Usage::from((1, 2, 3, 4)), Usage::default()]);
    let json = ReceiptBytes(serde_json::to_vec(&known).unwrap());
    assert_eq!(Receipt::from_bytes(metro, DateTime::UNIX_EPOCH, &json), Ok(known));
    let broken = Receipt::from_bytes(metro, noon(), &ReceiptBytes(b"{\"v\":1".to_vec()));
    assert!(matches!(broken, Err(ReceiptError::Json(_))), "{broken:?}");
}

#[test]
fn what_is_no_receipt_is_refused() {
    let rules = town();
    let metro = rules.action("metro_ride").unwrap();
    let read = |bytes: &[u8]| Receipt::from_bytes(metro, noon(), &ReceiptBytes(bytes.to_vec())).unwrap_err();
    let inputs = [1, 3, 0xC0, 0x70, 0];
    let with = |tail: &[u8]| [&[1, 1, 1][..], &inputs, tail].concat();
    assert!(Receipt::from_bytes(metro, noon(), &ReceiptBytes(with(&[]))).is_ok());
    for (bytes, expected) in [
        (vec![], ReceiptError::CutShort),
        (vec![2, 1, 1], ReceiptError::UnknownFormat(2)),
        (vec![1, 1, 0], ReceiptError::OutOfRange),
        (vec![1, 1, 5], ReceiptError::OutOfRange),
        (vec![1, 0xFF, 0xFF, 4, 1], ReceiptError::OutOfRange),
        (vec![1, 1, 1], ReceiptError::ForeignInputs),
        (vec![1, 1, 1, 1, 3, 0xC0, 0x70, 1], ReceiptError::ForeignInputs),
        (vec![1, 1, 1, 1, 3, 0xC0, 0x70, 4], ReceiptError::ForeignInputs),
        (vec![1, 1, 1, 1, 2, 1, 0], ReceiptError::ForeignInputs),
        (vec![1, 1, 1, 1, 2, 0xC0, 0x70], ReceiptError::CutShort),
        (with(&[9, 0]), ReceiptError::UnknownSection(9)),
        (with(&inputs), ReceiptError::Malformed(1)),
        (with(&[2, 2, 0]), ReceiptError::CutShort),
        (with(&[2, 1, 0b1_0000]), ReceiptError::OutOfRange),
        (vec![1, 1, 1, 1, 4, 0xC0, 0x70, 0, 0], ReceiptError::Malformed(1)),
    ] {
        assert_eq!(read(&bytes), expected, "{bytes:?}");
    }
    assert_eq!(read(&vec![1; RECEIPT_BYTES_MAX + 1]), ReceiptError::TooLong(RECEIPT_BYTES_MAX + 1));
    assert_ne!(read(&vec![1; RECEIPT_BYTES_MAX]), ReceiptError::TooLong(RECEIPT_BYTES_MAX));
}

#[test]
fn no_more_windows_than_caps_are_read() {
    let rules = town();
    let metro = rules.action("metro_ride").unwrap();
    let read = |windows: usize| {
        let bytes = receipt(&rules, vec![Usage::default(); windows]).to_bytes(metro);
        Receipt::from_bytes(metro, noon(), &bytes).map(|receipt| receipt.used.len())
    };
    assert_eq!(read(0), Ok(0));
    assert_eq!(read(CAPS_MAX), Ok(CAPS_MAX));
    assert_eq!(read(CAPS_MAX + 1), Err(ReceiptError::OutOfRange));
}

#[test]
fn a_card_is_kept_whole_and_nothing_after_it() {
    let rules = town();
    let metro = rules.action("metro_ride").unwrap();
    let card = Some(SharedId::new(Uuid::from_u128(0x0123_4567_89ab_cdef)));
    let bytes = Receipt { card, ..receipt(&rules, Vec::new()) }.to_bytes(metro);
    let read = |bytes: &[u8]| Receipt::from_bytes(metro, noon(), &ReceiptBytes(bytes.to_vec()));
    assert_eq!(read(&bytes.0).unwrap().card, card);
    let length = bytes.0.len() - 17;
    for (bytes_said, said) in [(15, Err(ReceiptError::CutShort)), (17, Err(ReceiptError::Malformed(8)))] {
        let mut other = bytes.0.clone();
        other[length] = bytes_said;
        other.resize(length + 1 + usize::from(bytes_said), 0);
        assert_eq!(read(&other).map(|receipt| receipt.card), said);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stored_receipt_explains_the_decision_bit_for_bit(
        metres in 300_u32..=80_000,
        estimated: bool,
        grade in 0_usize..4,
        used in proptest::collection::vec(any::<(i64, i64, i64, i64)>(), 0..=CAPS_MAX),
        sane in proptest::array::uniform2((0_i64..9, 0_i64..300, 0_i64..9_000_000, 0_i64..9_000_000)),
    ) {
        let rules = town();
        let metro = rules.action("metro_ride").unwrap();
        let (metres, estimated) = (metres.to_string(), estimated.to_string());
        let data = [("distance_m", metres.as_str()), ("estimated", estimated.as_str())];
        let inputs = rules.read_inputs(metro, data).unwrap();
        let evidence = Evidence::ALL[grade];
        let facts = Facts::new(&inputs, noon(), evidence);
        let decided = rules.evaluate(metro, &facts, &sane.map(Usage::from));
        let bytes = decided.receipt().to_bytes(metro);
        let read = Receipt::from_bytes(metro, noon(), &bytes).unwrap();
        prop_assert_eq!(rules.explain(metro, &read), rules.explain(metro, decided.receipt()));
        prop_assert_eq!(&read, decided.receipt());
        let used = used.into_iter().map(Usage::from).collect();
        let extreme = Receipt { used, ..read };
        prop_assert_eq!(Receipt::from_bytes(metro, noon(), &extreme.to_bytes(metro)), Ok(extreme));
    }

    #[test]
    fn junk_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64), sane: bool) {
        let rules = town();
        let metro = rules.action("metro_ride").unwrap();
        let bytes = if sane { [&[1, 1, 1][..], &bytes].concat() } else { bytes };
        let _ = Receipt::from_bytes(metro, noon(), &ReceiptBytes(bytes));
    }
}
