//! What is shown of a rule set beyond its types: by trying events, by ranges, by changing its numbers. Must
//! never change what a rule set decides.

mod caps;
mod excerpt;
mod mutation;
mod number;
mod sample;
mod tree;
mod trial;

pub use mutation::{Mutants, SECTIONS_UNTRIED, unchecked_numbers};

use super::action::Action;
use super::diagnostic::{Diagnostic, Findings};
use super::ruleset::{RuleSet, SourceFile};
use tree::Trees;

/// What can be said of a rule set that compiles.
#[derive(Debug, Default)]
pub struct Examination {
    /// Errors and warnings.
    pub messages: Vec<Diagnostic>,
    /// How many examples and cases were run; none where one does not come out.
    pub cases: Option<usize>,
}

impl RuleSet {
    /// Everything that is looked at before rules are published: warnings, tried events, compared caps, cases.
    #[must_use]
    pub fn examine(&self, cases: &[SourceFile]) -> Examination {
        let mut examination = Examination { messages: self.warnings().to_vec(), cases: None };
        examination.messages.extend(prove(self, |_| true));
        match self.check_cases(cases) {
            Ok(summary) => examination.cases = Some(summary.cases),
            Err(messages) => examination.messages.extend(messages),
        }
        examination
    }
}

/// Errors where more of an input pays less without being declared, and warnings for caps that never bind.
pub(super) fn prove(rules: &RuleSet, of: impl Fn(&Action) -> bool) -> Vec<Diagnostic> {
    let mut findings = Findings::default();
    let Some((main, catalogues)) = rules.sources() else { return Vec::new() };
    let trees = Trees::read(&main, &catalogues);
    for action in rules.actions().filter(|action| of(action)) {
        trial::try_events(rules, action, &mut findings);
        caps::compare(action, &trees, &mut findings);
    }
    findings.all()
}
