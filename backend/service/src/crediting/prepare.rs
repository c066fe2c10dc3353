//! Reads an event against the rule set in force when it happened. What cannot be read is answered here and
//! stored nowhere.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tanhui_domain::id::ActivityId;
use tanhui_domain::rule::{Action, Decision, Facts, Inputs, Usage};
use tanhui_domain::text::Text;
use tanhui_domain::time::civil_day;

use super::{EventResult, EventStatus, Report};
use crate::rule_book::{PublishedRuleSet, RuleBook};

/// Refusals that say nothing about the act: a later rule set or another source may accept the same id.
const NOT_STORED: [&str; 2] = ["no_factor_in_force", "evidence_not_accepted"];

/// A readable event.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) id: ActivityId,
    pub(super) report: Report,
    pub(super) rule_set: Arc<PublishedRuleSet>,
    pub(super) inputs: Inputs,
}

impl Prepared {
    /// What the rules say on empty caps.
    pub(super) fn preview(self) -> EventResult {
        match self.on_empty_caps() {
            None => EventResult::rejected(&self.report.external_id, "unknown_action", Text::default()),
            Some(Decision::Refused(refusal)) => {
                EventResult::rejected(&self.report.external_id, &refusal.code, refusal.reason)
            }
            Some(Decision::Credited(credit)) => EventResult {
                external_id: self.report.external_id,
                status: EventStatus::Credited,
                activity: Some(self.id),
                points: Some(credit.points),
                reduction: Some(credit.reduction),
                code: credit.code().map(str::to_owned),
                detail: None,
            },
            Some(Decision::Held(hold)) => EventResult {
                external_id: self.report.external_id,
                status: EventStatus::Held,
                activity: Some(self.id),
                points: None,
                reduction: None,
                code: Some(hold.code),
                detail: Some(hold.reason),
            },
        }
    }

    fn on_empty_caps(&self) -> Option<Decision> {
        let action = self.action()?;
        let occurred_at = self.report.occurred_at;
        let facts = Facts::new(&self.inputs, occurred_at, self.report.source.evidence);
        let day = civil_day(occurred_at, self.rule_set.rules.timezone());
        let unused = vec![Usage::default(); self.rule_set.rules.cap_windows(action, day).len()];
        Some(self.rule_set.rules.evaluate(action, &facts, &unused))
    }

    /// The source's own id.
    pub(super) fn external_id(&self) -> String {
        self.report.external_id.clone()
    }

    /// The action's definition; it was found when the event was read.
    pub(super) fn action(&self) -> Option<&Action> {
        self.rule_set.rules.action(&self.report.action)
    }
}

pub(super) fn prepare(
    rules: &RuleBook,
    report: Report,
    now: DateTime<Utc>,
) -> Result<Prepared, Box<EventResult>> {
    let refuse =
        |code: &str, detail: Text| Box::new(EventResult::rejected(&report.external_id, code, detail));
    let Some(rule_set) = rules.in_force(report.source.city, report.occurred_at) else {
        return Err(refuse(
            "no_rules",
            Text::new("该城市尚未发布规则", "no rule set is published for this city"),
        ));
    };
    // What waited for its subject was in time when it came.
    let untimely = if report.waited { None } else { untimely(&rule_set, &report, now) };
    if let Some((code, detail)) = untimely {
        return Err(refuse(code, detail));
    }
    let Some(action) = rule_set.rules.action(&report.action) else {
        return Err(refuse("unknown_action", unknown_action(&rule_set, &report.action)));
    };
    let data = report.data.iter().map(|(name, value)| (name.as_str(), value.get()));
    match rule_set.rules.read_inputs(action, data) {
        Ok(inputs) => {
            let id = ActivityId::derive(report.source.id, &report.external_id);
            let takes = rule_set.rules.takes(action, report.occurred_at, report.source.evidence);
            let prepared = Prepared { id, inputs, rule_set: Arc::clone(&rule_set), report };
            if takes {
                return Ok(prepared);
            }
            match prepared.on_empty_caps() {
                Some(Decision::Refused(refusal)) if NOT_STORED.contains(&refusal.code.as_str()) => {
                    let external_id = &prepared.report.external_id;
                    Err(Box::new(EventResult::rejected(external_id, &refusal.code, refusal.reason)))
                }
                Some(Decision::Refused(_) | Decision::Credited(_) | Decision::Held(_)) | None => Ok(prepared),
            }
        }
        Err(problems) => {
            let code = problems.first().map_or("invalid_value", |problem| problem.code);
            let join = |text: fn(&Text) -> &str, gap| {
                problems.iter().map(|problem| text(&problem.detail)).collect::<Vec<_>>().join(gap)
            };
            Err(refuse(code, Text::new(join(|text| &text.zh, "；"), join(|text| &text.en, "; "))))
        }
    }
}

fn untimely(
    rule_set: &PublishedRuleSet,
    report: &Report,
    now: DateTime<Utc>,
) -> Option<(&'static str, Text)> {
    let (rules, occurred_at) = (&rule_set.rules, report.occurred_at);
    let accept = rules.action(&report.action).map_or(rules.accept(), |action| rules.accept_of(action));
    let ahead = occurred_at.signed_duration_since(now);
    if ahead > accept.early {
        let minutes = accept.early.num_minutes();
        return Some((
            "time_in_future",
            Text::new(
                format!("时间比现在晚了 {} 秒，最多允许提前 {minutes} 分钟", ahead.num_seconds()),
                format!("time is {} s ahead of now; at most {minutes} min are accepted", ahead.num_seconds()),
            ),
        ));
    }
    let behind = now.signed_duration_since(occurred_at);
    let days_max = accept.late.map(|late| late.num_days());
    let before_all = occurred_at < DateTime::UNIX_EPOCH;
    if before_all || accept.late.is_some_and(|late| behind > late) {
        let limit_zh =
            days_max.map_or("最早 1970 年".to_owned(), |days| format!("最多允许迟到 {days} 天"));
        let limit_en =
            days_max.map_or("nothing before 1970".to_owned(), |days| format!("at most {days} days late"));
        return Some((
            "time_too_old",
            Text::new(
                format!("时间距今 {} 天，{limit_zh}", behind.num_days()),
                format!("time is {} days ago; {limit_en}", behind.num_days()),
            ),
        ));
    }
    None
}

fn unknown_action(rule_set: &PublishedRuleSet, action: &str) -> Text {
    let shown: String = action.chars().take(64).collect();
    match rule_set.rules.nearest_action(action) {
        Some(nearest) => Text::new(
            format!("规则中没有行为“{shown}”，最接近的是“{nearest}”"),
            format!("the rules have no action \"{shown}\"; the nearest is \"{nearest}\""),
        ),
        None => {
            Text::new(format!("规则中没有行为“{shown}”"), format!("the rules have no action \"{shown}\""))
        }
    }
}
