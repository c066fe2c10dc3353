//! Levels that citizens climb, and the thresholds that levels and badges are made of.

use super::diagnostic::{Finding, text};
use super::exact::Ratio;
use super::expectation::grams_text;
use super::section::{Quantity, Reading};
use super::unit::Unit;
use super::yaml::Node;
use crate::amount::{Points, ReductionMg};
use crate::text::Text;

/// Most levels, and most badges, of one file.
pub const BADGES_MAX: usize = 100;

/// A threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Points given.
    Points(Points),
    /// Grams avoided.
    Reduction(ReductionMg),
    /// Acts credited.
    Times(i64),
    /// Days in a row with an act credited on each.
    Streak(u32),
}

impl Reach {
    /// The threshold in words, as in `50 kgCO2e` or `7 days in a row`.
    #[must_use]
    pub fn told(self) -> Text {
        match self {
            Self::Points(points) => Text::new(format!("{points} pt"), format!("{points} pt")),
            Self::Reduction(reduction) => Text::new(grams_text(reduction.get()), grams_text(reduction.get())),
            Self::Times(times) => Text::new(format!("{times} 次"), format!("{times} times")),
            Self::Streak(days) => Text::new(format!("连续 {days} 天"), format!("{days} days in a row")),
        }
    }
}

/// A step that citizens climb; never lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    pub(super) id: String,
    pub(super) name: Text,
    pub(super) from: Reach,
}

impl Level {
    /// Its id in the file.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name for citizens.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// From which total of points or grams it holds.
    #[must_use]
    pub fn from(&self) -> Reach {
        self.from
    }

    /// Whether totals reach it.
    #[must_use]
    pub fn is_reached(&self, points: Points, reduction: ReductionMg) -> bool {
        match self.from {
            Reach::Points(least) => points >= least,
            Reach::Reduction(least) => reduction >= least,
            Reach::Times(_) | Reach::Streak(_) => false,
        }
    }
}

/// The highest level that totals reach.
pub(super) fn level(levels: &[Level], points: Points, reduction: ReductionMg) -> Option<&Level> {
    levels.iter().rev().find(|level| level.is_reached(points, reduction))
}

/// Reads `levels`: from zero, ascending, all in grams or all in points.
pub(super) fn read_levels(reading: &mut Reading<'_>, node: &Node) -> Vec<Level> {
    let path = "levels";
    let Some(section) = reading.section(node, path) else { return Vec::new() };
    too_many(reading, node, path, section.entries().len());
    let mut levels: Vec<Level> = Vec::new();
    for (key, node) in section.entries().iter().take(BADGES_MAX) {
        let path = section.step(&key.text);
        let named = reading.name(&key.text, key.place, &path);
        let Some(level) = read_level(reading, &key.text, node, &path).filter(|_| named) else { continue };
        let problem = match (levels.last().map(|before| before.from), level.from) {
            (None, Reach::Points(Points::ZERO) | Reach::Reduction(ReductionMg::ZERO)) => None,
            (None, _) => Some(text!("第一级应从 0 开始", "the first level must begin at 0")),
            (Some(Reach::Points(before)), Reach::Points(own)) if before < own => None,
            (Some(Reach::Reduction(before)), Reach::Reduction(own)) if before < own => None,
            (Some(_), _) => Some(text!(
                "各级应单位相同, 从低到高",
                "levels must be in one unit, each above the one before"
            )),
        };
        if let Some(found) = problem {
            reading.error(node.place, &path, Finding::new(found));
        }
        levels.push(level);
    }
    levels
}

pub(super) fn too_many(reading: &mut Reading<'_>, node: &Node, path: &str, count: usize) {
    if count > BADGES_MAX {
        let found = text!("有 {count} 项,最多 {BADGES_MAX} 项", "{count} entries; at most {BADGES_MAX}");
        reading.error(node.place, path, Finding::new(found));
    }
}

fn read_level(reading: &mut Reading<'_>, id: &str, node: &Node, path: &str) -> Option<Level> {
    let mut section = reading.section(node, path)?;
    let name = section.required("name", reading).and_then(|node| reading.text(node, path));
    let from = section.required("from", reading);
    section.finish(&[], reading);
    let node = from?;
    let from = match read_reach(reading.scalar(node, path)?, 0) {
        Ok(Reach::Times(_) | Reach::Streak(_)) => {
            let found = text!("等级应以 gCO2e 或 pt 计", "levels are in gCO2e or pt");
            reading.error(node.place, path, Finding::new(found));
            return None;
        }
        Ok(reach) => reach,
        Err(found) => {
            reading.error(node.place, path, found);
            return None;
        }
    };
    Some(Level { id: id.to_owned(), name: name?, from })
}

/// `50 times`, `7 days`, or a number in pt or grams of CO2e, of at least so many of the smallest unit.
pub(super) fn read_reach(written: &str, least: i64) -> Result<Reach, Finding> {
    let wrong = || {
        let shown: String = written.chars().take(40).collect();
        let found = text!("`{shown}` 不能作门槛", "`{shown}` cannot be a threshold");
        Finding::new(found).help(text!(
            "例如 10 kgCO2e, 500 pt, 50 times, 7 days (连续)",
            "as in 10 kgCO2e, 500 pt, 50 times, 7 days (in a row)"
        ))
    };
    if let Some(count) = written.strip_suffix(" times").or(written.strip_suffix(" time")) {
        let count = count.trim().parse::<i64>().ok().filter(|count| *count >= least);
        return count.map(Reach::Times).ok_or_else(wrong);
    }
    let quantity = Quantity::parse(written)?;
    let counted = |grain: Option<Ratio>| {
        let count = grain.and_then(|grain| quantity.count_of(grain));
        count.filter(|count| *count >= least).ok_or_else(wrong)
    };
    if quantity.unit == Unit::NONE {
        Err(wrong())
    } else if quantity.unit.same_dimension(Unit::points()) {
        counted(Some(Ratio::ONE)).map(|count| Reach::Points(Points::new(count)))
    } else if quantity.unit.same_dimension(Unit::carbon()) {
        counted(Ratio::new(1, 1000)).map(|count| Reach::Reduction(ReductionMg::new(count)))
    } else {
        Err(wrong())
    }
}
