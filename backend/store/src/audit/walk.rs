//! How an invariant is cut into ranges of one key, so that a query sees a bounded part of the books.

use sea_orm::Value;
use uuid::Uuid;

use crate::database::{Engine, Transaction};
use crate::error::StoreError;
use crate::row::{query_one, query_row};

/// Journals in a range; a journal has at most some thousand lines.
const JOURNALS_EACH: i64 = 2_000;
const OWNERS_EACH: i64 = 2_000;
const KEYS_EACH: i64 = 20_000;
const OFFERS_EACH: i64 = 5_000;
const PROJECTS_EACH: i64 = 100;

const LINES: &str = "ledger_lines";
/// None where the journal is missing.
const KIND_OF_LINE: &str = ", (SELECT j.kind FROM journals j WHERE j.id = t.journal_id) AS kind";

/// By which key an invariant is walked. Tables that hold the key are narrowed to the range under their own
/// name, and lines carry the kind of their journal. All other tables are seen whole and are asked row by row,
/// in a subquery that gives one value through an index: a join would read them whole for every range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// By owner: accounts and all that belongs to one citizen.
    Owners,
    /// By merchant: accounts, lines, vouchers and statements.
    Merchants,
    /// By journal: lines.
    Journals,
    /// By activity id: keys.
    Keys,
    /// By offer: offers and their days.
    Offers,
    /// By project: projects.
    Projects,
}

impl Walk {
    /// Tables and the column that they are narrowed by.
    fn tables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Owners => &[
                ("accounts", "owner_id"),
                (LINES, "owner_id"),
                ("activities", "citizen_id"),
                ("activity_days", "citizen_id"),
                ("lots", "citizen_id"),
                ("lot_takes", "citizen_id"),
                ("lot_returns", "citizen_id"),
                ("adjustments", "citizen_id"),
                ("office_log", "citizen_id"),
                ("redemptions", "citizen_id"),
                ("waiting_points", "citizen_id"),
                ("prize_awards", "citizen_id"),
            ],
            Self::Merchants => &[
                ("accounts", "owner_id"),
                (LINES, "owner_id"),
                ("vouchers", "merchant_id"),
                ("merchant_statements", "merchant_id"),
            ],
            Self::Journals => &[(LINES, "journal_id")],
            Self::Keys => &[("activity_keys", "id")],
            Self::Offers => &[("offers", "id"), ("offer_days", "offer_id")],
            Self::Projects => &[("projects", "id")],
        }
    }

    /// The narrowed tables. A name means the real table within its own definition: on PostgreSQL by rule, on
    /// SQLite because its schema is named.
    pub(super) fn narrowed(self, engine: Engine) -> String {
        let schema = match engine {
            Engine::Postgres => "",
            Engine::Sqlite => "main.",
        };
        let narrow = |(table, column): &(&str, &str)| {
            let more = if *table == LINES { KIND_OF_LINE } else { "" };
            format!(
                "{table} AS NOT MATERIALIZED
                 (SELECT t.*{more} FROM {schema}{table} t WHERE t.{column} >= $1 AND t.{column} < $2)"
            )
        };
        self.tables().iter().map(narrow).collect::<Vec<_>>().join(", ")
    }

    /// Half-open ranges that together hold every possible key, whatever the rows say.
    pub(super) async fn ranges(self, on: &Transaction) -> Result<Vec<[Value; 2]>, StoreError> {
        let cuts = match self {
            Self::Owners | Self::Merchants => id_cuts(on, "accounts", "owner_id", OWNERS_EACH).await?,
            Self::Journals => number_cuts(on).await?,
            Self::Keys => id_cuts(on, "activity_keys", "id", KEYS_EACH).await?,
            Self::Offers => id_cuts(on, "offers", "id", OFFERS_EACH).await?,
            Self::Projects => id_cuts(on, "projects", "id", PROJECTS_EACH).await?,
        };
        let froms = cuts.iter().cloned();
        let untils = cuts.iter().skip(1).cloned();
        Ok(froms.zip(untils).map(|(from, until)| [from, until]).collect())
    }
}

/// Every so many of the keys that there are.
async fn id_cuts(on: &Transaction, table: &str, column: &str, each: i64) -> Result<Vec<Value>, StoreError> {
    let sql = format!("SELECT {column} FROM {table} WHERE {column} > $1 ORDER BY {column} LIMIT 1 OFFSET $2");
    let mut cuts = vec![Value::from(Uuid::nil())];
    let mut last = Uuid::nil();
    while let Some(row) = query_one(on, &sql, [last.into(), each.into()]).await? {
        last = row.uuid(0)?;
        cuts.push(last.into());
    }
    cuts.push(Uuid::max().into());
    Ok(cuts)
}

/// Journals are numbered without large gaps.
async fn number_cuts(on: &Transaction) -> Result<Vec<Value>, StoreError> {
    let newest = query_row(on, "SELECT COALESCE(MAX(id), 0) FROM journals", []).await?.bigint(0)?;
    let mut cuts = vec![Value::from(i64::MIN)];
    let mut next = JOURNALS_EACH;
    while next <= newest {
        cuts.push(next.into());
        next = next.saturating_add(JOURNALS_EACH);
    }
    cuts.push(i64::MAX.into());
    Ok(cuts)
}
