//! What an import did: for people on standard output, for machines as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use tanhui_domain::amount::{Points, ReductionMg};
use tanhui_domain::text::Text;
use tanhui_service::crediting::{EventResult, EventStatus};

/// Counts and sums of an import.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Rows read.
    pub rows: u64,
    /// Events made of them.
    pub events: u64,
    /// Events credited now.
    pub credited: u64,
    /// Events known already.
    pub duplicate: u64,
    /// Events that wait for their subject to be bound.
    pub pending: u64,
    /// Events kept for a person to decide.
    pub held: u64,
    /// Events that the rules refused.
    pub rejected: u64,
    /// Rows of which no event could be made.
    pub refused_rows: u64,
    /// How often each reason stands behind a refused row or a rejected or trimmed event.
    pub reasons: BTreeMap<String, u64>,
    /// Points granted.
    pub points: i64,
    /// CO2e avoided, in milligrams.
    pub reduction_mg: i64,
    /// Citizens made by `--enroll`.
    pub enrolled: u64,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Where the refusals are, when there are any.
    pub refused_file: Option<String>,
    /// What the importer mended or assumed.
    #[serde(skip)]
    pub notes: Vec<Text>,
}

impl Summary {
    pub(super) fn count_refused(&mut self, code: &str) {
        self.refused_rows = self.refused_rows.saturating_add(1);
        self.reason(code);
    }

    pub(super) fn count_enrolled(&mut self, citizens: usize) {
        self.enrolled = self.enrolled.saturating_add(u64::try_from(citizens).unwrap_or(u64::MAX));
    }

    pub(super) fn count(&mut self, result: &EventResult) {
        self.events = self.events.saturating_add(1);
        let count = match result.status {
            EventStatus::Credited => &mut self.credited,
            EventStatus::Duplicate => &mut self.duplicate,
            EventStatus::Pending => &mut self.pending,
            EventStatus::Held => &mut self.held,
            EventStatus::Rejected => &mut self.rejected,
        };
        *count = count.saturating_add(1);
        self.points = self.points.saturating_add(result.points.map_or(0, Points::get));
        let reduction = result.reduction.map_or(0, ReductionMg::get);
        self.reduction_mg = self.reduction_mg.saturating_add(reduction);
        if let Some(code) = &result.code {
            self.reason(code);
        }
    }

    fn reason(&mut self, code: &str) {
        let count = self.reasons.entry(code.to_owned()).or_default();
        *count = count.saturating_add(1);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(f, "注意 / note: {}\n             {}", note.zh, note.en)?;
        }
        if self.dry_run {
            writeln!(
                f,
                "试算，未写入任何数据；不计上限与重复 / dry run: nothing written, no caps, no duplicates"
            )?;
        }
        writeln!(f, "行 rows            {}", self.rows)?;
        writeln!(f, "事件 events        {}", self.events)?;
        writeln!(f, "  入账 credited    {}", self.credited)?;
        writeln!(f, "  重复 duplicate   {}", self.duplicate)?;
        writeln!(f, "  待绑定 pending   {}", self.pending)?;
        writeln!(f, "  待审核 held      {}", self.held)?;
        writeln!(f, "  被拒 rejected    {}", self.rejected)?;
        writeln!(f, "拒收行 refused     {}", self.refused_rows)?;
        for (code, count) in &self.reasons {
            writeln!(f, "  {code:<26} {count}")?;
        }
        writeln!(f, "新增居民 enrolled  {}", self.enrolled)?;
        writeln!(f, "积分 points        {}", self.points)?;
        write!(f, "减排 reduction     {} mg CO2e", self.reduction_mg)?;
        if let Some(file) = &self.refused_file {
            write!(f, "\n拒收明细 refusals  {file}")?;
        }
        Ok(())
    }
}
