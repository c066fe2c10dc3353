//! Trying an action: that more of an input never pays less unless its declaration says so, that nothing
//! passes the cap of one event, and that some event is credited at all. A counterexample is an event that can
//! be read.

use super::super::action::Action;
use super::super::cap::CapLimit;
use super::super::diagnostic::{Finding, Findings, Severity, text};
use super::super::era::Era;
use super::super::evidence::Evidence;
use super::super::exact::Decimal;
use super::super::input::{InputKind, InputSpec, Pays};
use super::super::ruleset::RuleSet;
use super::super::verdict::{Granted, MOMENT_SLOTS, Scratch, Slots, Typed, Verdict};
use super::sample::{Sample, eras};
use crate::text::Text;

pub(super) fn try_events(rules: &RuleSet, action: &Action, findings: &mut Findings) {
    let Some(evidence) = Evidence::ALL.into_iter().find(|grade| action.evidence_percent(*grade).is_some())
    else {
        return;
    };
    let mut trial = Trial { rules, action, evidence, scratch: Scratch::default(), tried: 0, credited: 0 };
    for era in eras(action) {
        if let Some(found) = trial.run(era) {
            action.points.report(findings, Severity::Error, found);
            return;
        }
    }
    if trial.tried > 0 && trial.credited == 0 {
        let found = text!(
            "试算 {tried} 个事件, 没有一个能计入",
            "of {tried} events tried, none is credited",
            tried = trial.tried
        );
        action.points.report(findings, Severity::Warning, Finding::new(found));
    }
}

struct Trial<'a> {
    rules: &'a RuleSet,
    action: &'a Action,
    evidence: Evidence,
    scratch: Scratch,
    tried: usize,
    credited: usize,
}

impl Trial<'_> {
    fn run(&mut self, era: &Era) -> Option<Finding> {
        let sample = Sample::of(self.action, era);
        let numbers = (MOMENT_SLOTS..).zip(self.action.inputs());
        let turned: Vec<(usize, &InputSpec)> =
            numbers.filter(|(_, spec)| matches!(spec.kind(), InputKind::Number(_))).collect();
        if turned.is_empty() {
            let settings = sample.settings(usize::MAX);
            return settings.into_iter().find_map(|setting| {
                self.decide(setting).and_then(|granted| self.past_cap(setting, granted))
            });
        }
        turned.into_iter().find_map(|(slot, spec)| self.turn(&sample, slot, spec))
    }

    /// Turns one input up while the others stand still.
    fn turn(&mut self, sample: &Sample, slot: usize, spec: &InputSpec) -> Option<Finding> {
        for setting in sample.settings(slot) {
            let mut before: Option<(Slots, Granted)> = None;
            for value in sample.values(slot) {
                let event = Slots::with(setting.as_slice(), slot, *value);
                let Some(granted) = self.decide(event) else { continue };
                if let Some(found) = self.past_cap(event, granted) {
                    return Some(found);
                }
                if let Some((earlier, less)) = before
                    && against(spec.pays(), less, granted)
                {
                    return Some(self.contradiction(spec, (earlier, less), (event, granted)));
                }
                before = Some((event, granted));
            }
        }
        None
    }

    fn decide(&mut self, event: Slots) -> Option<Granted> {
        self.tried = self.tried.saturating_add(1);
        let typed = Typed { reviewed: true, ..Typed::new(event.as_slice(), self.evidence) };
        match self.rules.decide(self.action, &typed, &[], &mut self.scratch) {
            Verdict::Credited(granted) => {
                self.credited = self.credited.saturating_add(1);
                Some(granted)
            }
            Verdict::Refused(_) | Verdict::Held(_) => None,
        }
    }

    /// A grant below zero or above a cap of one event.
    fn past_cap(&self, event: Slots, granted: Granted) -> Option<Finding> {
        let caps = self.action.caps().iter().filter(|cap| cap.period().is_none());
        let over = caps.clone().any(|cap| match cap.limit() {
            CapLimit::Points(limit) => granted.points.get() > limit,
            CapLimit::Reduction(limit) => granted.reduction.get() > limit,
            CapLimit::Input(limit) => granted.quantity > limit,
            CapLimit::Times(_) => false,
        });
        if !over && granted.points.get() >= 0 && granted.reduction.get() >= 0 {
            return None;
        }
        let (event, given) = (self.event(event), shown(granted));
        Some(Finding::new(text!("{event} 得 {given}", "{event} gives {given}")))
    }

    fn contradiction(&self, spec: &InputSpec, less: (Slots, Granted), more: (Slots, Granted)) -> Finding {
        let name = spec.name();
        let (one, other) = (self.event(less.0), self.event(more.0));
        let (first, second) = (shown(less.1), shown(more.1));
        let found = match spec.pays() {
            Pays::More => text!("`{name}` 越大, 得分反而越少", "more `{name}` pays less"),
            Pays::Less | Pays::Either => text!("`{name}` 越大, 得分反而越多", "more `{name}` pays more"),
        };
        let (zh, en) = (found.zh, found.en);
        let found = text!(
            "{zh}: {one} 得 {first}; {other} 得 {second}",
            "{en}: {one} gives {first}; {other} gives {second}"
        );
        Finding::new(found).help(advice(spec.pays(), name))
    }

    /// An event's inputs in words.
    fn event(&self, slots: Slots) -> String {
        let values = slots.as_slice().get(MOMENT_SLOTS..).unwrap_or_default();
        let inputs = self.action.inputs().iter().zip(values).filter_map(|(spec, value)| {
            let shown = match spec.kind() {
                InputKind::Number(number) => format!("{} {}", number.decimal(*value), number.unit()),
                InputKind::Id => return None,
                InputKind::YesNo => (if *value == 0 { "no" } else { "yes" }).to_owned(),
                InputKind::Choice(options) => {
                    let option = usize::try_from(*value).ok().and_then(|place| options.get(place));
                    option.cloned().unwrap_or_default()
                }
            };
            Some(format!("{} = {shown}", spec.name()))
        });
        let inputs = inputs.collect::<Vec<_>>().join(", ");
        if inputs.is_empty() { self.action.id().to_owned() } else { inputs }
    }
}

/// Whether the second grant, of more, goes against what the input is declared to pay.
fn against(pays: Pays, less: Granted, more: Granted) -> bool {
    match pays {
        Pays::More => more.points < less.points,
        Pays::Less => more.points > less.points,
        Pays::Either => false,
    }
}

fn advice(pays: Pays, name: &str) -> Text {
    match pays {
        Pays::More => text!(
            "若本意如此, 请在输入 `{name}` 里写 more_pays: less (越大越少) 或 either (时多时少)",
            "if this is meant, declare the input `{name}` with `more_pays: less`, or `either`"
        ),
        Pays::Less | Pays::Either => text!(
            "若本意如此, 请在输入 `{name}` 里写 more_pays: either (时多时少)",
            "if this is meant, declare the input `{name}` with `more_pays: either`"
        ),
    }
}

fn shown(granted: Granted) -> String {
    let grams = Decimal { mantissa: i128::from(granted.reduction.get()), decimals: 3 }.trimmed();
    format!("{grams} gCO2e, {} pt", granted.points.get())
}
