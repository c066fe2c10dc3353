//! Grades of evidence, and the share of the points that an action gives for each. A grade not named is
//! refused.

use serde::{Deserialize, Serialize};

use super::diagnostic::{Finding, text};
use super::exact::Decimal;
use super::section::{Quantity, Reading, Section};
use super::unit::Unit;
use crate::text::Text;

/// How an act was evidenced, from the strongest to the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The operator's or utility's own record.
    Operator,
    /// A merchant's or machine's receipt.
    Receipt,
    /// A device's sensors.
    Device,
    /// The citizen's word.
    #[serde(rename = "self")]
    SelfDeclared,
}

impl Evidence {
    /// All grades.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Receipt, Self::Device, Self::SelfDeclared];

    /// The grade's name in rule files and events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Receipt => "receipt",
            Self::Device => "device",
            Self::SelfDeclared => "self",
        }
    }

    /// The grade in words.
    #[must_use]
    pub fn label(self) -> Text {
        match self {
            Self::Operator => Text::new("运营方记录", "operator's record"),
            Self::Receipt => Text::new("票据", "receipt"),
            Self::Device => Text::new("设备记录", "device record"),
            Self::SelfDeclared => Text::new("自行申报", "own declaration"),
        }
    }
}

/// Reads the grades that an action accepts, each with its share of the points.
pub(super) fn read_evidence(
    reading: &mut Reading<'_>,
    section: &mut Section<'_>,
) -> Option<Vec<(Evidence, Decimal)>> {
    let step = section.step("evidence");
    let node = section.required("evidence", reading)?;
    let mut inner = reading.section(node, &step)?;
    let mut shares = Vec::new();
    let mut complete = true;
    for grade in Evidence::ALL {
        let Some(node) = inner.optional(grade.name()) else { continue };
        let quantity = reading.quantity(node, &step);
        let hundred = |percent: &Decimal| {
            let whole = percent.at_decimals(2).unwrap_or(-1);
            (0..=10_000).contains(&whole)
        };
        let percent =
            quantity.filter(|share| share.unit == Unit::PERCENT).map(|share| share.number.trimmed());
        let percent = percent.filter(hundred);
        if percent.is_none() && quantity.is_some() {
            let found = text!("应为 0% 至 100%, 最多两位小数", "expected 0% to 100%, at most two decimals");
            reading.error(node.place, &step, Finding::new(found).help_maybe(quantity.and_then(as_percent)));
        }
        complete &= percent.is_some();
        shares.extend(percent.map(|percent| (grade, percent)));
    }
    let place = inner.place;
    inner.finish(&[], reading);
    if complete && shares.is_empty() {
        let found = text!("没有任何证据等级", "no grade of evidence is accepted");
        reading.error(place, &step, Finding::new(found));
        return None;
    }
    complete.then_some(shares)
}

/// Advice for a share written as a fraction of one.
fn as_percent(share: Quantity) -> Option<Text> {
    let hundredths = share.number.at_decimals(4).filter(|_| share.unit == Unit::NONE)?;
    let percent = Decimal { mantissa: hundredths, decimals: 2 }.trimmed();
    (0..=10_000).contains(&hundredths).then(|| text!("请写 {percent}%", "write {percent}%"))
}
