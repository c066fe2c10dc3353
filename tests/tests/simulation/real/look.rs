//! All that can be seen of the city, asked of the program.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use tanhui_domain::activity::ActivityStatus;
use tanhui_domain::id::{CitizenId, MerchantId};
use tanhui_domain::leaderboard::{Metric, Scope};
use tanhui_domain::ledger::{AT_ONCE, Amounts, Lot};
use tanhui_domain::settlement::{Due, MerchantStatement};
use tanhui_domain::time::{Period, civil_day};
use tanhui_service::audit;
use tanhui_service::board::{self, BoardQuery, Part};
use tanhui_service::statement::{self, Range, StatementQuery};
use tanhui_service::{office, reconcile, settlement};
use tanhui_store::{account, activity, offer, project, voucher};
use tanhui_tests::Outcome;

use super::Real;
use crate::oracle::{Span, Status};
use crate::watch::{self, Purse};

type Instants = (DateTime<Utc>, DateTime<Utc>);

impl Real {
    pub(super) async fn look(&self, process: usize, day: NaiveDate, cuts: Instants) -> Outcome<Vec<String>> {
        let mut lines = Vec::new();
        for (number, id) in &self.citizens {
            lines.push(self.citizen(process, (*number, *id), cuts).await?);
        }
        let services = self.services(process);
        let today = civil_day(self.stage.now(), self.zone);
        for (number, id) in &self.offers {
            let offer = offer::find(&services.database, *id).await?.ok_or("no offer")?;
            let taken = match offer.conditions.stock_per_day {
                Some(_) => offer::taken_on(&services.database, &[(*id, today)]).await?.remove(id),
                None => None,
            };
            let left = (offer.stock_left, taken.unwrap_or(0), offer.budget.map(|budget| budget.left.get()));
            lines.push(watch::offer(*number, left, offer.status.word()));
        }
        for (number, id) in &self.redemptions {
            let vouchers = voucher::of_redemption(&services.database, *id).await?;
            let words: Vec<&str> = vouchers.iter().map(|voucher| voucher.word_at(self.stage.now())).collect();
            lines.push(watch::redemption(*number, &words.join(" ")));
        }
        for (number, id) in self.merchants.iter().enumerate() {
            lines.push(self.merchant(process, number, *id).await?);
        }
        let project = project::find(&services.database, self.project).await?.ok_or("no project")?;
        lines.push(watch::project(project.points.get()));
        let programme = self.city(process).programme;
        let balance = account::find(&services.database, programme).await?.ok_or("no programme")?.balance;
        let (points, milligrams) = pair(balance);
        lines.push(watch::programme(points, milligrams, balance.payable.get()));
        lines.push(watch::waiting(self.waiting().await?));
        lines.extend(self.activities(process).await?);
        for span in Span::ALL {
            for by_points in [true, false] {
                lines.push(self.board(process, span, by_points, day).await?);
            }
        }
        let boards = audit::boards(&services.database, &services.cache, self.stage.now()).await?;
        if boards.wrong > 0 {
            return Err(format!("cached boards lie: {boards:?}").into());
        }
        Ok(lines)
    }

    async fn citizen(
        &self,
        process: usize,
        (number, id): (u32, CitizenId),
        (from, until): Instants,
    ) -> Outcome<String> {
        let services = self.services(process);
        let balance = statement::balance(services, id).await?;
        let range = Range { from: Some(from), until };
        let query = |after| StatementQuery { range, after, limit: 50 };
        let mut page = statement::statement(services, id, query(0)).await?;
        let (opening, closing) = (page.opening, page.closing);
        let mut sum = opening;
        loop {
            for line in &page.lines {
                sum = sum.plus(line.amounts)?;
                if sum != line.after {
                    return Err(format!("citizen {number}: line {line:?} after {sum:?}").into());
                }
            }
            let Some(last) = page.lines.last().filter(|_| page.more) else { break };
            page = statement::statement(services, id, query(last.version)).await?;
        }
        if sum != closing {
            return Err(format!("citizen {number}: lines end at {sum:?}, statement at {closing:?}").into());
        }
        let debt = balance.debt;
        let first = |lot: &Lot| Some(lot.key.spendable_from).filter(|first| *first != AT_ONCE);
        let lot = |lot: &Lot| ((lot.key.expires_on, first(lot)), lot.left.get());
        let purse = Purse {
            balance: pair(balance.amounts),
            debts: (debt.overdrawn.get(), debt.owed.get()),
            pending: balance.pending.get(),
            spendable: statement::spendable(&balance).get(),
            waiting: balance.waiting.get(),
            lots: balance.lots.iter().map(lot).collect(),
            statement: (pair(opening), pair(closing)),
        };
        Ok(watch::citizen(number, &purse))
    }

    async fn merchant(&self, process: usize, number: usize, id: MerchantId) -> Outcome<String> {
        let services = self.services(process);
        let merchant = office::merchant(services, id).await?.ok_or("no merchant")?;
        let account = account::find(&services.database, id.into()).await?.ok_or("no account")?;
        let conflicts = reconcile::conflicts(services, id, None, 1_000).await?;
        let mut conflicts: Vec<&str> =
            conflicts.iter().map(|conflict| conflict.scan.outcome.as_str()).collect();
        conflicts.sort_unstable();
        let account = (account.balance.payable.get(), self.statements(process, id).await?);
        let standing = (merchant.status.word(), merchant.issued.word());
        Ok(watch::merchant(number, standing, &account, &conflicts.join(" ")))
    }

    /// Each as it stands, the first first.
    async fn statements(&self, process: usize, merchant: MerchantId) -> Outcome<Vec<String>> {
        let mut all = settlement::of_merchant(self.services(process), merchant, None, 1_000).await?;
        all.sort_by_key(|statement| statement.number);
        let told = |statement: &MerchantStatement| {
            let Due { uses, voids, fen, .. } = statement.due;
            let word = statement.status.word();
            format!("{word} to line {}: {uses} uses, {voids} voids, {fen} fen", statement.last_line)
        };
        Ok(all.iter().map(told).collect())
    }

    async fn waiting(&self) -> Outcome<usize> {
        let sql = format!(
            "SELECT COUNT(*) FROM waiting_events w JOIN sources s ON s.id = w.source_id
             WHERE s.uri LIKE 'urn:{}:%'",
            self.city
        );
        Ok(usize::try_from(self.stage.raw.number(&sql).await?)?)
    }

    /// Every so many of those that were ever decided.
    async fn activities(&self, process: usize) -> Outcome<Vec<String>> {
        let mut lines = Vec::new();
        for (source, id) in self.decided.iter().copied().step_by(watch::ACTIVITIES_STEP) {
            let activity_id = self.activity_id((source, id));
            let found = activity::find(&self.services(process).database, activity_id).await?;
            let found = found.ok_or_else(|| format!("activity {source}/{id} is not there"))?;
            let status = match found.status {
                ActivityStatus::Credited => Status::Credited,
                ActivityStatus::Rejected => Status::Rejected,
                ActivityStatus::Reversed => Status::Reversed,
                ActivityStatus::Held => Status::Held,
            };
            let granted = (found.points.get(), found.reduction.get());
            lines.push(watch::activity((source, id), status, granted));
        }
        Ok(lines)
    }

    async fn board(&self, process: usize, span: Span, by_points: bool, on: NaiveDate) -> Outcome<String> {
        let period = match span {
            Span::Day => Period::Day,
            Span::Week => Period::Week,
            Span::Month => Period::Month,
            Span::Year => Period::Year,
            Span::All => Period::All,
        };
        let metric = if by_points { Metric::Points } else { Metric::Reduction };
        let city = self.city(process).clone();
        let query = BoardQuery { city, period, on, scope: Scope::City, metric };
        let part = Part::Page { offset: 0, limit: 1_000 };
        let view = board::read(self.services(process), &query, part, None).await?;
        let numbers: BTreeMap<CitizenId, u32> =
            self.citizens.iter().map(|(number, id)| (*id, *number)).collect();
        let mut places = Vec::new();
        for place in &view.places {
            places.push((*numbers.get(&place.citizen).ok_or("a stranger on the board")?, place.score));
        }
        Ok(watch::board(span, by_points, &places))
    }
}

fn pair(amounts: Amounts) -> (i64, i64) {
    (amounts.points.get(), amounts.reduction.get())
}
