//! The rule files that ship inside the program, so that it runs without any other file.

use tanhui_domain::rule::{Diagnostic, RuleSet, SourceFile};

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../rules/", $name)))),+]
    };
}

type Shipped = (&'static str, &'static str);

/// The places, the default one first.
const PLACES: &[Shipped] =
    shipped!("jiaxing.yaml", "nanchang.yaml", "guizhou.yaml", "jiangsu.yaml", "jiangxi.yaml");

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
    let default = names().next().and_then(rules);
    default.unwrap_or_else(|| Err(Vec::new()))
}

/// The rule set of a shipped place, by its name.
#[must_use]
pub fn rules(place: &str) -> Option<Result<RuleSet, Vec<Diagnostic>>> {
    let file = PLACES.iter().find(|(name, _)| stem(name) == place)?;
    let catalogues: Vec<SourceFile> = catalogues().collect();
    Some(RuleSet::compile(&source(file), &catalogues))
}

/// The names of the shipped places, the default one first.
pub fn names() -> impl Iterator<Item = &'static str> {
    PLACES.iter().map(|(name, _)| stem(name))
}

fn stem(name: &'static str) -> &'static str {
    name.strip_suffix(".yaml").unwrap_or(name)
}

/// Catalogues that a file given by an operator may use without shipping them itself.
pub fn catalogues() -> impl Iterator<Item = SourceFile> {
    CATALOGUES.iter().map(source)
}

fn source((name, text): &Shipped) -> SourceFile {
    SourceFile { name: (*name).to_owned(), text: (*text).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_place_has_rules_without_a_warning() {
        let places: Vec<&str> = names().collect();
        assert_eq!(places, ["jiaxing", "nanchang", "guizhou", "jiangsu", "jiangxi"]);
        for place in places {
            let rules = rules(place).unwrap().unwrap();
            assert_eq!(rules.city(), place);
            assert_eq!(rules.warnings(), []);
        }
        assert_eq!(default_rules().unwrap().city(), "jiaxing");
        assert!(rules("atlantis").is_none());
    }
}
