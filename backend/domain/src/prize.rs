//! Prizes won: who stood on which rank of a board when its period was over. Must never rank anybody itself.

use chrono::{DateTime, Utc};

use crate::amount::Points;
use crate::id::{AwardId, CitizenId, CityId, RuleSetId};
use crate::leaderboard::Metric;
use crate::rule::{Prize, grams_text};
use crate::text::Text;
use crate::time::DayRange;

/// A prize that a citizen won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Award {
    /// Its id.
    pub id: AwardId,
    /// In which city.
    pub city: CityId,
    /// Who won it.
    pub citizen: CitizenId,
    /// The rule set that announced it.
    pub rule_set: RuleSetId,
    /// The prize's id in it.
    pub prize: String,
    /// Of which district's board; none for that of the city.
    pub district: Option<String>,
    /// The days of the board.
    pub days: DayRange,
    /// The place on it, from 1.
    pub rank: u32,
    /// What was compared: milligrams or points.
    pub score: i64,
    /// Points that go with it.
    pub points: Points,
    /// When the board was closed for it.
    pub awarded_at: DateTime<Utc>,
    /// When its points were posted.
    pub paid_at: Option<DateTime<Utc>>,
}

impl Award {
    /// Why it was won, in words.
    #[must_use]
    pub fn told(&self, prize: &Prize) -> Text {
        let score = match prize.metric() {
            Metric::Reduction => grams_text(self.score),
            Metric::Points => format!("{} pt", self.score),
        };
        let last = self.days.until.pred_opt().unwrap_or(self.days.until);
        let (from, rank, name) = (self.days.from, self.rank, prize.name());
        let (zh, en) = match &self.district {
            Some(district) => (format!("{district} "), format!(" of {district}")),
            None => (String::new(), String::new()),
        };
        Text::new(
            format!("{}: {from} 至 {last} {zh}排行榜第 {rank} 名, 成绩 {score}", name.zh),
            format!("{}: rank {rank} on the board{en} from {from} to {last}, with {score}", name.en),
        )
    }
}
