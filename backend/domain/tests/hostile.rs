//! Files made to hurt: each is refused or read, in bounded time and with bounded messages. Must never panic.

use tanhui_domain::rule::{DIAGNOSTICS_MAX, RuleSet, SourceFile, evaluate_expression};

const MAIN: &str = include_str!("rules/town.yaml");
const FACTORS: &str = include_str!("rules/factors/town.yaml");
const MEBIBYTE: usize = 1024 * 1024;

fn compile(text: String) -> usize {
    let main = SourceFile { name: "town.yaml".to_owned(), text };
    let factors = SourceFile { name: "factors/town.yaml".to_owned(), text: FACTORS.to_owned() };
    match RuleSet::compile(&main, &[factors]) {
        Ok(_) => 0,
        Err(all) => {
            assert!(all.len() <= DIAGNOSTICS_MAX);
            all.iter().map(|found| found.to_string().len()).max().unwrap_or(0)
        }
    }
}

#[test]
fn a_mebibyte_of_anything_is_refused_with_short_messages() {
    for piece in
        ["[", "{", "- ", "? ", "a: ", "a", "&a ", "*a ", "!a ", "'", "\"", "|\n", "#", ",", "\n", "-\n", "%"]
    {
        let text = piece.repeat(MEBIBYTE / piece.len());
        let longest = compile(text);
        assert!((1..8_000).contains(&longest), "{piece:?}: {longest}");
    }
}

#[test]
fn many_keys_and_long_ones_are_told_briefly() {
    let long = "k".repeat(200_000);
    assert!(compile(format!("{MAIN}\n{long}: 1\n{long}x: 2\n")) < 8_000);
    let keys = (0..24_000).map(|place| format!("{place:0>30}: 1")).collect::<Vec<_>>().join("\n");
    let keys = format!("{keys}\n");
    assert!(compile(format!("{keys}{MAIN}")) < 8_000);
    assert!(compile(MAIN.replace("Metro ride}", &format!("Metro ride, {long}}}"))) < 8_000);
}

#[test]
fn formulas_cannot_grow_without_end() {
    for formula in [
        "(".repeat(2_000),
        "-".repeat(2_000),
        "not ".repeat(390) + "yes",
        "1+".repeat(190) + "1",
        "if yes then ".repeat(150),
        "max(".repeat(300),
        "9".repeat(2_000),
        ["99999999999999999999"; 12].join(" * "),
        ["1 d/s"; 40].join(" * "),
        "1 km.km.km.km.km.km.km.km.km.km.km.km.km.km.km.km.km.km.km.km.km.km.km.km".to_owned(),
    ] {
        let _ = evaluate_expression(&formula, &[]);
        let formula = format!("reduction: \"{formula}\"");
        compile(MAIN.replace("reduction: distance * metro_saving", &formula));
    }
}
