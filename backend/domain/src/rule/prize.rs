//! Prizes for the first ranks of a board, once its period is over. Must never rank anybody itself.

use super::campaign::read_points;
use super::diagnostic::{Finding, text};
use super::section::Reading;
use super::yaml::Node;
use crate::amount::Points;
use crate::leaderboard::Metric;
use crate::text::Text;
use crate::time::Period;

/// Most prizes of one file.
pub const PRIZES_MAX: usize = 50;
/// Lowest rank that a prize can go to.
pub const RANK_MAX: u32 = 10_000;

/// Whose board it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoardOf {
    /// All citizens of the city.
    City,
    /// The citizens of each district apart.
    District,
    /// Teams.
    Team,
}

/// What the ranks from `first` to `last` of a board get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prize {
    pub(super) id: String,
    pub(super) name: Text,
    pub(super) board: BoardOf,
    pub(super) metric: Metric,
    pub(super) period: Period,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) points: Option<Points>,
}

impl Prize {
    /// Its id in the file.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is won, in words.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// Whose board it is.
    #[must_use]
    pub fn board(&self) -> BoardOf {
        self.board
    }

    /// By what the board compares.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Over which period.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// The ranks that win it, first and last.
    #[must_use]
    pub fn ranks(&self) -> (u32, u32) {
        (self.first, self.last)
    }

    /// Points that go with it to each winner; none where it is nothing but a thing.
    #[must_use]
    pub fn points(&self) -> Option<Points> {
        self.points
    }

    /// The winners of a board given from its first rank on. Nobody wins with nothing.
    pub fn winners<'b, T>(&self, board: &'b [(T, i64)]) -> impl Iterator<Item = &'b T> {
        let before = usize::try_from(self.first.saturating_sub(1)).unwrap_or(usize::MAX);
        let count = usize::try_from(self.last.saturating_sub(self.first).saturating_add(1)).unwrap_or(0);
        board.iter().skip(before).take(count).filter(|(_, score)| *score > 0).map(|(who, _)| who)
    }
}

/// Reads `prizes`.
pub(super) fn read_prizes(reading: &mut Reading<'_>, node: &Node) -> Vec<Prize> {
    let path = "prizes";
    let Some(section) = reading.section(node, path) else { return Vec::new() };
    if section.entries().len() > PRIZES_MAX {
        let found = text!("奖品超过 {PRIZES_MAX} 项", "more than {PRIZES_MAX} prizes");
        reading.error(node.place, path, Finding::new(found));
    }
    let mut prizes: Vec<Prize> = Vec::new();
    for (key, node) in section.entries().iter().take(PRIZES_MAX) {
        let path = section.step(&key.text);
        let named = reading.name(&key.text, key.place, &path);
        let Some(prize) = read_prize(reading, &key.text, node, &path).filter(|_| named) else { continue };
        let board = |prize: &Prize| (prize.board, prize.metric, prize.period);
        let clash = prizes.iter().find(|other| {
            board(other) == board(&prize) && other.first <= prize.last && prize.first <= other.last
        });
        if let Some(other) = clash {
            let (id, other) = (&prize.id, &other.id);
            let found = text!("`{id}` 与 `{other}` 的名次重叠", "the ranks of `{id}` and `{other}` overlap");
            reading.error(node.place, &path, Finding::new(found));
        }
        prizes.push(prize);
    }
    prizes
}

fn read_prize(reading: &mut Reading<'_>, id: &str, node: &Node, path: &str) -> Option<Prize> {
    let boards = [("city", BoardOf::City), ("district", BoardOf::District), ("team", BoardOf::Team)];
    let metrics = [("reduction", Metric::Reduction), ("points", Metric::Points)];
    let periods =
        [("day", Period::Day), ("week", Period::Week), ("month", Period::Month), ("year", Period::Year)];
    let mut section = reading.section(node, path)?;
    let name = section.required("name", reading).and_then(|node| reading.text(node, path));
    let board = section.required("board", reading).and_then(|node| reading.choice(node, path, &boards));
    let metric = section.required("by", reading).and_then(|node| reading.choice(node, path, &metrics));
    let period = section.required("per", reading).and_then(|node| reading.choice(node, path, &periods));
    let ranks = section.required("ranks", reading).and_then(|node| read_ranks(reading, node, path));
    let points = section.optional("points").map(|node| read_points(reading, node, path));
    section.finish(&[], reading);
    let points = match points {
        Some(points) => Some(points?),
        None => None,
    };
    let (first, last) = ranks?;
    let (board, metric, period) = (board?, metric?, period?);
    Some(Prize { id: id.to_owned(), name: name?, board, metric, period, first, last, points })
}

/// `1`, or `4 to 10`.
fn read_ranks(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<(u32, u32)> {
    let written = reading.scalar(node, path)?;
    let (first, last) = written.split_once(" to ").unwrap_or((written, written));
    let rank = |text: &str| text.trim().parse::<u32>().ok().filter(|rank| (1..=RANK_MAX).contains(rank));
    let ranks = rank(first).zip(rank(last)).filter(|(first, last)| first <= last);
    if ranks.is_none() {
        let shown: String = written.chars().take(40).collect();
        let found = text!("`{shown}` 不是名次", "`{shown}` is not a range of ranks");
        let help = text!("例如 1, 或 4 to 10; 最低 {RANK_MAX}", "as in 1, or 4 to 10; {RANK_MAX} at most");
        reading.error(node.place, path, Finding::new(found).help(help));
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn winners_stand_on_the_ranks_and_have_something() {
        let prize = |first, last| Prize {
            id: "p".into(),
            name: Text::new("奖", "Prize"),
            board: BoardOf::City,
            metric: Metric::Points,
            period: Period::Month,
            first,
            last,
            points: None,
        };
        let board = [("a", 9), ("b", 7), ("c", 7), ("d", 0)];
        let won = |first, last| prize(first, last).winners(&board).copied().collect::<Vec<_>>();
        assert_eq!(won(1, 1), ["a"]);
        assert_eq!(won(2, 3), ["b", "c"]);
        assert_eq!(won(3, 9), ["c"], "nobody wins with nothing");
        assert!(won(5, 9).is_empty());
    }
}
