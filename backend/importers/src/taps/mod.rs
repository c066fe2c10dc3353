//! Transit card taps: metro gates (entry, exit) and bus readers.
//!
//! First pass: each tap becomes a few dozen bytes; then [`pair`] decides over all taps of a card at once, so
//! the order of rows does not matter. Second pass: the decisions are handed out row by row.

mod fare;
mod pair;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use tanhui_domain::text::Text;

use crate::civil;
use crate::decimal::thousandths;
use crate::draft::{Draft, key};
use crate::error::ImportError;
use crate::format::{Format, Layout, Outcome, Row};
use crate::item::Reason;
use crate::kind::{Kind, Options};
use crate::network::{Network, Station, TableNames};
use pair::{Act, Judge, Tap, Verdict, Why};

pub(crate) const LAYOUT: Layout = Layout {
    kind: Kind::Taps,
    name: "transit card taps",
    required: &["card_no", "deal_date", "deal_type", "deal_value", "equ_no"],
    optional: &["station", "car_no"],
    zone: chrono_tz::Asia::Shanghai,
    build: |options, files| Ok(Box::new(Taps::new(options, files)?)),
};
const CARD: usize = 0;
const AT: usize = 1;
const TYPE: usize = 2;
const VALUE: usize = 3;
const GATE: usize = 4;
const STATION: usize = 5;
const BUS: usize = 6;

const TABLES: TableNames =
    TableNames { stations: "stations", edges: "edges", aliases: "station_aliases", gates: "gate_prefixes" };
/// Digits of a gate's number that name its station.
const PREFIX_CHARS: usize = 6;

struct Taps {
    network: Network,
    places: Names,
    prefixes: Names,
    open: Vec<Tap>,
    verdicts: Vec<Verdict>,
}

/// Texts that occur often, as numbers; 0 stands for none.
#[derive(Default)]
struct Names {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        if text.is_empty() || text == "-" {
            return 0;
        }
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.texts.push(text.to_owned());
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

impl Taps {
    fn new(options: &Options, files: &[PathBuf]) -> Result<Self, ImportError> {
        Ok(Self {
            network: Network::load(options, files, &TABLES)?,
            places: Names::default(),
            prefixes: Names::default(),
            open: Vec::new(),
            verdicts: Vec::new(),
        })
    }

    fn read(&mut self, row: &Row<'_>) -> Result<(Tap, NaiveDate), Reason> {
        let at = civil::stamp(row.required(AT)?)?;
        let act = act(row.required(TYPE)?)?;
        let value = row.amount(VALUE)?.rounded(1, 1).and_then(|fen| u32::try_from(fen).ok());
        let gate = row.required(GATE)?;
        let bus = if row.text(BUS).is_empty() { gate } else { row.text(BUS) };
        let prefix: String = gate.chars().take(PREFIX_CHARS).collect();
        let metro = act != Act::Boarding;
        let tap = Tap {
            at: at.and_utc().timestamp(),
            card: key(&[row.required(CARD)?]),
            device: key(&[if metro { gate } else { bus }]),
            ordinal: row.ordinal,
            price_fen: value.ok_or_else(|| row.bad_number(VALUE))?,
            place: if metro { self.places.number(row.text(STATION)) } else { 0 },
            prefix: if metro { self.prefixes.number(&prefix) } else { 0 },
            act,
        };
        Ok((tap, at.date()))
    }

    /// Which station each place number means; unknown ones become stations of their own when no table tells.
    fn stations_by_place(&mut self) -> Vec<Option<Station>> {
        let known = self.network.is_known();
        let network = &mut self.network;
        let station = |name: &String| if known { network.named(name) } else { Some(network.adopt(name)) };
        std::iter::once(None).chain(self.places.texts.iter().map(station)).collect()
    }

    /// Which station each gate prefix means: by the table, else by the taps that do carry a name.
    fn stations_by_prefix(&self, by_place: &[Option<Station>]) -> Vec<Option<Station>> {
        let mut votes: HashMap<(u32, Station), u64> = HashMap::new();
        let mut totals: HashMap<u32, u64> = HashMap::new();
        for tap in &self.open {
            if let Some(station) = lookup(by_place, tap.place) {
                let vote = votes.entry((tap.prefix, station)).or_default();
                *vote = vote.saturating_add(1);
                let total = totals.entry(tap.prefix).or_default();
                *total = total.saturating_add(1);
            }
        }
        let mut learned: HashMap<u32, Station> = HashMap::new();
        for ((prefix, station), votes) in votes {
            let total = totals.get(&prefix).copied().unwrap_or(0);
            if votes.saturating_mul(10) >= total.saturating_mul(9) {
                learned.insert(prefix, station);
            }
        }
        let numbered = (1_u32..).zip(&self.prefixes.texts);
        let station = |(number, prefix): (u32, &String)| {
            self.network.gate(prefix).or_else(|| learned.get(&number).copied())
        };
        std::iter::once(None).chain(numbered.map(station)).collect()
    }
}

fn lookup(stations: &[Option<Station>], number: u32) -> Option<Station> {
    usize::try_from(number).ok().and_then(|number| stations.get(number)).copied().flatten()
}

fn act(text: &str) -> Result<Act, Reason> {
    match text {
        "地铁入站" => Ok(Act::Entry),
        "地铁出站" => Ok(Act::Exit),
        "巴士" => Ok(Act::Boarding),
        other => {
            let shown: String = other.chars().take(20).collect();
            Err(Reason::new(
                "unknown_type",
                format!("未知的刷卡类型：{shown}"),
                format!("unknown type of tap: {shown}"),
            ))
        }
    }
}

impl Format for Taps {
    fn survey(&mut self, row: &Row<'_>) -> Result<Option<NaiveDate>, Reason> {
        let (tap, day) = self.read(row)?;
        self.open.push(tap);
        Ok(Some(day))
    }

    fn settle(&mut self) {
        let by_place = self.stations_by_place();
        let by_prefix = self.stations_by_prefix(&by_place);
        let rows = self.open.last().map_or(0, |tap| tap.ordinal).saturating_add(1);
        let taps = std::mem::take(&mut self.open);
        let mut judge = Judge::new(&mut self.network, by_place, by_prefix, rows);
        judge.decide(taps);
        self.verdicts = judge.verdicts();
    }

    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>) {
        let verdict = usize::try_from(row.ordinal).ok().and_then(|ordinal| self.verdicts.get(ordinal));
        let outcome = match verdict.copied().unwrap_or(Verdict::Unread) {
            Verdict::Merged => return,
            Verdict::Unread => match self.read(row) {
                Ok(_) => return,
                Err(reason) => Err(reason),
            },
            Verdict::Boarding => draft(row, "bus_boarding"),
            Verdict::Ride { metres, estimated } => draft(row, "metro_ride").map(|draft| {
                draft
                    .with("distance_km", thousandths(metres.into()))
                    .with("estimated", if estimated { "true" } else { "false" })
            }),
            Verdict::Refused(why) => Err(reason(why)),
        };
        outcomes.push(outcome);
    }

    fn notes(&self) -> Vec<Text> {
        let mut notes = self.network.notes().to_vec();
        if !self.network.is_known() {
            notes.push(Text::new(
                "没有站点与区间表：地铁里程按票价区间下限估算",
                "no tables of stations and edges: metro distances are the lower end of the fare's step",
            ));
        }
        notes
    }
}

fn draft(row: &Row<'_>, action: &'static str) -> Outcome {
    let (card, at, gate) = (row.required(CARD)?, row.required(AT)?, row.required(GATE)?);
    let at = civil::stamp(at)?;
    Ok(Draft::new(action, card, at, &[&at.to_string(), gate]))
}

fn reason(why: Why) -> Reason {
    let (code, zh, en) = match why {
        Why::Duplicate => return Reason::duplicate(),
        Why::NoExit => ("no_exit", "三小时内没有对应的出站记录", "no exit of this card within three hours"),
        Why::SameStation => ("same_station", "进站与出站为同一站", "the ride ends where it began"),
        Why::TooFast => (
            "implausible_speed",
            "行程不足两分钟，或平均速度超过每小时 100 公里",
            "the ride takes under two minutes or averages more than 100 km/h",
        ),
        Why::StaffLike => (
            "staff_like",
            "该卡在停运时段（0:30–5:30）过闸，或零点至六点间三次以上出站，疑似员工或测试卡",
            "the card passes gates in closed hours (00:30-05:30) or leaves three times between midnight and \
             six: most likely staff or a test card",
        ),
        Why::FareUnknown => (
            "fare_unknown",
            "里程未知，且票价不在票价表内或超出线网最远里程，无法估算",
            "the distance is not known, and the fare is not in the table or beyond the network's length",
        ),
        Why::RepeatedBoarding => (
            "repeated_boarding",
            "同一张卡三分钟内在同一辆车上重复刷卡",
            "the same card boarded the same bus less than three minutes before",
        ),
    };
    Reason::new(code, zh, en)
}
