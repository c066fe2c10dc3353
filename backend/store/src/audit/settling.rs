//! Invariants of merchants' statements: each line in exactly one, each paid once and as it adds up.

use super::Invariant;
use super::walk::Walk::Merchants;

pub(super) const INVARIANTS: &[Invariant] = &[
    (
        "statement_begins_where_the_last_ended",
        Merchants,
        "SELECT 'statement ' || id(q.id) || ': number ' || q.number || ', after line ' || q.after_line FROM (
           SELECT id, number, after_line, LAG(number, 1, 0) OVER w AS before_number,
                  LAG(last_line, 1, 0) OVER w AS before_line
           FROM merchant_statements WINDOW w AS (PARTITION BY merchant_id ORDER BY number)) q
         WHERE q.number <> q.before_number + 1 OR q.after_line <> q.before_line",
    ),
    (
        "statement_is_the_sum_of_its_lines",
        Merchants,
        "SELECT 'statement ' || id(s.id) || ': due ' || s.due_fen || ' fen, lines '
                || COALESCE(SUM(CASE WHEN p.kind <> 8 THEN p.payable_fen ELSE 0 END), 0)
         FROM merchant_statements s LEFT JOIN ledger_lines p
           ON p.owner_id = s.merchant_id AND p.version > s.after_line AND p.version <= s.last_line
         GROUP BY s.id, s.due_fen, s.uses, s.voids, s.adjustments, s.after_line, s.last_line
         HAVING s.due_fen <> COALESCE(SUM(CASE WHEN p.kind <> 8 THEN p.payable_fen ELSE 0 END), 0)
             OR s.uses <> COUNT(CASE WHEN p.kind = 4 THEN 1 END)
             OR s.voids <> COUNT(CASE WHEN p.kind = 9 THEN 1 END)
             OR s.adjustments <> COUNT(CASE WHEN p.kind IN (6, 7) THEN 1 END)
             OR s.last_line - s.after_line <> COUNT(p.version)",
    ),
    (
        "statement_is_paid_once",
        Merchants,
        "SELECT 'statement ' || id(s.id) || ' ' || s.status || ': due ' || s.due_fen || ' fen, '
                || COUNT(p.owner_id) || ' payments'
         FROM merchant_statements s LEFT JOIN (
           SELECT p.owner_id, p.cause, p.payable_fen FROM ledger_lines p WHERE p.kind = 8) p
           ON p.owner_id = s.merchant_id AND p.cause = s.id
         GROUP BY s.id, s.status, s.due_fen, s.approved_by, s.submitted_by
         HAVING COUNT(p.owner_id) <> CASE WHEN s.status = 'paid' AND s.due_fen <> 0 THEN 1 ELSE 0 END
             OR COALESCE(SUM(p.payable_fen), 0) <> CASE WHEN s.status = 'paid' THEN -s.due_fen ELSE 0 END
             OR (s.status IN ('approved', 'paid') AND (s.approved_by IS NULL OR s.submitted_by IS NULL))",
    ),
    (
        "payment_has_its_statement",
        Merchants,
        "SELECT 'account ' || id(p.owner_id) || ' posting ' || p.version FROM ledger_lines p
         JOIN accounts a ON a.owner_id = p.owner_id
         LEFT JOIN merchant_statements s ON s.id = p.cause AND s.merchant_id = p.owner_id
         WHERE p.kind = 8 AND a.kind = 3 AND s.id IS NULL",
    ),
];
