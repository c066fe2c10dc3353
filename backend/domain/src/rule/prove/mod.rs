//! What is shown of a rule set beyond its types: by trying events, by ranges, by changing its numbers. Must
//! never change what a rule set decides.

mod caps;
mod excerpt;
mod mutation;
mod number;
mod sample;
mod tree;
mod trial;

pub use mutation::{Mutants, unchecked_numbers};

use super::diagnostic::{Diagnostic, Findings};
use super::ruleset::RuleSet;
use tree::Trees;

/// Errors where more of an input pays less without being declared, and warnings for caps that never bind.
pub(super) fn prove(rules: &RuleSet) -> Vec<Diagnostic> {
    let mut findings = Findings::default();
    let Some((main, catalogues)) = rules.sources() else { return Vec::new() };
    let trees = Trees::read(&main, &catalogues);
    for action in rules.actions() {
        trial::try_events(rules, action, &mut findings);
        caps::compare(action, &trees, &mut findings);
    }
    findings.all()
}
