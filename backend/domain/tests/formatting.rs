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
fn long_brackets_are_opened_and_short_ones_kept() {
    let word = "长".repeat(60);
    let long = format!("a: {{zh: {word}, en: {word}}}\n");
    assert_eq!(format(&long).unwrap(), format!("a:\n  zh: {word}\n  en: {word}\n"));
    let fits = format!("a: [{}]\n", "x".repeat(115));
    assert_eq!(format(&fits).unwrap(), fits);
    let wide = format!("a: [{}]\n", "x".repeat(116));
    assert_eq!(format(&wide).unwrap(), format!("a:\n  - {}\n", "x".repeat(116)));
    assert_eq!(format("a: [1,  # one\n    2]\n").unwrap(), "a: [1, 2]  # one\n");
}

#[test]
fn what_cannot_be_read_is_refused() {
    assert!(format("a: [1\nb: 2\n").unwrap_err().contains("this `[` has no `]`"));
    assert!(format("").is_err());
}
