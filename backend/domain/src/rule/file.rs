//! The top level of rule files and catalogues. Must never skip a key that it does not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;

use super::action::Action;
use super::action_section::{Surroundings, read_action};
use super::budget::read_budgets;
use super::campaign::{DISTRICTS, read_campaigns};
use super::diagnostic::{Finding, Findings, did_you_mean, text};
use super::era;
use super::input::read_words;
use super::parameter::{Parameter, read_parameter};
use super::ruleset::{RuleSet, SourceFile};
use super::schedule::{Acceptance, SpentPoints, read_acceptance, read_expiry, read_reversal};
use super::section::{Reading, Section};
use super::yaml::{self, Node};

/// Most actions, parameters or lists of one rule set.
pub const ENTRIES_MAX: usize = 500;
/// Most catalogues of one rule set.
pub const CATALOGUES_MAX: usize = 32;

/// Keys of the full design that this engine version does not know yet.
const LATER: [&str; 3] = ["badges", "levels", "prizes"];

type Lists = Vec<(String, Arc<[String]>)>;

/// Parameters by name, and the names of those that could not be read.
#[derive(Default)]
struct Parameters {
    known: BTreeMap<String, Parameter>,
    broken: Vec<String>,
}

/// Reads a rule file and the catalogues that it uses. What comes back is complete only while there are no
/// errors.
pub(super) fn read<'f>(
    main: &SourceFile,
    catalogues: &'f [SourceFile],
    findings: &mut Findings,
) -> Option<(RuleSet, Vec<&'f SourceFile>)> {
    let root = yaml::read(&main.name, &main.text, findings)?;
    let mut reading = Reading { file: &main.name, findings };
    let mut section = reading.section(&root, "")?;
    read_format(&mut reading, &mut section);
    let city = read_city(&mut reading, &mut section);
    let title = section.required("title", &mut reading).and_then(|node| reading.text(node, "title"));
    let timezone = read_timezone(&mut reading, &mut section);
    let catalogue_names = section.optional("uses");
    let expiry = section.optional("points_expire").map(|node| read_expiry(&mut reading, node));
    let usual = Acceptance::default();
    let accept = section.optional("accept").map_or(Some(usual), |node| {
        read_acceptance(&mut reading, node, "accept", usual)
    });
    let reversal = section.optional("reversal").map(|node| read_reversal(&mut reading, node));
    let lists = read_lists(&mut reading, &mut section);
    let mut parameters = Parameters::default();
    let own = section.optional("parameters");
    read_parameters(&mut reading, own, &mut parameters);
    let actions_node = section.required("actions", &mut reading);
    let around = Surroundings { lists: &lists, accept: accept.unwrap_or(usual) };
    let mut actions = read_actions(&mut reading, actions_node, around);
    let campaigns = section.optional("campaigns").map_or_else(|| Some(Vec::new()), |node| {
        read_campaigns(&mut reading, node, &mut actions, &lists)
    });
    let taken: Vec<&str> = campaigns.iter().flatten().map(|campaign| campaign.id.as_str()).collect();
    let budgets = section.optional("budgets");
    let budgets = budgets.map_or_else(Vec::new, |node| read_budgets(&mut reading, node, &mut actions, &taken));
    let _checked_later = section.optional("examples");
    section.finish(&LATER, &mut reading);
    let own: Vec<String> = parameters.known.keys().cloned().collect();
    let used = catalogue_names
        .map_or_else(Vec::new, |node| read_uses(&mut reading, node, catalogues, &mut parameters));
    shadowed(&mut reading, &root, &actions, &parameters, &lists);
    for action in &mut actions {
        let uses_broken = action
            .formulas()
            .any(|located| located.formula.words().any(|word| parameters.broken.contains(&word)));
        if !uses_broken {
            era::compile(action, &parameters.known, &lists, findings);
        }
    }
    unused(&mut Reading { file: &main.name, findings }, &root, &own, &lists, &actions);
    let rules = RuleSet {
        city: city?,
        title: title?,
        timezone: timezone?,
        expiry: expiry.map_or(Some(None), |expiry| expiry.map(Some))?,
        acceptance: accept?,
        reversal: reversal.unwrap_or_else(|| Some(SpentPoints::default()))?,
        lists,
        parameters: parameters.known,
        actions,
        campaigns: campaigns?,
        budgets,
        warnings: Vec::new(),
        bundle: String::new(),
        hash: [0; 32],
    };
    Some((rules, used))
}

fn read_format(reading: &mut Reading<'_>, section: &mut Section<'_>) {
    let Some(node) = section.required("format", reading) else { return };
    if reading.scalar(node, "format").is_some_and(|format| format != "1") {
        let found = text!("此版本的引擎只读 format: 1", "this engine version reads `format: 1` only");
        reading.error(node.place, "format", Finding::new(found));
    }
}

fn read_city(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<String> {
    let node = section.required("city", reading)?;
    let city = reading.scalar(node, "city")?;
    reading.name(city, node.place, "city").then(|| city.to_owned())
}

fn read_timezone(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Option<Tz> {
    let node = section.required("timezone", reading)?;
    let written = reading.scalar(node, "timezone")?;
    let zone = written.parse::<Tz>().ok();
    if zone.is_none() {
        let shown: String = written.chars().take(40).collect();
        let help = did_you_mean(&shown, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()))
            .unwrap_or_else(|| text!("例如 Asia/Shanghai", "as in Asia/Shanghai"));
        let found = Finding::new(text!("没有时区 `{shown}`", "there is no time zone `{shown}`"));
        reading.error(node.place, "timezone", found.help(help));
    }
    zone
}

fn bounded(reading: &mut Reading<'_>, section: &Section<'_>) -> usize {
    let count = section.entries().len();
    if count > ENTRIES_MAX {
        let found = text!("有 {count} 项,最多 {ENTRIES_MAX} 项", "{count} entries; at most {ENTRIES_MAX}");
        reading.error(section.place, &section.path, Finding::new(found));
    }
    ENTRIES_MAX
}

fn read_lists(reading: &mut Reading<'_>, section: &mut Section<'_>) -> Lists {
    let Some(inner) = section.optional("lists").and_then(|node| reading.section(node, "lists")) else {
        return Lists::new();
    };
    let most = bounded(reading, &inner);
    let mut lists = Lists::new();
    for (key, node) in inner.entries().iter().take(most) {
        let path = inner.step(&key.text);
        let named = reading.variable(&key.text, key.place, &path);
        let words = read_words(reading, node, &path).filter(|_| named);
        lists.extend(words.map(|words| (key.text.clone(), words)));
    }
    lists
}

fn read_parameters(reading: &mut Reading<'_>, node: Option<&Node>, parameters: &mut Parameters) {
    let Some(inner) = node.and_then(|node| reading.section(node, "parameters")) else { return };
    let most = bounded(reading, &inner);
    for (key, node) in inner.entries().iter().take(most) {
        let path = inner.step(&key.text);
        if !reading.variable(&key.text, key.place, &path) {
            continue;
        }
        let Some(parameter) = read_parameter(reading, &key.text, node, &path) else {
            parameters.broken.push(key.text.clone());
            continue;
        };
        if parameters.known.insert(key.text.clone(), parameter).is_some() {
            let name = &key.text;
            let found = text!("参数 `{name}` 在两个文件中都有", "parameter `{name}` stands in two files");
            reading.error(key.place, &path, Finding::new(found));
        }
    }
}

fn read_actions(
    reading: &mut Reading<'_>,
    node: Option<&Node>,
    around: Surroundings<'_>,
) -> Vec<Action> {
    let Some(inner) = node.and_then(|node| reading.section(node, "actions")) else { return Vec::new() };
    let most = bounded(reading, &inner);
    if inner.entries().is_empty() {
        reading.error(inner.place, "actions", Finding::new(text!("没有任何行为", "there are no actions")));
    }
    let mut actions = Vec::new();
    for (key, node) in inner.entries().iter().take(most) {
        let path = inner.step(&key.text);
        if reading.name(&key.text, key.place, &path) {
            actions.extend(read_action(reading, &key.text, node, &path, around));
        }
    }
    actions
}

fn read_uses<'f>(
    reading: &mut Reading<'_>,
    node: &Node,
    catalogues: &'f [SourceFile],
    parameters: &mut Parameters,
) -> Vec<&'f SourceFile> {
    let names = reading.list(node, "uses");
    if names.len() > CATALOGUES_MAX {
        let found = text!("目录超过 {CATALOGUES_MAX} 个", "more than {CATALOGUES_MAX} catalogues");
        reading.error(node.place, "uses", Finding::new(found));
    }
    let known: Vec<&str> = catalogues.iter().map(|file| catalogue_name(&file.name)).collect();
    let mut used: Vec<&SourceFile> = Vec::new();
    for node in names.iter().take(CATALOGUES_MAX) {
        let Some(name) = reading.scalar(node, "uses") else { continue };
        match catalogues.iter().find(|file| catalogue_name(&file.name) == name) {
            Some(file) if used.contains(&file) => {
                reading.error(
                    node.place,
                    "uses",
                    Finding::new(text!("`{name}` 重复", "`{name}` stands twice")),
                );
            }
            Some(file) => {
                used.push(file);
                read_catalogue(reading.findings, file, name, parameters);
            }
            None => {
                let shown: String = name.chars().take(64).collect();
                let found = Finding::new(text!("没有目录 `{shown}`", "there is no catalogue `{shown}`"));
                reading.error(
                    node.place,
                    "uses",
                    found.help_maybe(did_you_mean(&shown, known.iter().copied())),
                );
            }
        }
    }
    used
}

/// `rules/factors/mobility.yaml` and `factors/mobility` both name `factors/mobility`.
fn catalogue_name(file: &str) -> &str {
    let stem = file.strip_suffix(".yaml").unwrap_or(file);
    let start = stem.rfind('/').map_or(0, |slash| {
        stem.get(..slash).and_then(|head| head.rfind('/')).map_or(0, |before| before.saturating_add(1))
    });
    stem.get(start..).unwrap_or(stem)
}

fn read_catalogue(findings: &mut Findings, file: &SourceFile, name: &str, parameters: &mut Parameters) {
    let Some(root) = yaml::read(&file.name, &file.text, findings) else { return };
    let mut reading = Reading { file: &file.name, findings };
    let Some(mut section) = reading.section(&root, "") else { return };
    read_format(&mut reading, &mut section);
    if let Some(node) = section.required("catalogue", &mut reading) {
        let written = reading.scalar(node, "catalogue").unwrap_or(name);
        if written != name {
            let shown: String = written.chars().take(64).collect();
            let found = text!(
                "此目录名为 `{shown}`,却按 `{name}` 使用",
                "this catalogue is `{shown}` but used as `{name}`"
            );
            reading.error(node.place, "catalogue", Finding::new(found));
        }
    }
    let _title = section.optional("title").and_then(|node| reading.text(node, "title"));
    let node = section.required("parameters", &mut reading);
    read_parameters(&mut reading, node, parameters);
    section.finish(&[], &mut reading);
}

/// Reports names that mean two things within one action.
fn shadowed(
    reading: &mut Reading<'_>,
    root: &Node,
    actions: &[Action],
    parameters: &Parameters,
    lists: &Lists,
) {
    for action in actions {
        let inputs = action.inputs.iter().map(|spec| (spec.name(), "inputs"));
        let steps = action.steps.iter().map(|(name, _)| (name.as_str(), "steps"));
        let history = action.history.iter().map(|look| (look.name(), "history"));
        let mut seen: Vec<&str> = Vec::new();
        for (name, section) in inputs.chain(history).chain(steps) {
            let path = format!("actions.{}.{section}.{name}", action.id);
            let taken = parameters.known.contains_key(name) || lists.iter().any(|(list, _)| list == name);
            if taken || seen.contains(&name) {
                let found = text!("`{name}` 已是另一个名称", "`{name}` already names something else");
                reading.error(place_of(root, &path), &path, Finding::new(found));
            }
            seen.push(name);
        }
    }
}

/// Warns of the file's own names that nothing uses.
fn unused(reading: &mut Reading<'_>, root: &Node, own: &[String], lists: &Lists, actions: &[Action]) {
    let mut paths: Vec<String> = Vec::new();
    let idle = |name: &String| !actions.iter().any(|action| action.parameters.contains(name));
    paths.extend(own.iter().filter(|name| idle(name)).map(|name| format!("parameters.{name}")));
    let by_district = actions.iter().any(|action| action.campaigns().any(|own| own.districts().is_some()));
    let idle = |name: &str, words: &Arc<[String]>| {
        !(by_district && name == DISTRICTS || actions.iter().any(|action| action.uses_list(name, words)))
    };
    paths.extend(
        lists.iter().filter(|(name, words)| idle(name, words)).map(|(name, _)| format!("lists.{name}")),
    );
    for action in actions {
        let names = action.unused_names();
        paths.extend(names.iter().map(|(section, name)| format!("actions.{}.{section}.{name}", action.id)));
    }
    for path in paths {
        let name = path.rsplit('.').next().unwrap_or_default();
        let found = text!("没有公式使用 `{name}`", "no formula uses `{name}`");
        reading.warn(place_of(root, &path), &path, Finding::new(found));
    }
}

/// Where the key at the end of a dotted path stands.
fn place_of(root: &Node, path: &str) -> super::diagnostic::Place {
    let mut node = root;
    let mut place = root.place;
    for part in path.split('.') {
        let yaml::Kind::Map(entries) = &node.kind else { return place };
        let Some((key, inner)) = entries.iter().find(|(key, _)| key.text == part) else { return place };
        (node, place) = (inner, key.place);
    }
    place
}
