//! Reads the section of one action. Parses its formulas and checks none of them.

use std::sync::Arc;

use super::action::{Action, Condition};
use super::cap::read_caps;
use super::diagnostic::{Finding, text};
use super::evidence::read_evidence;
use super::factor::Factors;
use super::history::{LookBack, read_history};
use super::input::{INPUTS_MAX, InputSpec, read_input};
use super::multiplier::{Multiplier, Stacking, read_multipliers};
use super::same_act::{SameAct, read_same_act};
use super::schedule::{Acceptance, read_acceptance, read_settle};
use super::season::Seasons;
use super::section::{Located, Reading, Reported, Section};
use super::yaml::Node;

/// Most conditions of one action, and most holds.
pub const CONDITIONS_MAX: usize = 20;
/// Most named steps of one action.
pub const STEPS_MAX: usize = 20;

/// What an action may refer to outside its section.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) lists: &'a [(String, Arc<[String]>)],
    /// What holds where the action does not say.
    pub(super) accept: Acceptance,
}

/// Reads one action; its formulas are parsed and not yet checked.
pub(super) fn read_action(
    reading: &mut Reading<'_>,
    id: &str,
    node: &Node,
    path: &str,
    around: Surroundings<'_>,
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
    let inputs = read_inputs(reading, &mut section, around.lists);
    let evidence = read_evidence(reading, &mut section);
    let eligible = read_conditions(reading, &mut section, &ELIGIBLE);
    let holds = read_conditions(reading, &mut section, &HOLD);
    let steps = read_steps(reading, &mut section);
    let points_only = read_points_only(reading, &mut section);
    let (reduction, points) = read_yield(reading, &mut section, points_only);
    let caps_step = section.step("caps");
    let caps = match (section.optional("caps"), &inputs) {
        (Some(node), Some(inputs)) => read_caps(reading, node, &caps_step, inputs, points_only),
        (Some(_) | None, _) => Vec::new(),
    };
    let factors = read_factors(reading, &mut section);
    let past = read_past(reading, &mut section, inputs.as_deref(), around.accept);
    section.finish(&[], reading);
    let ((stacking, multipliers), past) = (factors?, past?);
    Some(Action {
        id: id.to_owned(),
        name: name?,
        category: category?,
        note: remark,
        description,
        inputs: inputs?,
        evidence: evidence?,
        history: past.history,
        eligible: eligible?,
        holds: holds?,
        steps: steps?,
        reduction: reduction.ok()?,
        points: points?,
        stacking,
        multipliers,
        campaigns: Vec::new(),
        factors: Factors::default(),
        seasons: Seasons::default(),
        caps,
        budgets: Vec::new(),
        same_act: past.same_act,
        accept: past.accept,
        settle_days: past.settle_days,
        parameters: Vec::new(),
        eras: Vec::new(),
    })
}

/// The formulas for grams and points; no grams where the action gives points only.
fn read_yield(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    points_only: bool,
) -> (Result<Option<Located>, Reported>, Option<Located>) {
    let path = section.path.clone();
    let grams = section.optional("reduction");
    let formula = grams.map(|node| reading.formula(node, &section.step("reduction")));
    let points =
        section.required("points", reading).and_then(|node| reading.formula(node, &section.step("points")));
    let reduction = match (points_only, grams.zip(formula)) {
        (true, None) => Ok(None),
        (false, Some((_, formula))) => formula.map(Some).ok_or(Reported),
        (true, Some((node, _))) => {
            let found = text!(
                "points_only 的行为不能有 reduction",
                "an action with `points_only` cannot have a reduction"
            );
            reading.error(node.place, &path, Finding::new(found));
            Err(Reported)
        }
        (false, None) => {
            let found = text!("缺少 `reduction`", "`reduction` is missing");
            let help =
                text!("没有因子时请写 points_only: true", "without a factor, write `points_only: true`");
            reading.error(section.place, &path, Finding::new(found).help(help));
            Err(Reported)
        }
    };
    (reduction, points)
}

fn read_factors(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
) -> Option<(Option<Stacking>, Vec<Multiplier>)> {
    let step = section.step("multipliers");
    match section.optional("multipliers") {
        Some(node) => read_multipliers(reading, node, &step).map(|(stacking, all)| (Some(stacking), all)),
        None => Some((None, Vec::new())),
    }
}

/// What an action looks back at and how it lies among other acts.
struct Past {
    history: Vec<LookBack>,
    same_act: Option<SameAct>,
    accept: Option<Acceptance>,
    settle_days: u32,
}

fn read_past(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    inputs: Option<&[InputSpec]>,
    usual: Acceptance,
) -> Option<Past> {
    let (history, same) = (section.optional("history"), section.optional("same_act"));
    let (accept, settle) = (section.optional("accept"), section.optional("settle"));
    let accept = accept.map(|node| read_acceptance(reading, node, &section.step("accept"), usual));
    let settle = settle.map(|node| read_settle(reading, node, &section.step("settle")));
    let inputs = inputs?;
    let history = history.map(|node| read_history(reading, node, &section.step("history"), inputs));
    let same_act = same.map(|node| read_same_act(reading, node, &section.step("same_act"), inputs));
    Some(Past {
        history: history.unwrap_or_else(|| Some(Vec::new()))?,
        same_act: same_act.map_or(Some(None), |same| same.map(Some))?,
        accept: accept.map_or(Some(None), |accept| accept.map(Some))?,
        settle_days: settle.unwrap_or(Some(0))?,
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

/// How a list of conditions is written.
struct Wording {
    key: &'static str,
    /// What is told where a condition decides.
    reason: &'static str,
}

const ELIGIBLE: Wording = Wording { key: "eligible", reason: "else" };
const HOLD: Wording = Wording { key: "hold", reason: "reason" };

fn read_conditions(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    wording: &Wording,
) -> Option<Vec<Condition>> {
    let step = section.step(wording.key);
    let Some(node) = section.optional(wording.key) else { return Some(Vec::new()) };
    let items = reading.list(node, &step);
    if too_many(reading, node, &step, items.len(), CONDITIONS_MAX) {
        return None;
    }
    let mut all = Some(Vec::new());
    for (place, item) in items.iter().enumerate() {
        let number = place.saturating_add(1);
        let path = format!("{step}.{number}");
        match (read_condition(reading, item, &path, (wording, number)), &mut all) {
            (Some(condition), Some(conditions)) => conditions.push(condition),
            (None, _) => all = None,
            (Some(_), None) => {}
        }
    }
    all
}

fn read_condition(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    (wording, number): (&Wording, usize),
) -> Option<Condition> {
    let mut section = reading.section(node, path)?;
    let when = section.required("when", reading).and_then(|node| reading.formula(node, path));
    let reason = section.required(wording.reason, reading).and_then(|node| reading.text(node, path));
    let code = section.optional("code").map(|node| (node, reading.scalar(node, path)));
    section.finish(&[], reading);
    let code = match code {
        None => format!("{}.{number}", wording.key),
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
