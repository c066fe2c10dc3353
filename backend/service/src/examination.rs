//! Looks at rules before they are published, as `tanhui rules check` does; only what it lets pass can be
//! published. Must never take longer than it is given.

use std::time::Duration;

use tanhui_domain::rule::{Diagnostic, RuleSet, Severity, SourceFile};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;

/// Longest time that the rules of a city may take; those of forty actions take a fraction of a second.
pub const TIME_MAX: Duration = Duration::from_secs(30);

/// Why rules cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum ExaminationError {
    /// A tried event, a case or an example does not come out as it must.
    #[error("the rules do not stand")]
    Unsound(Vec<Diagnostic>),
    /// Looking at them took too long: make them simpler, or fewer.
    #[error("looking at the rules took longer than {} s", .0.as_secs())]
    TooLong(Duration),
    /// The examination broke off; a fault of this program.
    #[error("looking at the rules broke off")]
    BrokenOff(#[from] JoinError),
}

/// Rules that were examined and stand.
#[derive(Debug)]
pub struct Examined {
    rules: RuleSet,
    warnings: Vec<Diagnostic>,
}

impl Examined {
    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// What deserves a look although they stand.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

/// Examines rules with their cases.
pub async fn examine(
    rules: RuleSet,
    cases: Vec<SourceFile>,
    within: Duration,
) -> Result<Examined, ExaminationError> {
    let work = spawn_blocking(move || {
        let warnings = rules.examine(&cases).messages;
        Examined { rules, warnings }
    });
    let examined = timeout(within, work).await.map_err(|_| ExaminationError::TooLong(within))??;
    if examined.warnings.iter().any(|found| found.severity == Severity::Error) {
        return Err(ExaminationError::Unsound(examined.warnings));
    }
    Ok(examined)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = include_str!("../../../tests/src/rules.yaml");

    fn rules(text: &str) -> RuleSet {
        let file = SourceFile { name: "town.yaml".to_owned(), text: text.replace("CITY", "town") };
        RuleSet::compile(&file, &[]).unwrap()
    }

    #[tokio::test]
    async fn sound_rules_pass_and_contradictions_do_not() {
        assert!(examine(rules(RULES), Vec::new(), TIME_MAX).await.is_ok());
        let less = RULES.replace(
            "points: reduction / 10 gCO2e/pt",
            "points: max(0 gCO2e, 900 gCO2e - reduction) / 10 gCO2e/pt",
        );
        assert_ne!(less, RULES);
        let refused = examine(rules(&less), Vec::new(), TIME_MAX).await.unwrap_err();
        assert!(matches!(refused, ExaminationError::Unsound(_)), "{refused}");
        let city = crate::shipped::default_rules().unwrap();
        let late = examine(city, Vec::new(), Duration::ZERO).await.unwrap_err();
        assert!(matches!(late, ExaminationError::TooLong(_)), "{late}");
    }
}
