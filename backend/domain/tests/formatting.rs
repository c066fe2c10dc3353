//! Formatting of every rule file there is, and of small ones by hand. Must never lose a word or a comment.

use std::fs;
use std::path::{Path, PathBuf};

use tanhui_domain::rule::{SourceFile, format_rules};

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| entry.path())
        .flat_map(|path| if path.is_dir() { yaml_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect()
}

fn format(text: &str) -> Result<String, String> {
    let file = SourceFile { name: "f.yaml".to_owned(), text: text.to_owned() };
    format_rules(&file).map_err(|all| all.iter().map(ToString::to_string).collect())
}

#[test]
fn every_file_keeps_its_meaning_and_formats_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in ["../../rules", "tests/rules"] {
        for path in yaml_files(&root.join(folder)) {
            let once = format(&fs::read_to_string(&path).unwrap());
            let once = once.unwrap_or_else(|told| panic!("{}: {told}", path.display()));
            assert_eq!(format(&once).unwrap(), once, "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 10);
}

#[test]
fn shipped_files_are_in_normal_form() {
    let files = yaml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules"));
    assert!(files.len() > 20, "the rules are not where they were");
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        assert!(format(&text).unwrap() == text, "`tanhui rules fmt {}` would change it", path.display());
    }
}

#[test]
fn order_spacing_and_quotes_become_normal() {
    let untidy = "\
# what this is
city:   town
format:   '1'

# the acts
actions:
    ride:   # by metro
        points: 5 pt   # each
        name: {en: Ride,   zh: \"乘车\"}


        # only these
        evidence: { operator: 100% }
        caps:
        -   {per: day, limit: 2 times}
        -   per: month
            limit: 'a: b'
# the end
";
    let tidy = "\
# what this is
format: 1
city: town

# the acts
actions:
  ride:  # by metro
    name: {en: Ride, zh: 乘车}

    # only these
    evidence: {operator: 100%}
    points: 5 pt  # each
    caps:
      - {limit: 2 times, per: day}
      - limit: \"a: b\"
        per: month
# the end
";
    assert_eq!(format(untidy).unwrap(), tidy);
}

#[test]
fn long_brackets_are_filled_and_short_ones_kept() {
    let word = "长".repeat(60);
    let long = format!("a: {{zh: {word}, en: {word}}}\n");
    assert_eq!(format(&long).unwrap(), format!("a: {{zh: {word},\n    en: {word}}}\n"));
    let fits = format!("a: [{}]\n", "x".repeat(115));
    assert_eq!(format(&fits).unwrap(), fits);
    let wide = format!("a: [{}]\n", "x".repeat(116));
    assert_eq!(format(&wide).unwrap(), format!("a:\n  - {}\n", "x".repeat(116)), "no line of it fits");
    assert_eq!(format("a: [1,  # one\n    2]\n").unwrap(), "a: [1, 2]  # one\n");
}

#[test]
fn brackets_within_brackets_stay_whole_where_they_fit_below() {
    let (name, place) = ("n".repeat(60), "p".repeat(60));
    let written = format!("a: [{{one: {name}, two: {{x: {place}, y: 1}}, three: 3}}]\n");
    let filled = format!("a: [{{one: {name},\n     two: {{x: {place}, y: 1}}, three: 3}}]\n");
    assert_eq!(format(&written).unwrap(), filled);
    assert_eq!(format(&filled).unwrap(), filled, "once is enough");
    let deeper = format!("a: {{source: {{x: {name}, y: {place}}}, z: 1}}\n");
    let filled = format!("a: {{source: {{x: {name},\n             y: {place}}},\n    z: 1}}\n");
    assert_eq!(format(&deeper).unwrap(), filled);
    for (letters, lines) in [(110, 1), (111, 2)] {
        let edge = format!("a: [1, {}, 2]\n", "x".repeat(letters - 1));
        assert_eq!(format(&edge).unwrap().lines().count(), lines, "{letters}");
    }
}

#[test]
fn long_texts_are_folded_where_reading_joins_them_again() {
    let words = |count: usize| vec!["four"; count].join(" ");
    let fits = format!("a: {}xxx\n", words(23));
    assert_eq!((fits.chars().count(), format(&fits).unwrap()), (121, fits.clone()));
    let long = format!("a: {}  # why\n", words(25));
    let folded = format!("a: >-  # why\n  {}\n  {}\n", words(23), words(2));
    assert_eq!(format(&long).unwrap(), folded);
    assert_eq!(format(&folded).unwrap(), folded, "once is enough");
    let item = format!("- {}\n", words(25));
    assert_eq!(format(&item).unwrap(), format!("- >-\n  {}\n  {}\n", words(23), words(2)));
    let choice = format!("a: if {} then 1 else if {} then 2 else 3\n", words(10), words(10));
    let lines = format!("a: >-\n  if {0} then 1\n  else if {0} then 2\n  else 3\n", words(10));
    assert_eq!(format(&choice).unwrap(), lines);
    for kept in [format!("a: \"{}  {}\"\n", words(20), words(10)), format!("a: {}\n", "长".repeat(200))] {
        let plain = kept.replace('"', "");
        assert_eq!(format(&kept).unwrap(), plain, "no line of it can be joined");
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    assert!(format("a: [1\nb: 2\n").unwrap_err().contains("this `[` has no `]`"));
    assert!(format("").is_err());
}
