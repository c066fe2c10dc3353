//! What households put out, weighed by material: any table with columns `waste_<material>_kg`.
//!
//! The weighings show what was thrown away by kind, not that it was recycled; whether they earn anything is
//! the rule file's matter. Paper counts as mixed paper; plastics and metals that are not told apart count as
//! the kind with the lowest factor.

use std::collections::HashSet;

use chrono::NaiveDate;
use tanhui_domain::text::Text;

use crate::civil;
use crate::decimal::{Decimal, thousandths};
use crate::draft::{Draft, key};
use crate::error::ImportError;
use crate::format::{Format, Layout, Outcome, Row};
use crate::item::Reason;
use crate::kind::{Kind, Options};

pub(crate) const LAYOUT: Layout = Layout {
    kind: Kind::Waste,
    name: "household weighings",
    required: &["id", "waste_total_kg"],
    optional: &[],
    zone: chrono_tz::Asia::Shanghai,
    build: |options, _| Ok(Box::new(Weighings::new(options)?)),
};
const HOUSEHOLD: usize = 0;
const TOTAL: usize = 1;

/// Columns that look like a material and are sums or means.
const SUMS: [&str; 3] = ["total", "per_day", "per_capita"];
/// How much the total may differ from the sum of its parts: one part in so many.
const TOLERANCE: i64 = 100;

/// What is done with a material.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// An action, and the kind of material it is taken for.
    Recycle(&'static str, Option<&'static str>),
    /// Sorting was not observed.
    NotSorted,
    NoAction,
}

fn way(material: &str) -> Way {
    match material {
        "paper" => Way::Recycle("recycle_paper", Some("\"mixed\"")),
        "plastic" | "plastics" => Way::Recycle("recycle_plastic", Some("\"hdpe\"")),
        "metal" | "metals" => Way::Recycle("recycle_metal", Some("\"steel\"")),
        "glass" => Way::Recycle("recycle_glass", None),
        "textile" | "textiles" => Way::Recycle("recycle_textile", None),
        "food" | "kitchen" => Way::NotSorted,
        _ => Way::NoAction,
    }
}

struct Weighings {
    day: NaiveDate,
    seen: HashSet<u64>,
}

impl Weighings {
    fn new(options: &Options) -> Result<Self, ImportError> {
        let day = options.date.or(options.replay_at).ok_or(ImportError::DateNeeded { kind: Kind::Waste })?;
        Ok(Self { day, seen: HashSet::new() })
    }
}

/// The materials of a row with their mass in kg.
fn read<'a>(row: &Row<'a>) -> Result<Vec<(&'a str, Decimal)>, Reason> {
    row.required(HOUSEHOLD)?;
    let mut parts = Vec::new();
    let mut sum = Decimal::default();
    for (name, text) in row.header.iter().zip(row.fields.iter()) {
        let material = name.strip_prefix("waste_").and_then(|rest| rest.strip_suffix("_kg"));
        let Some(material) = material.filter(|material| !SUMS.contains(material)) else { continue };
        let text = text.trim();
        let mass =
            if text.is_empty() { Decimal::default() } else { text.parse().map_err(|_| bad_mass(name))? };
        if mass.is_negative() {
            return Err(bad_mass(name));
        }
        sum = sum.checked_add(mass).ok_or_else(|| bad_mass(name))?;
        parts.push((material, mass));
    }
    let total = row.amount(TOTAL)?;
    let gap = if total > sum { total.checked_sub(sum) } else { sum.checked_sub(total) };
    let agrees = gap.and_then(|gap| gap.checked_times(TOLERANCE)).is_some_and(|gap| gap <= total);
    if agrees { Ok(parts) } else { Err(mismatch()) }
}

/// What tells this weighing from another week's of the same household, whatever the order of columns.
fn content(parts: &[(&str, Decimal)]) -> String {
    let mut masses: Vec<String> =
        parts.iter().map(|(material, mass)| format!("{material}={:?}", mass.rounded(1000, 1))).collect();
    masses.sort_unstable();
    let masses: Vec<&str> = masses.iter().map(String::as_str).collect();
    format!("{:016x}", key(&masses))
}

fn bad_mass(name: &str) -> Reason {
    Reason::new(
        "bad_number",
        format!("{name} 不是可用的重量"),
        format!("{name} is not a mass that can be used"),
    )
}

fn mismatch() -> Reason {
    Reason::new(
        "total_mismatch",
        "总重与各类之和相差超过 1%",
        "the total differs from the sum of its parts by more than 1 %",
    )
}

impl Format for Weighings {
    fn survey(&mut self, _: &Row<'_>) -> Result<Option<NaiveDate>, Reason> {
        Ok(Some(self.day))
    }

    fn emit(&mut self, row: &Row<'_>, outcomes: &mut Vec<Outcome>) {
        let parts = match read(row) {
            Ok(parts) => parts,
            Err(reason) => return outcomes.push(Err(reason)),
        };
        let household = row.text(HOUSEHOLD);
        if !self.seen.insert(key(&[household])) {
            return outcomes.push(Err(Reason::duplicate()));
        }
        let content = content(&parts);
        for (material, mass) in parts {
            outcomes.extend(self.outcome(household, &content, material, mass));
        }
    }

    fn notes(&self) -> Vec<Text> {
        vec![Text::new(
            "纸类按混合纸、塑料按 HDPE、金属按钢计；称重只说明投放量，不证明已回收",
            "paper counts as mixed, plastics as HDPE, metals as steel; a weighing shows what was put out, \
             not that it was recycled",
        )]
    }
}

impl Weighings {
    /// What one material of a household comes to; nothing when there is none of it.
    fn outcome(&self, household: &str, content: &str, material: &str, mass: Decimal) -> Option<Outcome> {
        let grams = mass.rounded(1000, 1).filter(|grams| *grams > 0)?;
        Some(match way(material) {
            Way::NotSorted => Err(Reason::new(
                "not_sorted",
                format!("{material}：只有重量，没有分类投放的记录"),
                format!("{material}: a mass, but no record that it was sorted"),
            )),
            Way::NoAction => Err(Reason::new(
                "no_action",
                format!("{material}：没有对应的行为"),
                format!("{material}: no action for this material"),
            )),
            Way::Recycle(action, kind) => {
                let at = civil::days_end(self.day);
                let draft = Draft::new(action, household, at, &[content, material])
                    .with("mass_kg", thousandths(grams));
                Ok(match kind {
                    Some(kind) => draft.with("material", kind),
                    None => draft,
                })
            }
        })
    }
}
