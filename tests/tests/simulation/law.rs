//! Numbered rule sets of the simulated cities: what they say as numbers, and as the file that is published.

use chrono::{Months, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use tanhui_domain::rule::{RuleSet, SourceFile};
use tanhui_tests::Outcome;

/// Shortest ride and walk that count.
pub const METRES_MIN: i64 = 500;
/// Shortest that can be read.
pub const METRES_READ_MIN: i64 = 300;
/// Longest that can be read.
pub const METRES_READ_MAX: i64 = 80_000;
/// How many different laws there are.
pub const LAWS: u32 = 6;

/// One version of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Law {
    number: u32,
    /// Tenths of a milligram that a metre saves.
    pub saved_per_metre: i64,
    pub rides_a_day: i64,
    pub ride_points_a_day: i64,
    pub ride_points_a_week: i64,
    pub ride_points_a_month: i64,
    pub ride_grams_a_year: i64,
    pub walk_points_each: i64,
    pub walk_metres_a_day: i64,
    pub sorting_points: i64,
    pub sortings_a_day: i64,
    /// Points are good to the end of the month so many months later; else for thirty days.
    pub good_months: Option<u32>,
    pub late_days: i64,
}

impl Law {
    /// The law of a number.
    pub fn of(number: u32) -> Self {
        let turn = i64::from(number % LAWS);
        Self {
            number: number % LAWS,
            saved_per_metre: [467, 500, 333, 1_005, 467, 12][usize::try_from(turn).unwrap_or(0)],
            rides_a_day: 6 + turn,
            ride_points_a_day: 90 + 13 * turn,
            ride_points_a_week: 240 + 31 * turn,
            ride_points_a_month: 610 + 97 * turn,
            ride_grams_a_year: 20_000 + 7_000 * turn,
            walk_points_each: 20 + turn,
            walk_metres_a_day: 9_000 + 500 * turn,
            sorting_points: 3 + turn,
            sortings_a_day: 1 + turn % 3,
            good_months: [Some(3), None, Some(12), Some(1), None, Some(2)]
                [usize::try_from(turn).unwrap_or(0)],
            late_days: if turn == 2 { 400 } else { 90 },
        }
    }

    pub fn late(&self) -> TimeDelta {
        TimeDelta::days(self.late_days)
    }

    /// Last day of points credited on a day.
    pub fn last_day(&self, credited_on: NaiveDate) -> Option<NaiveDate> {
        use chrono::Datelike as _;
        let Some(months) = self.good_months else {
            return credited_on.checked_add_signed(TimeDelta::days(29));
        };
        let first = credited_on.with_day(1)?.checked_add_months(Months::new(months + 1))?;
        first.pred_opt()
    }

    /// The file as an officer would write it.
    pub fn rules(&self, city: &str, zone: Tz) -> Outcome<RuleSet> {
        let text = self.text(city, zone);
        let file = SourceFile { name: format!("{city}.yaml"), text };
        let refused = |diagnostics: Vec<_>| format!("{diagnostics:?}");
        Ok(RuleSet::compile(&file, &[]).map_err(refused)?)
    }

    fn text(&self, city: &str, zone: Tz) -> String {
        let expire = match self.good_months {
            Some(months) => format!("{{after: {months} months, at: end of month}}"),
            None => "{after: 30 days}".to_owned(),
        };
        let (number, late, zone) = (self.number, self.late_days, zone.name());
        let saved = format!("{}.{}", self.saved_per_metre / 10, self.saved_per_metre % 10);
        let walk_km = format!("{}.{}", self.walk_metres_a_day / 1_000, self.walk_metres_a_day % 1_000 / 100);
        format!(
            "format: 1
city: {city}
title: {{zh: 模拟规则 {number}, en: Simulated rules {number}}}
timezone: {zone}
points_expire: {expire}
accept: {{late: {late} days, early: 10 min}}
parameters:
  saving:
    label: {{zh: 每公里减排, en: CO2e saved per km}}
    values:
      - from: 2020-01-01
        value: {saved} gCO2e/km
        confidence: low
        source: {{title: 测试用数, publisher: 测试, year: 2020, url: example.org}}
actions:
  ride:
    name: {{zh: 乘车, en: Ride}}
    category: travel
    inputs:
      distance: {{unit: km, decimals: 3, min: 0.3, max: 80}}
    evidence: {{operator: 100%, device: 50%}}
    eligible:
      - {{when: distance >= 0.5 km, else: {{zh: 太短, en: Too short}}, code: too_short}}
    reduction: distance * saving
    points: reduction / 10 gCO2e/pt, rounded down to 1 pt
    caps:
      - {{limit: {rides} times, per: day}}
      - {{limit: {day} pt, per: day}}
      - {{limit: {week} pt, per: week}}
      - {{limit: {month} pt, per: month}}
      - {{limit: {year} gCO2e, per: year}}
  walk:
    name: {{zh: 步行, en: Walk}}
    category: travel
    inputs:
      distance: {{unit: km, decimals: 3, min: 0.3, max: 80}}
    evidence: {{operator: 100%, device: 50%}}
    eligible:
      - {{when: distance >= 0.5 km, else: {{zh: 太短, en: Too short}}, code: too_short}}
    reduction: distance * saving
    points: reduction / 10 gCO2e/pt, rounded down to 1 pt
    caps: [{{limit: {each} pt, per: event}}, {{limit: {walk_km} km, per: day}}]
  sorting:
    name: {{zh: 垃圾分类, en: Sorting}}
    category: waste
    note: {{zh: 只计积分, en: Points only}}
    evidence: {{operator: 100%, device: 100%}}
    points_only: true
    points: {sorting} pt
    caps: [{{limit: {sortings} times, per: day}}]
",
            rides = self.rides_a_day,
            day = self.ride_points_a_day,
            week = self.ride_points_a_week,
            month = self.ride_points_a_month,
            year = self.ride_grams_a_year,
            each = self.walk_points_each,
            sorting = self.sorting_points,
            sortings = self.sortings_a_day,
        )
    }
}
