//! A whole rule set: one file and the catalogues it uses, checked, compiled, hashed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::action::Action;
use super::badge::Badge;
use super::batch::{Batch, EventColumns};
use super::budget::{Budget, BudgetWindow};
use super::campaign::{Campaign, DISTRICTS};
use super::cap::CapWindow;
use super::decision::{Decision, Facts, Usage};
use super::diagnostic::{Diagnostic, Finding, Findings, Place, Severity, nearest, text};
use super::evidence::Evidence;
use super::input_value::Inputs;
use super::inputs::{self, InputProblem};
use super::level::Level;
use super::parameter::Parameter;
use super::prize::Prize;
use super::same_act::ActSpan;
use super::schedule::{Acceptance, Expiry, SpentPoints};
use super::verdict::{Reason, Scratch, Slots, SlotsOf, Typed, Verdict};
use super::{budget, evaluate, example, file, grant, history, prove};
use crate::text::Text;
use crate::time::DayRange;

/// A file by name and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name, as messages show it.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// A rule set ready to be evaluated. Immutable.
#[derive(Debug)]
pub struct RuleSet {
    pub(super) city: String,
    pub(super) title: Text,
    pub(super) timezone: Tz,
    pub(super) expiry: Option<Expiry>,
    pub(super) acceptance: Acceptance,
    pub(super) reversal: SpentPoints,
    pub(super) lists: Vec<(String, Arc<[String]>)>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) actions: Vec<Action>,
    pub(super) programme: Programme,
    pub(super) catalogues: Vec<String>,
    pub(super) offered: BTreeSet<String>,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) bundle: String,
    pub(super) hash: [u8; 32],
}

/// What a rule file says beyond its actions.
#[derive(Debug, Default)]
pub(super) struct Programme {
    pub(super) campaigns: Vec<Arc<Campaign>>,
    pub(super) budgets: Vec<Arc<Budget>>,
    pub(super) levels: Vec<Level>,
    pub(super) badges: Vec<Badge>,
    pub(super) prizes: Vec<Prize>,
}

/// The stored form: all files of a rule set in one text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    main: String,
    files: BTreeMap<String, String>,
}

impl RuleSet {
    /// Checks and compiles a rule file with the catalogues that it may use; errors only, see
    /// [`RuleSet::warnings`].
    pub fn compile(main: &SourceFile, catalogues: &[SourceFile]) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Findings::about(&main.name);
        let read = file::read(main, catalogues, &mut findings);
        let Some((mut rules, used)) = read.filter(|_| !findings.has_errors()) else {
            return Err(incomplete(main, findings));
        };
        rules.bundle = bundle(main, &used).map_err(|_| incomplete(main, Findings::default()))?;
        rules.hash = Sha256::digest(rules.bundle.as_bytes()).into();
        let failing = example::check_examples(&rules, main, &mut findings);
        // What trying events shows is often why an example does not come out.
        let shown = || prove::prove(&rules, |action| failing.contains(action.id()));
        rules.warnings = findings.finish().map_err(|all| [all, shown()].concat())?;
        Ok(rules)
    }

    /// Reads a rule set back from [`RuleSet::bundle`].
    pub fn from_bundle(bundle: &str) -> Result<Self, Vec<Diagnostic>> {
        let unreadable = || {
            let main = SourceFile { name: "bundle".to_owned(), text: String::new() };
            let mut findings = Findings::default();
            let found = Finding::new(text!("规则包已损坏", "the bundle of this rule set is damaged"));
            findings.add(&main.name, Place::default(), "", Severity::Error, found);
            incomplete(&main, findings)
        };
        let (main, catalogues) = files(bundle).ok_or_else(unreadable)?;
        Self::compile(&main, &catalogues)
    }

    /// Its files, the catalogues after its own.
    pub(super) fn sources(&self) -> Option<(SourceFile, Vec<SourceFile>)> {
        files(&self.bundle)
    }

    /// What trying events and comparing caps shows: errors where more of something pays less without the file
    /// saying so, warnings for caps that never bind.
    #[must_use]
    pub fn prove(&self) -> Vec<Diagnostic> {
        prove::prove(self, |_| true)
    }

    /// What deserves a look although the file works.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// SHA-256 of the bundle.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// One self-contained text of all its files, to be stored.
    #[must_use]
    pub fn bundle(&self) -> &str {
        &self.bundle
    }

    /// Id of the city.
    #[must_use]
    pub fn city(&self) -> &str {
        &self.city
    }

    /// Title of the rule set.
    #[must_use]
    pub fn title(&self) -> &Text {
        &self.title
    }

    /// The city's time zone.
    #[must_use]
    pub fn timezone(&self) -> Tz {
        self.timezone
    }

    /// All actions, in the order of the file.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter()
    }

    /// One action by id.
    #[must_use]
    pub fn action(&self, id: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.id == id)
    }

    /// The id that a mistyped one was probably meant to be.
    #[must_use]
    pub fn nearest_action(&self, id: &str) -> Option<&str> {
        nearest(id, self.actions.iter().map(|action| action.id.as_str()))
    }

    /// Names of the catalogues that the file uses, as in `factors/mobility`.
    #[must_use]
    pub fn catalogues(&self) -> &[String] {
        &self.catalogues
    }

    /// All parameters by id, those of catalogues among them.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.values()
    }

    /// Named lists of the file.
    pub fn lists(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.lists.iter().map(|(name, words)| (name.as_str(), &**words))
    }

    /// The districts of the city, as the file lists them.
    #[must_use]
    pub fn districts(&self) -> &[String] {
        let list = self.lists.iter().find(|(name, _)| name == DISTRICTS);
        list.map(|(_, words)| &**words).unwrap_or_default()
    }

    /// How far an event may lie from now, where its action does not say.
    #[must_use]
    pub fn accept(&self) -> Acceptance {
        self.acceptance
    }

    /// How far an event of an action may lie from now.
    #[must_use]
    pub fn accept_of(&self, action: &Action) -> Acceptance {
        action.accept.unwrap_or(self.acceptance)
    }

    /// What a reversal does where the points it takes back were already spent.
    #[must_use]
    pub fn reversal(&self) -> SpentPoints {
        self.reversal
    }

    /// The last day on which points credited on a day are good; none for ever.
    #[must_use]
    pub fn expires_on(&self, credited_on: NaiveDate) -> Option<NaiveDate> {
        self.expiry.and_then(|expiry| expiry.last_day(credited_on))
    }

    /// Reads an event's data: member names and the raw JSON of their values.
    pub fn read_inputs<'a>(
        &self,
        action: &Action,
        data: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Inputs, Vec<InputProblem>> {
        inputs::read(action, data)
    }

    /// The periods that an action's caps count in on a civil day, the shortest first, each once.
    #[must_use]
    pub fn cap_windows(&self, action: &Action, day: NaiveDate) -> Vec<CapWindow> {
        grant::windows(action, day)
    }

    /// The civil days whose readings an action looks back at from a civil day, each range once; empty for
    /// most actions.
    #[must_use]
    pub fn history_windows(&self, action: &Action, day: NaiveDate) -> Vec<DayRange> {
        history::windows(action.history(), day)
    }

    /// The budgets that an act of that day may draw on: those of campaigns, then those of the programme.
    #[must_use]
    pub fn budget_windows(&self, action: &Action, day: NaiveDate) -> Vec<BudgetWindow> {
        budget::windows(action, day)
    }

    /// The stretch of time that an act takes from others of its group; none where its action shuts nothing
    /// out, or no factor is in force.
    #[must_use]
    pub fn span(&self, action: &Action, facts: &Facts<'_>) -> Option<ActSpan> {
        evaluate::span(action, self.timezone, facts)
    }

    /// Whether some factor is in force at an instant and the action pays for such evidence: if not, no act of
    /// it can count.
    #[must_use]
    pub fn takes(&self, action: &Action, occurred_at: DateTime<Utc>, evidence: Evidence) -> bool {
        evaluate::takes(action, self.timezone, occurred_at, evidence)
    }

    /// Decides one act. `used` is aligned with [`RuleSet::cap_windows`] of the act's civil day.
    #[must_use]
    pub fn evaluate(&self, action: &Action, facts: &Facts<'_>, used: &[Usage]) -> Decision {
        evaluate::evaluate(action, self.timezone, facts, used)
    }

    /// An act as integers, for [`RuleSet::decide`].
    pub fn slots(&self, action: &Action, facts: &Facts<'_>) -> Result<Slots, InputProblem> {
        evaluate::slots_of(action, self.timezone, facts)
    }

    /// Decides one act like [`RuleSet::evaluate`], in numbers alone and without allocating.
    #[must_use]
    pub fn decide(
        &self,
        action: &Action,
        typed: &Typed<'_>,
        used: &[Usage],
        scratch: &mut Scratch,
    ) -> Verdict {
        evaluate::decide(action, typed, used, scratch, &mut ())
    }

    /// Runs an action's formulas over columns of events; the batch holds one answer for each.
    pub fn form(&self, action: &Action, events: &EventColumns<'_>, batch: &mut Batch) {
        batch.form(action, events);
    }

    /// Decides one event of a batch like [`RuleSet::decide`], from what [`RuleSet::form`] gave for it.
    #[inline]
    #[must_use]
    pub fn settle(
        &self,
        action: &Action,
        (batch, events, row): (&Batch, &EventColumns<'_>, usize),
        used: &[Usage],
    ) -> Verdict {
        let Some(evidence) = events.evidence.get(row) else { return Verdict::Refused(Reason::Unfit) };
        let typed = Typed::at(SlotsOf::Row(events.slots, row), *evidence);
        match batch.unbound(action, (typed.slots, row), used) {
            Some(verdict) => verdict,
            None => evaluate::settle(action, &typed, &batch.formed(row), used, &mut ()),
        }
    }

    /// Runs files of cases against this rule set, the city's own first, then those of its catalogues;
    /// every mismatch is a finding. A case stands for those of the same action and name in later files, and
    /// cases of shared actions that the city did not take are left out.
    pub fn check_cases(&self, files: &[SourceFile]) -> Result<example::CasesSummary, Vec<Diagnostic>> {
        example::check_cases(self, files)
    }
}

/// The errors, or one that says that something is missing.
fn incomplete(main: &SourceFile, mut findings: Findings) -> Vec<Diagnostic> {
    if !findings.has_errors() {
        let found = Finding::new(text!("规则文件不完整", "the rule file is not complete"));
        findings.add(&main.name, Place::new(1, 1), "", Severity::Error, found);
    }
    findings.finish().err().unwrap_or_default()
}

fn files(bundle: &str) -> Option<(SourceFile, Vec<SourceFile>)> {
    let stored: Bundle = serde_json::from_str(bundle).ok()?;
    let (mut main, mut catalogues) = (None, Vec::new());
    for (name, text) in stored.files {
        let is_main = name == stored.main;
        let file = SourceFile { name, text };
        if is_main { main = Some(file) } else { catalogues.push(file) }
    }
    Some((main?, catalogues))
}

fn bundle(main: &SourceFile, used: &[&SourceFile]) -> Result<String, serde_json::Error> {
    let files = used.iter().copied().chain([main]);
    let files = files.map(|file| (file.name.clone(), file.text.clone())).collect();
    serde_json::to_string(&Bundle { main: main.name.clone(), files })
}
