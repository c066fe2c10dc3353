//! What of one act waits and was paid after waiting, for its reversal. The citizen must be locked.

use chrono::{DateTime, Utc};
use tanhui_domain::activity::Activity;
use tanhui_domain::amount::Points;
use tanhui_domain::city::City;
use tanhui_domain::crediting::{CountOf, Tally, WHENEVER, WaitingPoints};
use tanhui_domain::rule::Usage;
use tanhui_domain::time::civil_day;
use tanhui_store::waiting_points::Change;
use tanhui_store::{StoreError, Transaction, waiting_points};

use crate::draft::overflow;

/// What waits of one act, and what of it was paid when.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    row: Option<WaitingPoints>,
    payments: Vec<(DateTime<Utc>, Points)>,
    tallies: Vec<Tally>,
}

impl Waiting {
    /// Reads it. Nearly all acts have none.
    pub(crate) async fn load(on: &Transaction, city: &City, of: &Activity) -> Result<Self, StoreError> {
        let row = waiting_points::of_activities(on, &[of.id]).await?.pop();
        let Some(row) = row else { return Ok(Self::default()) };
        let payments = waiting_points::payments(on, &[of.id]).await?;
        let mut tallies = Vec::new();
        for (_, paid_at, points) in &payments {
            let day = row.issued_on(civil_day(*paid_at, city.timezone));
            tallies.push(tally(&row, CountOf::Issued(row.city), day, *points)?);
        }
        let left = row.left().map_err(overflow)?;
        tallies.push(tally(&row, CountOf::Waiting(row.city), WHENEVER, left)?);
        let payments = payments.into_iter().map(|(_, paid_at, points)| (paid_at, points)).collect();
        Ok(Self { row: Some(row), payments, tallies })
    }

    /// When what was paid after waiting.
    pub(crate) fn payments(&self) -> impl Iterator<Item = (DateTime<Utc>, Points)> {
        self.payments.iter().copied()
    }

    /// What was given up before.
    pub(crate) fn given_up(&self) -> Points {
        self.row.as_ref().map(|row| row.given_up).unwrap_or_default()
    }

    /// Gives up what is left; gives what budgets get back.
    pub(crate) async fn give_up(self, on: &Transaction) -> Result<Vec<Tally>, StoreError> {
        if let Some(row) = &self.row {
            let given_up = row.left().map_err(overflow)?;
            waiting_points::change(on, &[Change { place: row.place, paid: Points::ZERO, given_up }]).await?;
        }
        Ok(self.tallies)
    }
}

/// Less of a count.
fn tally(
    row: &WaitingPoints,
    of: CountOf,
    day: chrono::NaiveDate,
    points: Points,
) -> Result<Tally, StoreError> {
    let points = points.negated().map_err(overflow)?;
    Ok(Tally { of, name: row.budget.clone(), day, added: Usage { points, ..Usage::NONE } })
}
