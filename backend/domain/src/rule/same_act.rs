//! One body, one act: which stretch of time an act takes and which others it shuts out. Must never look at
//! stored acts; whoever keeps them asks here.

use chrono::{DateTime, TimeDelta, Utc};

use super::diagnostic::{Finding, text};
use super::input::{InputKind, InputSpec};
use super::schedule::read_delta;
use super::section::{Located, Reading};
use super::yaml::Node;

/// Longest act, in seconds: two days.
pub const LASTS_SECONDS_MAX: i64 = 172_800;

/// What makes two reports one act.
#[derive(Debug, Clone)]
pub struct SameAct {
    pub(super) group: String,
    /// A duration.
    pub(super) lasts: Option<Located>,
    pub(super) overlap: TimeDelta,
    /// Place of an input that identifies the act.
    pub(super) trip: Option<usize>,
}

impl SameAct {
    /// Actions of one group shut one another out.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }

    /// How long an act lasts, as written; none for a moment.
    #[must_use]
    pub fn lasts(&self) -> Option<&str> {
        self.lasts.as_ref().map(|located| located.formula.source.as_str())
    }

    /// The place of the input that identifies an act; none where none does.
    pub(crate) fn trip(&self) -> Option<usize> {
        self.trip
    }

    /// How long two acts may share before they count as one.
    #[must_use]
    pub fn overlap(&self) -> TimeDelta {
        self.overlap
    }
}

/// The stretch of time of one act: `from` is in, `until` is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActSpan {
    /// Acts of one group shut one another out.
    pub group: String,
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub until: DateTime<Utc>,
    /// How long it may share with another act of the group.
    pub overlap: TimeDelta,
    /// What identifies the act besides its time; equal ones begun within two days are one act.
    pub trip: Option<String>,
}

impl ActSpan {
    /// Whether it is one act with another stretch: one lies inside the other, or both share more than they
    /// may. A stretch of no length shares nothing.
    #[must_use]
    pub fn shares(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        let longer =
            |from: DateTime<Utc>, until: DateTime<Utc>| until.signed_duration_since(from) > self.overlap;
        shares((self.from, self.until), (from, until), longer)
    }
}

/// Whether two stretches are one act; `longer` says whether what they share is more than they may.
pub(crate) fn shares<T: Ord + Copy>(own: (T, T), other: (T, T), longer: impl Fn(T, T) -> bool) -> bool {
    let ((from, until), (begin, end)) = (own, other);
    let some = from < until && begin < end;
    let inside = (from <= begin && end <= until) || (begin <= from && until <= end);
    some && (inside || longer(from.max(begin), until.min(end)))
}

/// Reads what makes reports of an action one act.
pub(super) fn read_same_act(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    inputs: &[InputSpec],
) -> Option<SameAct> {
    let mut section = reading.section(node, path)?;
    let group = section.required("group", reading).and_then(|node| {
        let group = reading.scalar(node, path)?;
        reading.name(group, node.place, path).then(|| group.to_owned())
    });
    let lasts = section.optional("lasts").map(|node| reading.formula(node, &section.step("lasts")));
    let overlap = match section.optional("overlap") {
        Some(node) => read_delta(reading, node, path, 0)?,
        None => TimeDelta::zero(),
    };
    let trip = match section.optional("trip") {
        Some(node) => Some(read_id_input(reading, node, path, inputs)?),
        None => None,
    };
    section.finish(&[], reading);
    if lasts.is_none() && trip.is_none() {
        let found = text!("没有写行为持续多久", "nothing says how long the act lasts");
        let help = text!(
            "请写 lasts: 30 min, 或一个以 min 计的输入; 或写 trip",
            "write `lasts: 30 min`, or an input in min; or `trip`"
        );
        reading.error(node.place, path, Finding::new(found).help(help));
        return None;
    }
    let lasts = match lasts {
        Some(lasts) => Some(lasts?),
        None => None,
    };
    Some(SameAct { group: group?, lasts, overlap, trip })
}

/// The place of an input of `type: id`.
pub(super) fn read_id_input(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    inputs: &[InputSpec],
) -> Option<usize> {
    let name = reading.scalar(node, path)?;
    let is_id = |spec: &InputSpec| matches!(spec.kind(), InputKind::Id);
    let place = inputs.iter().position(|spec| spec.name() == name && is_id(spec));
    if place.is_none() {
        let shown: String = name.chars().take(64).collect();
        let found = text!("没有 type: id 的输入 `{shown}`", "there is no input `{shown}` of `type: id`");
        let ids = inputs.iter().filter(|spec| is_id(spec)).map(InputSpec::name);
        let help = super::diagnostic::did_you_mean(name, ids).unwrap_or_else(|| {
            text!("请在 inputs 下写 `{shown}: {{type: id}}`", "write `{shown}: {{type: id}}` under `inputs`")
        });
        reading.error(node.place, path, Finding::new(found).help(help));
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u32) -> DateTime<Utc> {
        let start: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().unwrap();
        start.checked_add_signed(TimeDelta::minutes(minute.into())).unwrap()
    }

    fn span(from: u32, until: u32, overlap: i64) -> ActSpan {
        ActSpan {
            group: "travel".into(),
            from: at(from),
            until: at(until),
            overlap: TimeDelta::minutes(overlap),
            trip: None,
        }
    }

    #[test]
    fn acts_that_share_more_than_they_may_are_one() {
        assert!(!span(0, 30, 0).shares(at(30), at(60)), "one ends as the other begins");
        assert!(span(0, 30, 0).shares(at(29), at(60)));
        for (begins, one) in [(28, false), (25, false), (24, true)] {
            assert_eq!(span(0, 30, 5).shares(at(begins), at(60)), one, "{begins}");
        }
        assert!(span(0, 30, 5).shares(at(10), at(20)), "one within the other");
        assert!(span(0, 3, 5).shares(at(0), at(3)), "the same stretch is the same act");
        assert!(!span(0, 3, 5).shares(at(1), at(4)), "short acts side by side");
    }

    #[test]
    fn no_length_shares_nothing() {
        assert!(!span(0, 30, 0).shares(at(10), at(10)));
        assert!(!span(10, 10, 0).shares(at(0), at(30)));
        assert!(!span(10, 10, 0).shares(at(10), at(10)));
    }
}
