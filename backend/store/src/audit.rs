//! The ledger's invariants as queries that name the rows at fault. Reads the database alone, in one snapshot.

use sea_orm::ConnectionTrait;

use crate::database::{Connected, Engine, Transaction};
use crate::error::StoreError;
use crate::row::{query_all, query_row};

/// How many rows at fault are named per invariant.
pub const VIOLATIONS_NAMED_MAX: i64 = 20;

/// A broken invariant and one row that breaks it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// Which invariant.
    pub invariant: &'static str,
    /// Which row, and what it says.
    pub detail: String,
}

/// Sums over the whole ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Activities per status: credited, held, rejected, reversed.
    pub activities: [i64; 4],
    /// Events that wait for their subject.
    pub waiting: i64,
    /// Points ever given to citizens.
    pub points_issued: i64,
    /// Points that citizens have.
    pub points_held: i64,
    /// Points spent and not given back.
    pub points_spent: i64,
    /// Points that ran out of time.
    pub points_expired: i64,
    /// Milligrams of CO2e ever credited.
    pub reduction_issued_mg: i64,
}

/// Invariant and query; each row of the query is a violation, described in its only column.
/// `id(x)` is the text of a UUID on either database.
const INVARIANTS: &[(&str, &str)] = &[
    (
        "journal_sums_to_zero",
        "SELECT 'journal ' || p.journal_id || ': POINTS ' || SUM(p.points) || ', CO2E ' || SUM(p.reduction_mg)
         FROM ledger_lines p JOIN accounts a ON a.owner_id = p.owner_id GROUP BY p.journal_id
         HAVING SUM(p.points) <> 0 OR SUM(p.reduction_mg) <> 0 OR SUM(p.payable_fen) <> 0",
    ),
    (
        "posting_follows_the_one_before",
        "SELECT 'account ' || id(q.owner_id) || ' posting ' || q.version FROM (
           SELECT owner_id, version, points, reduction_mg, payable_fen, points_after,
           reduction_after_mg, payable_after_fen,
             LAG(version, 1, 0) OVER w AS before_version, LAG(points_after, 1, 0) OVER w AS before_points,
             LAG(reduction_after_mg, 1, 0) OVER w AS before_mg, LAG(payable_after_fen, 1,
             0) OVER w AS before_fen
           FROM ledger_lines WINDOW w AS (PARTITION BY owner_id ORDER BY version)) q
         WHERE q.version <> q.before_version + 1 OR q.points_after <> q.before_points + q.points
            OR q.reduction_after_mg <> q.before_mg + q.reduction_mg
                OR q.payable_after_fen <> q.before_fen + q.payable_fen",
    ),
    (
        "balance_is_the_sum_of_postings",
        "SELECT 'account ' || id(a.owner_id) || ': balance ' || a.points || ' pt ' || a.reduction_mg
                || ' mg, postings '
                || COALESCE(p.points, 0) || ' pt ' || COALESCE(p.reduction_mg, 0) || ' mg'
         FROM accounts a LEFT JOIN (
           SELECT owner_id, COUNT(*) AS lines, SUM(points) AS points,
           SUM(reduction_mg) AS reduction_mg, SUM(payable_fen) AS payable_fen
           FROM ledger_lines GROUP BY owner_id) p ON p.owner_id = a.owner_id
         WHERE a.version <> COALESCE(p.lines, 0) OR a.points <> COALESCE(p.points, 0)
            OR a.reduction_mg <> COALESCE(p.reduction_mg, 0) OR a.payable_fen <> COALESCE(p.payable_fen, 0)",
    ),
    (
        "posting_has_journal_and_account",
        "SELECT 'account ' || id(p.owner_id) || ' posting ' || p.version FROM ledger_lines p
         LEFT JOIN journals j ON j.id = p.journal_id LEFT JOIN accounts a ON a.owner_id = p.owner_id
         WHERE j.id IS NULL OR a.owner_id IS NULL",
    ),
    (
        "citizen_is_never_below_zero",
        "SELECT 'account ' || id(a.owner_id) || ' posting ' || p.version FROM ledger_lines p
         JOIN accounts a ON a.owner_id = p.owner_id
         WHERE a.kind = 1 AND (p.points_after < 0 OR p.reduction_after_mg < 0)",
    ),
    (
        "points_are_the_sum_of_lots",
        "SELECT 'citizen ' || id(a.owner_id) || ': balance ' || a.points || ', lots ' || COALESCE(l.points, 0)
         FROM accounts a LEFT JOIN (SELECT citizen_id, SUM(points_left) AS points FROM lots
         GROUP BY citizen_id) l
           ON l.citizen_id = a.owner_id
         WHERE a.kind = 1 AND a.points <> COALESCE(l.points, 0)",
    ),
    (
        "lot_is_granted_minus_taken",
        "SELECT 'citizen ' || id(l.citizen_id) || ' lot of day ' || l.expires_day FROM lots l LEFT JOIN (
           SELECT r.citizen_id, t.expires_day, SUM(t.points) AS points FROM lot_takes t
           JOIN redemptions r ON r.id = t.redemption_id WHERE r.cancelled_at_us IS NULL
           GROUP BY r.citizen_id, t.expires_day) t
           ON t.citizen_id = l.citizen_id AND t.expires_day = l.expires_day
         WHERE l.points_granted - l.points_left <> COALESCE(t.points, 0)",
    ),
    (
        "activity_is_credited_once",
        "SELECT 'activity ' || id(a.id) || ': ' || COUNT(p.owner_id) || ' credits' FROM activities a
         LEFT JOIN (SELECT p.owner_id, p.cause, p.points, p.reduction_mg FROM ledger_lines p
                    JOIN journals j ON j.id = p.journal_id WHERE j.kind = 1) p
           ON p.cause = a.id AND p.owner_id = a.citizen_id
         GROUP BY a.id, a.status, a.points, a.reduction_mg
         HAVING COUNT(p.owner_id) <> CASE WHEN a.status IN (1, 4) THEN 1 ELSE 0 END
             OR (a.status IN (1, 4) AND (SUM(p.points) <> a.points
                 OR SUM(p.reduction_mg) <> a.reduction_mg))",
    ),
    (
        "credit_has_its_activity",
        "SELECT 'account ' || id(p.owner_id) || ' posting ' || p.version FROM ledger_lines p
         JOIN journals j ON j.id = p.journal_id JOIN accounts c ON c.owner_id = p.owner_id
         LEFT JOIN activities a ON a.id = p.cause AND a.citizen_id = p.owner_id
         WHERE j.kind = 1 AND c.kind = 1 AND a.id IS NULL",
    ),
    (
        "activity_has_its_key",
        "SELECT 'activity ' || id(COALESCE(a.id, k.id)) FROM activities a
         FULL JOIN activity_keys k ON k.id = a.id AND k.citizen_id = a.citizen_id
         AND k.recorded_at_us = a.recorded_at_us
         WHERE a.id IS NULL OR k.id IS NULL",
    ),
    (
        "cap_usage_is_what_was_granted",
        "SELECT 'citizen ' || id(COALESCE(d.citizen_id, a.citizen_id)) || ' ' || COALESCE(d.action,
            a.action) || ': days say '
                || COALESCE(d.events, 0) || ' events ' || COALESCE(d.points,
                0) || ' pt ' || COALESCE(d.reduction_mg, 0) || ' mg'
         FROM (SELECT citizen_id, action, SUM(events) AS events, SUM(points) AS points,
         SUM(reduction_mg) AS reduction_mg
               FROM activity_days GROUP BY citizen_id, action) d
         FULL JOIN (SELECT citizen_id, action, COUNT(*) AS events, SUM(points) AS points,
         SUM(reduction_mg) AS reduction_mg
                    FROM activities WHERE status = 1 GROUP BY citizen_id, action) a
           ON a.citizen_id = d.citizen_id AND a.action = d.action
         WHERE COALESCE(d.events, 0) <> COALESCE(a.events, 0) OR COALESCE(d.points,
         0) <> COALESCE(a.points, 0)
            OR COALESCE(d.reduction_mg, 0) <> COALESCE(a.reduction_mg, 0)",
    ),
    (
        "stock_taken_is_vouchers_live_or_used",
        "SELECT 'offer ' || id(o.id) || ': taken ' || (o.stock_total - o.stock_left)
                || ', vouchers ' || COUNT(v.id)
         FROM offers o LEFT JOIN vouchers v ON v.offer_id = o.id AND v.status IN ('live', 'used')
         GROUP BY o.id, o.stock_total, o.stock_left HAVING o.stock_total - o.stock_left <> COUNT(v.id)",
    ),
    (
        "redemption_is_posted_once",
        "SELECT 'redemption ' || id(r.id) || ': ' || r.points || ' pt' FROM redemptions r LEFT JOIN (
           SELECT p.cause, SUM(CASE WHEN j.kind = 2 THEN -p.points ELSE 0 END) AS taken,
                  SUM(CASE WHEN j.kind = 3 THEN p.points ELSE 0 END) AS given_back
           FROM ledger_lines p JOIN journals j ON j.id = p.journal_id
           JOIN accounts a ON a.owner_id = p.owner_id
           WHERE j.kind IN (2, 3) AND a.kind = 1 GROUP BY p.cause) p ON p.cause = r.id
         WHERE COALESCE(p.taken, 0) <> r.points
            OR COALESCE(p.given_back, 0) <> CASE WHEN r.cancelled_at_us IS NULL THEN 0 ELSE r.points END
            OR r.points <> (SELECT COALESCE(SUM(t.points), 0) FROM lot_takes t WHERE t.redemption_id = r.id)
            OR r.quantity <> (SELECT COUNT(*) FROM vouchers v WHERE v.redemption_id = r.id
                              AND (v.status = 'cancelled') = (r.cancelled_at_us IS NOT NULL))",
    ),
    (
        "voucher_is_paid_once",
        "SELECT 'voucher ' || id(v.id) || ' ' || v.status || ': ' || COUNT(p.owner_id) || ' payables'
            FROM vouchers v
         JOIN offers o ON o.id = v.offer_id
         LEFT JOIN (SELECT p.owner_id, p.cause, p.payable_fen FROM ledger_lines p
         JOIN journals j
         ON j.id = p.journal_id
                    JOIN accounts a ON a.owner_id = p.owner_id WHERE j.kind = 4 AND a.kind = 3) p
                    ON p.cause = v.id
         GROUP BY v.id, v.status, o.payout_fen
         HAVING COUNT(p.owner_id) <> CASE WHEN v.status = 'used' THEN 1 ELSE 0 END
             OR SUM(p.payable_fen) <> o.payout_fen",
    ),
    (
        "payable_has_its_voucher",
        "SELECT 'account ' || id(p.owner_id) || ' posting ' || p.version FROM ledger_lines p
         JOIN journals j ON j.id = p.journal_id JOIN accounts a ON a.owner_id = p.owner_id
         LEFT JOIN vouchers v ON v.id = p.cause AND v.merchant_id = p.owner_id
         WHERE j.kind = 4 AND a.kind = 3 AND v.id IS NULL",
    ),
];

/// The names of all invariants, in the order checked.
#[must_use]
pub fn invariants() -> impl ExactSizeIterator<Item = &'static str> {
    INVARIANTS.iter().map(|(name, _)| *name)
}

/// Checks the invariant of a name; at most [`VIOLATIONS_NAMED_MAX`] rows are named.
pub async fn check(on: &Transaction, invariant: &'static str) -> Result<Vec<Violation>, StoreError> {
    let Some((_, sql)) = INVARIANTS.iter().find(|(name, _)| *name == invariant) else {
        return Err(StoreError::Corrupt(format!("no invariant {invariant}")));
    };
    if on.engine() == Engine::Postgres {
        on.raw().execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    }
    let sql = format!("{} LIMIT {VIOLATIONS_NAMED_MAX}", with_id_text(sql, on.engine()));
    let rows = query_all(on, &sql, []).await?;
    rows.iter().map(|row| Ok(Violation { invariant, detail: row.text(0)? })).collect()
}

/// Sums over the whole ledger.
pub async fn totals(on: &Transaction) -> Result<Totals, StoreError> {
    let mut totals = Totals { waiting: crate::waiting::count(on).await?, ..Totals::default() };
    for row in query_all(on, "SELECT status, COUNT(*) FROM activities GROUP BY status", []).await? {
        let place = usize::try_from(row.get::<i32>(0)?).ok().and_then(|status| status.checked_sub(1));
        if let Some(count) = place.and_then(|place| totals.activities.get_mut(place)) {
            *count = row.bigint(1)?;
        }
    }
    let row = query_row(
        on,
        "SELECT CAST(COALESCE(SUM(CASE WHEN j.kind IN (1, 6, 7) THEN p.points ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(SUM(p.points), 0) AS BIGINT),
                CAST(COALESCE(SUM(CASE WHEN j.kind IN (2, 3) THEN -p.points ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(SUM(CASE WHEN j.kind = 5 THEN -p.points ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(SUM(p.reduction_mg), 0) AS BIGINT)
         FROM ledger_lines p JOIN journals j ON j.id = p.journal_id JOIN accounts a ON a.owner_id = p.owner_id
         WHERE a.kind = 1",
        [],
    )
    .await?;
    totals.points_issued = row.bigint(0)?;
    totals.points_held = row.bigint(1)?;
    totals.points_spent = row.bigint(2)?;
    totals.points_expired = row.bigint(3)?;
    totals.reduction_issued_mg = row.bigint(4)?;
    Ok(totals)
}

/// Replaces `id(` by what makes text of a UUID: a cast on PostgreSQL, hexadecimal on SQLite.
fn with_id_text(sql: &str, engine: Engine) -> String {
    match engine {
        Engine::Postgres => sql.replace(" id(", " concat("),
        Engine::Sqlite => sql.replace(" id(", " hex("),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_written_as_text_on_both_databases() {
        let sql = "SELECT 'a ' || id(COALESCE(a.id, k.id)) FROM a";
        assert_eq!(with_id_text(sql, Engine::Postgres), "SELECT 'a ' || concat(COALESCE(a.id, k.id)) FROM a");
        assert_eq!(with_id_text(sql, Engine::Sqlite), "SELECT 'a ' || hex(COALESCE(a.id, k.id)) FROM a");
    }
}
