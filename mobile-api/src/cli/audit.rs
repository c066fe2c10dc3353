//! `tanhui audit`

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tanhui_domain::id::ActivityId;
use tanhui_domain::time::Clock as _;
use tanhui_service::audit::{self, Audit, Boards, Progress, Recomputed, Sample};
use tanhui_service::cache::Cache;
use tanhui_service::clock::SystemClock;
use tanhui_service::identity::entropy::SystemEntropy;
use tanhui_service::random::Random as _;
use tanhui_service::rule_book::RuleBook;

use super::CommandError;
use crate::config::Settings;

/// The books break a rule.
const WRONG: u8 = 1;
/// The books could not be checked.
const UNCHECKED: u8 = 2;

/// Arguments of `tanhui audit`.
#[derive(Debug, clap::Args)]
pub struct AuditArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Credits to compute again from their receipts: a number of random ones, or `all`
    #[arg(long, value_name = "COUNT|all", default_value = "1000", value_parser = credits)]
    recompute: Credits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credits {
    All,
    Some(u64),
}

fn credits(text: &str) -> Result<Credits, String> {
    match text {
        "all" => Ok(Credits::All),
        count => count.parse().map(Credits::Some).map_err(|_| "a number, or `all`".to_owned()),
    }
}

/// All that was checked.
struct Report {
    books: Audit,
    recomputed: Recomputed,
    /// None without Redis: memory holds nothing of another process.
    boards: Option<Boards>,
}

impl Report {
    fn is_clean(&self) -> bool {
        let boards = self.boards.as_ref().is_none_or(|boards| boards.wrong == 0);
        self.books.broken.is_empty() && self.recomputed.differing == 0 && boards
    }

    fn violations(&self) -> Vec<&tanhui_service::audit::Violation> {
        let boards = self.boards.iter().flat_map(|boards| &boards.named);
        self.books.violations.iter().chain(&self.recomputed.named).chain(boards).collect()
    }

    fn violations_total(&self) -> u64 {
        let boards = self.boards.as_ref().map_or(0, |boards| boards.wrong);
        let more = self.recomputed.differing.saturating_add(boards);
        self.books.broken.values().fold(more, |sum, count| sum.saturating_add(*count))
    }
}

/// Checks every invariant: exit 0 when all hold, 1 when one does not, 2 when that could not be found out.
pub async fn run(settings: &Settings, arguments: &AuditArguments) -> ExitCode {
    let told = match check(settings, arguments).await {
        Ok(report) => {
            let text = if arguments.json { Ok(document(&report)) } else { Ok(text(&report)) };
            text.and_then(|text| super::print(&text)).map(|()| report.is_clean())
        }
        Err(error) => Err(error),
    };
    match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(WRONG),
        Err(error) => {
            super::complain(&error);
            ExitCode::from(UNCHECKED)
        }
    }
}

async fn check(settings: &Settings, arguments: &AuditArguments) -> Result<Report, CommandError> {
    let database = audit::open(&settings.database_url).await?.ok_or(CommandError::OtherSchema)?;
    let bar = progress_bar();
    let progress = |at: Progress| show(&bar, at);
    let books = audit::run(&database, progress).await?;
    let sample = match arguments.recompute {
        Credits::All => Sample::All,
        Credits::Some(count) => Sample::From { start: random_id(), count },
    };
    let recomputed = audit::recompute(&database, &RuleBook::default(), sample, progress).await?;
    let boards = match &settings.redis_url {
        Some(url) => Some(audit::boards(&database, &Cache::connect(url)?, SystemClock.now()).await?),
        None => None,
    };
    bar.finish_and_clear();
    database.close().await?;
    Ok(Report { books, recomputed, boards })
}

fn random_id() -> ActivityId {
    let mut bytes = [0; 16];
    SystemEntropy.fill_surely(&mut bytes);
    ActivityId::new(uuid::Uuid::from_bytes(bytes))
}

/// Drawn on a terminal only.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg:40} {bar:30} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, at: Progress) {
    bar.set_message(at.name);
    bar.set_length(u64::try_from(at.of.unwrap_or(at.done)).unwrap_or(u64::MAX));
    bar.set_position(u64::try_from(at.done).unwrap_or(u64::MAX));
}

fn document(report: &Report) -> String {
    let totals = &report.books.totals;
    let [credited, held, rejected, reversed] = totals.activities;
    let document = json!({
        "ok": report.is_clean(),
        "violations": report.violations(),
        "violations_total": report.violations_total(),
        "broken": report.books.broken,
        "recomputed": { "checked": report.recomputed.checked, "differing": report.recomputed.differing },
        "boards": report.boards.as_ref().map(|boards| json!({
            "compared": boards.compared, "skipped": boards.skipped, "wrong": boards.wrong,
        })),
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
    });
    format!("{document:#}")
}

fn text(report: &Report) -> String {
    let totals = &report.books.totals;
    let [credited, held, rejected, reversed] = totals.activities;
    let boards = report.boards.as_ref().map_or("no Redis to compare".to_owned(), |boards| {
        format!("{} compared, {} wrong, {} not in the cache", boards.compared, boards.wrong, boards.skipped)
    });
    format!(
        "activities  credited {credited}, pending {}, held {held}, rejected {rejected}, reversed {reversed}\n\
         POINTS      issued {}, held {}, spent {}, expired {}\n\
         CO2E        issued {} mg\n\
         recomputed  {}, differing {}\n\
         boards      {boards}\n{}",
        totals.waiting,
        totals.points_issued,
        totals.points_held,
        totals.points_spent,
        totals.points_expired,
        totals.reduction_issued_mg,
        report.recomputed.checked,
        report.recomputed.differing,
        verdict(report),
    )
}

fn verdict(report: &Report) -> String {
    if report.is_clean() {
        return "账目无误 / the books are right".to_owned();
    }
    let mut lines =
        vec![format!("账目有误，共 {0} 处 / the books are wrong in {0} places:", report.violations_total())];
    lines.extend(report.violations().iter().map(|found| format!("{}: {}", found.invariant, found.detail)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_credits_or_all() {
        assert_eq!(credits("all"), Ok(Credits::All));
        assert_eq!(credits("0"), Ok(Credits::Some(0)));
        assert!(credits("some").is_err() && credits("-1").is_err());
    }
}
