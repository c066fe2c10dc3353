//! The rule files that ship inside the program, so that it runs without any other file.

use tanhui_domain::rule::{Diagnostic, RuleSet, SourceFile};

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../rules/", $name)))),+]
    };
}

type Shipped = (&'static str, &'static str);

/// The default city file.
const CITY: Shipped = ("jiaxing.yaml", include_str!("../../../rules/jiaxing.yaml"));

const CATALOGUES: &[Shipped] = shipped!(
    "actions/daily.yaml",
    "actions/energy.yaml",
    "actions/travel.yaml",
    "actions/waste.yaml",
    "factors/cn-grid.yaml",
    "factors/daily-life.yaml",
    "factors/home.yaml",
    "factors/mobility.yaml",
    "factors/recycling.yaml",
);

/// The default rule set.
pub fn default_rules() -> Result<RuleSet, Vec<Diagnostic>> {
    let catalogues: Vec<SourceFile> = catalogues().collect();
    RuleSet::compile(&source(&CITY), &catalogues)
}

/// Catalogues that a file given by an operator may use without shipping them itself.
pub fn catalogues() -> impl Iterator<Item = SourceFile> {
    CATALOGUES.iter().map(source)
}

fn source((name, text): &Shipped) -> SourceFile {
    SourceFile { name: (*name).to_owned(), text: (*text).to_owned() }
}
