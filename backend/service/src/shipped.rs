//! The rule files that ship inside the program, so that it runs without any other file.

use tanhui_domain::rule::{Diagnostic, RuleSet, SourceFile};

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../rules/", $name)))),+]
    };
}

/// The default city file.
const CITY: (&str, &str) = ("jiaxing.yaml", include_str!("../../../rules/jiaxing.yaml"));

const CATALOGUES: &[(&str, &str)] = shipped!(
    "factors/cn-grid.yaml",
    "factors/daily-life.yaml",
    "factors/home.yaml",
    "factors/mobility.yaml",
    "factors/recycling.yaml",
);

/// The default rule set.
pub fn default_rules() -> Result<RuleSet, Vec<Diagnostic>> {
    let file = |&(name, text): &(&str, &str)| SourceFile { name: name.to_owned(), text: text.to_owned() };
    let catalogues: Vec<SourceFile> = CATALOGUES.iter().map(file).collect();
    RuleSet::compile(&file(&CITY), &catalogues)
}

/// Catalogues that a file given by an operator may use without shipping them itself.
pub fn catalogues() -> impl Iterator<Item = SourceFile> {
    CATALOGUES.iter().map(|(name, text)| SourceFile { name: (*name).to_owned(), text: (*text).to_owned() })
}
