//! Decides over the taps of each card: which entry belongs to which exit, how far the ride went, what is
//! refused. Sees numbers only; which row they came from is told by the ordinal.

use std::collections::{HashMap, HashSet};

use super::fare::{self, Step};
use super::lookup;
use crate::network::{Distance, Network, Station};

/// Longest ride, in seconds.
pub(crate) const RIDE_SECONDS_MAX: i64 = 3 * 3600;
/// Shortest ride, in seconds.
pub(crate) const RIDE_SECONDS_MIN: i64 = 120;
/// Fastest average over a ride.
pub(crate) const SPEED_KMH_MAX: i64 = 100;
/// Least time between two boardings of one card on one bus, in seconds.
pub(crate) const BOARDING_GAP_SECONDS: i64 = 180;
const DAY_SECONDS: i64 = 86_400;
/// No train runs for passengers between these times of day.
const CLOSED_FROM: i64 = 30 * 60;
const CLOSED_UNTIL: i64 = 5 * 3600 + 30 * 60;
/// The night that is judged as a whole ends here.
const NIGHT_UNTIL: i64 = 6 * 3600;
/// So many exits in one night are no passenger's.
const NIGHT_EXITS: u32 = 3;

/// What a tap does. The order matters: of two taps in one second the entry comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Entry,
    Exit,
    Boarding,
}

/// One tap, compact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap {
    /// Seconds since 1970 on the local clock.
    pub(crate) at: i64,
    pub(crate) card: u64,
    /// The gate, or the bus.
    pub(crate) device: u64,
    pub(crate) ordinal: u32,
    pub(crate) price_fen: u32,
    pub(crate) place: u32,
    pub(crate) prefix: u32,
    pub(crate) act: Act,
}

impl Tap {
    fn day(&self) -> i64 {
        self.at.div_euclid(DAY_SECONDS)
    }

    fn second_of_day(&self) -> i64 {
        self.at.rem_euclid(DAY_SECONDS)
    }

    /// One card taps one gate once in a second, whatever fares two rows of it name; the lower comes first.
    fn is_same_as(&self, other: &Self) -> bool {
        self.at == other.at && self.card == other.card && self.act == other.act && self.device == other.device
    }
}

/// What a row comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No tap could be read from the row.
    Unread,
    /// The entry of a ride, told with its exit.
    Merged,
    Boarding,
    Ride {
        metres: u32,
        estimated: bool,
    },
    Refused(Why),
}

/// Why a tap earns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Duplicate,
    NoExit,
    SameStation,
    TooFast,
    StaffLike,
    FareUnknown,
    RepeatedBoarding,
}

/// Where a tap was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    Station(Station),
    /// A gate whose station nothing names.
    Gate(u32),
}

pub(crate) struct Judge<'a> {
    network: &'a mut Network,
    by_place: Vec<Option<Station>>,
    by_prefix: Vec<Option<Station>>,
    verdicts: Vec<Verdict>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        network: &'a mut Network,
        by_place: Vec<Option<Station>>,
        by_prefix: Vec<Option<Station>>,
        rows: u32,
    ) -> Self {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        Self { network, by_place, by_prefix, verdicts: vec![Verdict::Unread; rows] }
    }

    pub(crate) fn verdicts(self) -> Vec<Verdict> {
        self.verdicts
    }

    /// Decides over all taps.
    pub(crate) fn decide(&mut self, mut taps: Vec<Tap>) {
        taps.sort_unstable_by_key(|tap| (tap.card, tap.at, tap.act, tap.device, tap.price_fen, tap.ordinal));
        for card in taps.chunk_by(|one, next| one.card == next.card) {
            let mut once: Vec<&Tap> = Vec::with_capacity(card.len());
            for tap in card {
                if once.last().is_some_and(|previous| previous.is_same_as(tap)) {
                    self.set(tap, Verdict::Refused(Why::Duplicate));
                } else {
                    once.push(tap);
                }
            }
            self.decide_boardings(&once);
            self.decide_rides(&once);
        }
    }

    fn set(&mut self, tap: &Tap, verdict: Verdict) {
        if let Some(place) =
            usize::try_from(tap.ordinal).ok().and_then(|ordinal| self.verdicts.get_mut(ordinal))
        {
            *place = verdict;
        }
    }

    fn decide_boardings(&mut self, card: &[&Tap]) {
        let mut last: HashMap<u64, i64> = HashMap::new();
        for tap in card.iter().filter(|tap| tap.act == Act::Boarding) {
            let gap = last.get(&tap.device).map(|before| tap.at.saturating_sub(*before));
            if gap.is_some_and(|gap| gap < BOARDING_GAP_SECONDS) {
                self.set(tap, Verdict::Refused(Why::RepeatedBoarding));
            } else {
                last.insert(tap.device, tap.at);
                self.set(tap, Verdict::Boarding);
            }
        }
    }

    /// Pairs each exit with the latest unused entry before it.
    fn decide_rides(&mut self, card: &[&Tap]) {
        let nights = staff_nights(card);
        let staff = |tap: &Tap| tap.second_of_day() < NIGHT_UNTIL && nights.contains(&tap.day());
        let mut waiting: Vec<&Tap> = Vec::new();
        for &tap in card {
            match tap.act {
                Act::Boarding => {}
                Act::Entry => {
                    let why = if staff(tap) { Why::StaffLike } else { Why::NoExit };
                    self.set(tap, Verdict::Refused(why));
                    waiting.push(tap);
                }
                Act::Exit => {
                    let entry = waiting.pop_if(|entry| tap.at.saturating_sub(entry.at) <= RIDE_SECONDS_MAX);
                    if let Some(entry) = entry {
                        self.set(entry, Verdict::Merged);
                    }
                    let verdict = if staff(tap) || entry.is_some_and(&staff) {
                        Verdict::Refused(Why::StaffLike)
                    } else {
                        self.ride(entry, tap).map_or_else(Verdict::Refused, |distance| Verdict::Ride {
                            metres: distance.metres,
                            estimated: distance.estimated,
                        })
                    };
                    self.set(tap, verdict);
                }
            }
        }
    }

    fn ride(&mut self, entry: Option<&Tap>, exit: &Tap) -> Result<Distance, Why> {
        let end = self.site(exit);
        let Some(entry) = entry else { return self.by_fare(exit, end) };
        let start = self.site(entry);
        if start == end {
            return Err(Why::SameStation);
        }
        let measured = match (start, end) {
            (Site::Station(start), Site::Station(end)) => self.network.distance(start, end),
            _ => None,
        };
        let distance = measured.map_or_else(|| self.by_fare(exit, end), Ok)?;
        let seconds = exit.at.saturating_sub(entry.at);
        // metres / seconds > km/h, multiplied out
        let too_fast = i64::from(distance.metres).saturating_mul(36)
            > seconds.saturating_mul(SPEED_KMH_MAX).saturating_mul(10);
        if seconds < RIDE_SECONDS_MIN || too_fast { Err(Why::TooFast) } else { Ok(distance) }
    }

    /// The lower end of the fare's step. A fare for more than the network's length was paid for something
    /// else (a first-class seat, an overstay) and tells nothing.
    fn by_fare(&mut self, exit: &Tap, end: Site) -> Result<Distance, Why> {
        let farthest = match end {
            Site::Station(station) => self.network.farthest_metres(station),
            Site::Gate(_) => None,
        };
        let metres = match fare::step(exit.price_fen) {
            Step::Unknown => return Err(Why::FareUnknown),
            Step::Beyond(metres) if farthest.is_some_and(|farthest| metres > farthest) => {
                return Err(Why::FareUnknown);
            }
            Step::Beyond(metres) => metres,
            Step::First => {
                let nearest = match end {
                    Site::Station(station) => self.network.nearest_metres(station),
                    Site::Gate(_) => None,
                };
                nearest.unwrap_or(fare::FIRST_STEP_METRES)
            }
        };
        Ok(Distance { metres, estimated: true })
    }

    fn site(&self, tap: &Tap) -> Site {
        lookup(&self.by_place, tap.place)
            .or_else(|| lookup(&self.by_prefix, tap.prefix))
            .map_or(Site::Gate(tap.prefix), Site::Station)
    }
}

/// The days on whose night this card behaves like staff: it passes a gate in closed hours, or leaves three
/// times between midnight and six.
fn staff_nights(card: &[&Tap]) -> HashSet<i64> {
    let mut nights = HashSet::new();
    let mut exits: HashMap<i64, u32> = HashMap::new();
    for tap in card.iter().filter(|tap| tap.act != Act::Boarding && tap.second_of_day() < NIGHT_UNTIL) {
        if (CLOSED_FROM..CLOSED_UNTIL).contains(&tap.second_of_day()) {
            nights.insert(tap.day());
        }
        if tap.act == Act::Exit {
            let count = exits.entry(tap.day()).or_default();
            *count = count.saturating_add(1);
            if *count >= NIGHT_EXITS {
                nights.insert(tap.day());
            }
        }
    }
    nights
}
