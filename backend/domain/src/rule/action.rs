//! One action of a rule file: what it asks, pays and limits. `action_section` reads it, `era` compiles its
//! formulas.

use std::sync::Arc;

use chrono::{Days, NaiveDate};

use super::budget::Budget;
use super::campaign::Campaign;
use super::cap::{Cap, CapLimit, CapScope, first_number};
use super::diagnostic::text;
use super::era::Era;
use super::evidence::Evidence;
use super::exact::Decimal;
use super::factor::Factors;
use super::history::{LookBack, Readings};
use super::input::{InputKind, InputSpec};
use super::input_value::{InputValue, Inputs};
use super::inputs::{InputProblem, slots};
use super::multiplier::{Multiplier, Stacking};
use super::same_act::SameAct;
use super::schedule::Acceptance;
use super::season::Seasons;
use super::section::{Located, RESERVED};
use super::verdict::Slots;
use crate::text::Text;

/// One condition that an event must meet.
#[derive(Debug, Clone)]
pub struct Condition {
    pub(super) when: Located,
    pub(super) reason: Text,
    pub(super) code: String,
}

impl Condition {
    /// The formula as written.
    #[must_use]
    pub fn formula(&self) -> &str {
        &self.when.formula.source
    }

    /// What a citizen is told where it does not hold.
    #[must_use]
    pub fn reason(&self) -> &Text {
        &self.reason
    }

    /// The code: the file's own, or `eligible.` or `hold.` and the condition's number from 1.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }
}

/// One action of a rule set.
#[derive(Debug, Clone)]
pub struct Action {
    pub(super) id: String,
    pub(super) name: Text,
    pub(super) category: String,
    pub(super) note: Option<Text>,
    pub(super) description: Option<Text>,
    pub(super) inputs: Vec<InputSpec>,
    pub(super) evidence: Vec<(Evidence, Decimal)>,
    pub(super) history: Vec<LookBack>,
    pub(super) eligible: Vec<Condition>,
    pub(super) holds: Vec<Condition>,
    pub(super) steps: Vec<(String, Located)>,
    pub(super) reduction: Option<Located>,
    pub(super) points: Located,
    /// How factors stack; none while no two can meet.
    pub(super) stacking: Option<Stacking>,
    pub(super) multipliers: Vec<Multiplier>,
    pub(super) campaigns: Vec<Arc<Campaign>>,
    pub(super) factors: Factors,
    pub(super) seasons: Seasons,
    pub(super) caps: Vec<Cap>,
    pub(super) budgets: Vec<Arc<Budget>>,
    pub(super) same_act: Option<SameAct>,
    pub(super) accept: Option<Acceptance>,
    pub(super) settle_days: u32,
    pub(super) parameters: Vec<String>,
    pub(super) eras: Vec<Era>,
}

impl Action {
    /// Its id in events, as in `metro_ride`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name for citizens.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The group it is shown in.
    #[must_use]
    pub fn category(&self) -> &str {
        &self.category
    }

    /// A remark for readers of the rules.
    #[must_use]
    pub fn note(&self) -> Option<&Text> {
        self.note.as_ref()
    }

    /// What it is, for citizens.
    #[must_use]
    pub fn description(&self) -> Option<&Text> {
        self.description.as_ref()
    }

    /// What it asks of an event, in the order declared.
    #[must_use]
    pub fn inputs(&self) -> &[InputSpec] {
        &self.inputs
    }

    /// The share of the points for a grade of evidence, in percent; none where that grade is refused.
    #[must_use]
    pub fn evidence_percent(&self, evidence: Evidence) -> Option<Decimal> {
        self.evidence.iter().find(|(grade, _)| *grade == evidence).map(|(_, percent)| *percent)
    }

    /// The conditions, in the order in which they are tried.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.eligible
    }

    /// The conditions under which a person must look at an act first.
    #[must_use]
    pub fn holds(&self) -> &[Condition] {
        &self.holds
    }

    /// What it looks back at; none for most.
    #[must_use]
    pub fn history(&self) -> &[LookBack] {
        &self.history
    }

    /// What an act adds to its citizen's history, in thousandths of the first numeric input's base unit;
    /// none where the action looks back at nothing.
    #[must_use]
    pub fn reading(&self, inputs: &Inputs) -> Option<i64> {
        let spec = self.inputs.iter().find(|spec| spec.number().is_some() && !self.history.is_empty())?;
        let number = spec.number()?;
        let InputValue::Number { number: value, .. } = inputs.get(spec.name())? else { return None };
        let count = value.at_decimals(number.decimals).and_then(|count| i64::try_from(count).ok())?;
        count.checked_mul(number.thousandths)
    }

    /// The place of the number that readings and quantities are counted in, and how many thousandths of its
    /// base unit one of its units is.
    pub(crate) fn measured(&self) -> Option<(usize, i64)> {
        let mut numbers = self.inputs.iter().enumerate();
        numbers.find_map(|(place, spec)| Some((place, spec.number()?.thousandths)))
    }

    /// The inputs as formulas load them, after the slots of a moment that nobody looks at.
    pub(crate) fn input_slots(&self, inputs: &Inputs) -> Result<Slots, InputProblem> {
        let mut all = Slots::at(0, 0);
        slots(self, inputs, &mut all).map(|()| all)
    }

    /// Whether slots of inputs are such as an event may have.
    pub(crate) fn takes(&self, inputs: &[i64]) -> bool {
        let fits = |(spec, slot): (&InputSpec, &i64)| match spec.kind() {
            InputKind::Number(number) => (number.min..=number.max).contains(slot),
            InputKind::YesNo => (0..=1).contains(slot),
            InputKind::Choice(options) => usize::try_from(*slot).is_ok_and(|place| place < options.len()),
            InputKind::Id => true,
        };
        inputs.len() == self.inputs.len() && self.inputs.iter().zip(inputs).all(fits)
    }

    /// What formulas find of earlier readings, aligned with the history windows; the one that is refused for
    /// want of them where factors are in force.
    pub(crate) fn look_back<'a>(
        &'a self,
        history: &'a [Readings],
        rated: bool,
    ) -> impl Iterator<Item = Result<i64, (&'a LookBack, Readings)>> {
        self.history.iter().map(move |look| {
            let readings = history.get(look.window).copied().unwrap_or_default();
            match look.value(readings) {
                Some(value) => Ok(value),
                None if rated => Err((look, readings)),
                None => Ok(0),
            }
        })
    }

    /// Whether factors are in force on a civil day, counted from the common era.
    pub(crate) fn is_rated(&self, day: i64) -> bool {
        self.era_on(day).is_some()
    }

    /// The multipliers, in the order of the file.
    #[must_use]
    pub fn multipliers(&self) -> &[Multiplier] {
        &self.multipliers
    }

    /// The campaigns that raise its points, in the order of the file.
    pub fn campaigns(&self) -> impl Iterator<Item = &Campaign> {
        self.campaigns.iter().map(Arc::as_ref)
    }

    pub(super) fn live_campaigns(&self, day: NaiveDate) -> impl Iterator<Item = &Campaign> {
        self.campaigns().filter(move |campaign| campaign.range.contains(day))
    }

    /// The programme's budgets that pay its points, in the order in which they are asked.
    pub fn budgets(&self) -> impl Iterator<Item = &Budget> {
        self.budgets.iter().map(Arc::as_ref)
    }

    /// What makes two reports one act; none where nothing does.
    #[must_use]
    pub fn same_act(&self) -> Option<&SameAct> {
        self.same_act.as_ref()
    }

    /// The first civil day on which points credited on a day can be spent; none where they need not settle.
    #[must_use]
    pub fn spendable_on(&self, credited_on: NaiveDate) -> Option<NaiveDate> {
        let settled = || credited_on.checked_add_days(Days::new(u64::from(self.settle_days)));
        (self.settle_days > 0).then(|| settled().unwrap_or(NaiveDate::MAX))
    }

    /// Whether some cap counts the acts of one card, meter or account together.
    #[must_use]
    pub fn counts_cards(&self) -> bool {
        self.caps.iter().any(|cap| cap.scope() == CapScope::Binding)
    }

    /// Whether its acts count together with other citizens': cards, devices, budgets.
    #[must_use]
    pub fn shares_counts(&self) -> bool {
        self.is_funded() || self.caps.iter().any(|cap| cap.scope() != CapScope::Citizen)
    }

    /// Whether its acts count for anything but their citizen's own caps: readings, cards, budgets.
    #[must_use]
    pub fn is_tallied(&self) -> bool {
        self.shares_counts() || !self.history.is_empty()
    }

    /// Whose acts of a scope count together with these inputs; none for scopes that the inputs do not tell.
    #[must_use]
    pub fn scope_key<'i>(&self, scope: CapScope, inputs: &'i Inputs) -> Option<&'i str> {
        match scope {
            CapScope::Citizen | CapScope::Binding => None,
            CapScope::Input(place) => self.id_at(usize::from(place), inputs),
        }
    }

    /// The identifier at a place among the inputs; none where the event named none.
    pub(super) fn id_at<'i>(&self, place: usize, inputs: &'i Inputs) -> Option<&'i str> {
        match inputs.get(self.inputs.get(place)?.name())? {
            InputValue::Id(id) if !id.is_empty() => Some(id),
            InputValue::Id(_) | InputValue::Number { .. } | InputValue::YesNo(_) | InputValue::Choice(_) => {
                None
            }
        }
    }

    /// Whether it claims no carbon.
    #[must_use]
    pub fn points_only(&self) -> bool {
        self.reduction.is_none()
    }

    /// The formula for grams as written; none where it gives points only.
    #[must_use]
    pub fn reduction_formula(&self) -> Option<&str> {
        self.reduction.as_ref().map(|located| located.formula.source.as_str())
    }

    /// The formula for points as written.
    #[must_use]
    pub fn points_formula(&self) -> &str {
        &self.points.formula.source
    }

    /// Its caps, in the order in which they are applied.
    #[must_use]
    pub fn caps(&self) -> &[Cap] {
        &self.caps
    }

    /// Ids of the parameters that its formulas use.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(String::as_str)
    }

    /// The era of a civil day, counted from the common era.
    #[inline]
    pub(super) fn era_on(&self, day: i64) -> Option<&Era> {
        self.eras.iter().rev().find(|era| era.days.contains(&day))
    }

    /// The era of an event and its place. Most events are of the last.
    #[inline]
    pub(super) fn era_of(&self, slots: &[i64]) -> Option<(&Era, u16)> {
        let day = slots.first()?;
        let found = self.eras.iter().enumerate().rev().find(|(_, era)| era.days.contains(day));
        found.and_then(|(place, era)| Some((era, u16::try_from(place).ok()?)))
    }

    /// Inputs and steps that no formula and no cap speaks of, each with its section.
    pub(super) fn unused_names(&self) -> Vec<(&'static str, &str)> {
        let words: Vec<String> = self.formulas().flat_map(|located| located.formula.words()).collect();
        let limited = self.caps.iter().any(|cap| matches!(cap.limit, CapLimit::Input(_)));
        let counted = limited || !self.history.is_empty();
        let first = first_number(&self.inputs);
        let inputs = self.inputs.iter().enumerate().filter(|(place, spec)| {
            let is_first =
                matches!((&spec.kind, first), (InputKind::Number(own), Some(first)) if own == first);
            !(counted && is_first || self.identifies(*place))
        });
        let inputs = inputs.map(|(_, spec)| ("inputs", spec.name()));
        let steps = self.steps.iter().map(|(name, _)| ("steps", name.as_str()));
        let history = self.history.iter().map(|look| ("history", look.name()));
        inputs
            .chain(steps)
            .chain(history)
            .filter(|(_, name)| !words.iter().any(|word| word == name))
            .collect()
    }

    /// Whether a cap or `same_act` tells acts apart by the input at this place.
    fn identifies(&self, place: usize) -> bool {
        let scoped = |cap: &Cap| matches!(cap.scope, CapScope::Input(own) if usize::from(own) == place);
        self.same_act.as_ref().is_some_and(|same| same.trip == Some(place)) || self.caps.iter().any(scoped)
    }

    /// Whether a word in a formula is an input, an option or a step of the action, or the language's own.
    pub(super) fn names(&self, word: &str) -> bool {
        let input = |spec: &InputSpec| {
            let option = match spec.kind() {
                InputKind::Choice(options) => options.iter().any(|option| option == word),
                InputKind::Number(_) | InputKind::YesNo | InputKind::Id => false,
            };
            option || spec.name() == word
        };
        self.inputs.iter().any(input)
            || self.steps.iter().any(|(name, _)| name == word)
            || self.history.iter().any(|look| look.name() == word)
            || RESERVED.contains(&word)
    }

    /// What the inputs that a formula speaks of may hold, as advice.
    pub(super) fn ranges_of(&self, located: &Located) -> Option<Text> {
        let words: Vec<String> = located.formula.words().collect();
        let ranges = self.inputs.iter().filter(|spec| words.iter().any(|word| word == spec.name()));
        let ranges = ranges.filter_map(|spec| match spec.kind() {
            InputKind::Number(number) => {
                let (name, unit) = (spec.name(), number.unit());
                let (min, max) = (number.min(), number.max());
                Some(text!("`{name}` 为 {min} 至 {max} {unit}", "`{name}` is {min} to {max} {unit}"))
            }
            InputKind::YesNo | InputKind::Choice(_) | InputKind::Id => None,
        });
        ranges.reduce(|one, other| {
            Text::new(format!("{}, {}", one.zh, other.zh), format!("{}, {}", one.en, other.en))
        })
    }

    /// Whether a formula names a list or an input takes its words.
    pub(super) fn uses_list(&self, name: &str, words: &Arc<[String]>) -> bool {
        let taken = |spec: &InputSpec| match &spec.kind {
            InputKind::Choice(options) => Arc::ptr_eq(options, words),
            InputKind::Number(_) | InputKind::YesNo | InputKind::Id => false,
        };
        self.inputs.iter().any(taken)
            || self.formulas().any(|located| located.formula.words().any(|word| word == name))
    }

    /// All formulas, those of steps first.
    pub(super) fn formulas(&self) -> impl Iterator<Item = &Located> {
        let conditions = self.eligible.iter().chain(&self.holds).map(|condition| &condition.when);
        let steps = self.steps.iter().map(|(_, located)| located);
        let multipliers = self.multipliers.iter().map(|multiplier| &multiplier.when);
        let lasts = self.same_act.iter().filter_map(|same| same.lasts.as_ref());
        steps
            .chain(conditions)
            .chain(self.reduction.as_ref())
            .chain([&self.points])
            .chain(multipliers)
            .chain(lasts)
    }
}
