//! The closed registry of units. A unit that is not here does not exist; nothing converts but powers of ten
//! and times of day.

use std::fmt;

use super::exact::Ratio;

/// One registered unit.
struct Registered {
    /// The name that is shown.
    symbol: &'static str,
    /// Other spellings, UCUM's among them.
    aliases: &'static [&'static str],
    base: Base,
    /// How many base units one of it is.
    numerator: i128,
    denominator: i128,
}

/// What a unit measures. CO2e is a dimension of its own: a kilogram of paper is not a kilogram of CO2e.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum Base {
    Length,
    Mass,
    Energy,
    Time,
    Volume,
    Area,
    Item,
    Ride,
    Order,
    Sheet,
    Step,
    Person,
    Drop,
    Points,
    Money,
    Carbon,
}

const BASES: usize = 16;

const fn unit(
    symbol: &'static str,
    aliases: &'static [&'static str],
    base: Base,
    numerator: i128,
    denominator: i128,
) -> Registered {
    Registered { symbol, aliases, base, numerator, denominator }
}

/// All units; the place in this table is the unit's number.
const REGISTRY: [Registered; 31] = [
    unit("m", &[], Base::Length, 1, 1),
    unit("km", &[], Base::Length, 1000, 1),
    unit("g", &[], Base::Mass, 1, 1),
    unit("kg", &[], Base::Mass, 1000, 1),
    unit("t", &[], Base::Mass, 1_000_000, 1),
    unit("Wh", &["W.h"], Base::Energy, 1, 1),
    unit("kWh", &["kW.h"], Base::Energy, 1000, 1),
    unit("MWh", &["MW.h"], Base::Energy, 1_000_000, 1),
    unit("s", &[], Base::Time, 1, 1),
    unit("min", &[], Base::Time, 60, 1),
    unit("h", &[], Base::Time, 3600, 1),
    unit("d", &[], Base::Time, 86_400, 1),
    unit("L", &["l"], Base::Volume, 1, 1),
    unit("m3", &[], Base::Volume, 1000, 1),
    unit("m2", &[], Base::Area, 1, 1),
    unit("item", &["{item}"], Base::Item, 1, 1),
    unit("ride", &["{ride}"], Base::Ride, 1, 1),
    unit("order", &["{order}"], Base::Order, 1, 1),
    unit("sheet", &["{sheet}"], Base::Sheet, 1, 1),
    unit("step", &["{step}"], Base::Step, 1, 1),
    unit("person", &["{person}"], Base::Person, 1, 1),
    unit("drop", &["{drop}"], Base::Drop, 1, 1),
    unit("pt", &["{pt}"], Base::Points, 1, 1),
    unit("fen", &[], Base::Money, 1, 1),
    unit("yuan", &["CNY"], Base::Money, 100, 1),
    unit("mgCO2e", &["mg{CO2e}"], Base::Carbon, 1, 1000),
    unit("gCO2e", &["g{CO2e}"], Base::Carbon, 1, 1),
    unit("kgCO2e", &["kg{CO2e}"], Base::Carbon, 1000, 1),
    unit("tCO2e", &["t{CO2e}"], Base::Carbon, 1_000_000, 1),
    unit("mL", &["ml"], Base::Volume, 1, 1000),
    unit("mg", &[], Base::Mass, 1, 1000),
];

/// Names of all units, for messages.
pub(super) fn unit_names() -> impl Iterator<Item = &'static str> {
    REGISTRY.iter().map(|unit| unit.symbol)
}

/// Whether a word is a unit's name and therefore cannot name anything else.
pub(super) fn is_unit_name(word: &str) -> bool {
    unit_names().any(|name| name == word)
}

/// A unit, simple or compound: for each dimension an exponent and the unit shown for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Unit {
    /// Exponent, and place in the registry.
    slots: [(i8, u8); BASES],
    /// Shown in hundredths; only for plain numbers.
    percent: bool,
}

/// Why a text is not a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UnitProblem {
    /// This part is not in the registry.
    Unknown(String),
    /// Exponents left their range, or `%` stands in a compound.
    Unsupported,
}

impl Unit {
    /// A plain number.
    pub const NONE: Self = Self { slots: [(0, 0); BASES], percent: false };
    /// Hundredths.
    pub const PERCENT: Self = Self { slots: [(0, 0); BASES], percent: true };

    /// Points.
    pub(super) fn points() -> Self {
        Self::simple("pt").unwrap_or(Self::NONE)
    }

    /// Grams of CO2e.
    pub(super) fn carbon() -> Self {
        Self::simple("gCO2e").unwrap_or(Self::NONE)
    }

    /// A registered unit by name or alias.
    pub(super) fn simple(name: &str) -> Option<Self> {
        if name == "%" {
            return Some(Self::PERCENT);
        }
        let place = REGISTRY.iter().position(|unit| unit.symbol == name || unit.aliases.contains(&name))?;
        let base = REGISTRY.get(place)?.base as usize;
        let mut unit = Self::NONE;
        *unit.slots.get_mut(base)? = (1, u8::try_from(place).ok()?);
        Some(unit)
    }

    /// The unit at the end of a member's name. JSON names are in small letters, so `energy_kwh` means kWh.
    pub(super) fn in_member_name(text: &str) -> Result<Self, UnitProblem> {
        Self::parse(text).or_else(|problem| {
            let named = unit_names().find(|name| name.eq_ignore_ascii_case(text));
            named.and_then(Self::simple).ok_or(problem)
        })
    }

    /// Reads `km`, `gCO2e/km`, `kWh/person.d`; every part after the first `/` divides.
    pub(super) fn parse(text: &str) -> Result<Self, UnitProblem> {
        if let Some(unit) = Self::simple(text) {
            return Ok(unit);
        }
        let mut whole = Self::NONE;
        for (place, group) in text.split('/').enumerate() {
            let group_unit = Self::product(group)?;
            let joined = if place == 0 { whole.times(group_unit) } else { whole.over(group_unit) };
            whole = joined.ok_or(UnitProblem::Unsupported)?;
        }
        Ok(whole)
    }

    fn product(text: &str) -> Result<Self, UnitProblem> {
        if text == "1" {
            return Ok(Self::NONE);
        }
        let mut whole = Self::NONE;
        let mut rest = text;
        loop {
            let ends = |at: &usize| {
                rest.get(*at..).is_some_and(|tail| tail.is_empty() || tail.starts_with(['.', '*']))
            };
            let longest = (1..=rest.len())
                .rev()
                .filter(|at| rest.is_char_boundary(*at) && *at <= 16)
                .filter(ends)
                .find_map(|at| Self::simple(rest.get(..at)?).map(|unit| (at, unit)));
            let (at, unit) = longest.ok_or_else(|| UnitProblem::Unknown(first_part(rest)))?;
            if unit.percent {
                return Err(UnitProblem::Unsupported);
            }
            whole = whole.times(unit).ok_or(UnitProblem::Unsupported)?;
            match rest.get(at.saturating_add(1)..) {
                Some(tail) if at < rest.len() => rest = tail,
                _ => return Ok(whole),
            }
        }
    }

    /// Product; where both show a different unit of one dimension, the left one is kept for show.
    /// The unit that `Display` writes so; none where there is no such unit.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    pub(super) fn times(self, other: Self) -> Option<Self> {
        self.combined(other, 1)
    }

    /// Quotient.
    pub(super) fn over(self, other: Self) -> Option<Self> {
        self.combined(other, -1)
    }

    fn combined(self, other: Self, sign: i8) -> Option<Self> {
        let mut whole = Self { percent: false, ..self };
        for (own, (exponent, shown)) in whole.slots.iter_mut().zip(other.slots) {
            let sum = own.0.checked_add(exponent.checked_mul(sign)?)?;
            let kept = if own.0 == 0 { shown } else { own.1 };
            *own = if sum == 0 { (0, 0) } else { (sum, kept) };
        }
        Some(whole)
    }

    /// Whether both measure the same thing, in whatever unit.
    pub(super) fn same_dimension(self, other: Self) -> bool {
        self.slots.iter().zip(other.slots).all(|(one, two)| one.0 == two.0)
    }

    /// Whether this is a plain number or a percentage.
    pub(super) fn is_plain(self) -> bool {
        self.same_dimension(Self::NONE)
    }

    /// How many base units one of this is.
    pub(super) fn factor(self) -> Option<Ratio> {
        let percent = if self.percent { Ratio::new(1, 100)? } else { Ratio::ONE };
        self.slots.iter().filter(|slot| slot.0 != 0).try_fold(percent, |factor, (exponent, place)| {
            let unit = REGISTRY.get(usize::from(*place))?;
            factor.times(Ratio::new(unit.numerator, unit.denominator)?.power(*exponent)?)
        })
    }

    /// Units of the same dimension, for messages.
    pub(super) fn siblings(self) -> impl Iterator<Item = &'static str> {
        REGISTRY
            .iter()
            .filter(move |unit| Self::simple(unit.symbol).is_some_and(|one| one.same_dimension(self)))
            .map(|unit| unit.symbol)
    }
}

fn first_part(text: &str) -> String {
    text.split(['.', '*', '/']).next().unwrap_or(text).chars().take(32).collect()
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.percent {
            return f.write_str("%");
        }
        let group = |above: bool| {
            let parts: Vec<String> = self
                .slots
                .iter()
                .filter(|slot| if above { slot.0 > 0 } else { slot.0 < 0 })
                .map(|(exponent, place)| {
                    let symbol = REGISTRY.get(usize::from(*place)).map_or("?", |unit| unit.symbol);
                    vec![symbol; usize::from(exponent.unsigned_abs())].join(".")
                })
                .collect();
            parts.join(".")
        };
        match (group(true), group(false)) {
            (above, below) if below.is_empty() => f.write_str(&above),
            (above, below) if above.is_empty() => write!(f, "1/{below}"),
            (above, below) => write!(f, "{above}/{below}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Unit {
        Unit::parse(text).unwrap()
    }

    #[test]
    fn small_letters_name_one_unit_only() {
        let mut small: Vec<String> = unit_names().map(str::to_ascii_lowercase).collect();
        small.sort();
        small.dedup();
        assert_eq!(small.len(), REGISTRY.len());
        assert_eq!(Unit::in_member_name("kwh").ok(), Unit::simple("kWh"));
        assert_eq!(Unit::in_member_name("kWh").ok(), Unit::simple("kWh"));
        assert!(Unit::in_member_name("kwhh").is_err());
    }

    #[test]
    fn every_unit_of_the_registry_reads_as_itself() {
        for name in unit_names() {
            assert_eq!(unit(name).to_string(), name);
        }
        assert_eq!(unit("%").to_string(), "%");
    }

    #[test]
    fn compounds_read_and_show() {
        for text in
            ["gCO2e/km", "gCO2e/pt", "gCO2e/kWh", "kgCO2e/kg", "gCO2e/m3", "kWh/person", "pt/h", "1/km"]
        {
            assert_eq!(unit(text).to_string(), text);
        }
        assert_eq!(unit("kWh/person.d").to_string(), "kWh/d.person");
        assert_eq!(unit("person*km"), unit("km.person"));
        assert_eq!(unit("kW.h"), unit("kWh"));
        assert_eq!(unit("g{CO2e}/kW.h"), unit("gCO2e/kWh"));
    }

    #[test]
    fn carbon_is_not_mass() {
        assert!(!unit("kg").same_dimension(unit("kgCO2e")));
        assert!(unit("kg").times(unit("kgCO2e/kg")).unwrap().same_dimension(unit("tCO2e")));
    }

    #[test]
    fn factors_are_exact() {
        assert_eq!(unit("gCO2e/km").factor(), Ratio::new(1, 1000));
        assert_eq!(unit("pt/h").factor(), Ratio::new(1, 3600));
        assert_eq!(unit("kgCO2e/kWh").factor(), Ratio::new(1, 1));
        assert_eq!(Unit::PERCENT.factor(), Ratio::new(1, 100));
    }

    #[test]
    fn unknown_units_are_named() {
        assert_eq!(Unit::parse("gCO2/km"), Err(UnitProblem::Unknown("gCO2".into())));
        assert_eq!(Unit::parse("km/"), Err(UnitProblem::Unknown(String::new())));
        assert_eq!(Unit::parse("pt/%"), Err(UnitProblem::Unsupported));
        assert_eq!(Unit::parse(&vec!["m"; 200].join(".")), Err(UnitProblem::Unsupported));
        assert!(Unit::parse("公里").is_err());
    }
}
