//! One action of a rule file: what it asks, pays and limits. Reads its section; `era` compiles its formulas.

use std::sync::Arc;

use super::cap::{Cap, CapLimit, first_number, read_caps};
use super::diagnostic::{Finding, text};
use super::era::Era;
use super::evidence::{Evidence, read_evidence};
use super::exact::Decimal;
use super::input::{INPUTS_MAX, InputKind, InputSpec, read_input};
use super::section::{Located, RESERVED, Reading, Section};
use super::yaml::Node;
use crate::text::Text;

/// Most conditions of one action.
pub const CONDITIONS_MAX: usize = 20;
/// Most named steps of one action.
pub const STEPS_MAX: usize = 20;

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

    /// The refusal's code: the file's own, or `eligible.` and the condition's number from 1.
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
    pub(super) eligible: Vec<Condition>,
    pub(super) steps: Vec<(String, Located)>,
    pub(super) reduction: Option<Located>,
    pub(super) points: Located,
    pub(super) caps: Vec<Cap>,
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
        self.eras.iter().find(|era| era.days.contains(&day))
    }

    /// Inputs and steps that no formula and no cap speaks of, each with its section.
    pub(super) fn unused_names(&self) -> Vec<(&'static str, &str)> {
        let words: Vec<String> = self.formulas().flat_map(|located| located.formula.words()).collect();
        let counted = self.caps.iter().any(|cap| matches!(cap.limit, CapLimit::Input(_)));
        let first = first_number(&self.inputs);
        let inputs = self.inputs.iter().filter(|spec| {
            let is_first =
                matches!((&spec.kind, first), (InputKind::Number(own), Some(first)) if own == first);
            !(counted && is_first)
        });
        let inputs = inputs.map(|spec| ("inputs", spec.name()));
        let steps = self.steps.iter().map(|(name, _)| ("steps", name.as_str()));
        inputs.chain(steps).filter(|(_, name)| !words.iter().any(|word| word == name)).collect()
    }

    /// Whether a word in a formula is an input, an option or a step of the action, or the language's own.
    pub(super) fn names(&self, word: &str) -> bool {
        let input = |spec: &InputSpec| {
            let option = match spec.kind() {
                InputKind::Choice(options) => options.iter().any(|option| option == word),
                InputKind::Number(_) | InputKind::YesNo => false,
            };
            option || spec.name() == word
        };
        self.inputs.iter().any(input)
            || self.steps.iter().any(|(name, _)| name == word)
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
            InputKind::YesNo | InputKind::Choice(_) => None,
        });
        ranges.reduce(|one, other| {
            Text::new(format!("{}, {}", one.zh, other.zh), format!("{}, {}", one.en, other.en))
        })
    }

    /// Whether a formula names a list or an input takes its words.
    pub(super) fn uses_list(&self, name: &str, words: &Arc<[String]>) -> bool {
        let taken = |spec: &InputSpec| match &spec.kind {
            InputKind::Choice(options) => Arc::ptr_eq(options, words),
            InputKind::Number(_) | InputKind::YesNo => false,
        };
        self.inputs.iter().any(taken)
            || self.formulas().any(|located| located.formula.words().any(|word| word == name))
    }

    /// All formulas, those of steps first.
    pub(super) fn formulas(&self) -> impl Iterator<Item = &Located> {
        let conditions = self.eligible.iter().map(|condition| &condition.when);
        let steps = self.steps.iter().map(|(_, located)| located);
        steps.chain(conditions).chain(self.reduction.as_ref()).chain([&self.points])
    }
}

/// Keys of the full design that this engine version does not know yet.
const LATER: [&str; 5] = ["multipliers", "same_act", "settle", "history", "budget"];

/// Reads one action; its formulas are parsed and not yet checked.
pub(super) fn read_action(
    reading: &mut Reading<'_>,
    id: &str,
    node: &Node,
    path: &str,
    lists: &[(String, Arc<[String]>)],
) -> Option<Action> {
    let mut section = reading.section(node, path)?;
    let name = section.required("name", reading).and_then(|node| reading.text(node, &section.step("name")));
    let category = section.required("category", reading).and_then(|node| {
        let word = reading.scalar(node, path)?;
        reading.name(word, node.place, &format!("{path}.category")).then(|| word.to_owned())
    });
    let remark = section.optional("note").and_then(|node| reading.text(node, &section.step("note")));
    let description =
        section.optional("description").and_then(|node| reading.text(node, &section.step("description")));
    let inputs = read_inputs(reading, &mut section, lists);
    let evidence = read_evidence(reading, &mut section);
    let eligible = read_conditions(reading, &mut section);
    let steps = read_steps(reading, &mut section);
    let points_only = read_points_only(reading, &mut section);
    let reduction =
        section.optional("reduction").map(|node| (node, reading.formula(node, &section.step("reduction"))));
    let points =
        section.required("points", reading).and_then(|node| reading.formula(node, &section.step("points")));
    let caps_step = section.step("caps");
    let caps = match (section.optional("caps"), &inputs) {
        (Some(node), Some(inputs)) => read_caps(reading, node, &caps_step, inputs, points_only),
        (Some(_) | None, _) => Vec::new(),
    };
    let place = section.place;
    section.finish(&LATER, reading);
    let reduction = match (points_only, reduction) {
        (true, None) => None,
        (false, Some((_, formula))) => Some(formula?),
        (true, Some((node, _))) => {
            let found = text!(
                "points_only 的行为不能有 reduction",
                "an action with `points_only` cannot have a reduction"
            );
            reading.error(node.place, path, Finding::new(found));
            return None;
        }
        (false, None) => {
            let found = text!("缺少 `reduction`", "`reduction` is missing");
            let help =
                text!("没有因子时请写 points_only: true", "without a factor, write `points_only: true`");
            reading.error(place, path, Finding::new(found).help(help));
            return None;
        }
    };
    Some(Action {
        id: id.to_owned(),
        name: name?,
        category: category?,
        note: remark,
        description,
        inputs: inputs?,
        evidence: evidence?,
        eligible: eligible?,
        steps: steps?,
        reduction,
        points: points?,
        caps,
        parameters: Vec::new(),
        eras: Vec::new(),
    })
}

fn read_points_only(reading: &mut Reading<'_>, section: &mut Section<'_>) -> bool {
    let words = [("true", true), ("false", false), ("yes", true), ("no", false)];
    let step = section.step("points_only");
    section.optional("points_only").and_then(|node| reading.choice(node, &step, &words)).unwrap_or(false)
}

fn too_many(reading: &mut Reading<'_>, node: &Node, step: &str, count: usize, most: usize) -> bool {
    if count > most {
        let found = text!("有 {count} 项,最多 {most} 项", "{count} entries; at most {most}");
        reading.error(node.place, step, Finding::new(found));
    }
    count > most
}

fn read_inputs(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    lists: &[(String, Arc<[String]>)],
) -> Option<Vec<InputSpec>> {
    let step = section.step("inputs");
    let Some(node) = section.optional("inputs") else { return Some(Vec::new()) };
    let inner = reading.section(node, &step)?;
    if too_many(reading, node, &step, inner.entries().len(), INPUTS_MAX) {
        return None;
    }
    let mut all = Some(Vec::new());
    for (key, node) in inner.entries() {
        let path = inner.step(&key.text);
        let named = reading.variable(&key.text, key.place, &path);
        let spec = read_input(reading, &key.text, node, &path, lists).filter(|_| named);
        match (spec, &mut all) {
            (Some(spec), Some(specs)) => specs.push(spec),
            (None, _) => all = None,
            (Some(_), None) => {}
        }
    }
    all
}

fn read_conditions(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Vec<Condition>> {
    let step = section.step("eligible");
    let Some(node) = section.optional("eligible") else { return Some(Vec::new()) };
    let items = reading.list(node, &step);
    if too_many(reading, node, &step, items.len(), CONDITIONS_MAX) {
        return None;
    }
    let mut all = Some(Vec::new());
    for (place, item) in items.iter().enumerate() {
        let number = place.saturating_add(1);
        let path = format!("{step}.{number}");
        match (read_condition(reading, item, &path, number), &mut all) {
            (Some(condition), Some(conditions)) => conditions.push(condition),
            (None, _) => all = None,
            (Some(_), None) => {}
        }
    }
    all
}

fn read_condition(reading: &mut Reading<'_>, node: &Node, path: &str, number: usize) -> Option<Condition> {
    let mut section = reading.section(node, path)?;
    let when = section.required("when", reading).and_then(|node| reading.formula(node, path));
    let reason = section.required("else", reading).and_then(|node| reading.text(node, path));
    let code = section.optional("code").map(|node| (node, reading.scalar(node, path)));
    section.finish(&[], reading);
    let code = match code {
        None => format!("eligible.{number}"),
        Some((node, Some(code))) if reading.name(code, node.place, path) => code.to_owned(),
        Some(_) => return None,
    };
    Some(Condition { when: when?, reason: reason?, code })
}

fn read_steps(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Vec<(String, Located)>> {
    let step = section.step("steps");
    let Some(node) = section.optional("steps") else { return Some(Vec::new()) };
    let inner = reading.section(node, &step)?;
    if too_many(reading, node, &step, inner.entries().len(), STEPS_MAX) {
        return None;
    }
    let mut all = Some(Vec::new());
    for (key, node) in inner.entries() {
        let path = inner.step(&key.text);
        let named = reading.variable(&key.text, key.place, &path);
        match (reading.formula(node, &path).filter(|_| named), &mut all) {
            (Some(formula), Some(steps)) => steps.push((key.text.clone(), formula)),
            (None, _) => all = None,
            (Some(_), None) => {}
        }
    }
    all
}
