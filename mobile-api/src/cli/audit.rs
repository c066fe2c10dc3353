//! `tanhui audit`

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::json;
use tanhui_service::audit::{self, Audit};

use super::{CommandError, open};
use crate::config::Settings;

/// Checks every invariant; fails when one does not hold.
pub async fn run(settings: &Settings, as_json: bool) -> Result<ExitCode, CommandError> {
    let services = open::services(settings).await?;
    let mut log = std::io::stderr();
    let progress = |name: &str| {
        let _stderr_gone = writeln!(log, "audit: {name}");
    };
    let audit = audit::run(&services.database, progress).await?;
    services.stop().await?;
    super::print(&if as_json { serde_json::to_string_pretty(&document(&audit))? } else { text(&audit) })?;
    Ok(if audit.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn document(audit: &Audit) -> serde_json::Value {
    let totals = &audit.totals;
    let [credited, held, rejected, reversed] = totals.activities;
    json!({
        "ok": audit.violations.is_empty(),
        "violations": audit.violations,
        "activities": {
            "credited": credited, "pending": totals.waiting, "held": held, "rejected": rejected,
            "reversed": reversed,
        },
        "totals": {
            "POINTS": {
                "issued": totals.points_issued, "held": totals.points_held,
                "spent": totals.points_spent, "expired": totals.points_expired,
            },
            "CO2E": { "issued_mg": totals.reduction_issued_mg },
        },
    })
}

fn text(audit: &Audit) -> String {
    let totals = &audit.totals;
    let [credited, held, rejected, reversed] = totals.activities;
    let verdict = if audit.violations.is_empty() {
        "账目无误 / the books are right".to_owned()
    } else {
        let lines = audit.violations.iter().map(|found| format!("{}: {}", found.invariant, found.detail));
        format!("账目有误 / the books are wrong:\n{}", lines.collect::<Vec<_>>().join("\n"))
    };
    format!(
        "activities  credited {credited}, pending {}, held {held}, rejected {rejected}, reversed {reversed}\n\
         POINTS      issued {}, held {}, spent {}, expired {}\n\
         CO2E        issued {} mg\n{verdict}",
        totals.waiting,
        totals.points_issued,
        totals.points_held,
        totals.points_spent,
        totals.points_expired,
        totals.reduction_issued_mg,
    )
}
