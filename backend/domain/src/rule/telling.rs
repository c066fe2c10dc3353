//! An explanation as lines of text in one language. Adds nothing to what the explanation holds.

use super::explain::{ExplainedParameter, Explanation, Outcome, grams};
use super::explain_fund::{ExplainedCap, ExplainedFactor, ExplainedFund, ExplainedHistory};
use super::parameter::Confidence;
use super::words::in_words;
use crate::text::Language;
use crate::time::Period;

impl Explanation {
    /// The explanation as lines: the act, its factors with sources, the formulas with numbers, the caps,
    /// the result.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let pick = |zh: &'static str, en: &'static str| match language {
            Language::Zh => zh,
            Language::En => en,
        };
        let said = |written: &str| in_words(written, language);
        let mut lines = vec![format!("{} · {}", self.name.in_language(language), self.occurred_at)];
        for input in &self.inputs {
            let value = said(&input.value);
            lines.push(format!("{}: {value}", input.label.in_language(language)));
        }
        lines.extend(self.history.iter().map(|look| history_line(look, language)));
        let mut told: Vec<&str> = Vec::new();
        for parameter in self.steps.iter().flat_map(|step| &step.parameters) {
            if !told.contains(&parameter.id.as_str()) {
                told.push(&parameter.id);
                lines.push(parameter_line(parameter, language));
            }
        }
        for step in &self.steps {
            let label = step.label.in_language(language);
            lines.push(
                format!("{label} = {} = {} {}", said(&step.with_numbers), said(&step.value), step.unit)
                    .trim_end()
                    .to_owned(),
            );
        }
        if let Some(share) = &self.evidence.share {
            let label = self.evidence.label.in_language(language);
            lines.push(match language {
                Language::Zh => format!("凭证: {label}, 积分按 {share} 计"),
                Language::En => format!("Evidence: {label}, {share} of the points"),
            });
        }
        lines.extend(self.factors.iter().map(|factor| factor_line(factor, language)));
        lines.extend(self.caps.iter().map(|cap| cap_line(cap, language)));
        lines.extend(self.budgets.iter().map(|fund| fund_line(fund, language)));
        lines.push(match &self.outcome {
            Outcome::Credited { capped } => {
                let mark = if *capped { pick(" (已封顶)", " (capped)") } else { "" };
                let (grams, points) = (grams(self.reduction_mg), self.points);
                let waiting = match (self.queued, language) {
                    (0, _) => String::new(),
                    (queued, Language::Zh) => format!(", 另有 {queued} pt 等待预算"),
                    (queued, Language::En) => format!(", {queued} pt more wait for the budget"),
                };
                format!("{}: {grams} gCO2e, {points} pt{mark}{waiting}", pick("记入", "Credited"))
            }
            Outcome::Held { code, reason } => {
                format!("{}: {} ({code})", pick("待审核", "Held"), reason.in_language(language))
            }
            Outcome::Refused { code, reason } => {
                format!("{}: {} ({code})", pick("未记入", "Refused"), reason.in_language(language))
            }
        });
        lines.join("\n")
    }
}

fn parameter_line(parameter: &ExplainedParameter, language: Language) -> String {
    let ExplainedParameter { label, value, from, confidence, source, .. } = parameter;
    let label = label.in_language(language);
    let origin = match (source, language) {
        (Some(source), _) => {
            let year = source.year.map_or_else(String::new, |year| format!(", {year}"));
            format!("{}, {}{year}", source.publisher, source.title)
        }
        (None, Language::Zh) => "建议值, 无来源".to_owned(),
        (None, Language::En) => "proposed, no source".to_owned(),
    };
    let trust = match (confidence, language) {
        (Confidence::High, Language::Zh) => "; 可信度高",
        (Confidence::Medium, Language::Zh) => "; 可信度中",
        (Confidence::Low, Language::Zh) => "; 可信度低",
        (Confidence::High, Language::En) => "; confidence high",
        (Confidence::Medium, Language::En) => "; confidence medium",
        (Confidence::Low, Language::En) => "; confidence low",
        (Confidence::Proposed, _) => "",
    };
    match language {
        Language::Zh => format!("{label}: {value} (自 {from}; {origin}{trust})"),
        Language::En => format!("{label}: {value} (since {from}; {origin}{trust})"),
    }
}

fn history_line(look: &ExplainedHistory, language: Language) -> String {
    let ExplainedHistory { name, readings, value } = look;
    match language {
        Language::Zh => format!("{name} = {value} (此前 {readings} 次记录)"),
        Language::En => format!("{name} = {value} ({readings} readings before)"),
    }
}

fn factor_line(factor: &ExplainedFactor, language: Language) -> String {
    let (name, times) = (factor.name.in_language(language), &factor.times);
    match (factor.campaign, language) {
        (false, Language::Zh) => format!("倍数 {name}: × {times}"),
        (false, Language::En) => format!("Multiplier {name}: × {times}"),
        (true, Language::Zh) => format!("活动 {name}: × {times}"),
        (true, Language::En) => format!("Campaign {name}: × {times}"),
    }
}

fn fund_line(fund: &ExplainedFund, language: Language) -> String {
    let ExplainedFund { id, limit, issued_before, drawn } = fund;
    match language {
        Language::Zh => {
            format!("预算 {id} 共 {limit} pt: 之前已发 {issued_before} pt, 本次占用 {drawn} pt")
        }
        Language::En => {
            format!("Budget {id} of {limit} pt: {issued_before} pt issued before, {drawn} pt by this act")
        }
    }
}

fn cap_line(cap: &ExplainedCap, language: Language) -> String {
    let ExplainedCap { limit, used_before, left_after, .. } = cap;
    let [limit, used_before, left_after] =
        [limit, used_before, left_after].map(|amount| in_words(amount, language));
    let per = match (cap.per, language) {
        (None, Language::Zh) => "每次",
        (Some(Period::Day), Language::Zh) => "每日",
        (Some(Period::Week), Language::Zh) => "每周",
        (Some(Period::Month), Language::Zh) => "每月",
        (Some(Period::Year), Language::Zh) => "每年",
        (Some(Period::All), Language::Zh) => "累计",
        (None, Language::En) => "per event",
        (Some(Period::Day), Language::En) => "per day",
        (Some(Period::Week), Language::En) => "per week",
        (Some(Period::Month), Language::En) => "per month",
        (Some(Period::Year), Language::En) => "per year",
        (Some(Period::All), Language::En) => "in all",
    };
    let trimmed = match (cap.trimmed, language) {
        (false, _) => "",
        (true, Language::Zh) => ", 本次已削减",
        (true, Language::En) => ", trimmed this one",
    };
    match language {
        Language::Zh => format!("封顶 {per} {limit}: 之前已用 {used_before}, 之后剩 {left_after}{trimmed}"),
        Language::En => format!("Cap {limit} {per}: {used_before} used before, {left_after} left{trimmed}"),
    }
}
