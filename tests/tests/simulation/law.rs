//! Numbered rule sets of the simulated cities: what they say as numbers, and as the file that is published.

use chrono::{Months, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use tanhui_domain::rule::{RuleSet, SourceFile};
use tanhui_tests::Outcome;

const FILE: &str = include_str!("law.yaml");

/// Shortest act of travel that counts.
pub const METRES_MIN: i64 = 500;
/// Shortest that can be read.
pub const METRES_READ_MIN: i64 = 300;
/// Longest that can be read.
pub const METRES_READ_MAX: i64 = 80_000;
/// Metres a minute; who is faster is looked at.
pub const SPEED_MAX: i64 = 2_000;
/// Most tenths of a kilowatt hour that can be read.
pub const TENTHS_READ_MAX: i64 = 1_000;
/// Fewest readings that a usual one is made of.
pub const READINGS_MIN: usize = 2;
/// How many different laws there are.
pub const LAWS: u32 = 6;

/// What becomes of two campaigns that meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stacking {
    Highest,
    Multiply,
    First,
}

/// A campaign for gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    pub id: &'static str,
    /// First day in, first day out.
    pub days: (NaiveDate, NaiveDate),
    pub district: Option<&'static str>,
    pub times: i64,
    pub budget: i64,
}

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
    pub trip_points_a_day: i64,
    /// Minutes that a trip may share with another act of travel.
    pub trip_overlap: i64,
    /// After how many days the points of a trip can be spent.
    pub settle_days: i64,
    pub walk_points_each: i64,
    pub walk_metres_a_day: i64,
    pub sorting_points: i64,
    pub sortings_a_day: i64,
    pub gate_points: i64,
    pub gate_times_a_day: i64,
    pub card_points_a_week: i64,
    pub gate_points_a_year: i64,
    pub look_back_days: i64,
    pub stacking: Stacking,
    pub campaigns: [Campaign; 2],
    /// Points for all gates together.
    pub gates_month: i64,
    pub gates_day: i64,
    pub swim_points_each: i64,
    /// Points ever given that make a tree of a citizen.
    pub tree_points: i64,
    /// Points for gates and sorting; what it does not pay waits.
    pub queue_week: i64,
    /// Points that swims of one week share.
    pub shared_week: i64,
    /// Spent points that are undone are owed; else the balance falls below zero.
    pub claws_back: bool,
    /// Points are good to the end of the month so many months later; else for thirty days.
    pub good_months: Option<u32>,
    pub late_days: i64,
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a day of the calendar")
}

impl Law {
    /// The law of a number.
    pub fn of(number: u32) -> Self {
        let turn = i64::from(number % LAWS);
        let place = usize::try_from(turn).unwrap_or(0);
        let spring = (day(2026, 3, 1), day(2026, 6, 1));
        let steps = (day(2026, 3, 10), day(2027, 12, 1));
        let south = Some("south");
        Self {
            number: number % LAWS,
            saved_per_metre: [467, 500, 333, 1_005, 467, 12][place],
            rides_a_day: 6 + turn,
            ride_points_a_day: 90 + 13 * turn,
            ride_points_a_week: 240 + 31 * turn,
            ride_points_a_month: 610 + 97 * turn,
            ride_grams_a_year: 20_000 + 7_000 * turn,
            trip_points_a_day: 60 + 9 * turn,
            trip_overlap: [0, 1, 20, 0, 5, 60][place],
            settle_days: [2, 0, 3, 1, 7, 2][place],
            walk_points_each: 20 + turn,
            walk_metres_a_day: 9_000 + 500 * turn,
            sorting_points: 3 + turn,
            sortings_a_day: 1 + turn % 3,
            gate_points: 7 + 2 * turn,
            gate_times_a_day: 2 + turn % 4,
            card_points_a_week: 40 + 15 * turn,
            gate_points_a_year: 400 + 60 * turn,
            look_back_days: [7, 30, 10, 7, 60, 14][place],
            stacking: [Stacking::Highest, Stacking::Multiply, Stacking::First][place % 3],
            campaigns: [
                Campaign { id: "spring", days: spring, district: south, times: 3, budget: 50 + 35 * turn },
                Campaign { id: "steps", days: steps, district: None, times: 2, budget: 90 + 50 * turn },
            ],
            gates_month: 150 + 40 * turn,
            gates_day: 45 + 10 * turn,
            swim_points_each: 30 + 5 * turn,
            tree_points: 60 + 40 * turn,
            queue_week: 30 + 12 * turn,
            shared_week: 50 + 17 * turn,
            claws_back: turn % 2 == 0,
            good_months: [Some(3), None, Some(12), Some(1), None, Some(2)][place],
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
        let file = SourceFile { name: format!("{city}.yaml"), text: self.text(city, zone) };
        let refused = |diagnostics: Vec<_>| format!("{diagnostics:?}");
        Ok(RuleSet::compile(&file, &[]).map_err(refused)?)
    }

    fn text(&self, city: &str, zone: Tz) -> String {
        let mut text = FILE.replace("<city>", city).replace("<zone>", zone.name());
        for (word, says) in self.words() {
            text = text.replace(&format!("<{word}>"), &says);
        }
        assert!(!text.contains('<'), "the law leaves a word open: {text}");
        text
    }

    fn words(&self) -> Vec<(&'static str, String)> {
        let expire = match self.good_months {
            Some(months) => format!("{{after: {months} months, at: end of month}}"),
            None => "{after: 30 days}".to_owned(),
        };
        let spent = if self.claws_back { "claw_back" } else { "allow_negative" };
        let stacking = match self.stacking {
            Stacking::Highest => "highest",
            Stacking::Multiply => "multiply",
            Stacking::First => "first",
        };
        let walk_km = format!("{}.{}", self.walk_metres_a_day / 1_000, self.walk_metres_a_day % 1_000 / 100);
        let numbers = [
            ("number", i64::from(self.number)),
            ("late", self.late_days),
            ("rides_a_day", self.rides_a_day),
            ("ride_points_a_day", self.ride_points_a_day),
            ("ride_points_a_week", self.ride_points_a_week),
            ("ride_points_a_month", self.ride_points_a_month),
            ("ride_grams_a_year", self.ride_grams_a_year),
            ("trip_points_a_day", self.trip_points_a_day),
            ("trip_overlap", self.trip_overlap),
            ("settle_days", self.settle_days),
            ("walk_points_each", self.walk_points_each),
            ("sorting_points", self.sorting_points),
            ("sortings_a_day", self.sortings_a_day),
            ("gate_points", self.gate_points),
            ("gate_times_a_day", self.gate_times_a_day),
            ("card_points_a_week", self.card_points_a_week),
            ("gate_points_a_year", self.gate_points_a_year),
            ("look_back_days", self.look_back_days),
            ("spring_budget", self.campaigns[0].budget),
            ("steps_budget", self.campaigns[1].budget),
            ("gates_month", self.gates_month),
            ("gates_day", self.gates_day),
            ("swim_points_each", self.swim_points_each),
            ("tree_points", self.tree_points),
            ("queue_week", self.queue_week),
            ("shared_week", self.shared_week),
        ];
        let mut words: Vec<_> = numbers.map(|(word, number)| (word, number.to_string())).into();
        words.push(("expire", expire));
        words.push(("spent_points", spent.to_owned()));
        words.push(("stacking", stacking.to_owned()));
        words.push(("walk_km_a_day", walk_km));
        words.push(("saved", format!("{}.{}", self.saved_per_metre / 10, self.saved_per_metre % 10)));
        words
    }
}
