//! An explanation as lines of text in one language. Adds nothing to what the explanation holds.

use super::explain::{ExplainedCap, ExplainedParameter, Explanation, Outcome, grams};
use super::parameter::Confidence;
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
        let mut lines = vec![format!("{} · {}", self.name.in_language(language), self.occurred_at)];
        for input in &self.inputs {
            lines.push(format!("{}: {}", input.label.in_language(language), input.value));
        }
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
                format!("{label} = {} = {} {}", step.with_numbers, step.value, step.unit)
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
        lines.extend(self.caps.iter().map(|cap| cap_line(cap, language)));
        lines.push(match &self.outcome {
            Outcome::Credited { capped } => {
                let mark = if *capped { pick(" (已封顶)", " (capped)") } else { "" };
                let (grams, points) = (grams(self.reduction_mg), self.points);
                format!("{}: {grams} gCO2e, {points} pt{mark}", pick("记入", "Credited"))
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

fn cap_line(cap: &ExplainedCap, language: Language) -> String {
    let ExplainedCap { limit, used_before, left_after, .. } = cap;
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
