//! Invariants of journals, postings and balances.

use super::Invariant;
use super::walk::Walk::{Journals, Owners};

pub(super) const INVARIANTS: &[Invariant] = &[
    (
        "journal_sums_to_zero",
        Journals,
        "SELECT 'journal ' || p.journal_id || ': POINTS ' || SUM(p.points) || ', CO2E ' || SUM(p.reduction_mg)
         FROM ledger_lines p GROUP BY p.journal_id
         HAVING SUM(p.points) <> 0 OR SUM(p.reduction_mg) <> 0 OR SUM(p.payable_fen) <> 0",
    ),
    (
        "posting_follows_the_one_before",
        Owners,
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
        Owners,
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
        Owners,
        "SELECT 'account ' || id(p.owner_id) || ' posting ' || p.version FROM ledger_lines p
         LEFT JOIN accounts a ON a.owner_id = p.owner_id
         WHERE p.kind IS NULL OR a.owner_id IS NULL",
    ),
];
