//! When and where the body of a citizen was: which acts of one group have been counted, packed into few
//! bytes, and whether another is one of them told again.
//!
//! Never decides what an act is worth. Times are whole seconds, both ends cut down.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::id::{ActivityId, CitizenId};
use crate::rule::{ActSpan, shares};

/// Longest stretch that is kept, in seconds; what lasts longer is kept as if it lasted so long. Also how far
/// apart one trip may be said to have begun.
pub(crate) const SECONDS_MAX: i64 = 172_800;
const WEEK_SECONDS: i64 = 604_800;
/// First byte of packed acts.
const VERSION: u8 = 1;
/// Most acts of one group that begin in one week.
pub(crate) const ACTS_MAX: usize = 4_096;

/// An act that has been counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedAct {
    /// The first eight bytes of its activity's id.
    pub activity: u64,
    /// Its first second since 1970.
    pub from: i64,
    /// How many seconds it took.
    pub seconds: i64,
    /// What identifies it besides its time; 0 for nothing.
    pub trip: u64,
}

/// Packed acts that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the kept acts of a week are damaged")]
pub struct Damaged;

/// The week in which an instant lies: days since 1970-01-01 divided by 7.
#[must_use]
pub fn week_of(instant: DateTime<Utc>) -> i32 {
    week(instant.timestamp())
}

/// The week in which a second lies.
pub(crate) fn week(second: i64) -> i32 {
    i32::try_from(second.div_euclid(WEEK_SECONDS)).unwrap_or(i32::MAX)
}

/// The weeks in which acts may have begun that are one with one that begins at an instant.
#[must_use]
pub fn weeks_around(instant: DateTime<Utc>) -> Vec<i32> {
    weeks_near(instant.timestamp()).collect()
}

fn weeks_near(second: i64) -> RangeInclusive<i32> {
    week(second.saturating_sub(SECONDS_MAX))..=week(second.saturating_add(SECONDS_MAX))
}

/// The stretch of an act in whole seconds, both ends cut down, and what makes others the same act.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// How long it may share with another.
    pub(crate) overlap: TimeDelta,
    /// What identifies it besides its time; 0 for nothing.
    pub(crate) trip: u64,
}

impl Stretch {
    fn of(span: &ActSpan) -> Self {
        let trip = span.trip.as_deref().map_or(0, number_of_name);
        Self { from: span.from.timestamp(), until: span.until.timestamp(), overlap: span.overlap, trip }
    }

    /// The weeks in which acts may have begun that are one with this.
    pub(crate) fn weeks_near(&self) -> RangeInclusive<i32> {
        weeks_near(self.from)
    }
}

impl CountedAct {
    /// What is kept of an act.
    #[must_use]
    pub fn new(activity: ActivityId, span: &ActSpan) -> Self {
        Self::of(key_of(activity), &Stretch::of(span))
    }

    /// What is kept of an act that goes by a number.
    pub(crate) fn of(activity: u64, stretch: &Stretch) -> Self {
        let Stretch { from, until, trip, .. } = *stretch;
        Self { activity, from, seconds: until.saturating_sub(from).clamp(0, SECONDS_MAX), trip }
    }

    /// The week under which it is kept.
    #[must_use]
    pub fn week(&self) -> i32 {
        week(self.from)
    }

    /// Whether an act is this one told again: the same trip, begun within two days, or more time in common
    /// than acts may have.
    #[must_use]
    pub fn is_told_again(&self, span: &ActSpan) -> bool {
        self.repeats(&Stretch::of(span))
    }

    /// Whether an act is this one told again.
    pub(crate) fn repeats(&self, act: &Stretch) -> bool {
        if act.trip == 0 || self.trip == 0 {
            return self.meets(act);
        }
        act.trip == self.trip && self.from.abs_diff(act.from) <= SECONDS_MAX.unsigned_abs()
    }

    /// Whether both have more time in common than acts may have.
    pub(crate) fn meets(&self, act: &Stretch) -> bool {
        let longer = |from: i64, until: i64| {
            TimeDelta::try_seconds(until.saturating_sub(from)).is_some_and(|shared| shared > act.overlap)
        };
        shares((act.from, act.until), (self.from, self.from.saturating_add(self.seconds)), longer)
    }
}

/// What is known of an act before it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing stands against it.
    New,
    /// It is one that was counted: the first eight bytes of that activity's id.
    Again(u64),
    /// It is not, and the same body was elsewhere at that time.
    Elsewhere,
}

/// Names the acts of a citizen, a group and a week.
pub type WeekOfActs = (CitizenId, String, i32);

/// The counted acts of some citizens near the time of some claims.
#[derive(Debug, Default)]
pub struct ActBook {
    weeks: BTreeMap<WeekOfActs, Vec<CountedAct>>,
    changed: BTreeSet<WeekOfActs>,
}

impl ActBook {
    /// Enters what the store says.
    #[must_use]
    pub fn new(weeks: BTreeMap<WeekOfActs, Vec<CountedAct>>) -> Self {
        Self { weeks, changed: BTreeSet::new() }
    }

    /// Looks for an act among those of its group that were counted.
    #[must_use]
    pub fn look(&self, citizen: CitizenId, activity: ActivityId, span: &ActSpan) -> Seen {
        let act = Stretch::of(span);
        let near = |week| self.weeks.get(&(citizen, span.group.clone(), week));
        let others = || {
            let acts = act.weeks_near().filter_map(near).flatten();
            acts.filter(|act| act.activity != key_of(activity))
        };
        if let Some(first) = others().find(|other| other.repeats(&act)) {
            return Seen::Again(first.activity);
        }
        if others().any(|other| other.meets(&act)) { Seen::Elsewhere } else { Seen::New }
    }

    /// Counts an act, once.
    pub fn count(&mut self, citizen: CitizenId, activity: ActivityId, span: &ActSpan) {
        let act = CountedAct::new(activity, span);
        let week = (citizen, span.group.clone(), act.week());
        let acts = self.weeks.entry(week.clone()).or_default();
        if acts.len() < ACTS_MAX && acts.iter().all(|known| known.activity != act.activity) {
            acts.push(act);
            self.changed.insert(week);
        }
    }

    /// Takes an act out that does not count any more.
    pub fn forget(&mut self, citizen: CitizenId, activity: ActivityId, span: &ActSpan) {
        let week = (citizen, span.group.clone(), week_of(span.from));
        if let Some(acts) = self.weeks.get_mut(&week) {
            acts.retain(|act| act.activity != key_of(activity));
            self.changed.insert(week);
        }
    }

    /// The weeks that are not as the store said.
    #[must_use]
    pub fn into_changed(self) -> BTreeMap<WeekOfActs, Vec<CountedAct>> {
        let Self { weeks, changed } = self;
        weeks.into_iter().filter(|(week, _)| changed.contains(week)).collect()
    }
}

/// The first eight bytes of an activity's id.
#[must_use]
pub fn key_of(activity: ActivityId) -> u64 {
    activity.get().as_u64_pair().0
}

/// The number that a trip, card or device goes by; 0 for no name.
pub(crate) fn number_of_name(name: &str) -> u64 {
    if name.is_empty() {
        return 0;
    }
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    let (first, _) = digest.split_at(8);
    first.iter().fold(0, |number: u64, byte| (number << 8) | u64::from(*byte)).max(1)
}

/// Packs the acts of one week: 13 bytes each, 8 more where one has a trip.
#[must_use]
pub fn pack(acts: &[CountedAct]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for act in acts {
        bytes.extend(act.activity.to_be_bytes());
        let into_week = act.from.rem_euclid(WEEK_SECONDS);
        // 20 bits of the week's seconds and 18 of the length, both within bounds; 1 bit for the trip.
        let trip = i64::from(act.trip != 0);
        let place = (into_week << 19) | (act.seconds.clamp(0, SECONDS_MAX) << 1) | trip;
        let [_, _, _, place @ ..] = place.to_be_bytes();
        bytes.extend(place);
        if act.trip != 0 {
            bytes.extend(act.trip.to_be_bytes());
        }
    }
    bytes
}

/// Reads what [`pack`] wrote for a week.
pub fn unpack(week: i32, bytes: &[u8]) -> Result<Vec<CountedAct>, Damaged> {
    let (&[version], mut rest) = bytes.split_first_chunk::<1>().ok_or(Damaged)?;
    if version != VERSION {
        return Err(Damaged);
    }
    let mut acts = Vec::new();
    while !rest.is_empty() {
        let (activity, after) = rest.split_first_chunk::<8>().ok_or(Damaged)?;
        let (place, after) = after.split_first_chunk::<5>().ok_or(Damaged)?;
        rest = after;
        let place = place.iter().fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
        let mut trip = 0;
        if place & 1 == 1 {
            let (bytes, after) = rest.split_first_chunk::<8>().ok_or(Damaged)?;
            trip = u64::from_be_bytes(*bytes);
            rest = after;
        }
        let from = i64::from(week).saturating_mul(WEEK_SECONDS).saturating_add(place >> 19);
        let seconds = (place >> 1) & 0x3_FFFF;
        acts.push(CountedAct { activity: u64::from_be_bytes(*activity), from, seconds, trip });
        if acts.len() > ACTS_MAX {
            return Err(Damaged);
        }
    }
    Ok(acts)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers that the tests themselves choose")]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn span(from: i64, until: i64, trip: Option<&str>) -> ActSpan {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        ActSpan {
            group: "travel".to_owned(),
            from: at(from),
            until: at(until),
            overlap: TimeDelta::zero(),
            trip: trip.map(str::to_owned),
        }
    }

    fn counted(from: i64, until: i64, trip: Option<&str>) -> CountedAct {
        CountedAct::new(ActivityId::new(Uuid::from_u128(7 << 64)), &span(from, until, trip))
    }

    #[test]
    fn an_act_is_told_again_by_time_or_by_trip() {
        let ride = counted(1_000, 1_600, None);
        for (from, until, again) in [(1_600, 1_700, false), (1_599, 1_700, true), (0, 1_000, false)] {
            assert_eq!(ride.is_told_again(&span(from, until, Some("a"))), again, "{from}");
        }
        let trip = counted(1_000, 1_600, Some("a"));
        assert!(trip.is_told_again(&span(9_000, 9_600, Some("a"))), "one trip, two clocks");
        for (from, again) in [(1_000 + SECONDS_MAX, true), (1_001 + SECONDS_MAX, false)] {
            assert_eq!(
                trip.is_told_again(&span(from, from + 600, Some("a"))),
                again,
                "a ticket of many days"
            );
        }
        assert!(!trip.is_told_again(&span(1_000, 1_600, Some("b"))), "two trips that both sources name");
        assert!(trip.is_told_again(&span(1_000, 1_600, None)));
    }

    #[test]
    fn a_book_finds_acts_of_the_same_body_and_forgets_them() {
        let id = |number: u128| ActivityId::new(Uuid::from_u128(number << 64));
        let (body, other) = (CitizenId::new(Uuid::from_u128(1)), CitizenId::new(Uuid::from_u128(2)));
        let mut book = ActBook::default();
        let ride = span(1_000, 1_600, Some("a"));
        book.count(body, id(7), &ride);
        book.count(body, id(7), &ride);
        assert_eq!(book.look(body, id(8), &ride), Seen::Again(7));
        assert_eq!(book.look(body, id(7), &ride), Seen::New, "itself");
        assert_eq!(book.look(other, id(8), &ride), Seen::New);
        assert_eq!(book.look(body, id(8), &span(1_500, 1_700, Some("b"))), Seen::Elsewhere);
        assert_eq!(book.look(body, id(8), &ActSpan { group: "rest".to_owned(), ..ride.clone() }), Seen::New);
        book.forget(body, id(7), &ride);
        assert_eq!(book.look(body, id(8), &ride), Seen::New);
        assert_eq!(book.into_changed().into_values().collect::<Vec<_>>(), [vec![]]);
    }

    #[test]
    fn microseconds_do_not_make_one_act_two() {
        let micros = TimeDelta::microseconds(900_000);
        let mut later = span(1_600, 1_700, None);
        (later.from, later.until) = (later.from + micros, later.until + micros);
        assert!(!counted(1_000, 1_600, None).is_told_again(&later));
        later.from -= TimeDelta::seconds(1);
        assert!(counted(1_000, 1_600, None).is_told_again(&later));
    }

    #[test]
    fn an_act_over_the_weeks_end_is_looked_for_in_both() {
        let end = 2_900 * WEEK_SECONDS;
        assert_eq!(counted(end - 60, end + 60, None).week(), 2_899);
        let around = |second| weeks_around(span(second, second, None).from);
        assert_eq!(around(end + SECONDS_MAX - 1), [2_899, 2_900]);
        assert_eq!(around(end + SECONDS_MAX), [2_900]);
        assert_eq!(around(end - SECONDS_MAX - 1), [2_899]);
        assert_eq!(around(end - SECONDS_MAX), [2_899, 2_900]);
        let (body, id) = (CitizenId::new(Uuid::nil()), |n: u128| ActivityId::new(Uuid::from_u128(n << 64)));
        for (counted, told) in [(end + 10, end - 50), (end - 50, end + 10)] {
            let mut book = ActBook::default();
            book.count(body, id(7), &span(counted, counted + 30, Some("a")));
            let told = span(told, told + 30, Some("a"));
            assert_eq!(book.look(body, id(8), &told), Seen::Again(7), "one trip, two clocks");
        }
    }

    #[test]
    fn junk_is_refused() {
        let whole = pack(&[counted(1_000, 1_600, Some("a"))]);
        assert_eq!(whole.len(), 1 + 13 + 8);
        for length in 0..whole.len() {
            assert_eq!(unpack(0, &whole[..length]).is_ok(), length == 1, "{length} bytes");
        }
        assert_eq!(unpack(0, &[2]), Err(Damaged));
    }

    #[test]
    fn a_week_holds_so_many_acts_and_no_more() {
        let mut book = ActBook::default();
        let body = CitizenId::new(Uuid::nil());
        for number in 0..=ACTS_MAX {
            let id = ActivityId::new(Uuid::from_u64_pair(number as u64, 0));
            book.count(body, id, &span(1_000, 1_600, None));
        }
        let acts = book.into_changed().into_values().next().unwrap();
        assert_eq!(acts.len(), ACTS_MAX);
        assert_eq!(unpack(0, &pack(&acts)).unwrap(), acts);
        let one_more = [acts.as_slice(), &[counted(1_000, 1_600, None)]].concat();
        assert_eq!(unpack(0, &pack(&one_more)), Err(Damaged));
    }

    #[test]
    fn weeks_and_numbers_are_those_of_rows() {
        for (second, week) in [(-1, -1), (0, 0), (WEEK_SECONDS - 1, 0), (WEEK_SECONDS, 1)] {
            assert_eq!(week_of(DateTime::from_timestamp(second, 0).unwrap()), week, "{second}");
        }
        assert_eq!(number_of_name(""), 0);
        assert_eq!(number_of_name("a"), 0xca97_8112_ca1b_bdca, "SHA-256 begins so");
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            acts in proptest::collection::vec(
                (any::<u64>(), 0..WEEK_SECONDS, 0..=SECONDS_MAX, prop_oneof![Just(0), any::<u64>()]), 0..20),
            week in 0_i32..5_000,
        ) {
            let counted = |(activity, into_week, seconds, trip)| {
                let from = i64::from(week) * WEEK_SECONDS + into_week;
                CountedAct { activity, from, seconds, trip }
            };
            let acts: Vec<CountedAct> = acts.into_iter().map(counted).collect();
            prop_assert_eq!(unpack(week, &pack(&acts)).unwrap(), acts);
        }
    }
}
