//! The top level of rule files and catalogues. Must never skip a key that it does not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;

use super::action::Action;
use super::action_section::{Surroundings, read_action};
use super::badge::read_badges;
use super::budget::read_budgets;
use super::campaign::{DISTRICTS, read_campaigns};
use super::catalogue::{Shared, read_uses};
use super::diagnostic::{Finding, Findings, did_you_mean, text};
use super::era;
use super::input::read_words;
use super::level::read_levels;
use super::parameter::{Alias, Parameter, read_parameter, twice};
use super::prize::read_prizes;
use super::ruleset::{Programme, RuleSet, SourceFile};
use super::schedule::{Acceptance, SpentPoints, read_acceptance, read_expiry, read_reversal};
use super::section::{Reading, Section};
use super::yaml::{self, Kind, Node};

/// Most actions, parameters or lists of one rule set.
pub const ENTRIES_MAX: usize = 500;

type Lists = Vec<(String, Arc<[String]>)>;

/// Parameters by name, the names of those that could not be read, and second names still to be resolved.
#[derive(Default)]
pub(super) struct Parameters {
    known: BTreeMap<String, Parameter>,
    broken: Vec<String>,
    aliases: Vec<Alias>,
    /// A catalogue is missing or could not be read, so a name that is not known may stand there.
    incomplete: bool,
}

impl Parameters {
    /// Notes that a catalogue could not be read.
    pub(super) fn lose_catalogue(&mut self) {
        self.incomplete = true;
    }

    /// Whether an action cannot be judged, for what its formulas name has been reported elsewhere.
    fn hide(&self, action: &Action, lists: &Lists) -> bool {
        let words: Vec<String> = action.formulas().flat_map(|located| located.formula.words()).collect();
        let own = |word: &String| {
            action.names(word) || self.known.contains_key(word) || lists.iter().any(|(name, _)| name == word)
        };
        words.iter().any(|word| self.broken.contains(word)) || (self.incomplete && !words.iter().all(own))
    }

    /// Names that stand in the files read so far.
    fn named(&self) -> Vec<String> {
        self.known.keys().chain(self.aliases.iter().map(|alias| &alias.name)).cloned().collect()
    }

    /// Gives every second name what it stands for.
    fn resolve(&mut self, findings: &mut Findings) {
        for alias in std::mem::take(&mut self.aliases) {
            match alias.resolve(findings, &self.known, &self.broken) {
                Some(parameter) => drop(self.known.insert(alias.name, parameter)),
                None => self.broken.push(alias.name),
            }
        }
    }
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
    let uses = section.optional("uses");
    let expiry = section.optional("points_expire").map(|node| read_expiry(&mut reading, node));
    let usual = Acceptance::default();
    let accept = section
        .optional("accept")
        .map_or(Some(usual), |node| read_acceptance(&mut reading, node, "accept", usual));
    let reversal = section.optional("reversal").map(|node| read_reversal(&mut reading, node));
    let lists = read_lists(&mut reading, &mut section);
    let mut parameters = Parameters::default();
    let own = section.optional("parameters");
    read_parameters(&mut reading, own, &mut parameters);
    let own: Vec<String> = parameters.named();
    let shared = uses.map(|node| read_uses(&mut reading, node, catalogues, &mut parameters));
    let shared = shared.unwrap_or_default();
    parameters.resolve(reading.findings);
    let actions_node = section.required("actions", &mut reading);
    let around = Surroundings { lists: &lists, accept: accept.unwrap_or(usual) };
    let mut actions = read_actions(&mut reading, actions_node, around, &shared);
    let ids: Vec<String> = actions_node.map_or_else(Vec::new, Node::keys);
    let programme = read_programme(&mut reading, &mut section, &mut actions, (&ids, &lists));
    let _checked_later = section.optional("examples");
    section.finish(&[], &mut reading);
    shadowed(&mut reading, &root, &actions, &parameters, &lists);
    for action in &mut actions {
        if !parameters.hide(action, &lists) {
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
        programme: programme?,
        catalogues: shared.names(),
        offered: shared.offered(),
        warnings: Vec::new(),
        bundle: String::new(),
        hash: [0; 32],
    };
    Some((rules, shared.files()))
}

fn read_programme(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
    actions: &mut [Action],
    (ids, lists): (&[String], &Lists),
) -> Option<Programme> {
    let campaigns = match section.optional("campaigns") {
        Some(node) => read_campaigns(reading, node, actions, (ids, lists)),
        None => Some(Vec::new()),
    };
    let taken: Vec<&str> = campaigns.iter().flatten().map(|campaign| campaign.id.as_str()).collect();
    let budgets = section.optional("budgets");
    let budgets = budgets.map_or_else(Vec::new, |node| read_budgets(reading, node, actions, (ids, &taken)));
    let levels = section.optional("levels").map_or_else(Vec::new, |node| read_levels(reading, node));
    let badges = section.optional("badges");
    let badges = badges.map_or_else(Vec::new, |node| read_badges(reading, node, ids));
    let prizes = section.optional("prizes").map_or_else(Vec::new, |node| read_prizes(reading, node));
    Some(Programme { campaigns: campaigns?, budgets, levels, badges, prizes })
}

pub(super) fn read_format(reading: &mut Reading<'_>, section: &mut Section<'_>) {
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

pub(super) fn read_parameters(reading: &mut Reading<'_>, node: Option<&Node>, parameters: &mut Parameters) {
    let Some(inner) = node.and_then(|node| reading.section(node, "parameters")) else { return };
    let most = bounded(reading, &inner);
    for (key, node) in inner.entries().iter().take(most) {
        let path = inner.step(&key.text);
        if !reading.variable(&key.text, key.place, &path) {
            continue;
        }
        if node.inner("same_as").is_some() {
            parameters.aliases.extend(Alias::read(reading, key, node, &path));
            continue;
        }
        let Some(parameter) = read_parameter(reading, &key.text, node, &path) else {
            parameters.broken.push(key.text.clone());
            continue;
        };
        if parameters.known.insert(key.text.clone(), parameter).is_some() {
            reading.error(key.place, &path, twice(&key.text));
        }
    }
}

fn read_actions(
    reading: &mut Reading<'_>,
    node: Option<&Node>,
    around: Surroundings<'_>,
    shared: &Shared<'_>,
) -> Vec<Action> {
    let Some(inner) = node.and_then(|node| reading.section(node, "actions")) else { return Vec::new() };
    let most = bounded(reading, &inner);
    if inner.entries().is_empty() {
        reading.error(inner.place, "actions", Finding::new(text!("没有任何行为", "there are no actions")));
    }
    let mut actions = Vec::new();
    for (key, node) in inner.entries().iter().take(most) {
        let path = inner.step(&key.text);
        if !reading.name(&key.text, key.place, &path) {
            continue;
        }
        if node.inner("from").is_none() {
            actions.extend(read_action(reading, &key.text, node, &path, around));
        } else if let Some((file, node)) = shared.take(reading, &key.text, node, &path) {
            let mut reading = Reading { file, findings: reading.findings };
            actions.extend(read_action(&mut reading, &key.text, &node, &path, around));
        }
    }
    actions
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
        let Kind::Map(entries) = &node.kind else { return place };
        let Some((key, inner)) = entries.iter().find(|(key, _)| key.text == part) else { return place };
        (node, place) = (inner, key.place);
    }
    place
}
