//! Campaigns: dated factors on points with a budget of their own. Must never be without an end.

use std::sync::Arc;

use super::action::Action;
use super::diagnostic::{Finding, did_you_mean, text};
use super::exact::{Decimal, Ratio};
use super::multiplier::{STACKINGS, Stacking, Times, read_name, read_times};
use super::parameter::read_date;
use super::section::{Reading, Reported, Section};
use super::unit::Unit;
use super::yaml::{Kind, Node};
use crate::amount::Points;
use crate::text::Text;
use crate::time::DayRange;

/// Most campaigns of one file.
pub const CAMPAIGNS_MAX: usize = 100;
/// Most campaigns of one action on one day, those of all districts together.
pub const CAMPAIGNS_AT_ONCE_MAX: usize = 8;
/// The list that names the districts of the city.
pub(super) const DISTRICTS: &str = "districts";

type Lists = [(String, Arc<[String]>)];

/// A dated factor on the points of some actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    pub(super) id: String,
    pub(super) name: Text,
    pub(super) range: DayRange,
    pub(super) actions: Vec<String>,
    pub(super) districts: Option<Vec<String>>,
    pub(super) times: Times,
    pub(super) budget: Points,
}

impl Campaign {
    /// Its id in the file; its budget goes by the same id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name for citizens; its id where the file gives none.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The civil days of acts that it counts for.
    #[must_use]
    pub fn range(&self) -> DayRange {
        self.range
    }

    /// Ids of the actions that it counts for.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(String::as_str)
    }

    /// The home districts of the citizens that it counts for; none for all.
    #[must_use]
    pub fn districts(&self) -> Option<&[String]> {
        self.districts.as_deref()
    }

    /// Its factor.
    #[must_use]
    pub fn times(&self) -> Decimal {
        self.times.written
    }

    /// Most points that it adds in all.
    #[must_use]
    pub fn budget(&self) -> Points {
        self.budget
    }

    /// Whether it counts for a citizen of that district.
    pub(super) fn reaches(&self, district: Option<&str>) -> bool {
        let Some(districts) = &self.districts else { return true };
        district.is_some_and(|home| districts.iter().any(|known| known == home))
    }

    fn meets(&self, other: &Self) -> bool {
        let days = self.range.from < other.range.until && other.range.from < self.range.until;
        let places = match (&self.districts, &other.districts) {
            (Some(one), Some(two)) => one.iter().any(|district| two.contains(district)),
            (None, _) | (_, None) => true,
        };
        days && places
    }
}

/// Reads all campaigns and gives each action its own.
pub(super) fn read_campaigns(
    reading: &mut Reading<'_>,
    node: &Node,
    actions: &mut [Action],
    (ids, lists): (&[String], &Lists),
) -> Option<Vec<Arc<Campaign>>> {
    let mut section = reading.section(node, "campaigns")?;
    let stacking = match section.optional("stacking") {
        Some(node) => Some(reading.choice(node, "campaigns.stacking", &STACKINGS)?),
        None => None,
    };
    let entries: Vec<_> = section.entries().iter().filter(|(key, _)| key.text != "stacking").collect();
    if entries.len() > CAMPAIGNS_MAX {
        let found = text!("活动超过 {CAMPAIGNS_MAX} 个", "more than {CAMPAIGNS_MAX} campaigns");
        reading.error(node.place, "campaigns", Finding::new(found));
    }
    let mut all = Vec::new();
    for (key, node) in entries.into_iter().take(CAMPAIGNS_MAX) {
        let path = section.step(&key.text);
        let named = reading.name(&key.text, key.place, &path);
        let campaign = read_campaign(reading, &key.text, node, &path, (ids, lists)).filter(|_| named);
        let Some(campaign) = campaign.map(Arc::new) else { continue };
        for action in actions.iter_mut().filter(|action| campaign.actions.contains(&action.id)) {
            join(reading, key.place, &path, action, &campaign, stacking);
        }
        all.push(campaign);
    }
    Some(all)
}

/// Adds a campaign to an action, and the stacking that the file declares where two meet.
fn join(
    reading: &mut Reading<'_>,
    place: super::diagnostic::Place,
    path: &str,
    action: &mut Action,
    campaign: &Arc<Campaign>,
    stacking: Option<Stacking>,
) {
    let first = action.campaigns.iter().find(|other| other.meets(campaign)).cloned();
    action.campaigns.push(Arc::clone(campaign));
    let (id, one) = (&action.id, &campaign.id);
    if let (Some(other), None, None) = (first, action.stacking, stacking) {
        let other = &other.id;
        let found = text!(
            "`{other}` 与 `{one}` 同时作用于 `{id}`, 未写如何叠加",
            "`{other}` and `{one}` meet in `{id}`, and nothing says how they stack"
        );
        let help = text!(
            "请在 campaigns 下写 stacking: highest (或 multiply, first)",
            "write `stacking: highest` (or multiply, first) under `campaigns`"
        );
        reading.error(place, path, Finding::new(found).help(help));
    }
    let crowded = |day| action.live_campaigns(day).count() > CAMPAIGNS_AT_ONCE_MAX;
    if action.campaigns().any(|campaign| crowded(campaign.range.from)) {
        let found = text!(
            "`{id}` 上同时有超过 {CAMPAIGNS_AT_ONCE_MAX} 个活动",
            "more than {CAMPAIGNS_AT_ONCE_MAX} campaigns meet in `{id}`"
        );
        reading.error(place, path, Finding::new(found));
    }
    action.stacking = action.stacking.or(stacking);
}

fn read_campaign(
    reading: &mut Reading<'_>,
    id: &str,
    node: &Node,
    path: &str,
    (ids, lists): (&[String], &Lists),
) -> Option<Campaign> {
    let mut section = reading.section(node, path)?;
    let name = read_name(reading, section.optional("name"), id, path);
    let range = read_range(reading, &mut section, path);
    let chosen = section.required("actions", reading);
    let chosen = chosen.and_then(|node| read_actions(reading, node, path, ids));
    let places = section.required("districts", reading);
    let places = places.map(|node| read_districts(reading, node, path, lists));
    let times = section.required("times", reading).and_then(|node| {
        let times = read_times(reading, node, path)?;
        if times.ratio.exceeds(Ratio::ONE) {
            return Some(times);
        }
        let found = text!("活动的倍数应大于 1", "the factor of a campaign must be above 1");
        reading.error(node.place, path, Finding::new(found));
        None
    });
    let budget = section.required("budget", reading).and_then(|node| read_points(reading, node, path));
    section.finish(&[], reading);
    Some(Campaign {
        id: id.to_owned(),
        name: name?,
        range: range?,
        actions: chosen?,
        districts: places?.ok()?,
        times: times?,
        budget: budget?,
    })
}

/// `from` is in, `until` is out; a campaign must end.
fn read_range(reading: &mut Reading<'_>, section: &mut Section<'_>, path: &str) -> Option<DayRange> {
    let from = section.required("from", reading).and_then(|node| read_date(reading, node, path));
    let Some(end) = section.optional("until") else {
        let found = text!("活动没有结束日", "the campaign has no end");
        let help = text!(
            "请写 until: 2026-09-23, 当日起不再有效",
            "write `until: 2026-09-23`, the first day on which it no longer counts"
        );
        reading.error(section.place, path, Finding::new(found).help(help));
        return None;
    };
    let until = read_date(reading, end, path)?;
    let from = from?;
    if from < until {
        return Some(DayRange { from, until });
    }
    let found = text!("until {until} 不晚于 from {from}", "`until` {until} is not after `from` {from}");
    let help = text!(
        "until 是不再有效的第一天, 要晚于 from",
        "`until` is the first day on which it no longer counts; write a day after `from`"
    );
    reading.error(end.place, path, Finding::new(found).help(help));
    None
}

/// Ids of actions, or `all`; `ids` are those that the file names, even where one could not be read.
pub(super) fn read_actions(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    ids: &[String],
) -> Option<Vec<String>> {
    if matches!(&node.kind, Kind::Scalar { text, .. } if text == "all") {
        return Some(ids.to_vec());
    }
    let known = || ids.iter().map(String::as_str);
    read_members(reading, node, path, known, |shown| {
        text!("没有行为 `{shown}`", "there is no action `{shown}`")
    })
}

/// Districts of the file's list of that name, or `all`.
fn read_districts(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    lists: &Lists,
) -> Result<Option<Vec<String>>, Reported> {
    if matches!(&node.kind, Kind::Scalar { text, .. } if text == "all") {
        return Ok(None);
    }
    let Some((_, known)) = lists.iter().find(|(name, _)| name == DISTRICTS) else {
        let found = text!("文件没有列出区县", "the file lists no districts");
        let help = text!("请写 lists: {{districts: [..]}}", "write `lists: {{districts: [..]}}`");
        reading.error(node.place, path, Finding::new(found).help(help));
        return Err(Reported);
    };
    let known = || known.iter().map(String::as_str);
    read_members(reading, node, path, known, |shown| {
        text!("没有区县 `{shown}`", "there is no district `{shown}`")
    })
    .map(Some)
    .ok_or(Reported)
}

/// A list of known words, each once.
fn read_members<'k, I: Iterator<Item = &'k str>>(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    known: impl Fn() -> I,
    missing: impl Fn(String) -> Text,
) -> Option<Vec<String>> {
    let items = reading.list(node, path);
    let mut words: Vec<String> = Vec::new();
    let mut complete = !items.is_empty();
    for item in items {
        let word = reading.scalar(item, path)?;
        let found = if !known().any(|name| name == word) {
            let shown: String = word.chars().take(64).collect();
            Finding::new(missing(shown)).help_maybe(did_you_mean(word, known()))
        } else if words.iter().any(|seen| seen == word) {
            Finding::new(text!("`{word}` 重复", "`{word}` stands twice"))
        } else {
            words.push(word.to_owned());
            continue;
        };
        reading.error(item.place, path, found);
        complete = false;
    }
    if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
        let help = text!("全部请写 all", "write `all` for all of them");
        let found = Finding::new(text!("列表是空的", "the list is empty")).help(help);
        reading.error(node.place, path, found);
    }
    complete.then_some(words)
}

/// Whole points above zero.
pub(super) fn read_points(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Points> {
    let quantity = reading.quantity(node, path)?;
    let unit = quantity.unit;
    if !unit.same_dimension(Unit::points()) || unit == Unit::NONE {
        let found = text!("应以 pt 计, 却是 `{unit}`", "expected pt, found `{unit}`");
        let number = quantity.number;
        let help = text!("请写 `{number} pt`", "write `{number} pt`");
        reading.error(node.place, path, Finding::new(found).help(help));
        return None;
    }
    let points = quantity.count_of(Ratio::ONE).filter(|count| *count > 0).map(Points::new);
    if points.is_none() {
        let found = text!("应为大于零的整数积分", "expected whole points above zero");
        reading.error(node.place, path, Finding::new(found));
    }
    points
}
