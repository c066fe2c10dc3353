//! Invariants of lots, reversals and adjustments.

use super::Invariant;
use super::walk::Walk::Owners;

pub(super) const INVARIANTS: &[Invariant] = &[
    (
        // Points that came back and ended at once leave a balance where it was, below zero or not.
        "only_a_reversal_goes_below_zero",
        Owners,
        "SELECT 'account ' || id(a.owner_id) || ' posting ' || p.version FROM ledger_lines p
         JOIN accounts a ON a.owner_id = p.owner_id
         WHERE a.kind = 1 AND (p.reduction_after_mg < 0
            OR (p.points_after < 0 AND p.points < 0 AND p.kind <> 7 AND NOT (p.kind = 5
              AND COALESCE((SELECT SUM(b.points) FROM ledger_lines b WHERE b.owner_id = p.owner_id
                AND b.cause = p.cause AND b.kind IN (3, 5)), -1) >= 0)))",
    ),
    (
        "points_are_the_sum_of_lots",
        Owners,
        "SELECT 'citizen ' || id(a.owner_id) || ': balance ' || a.points || ', lots '
                || COALESCE(l.points, 0) || ', overdrawn ' || a.points_overdrawn
         FROM accounts a LEFT JOIN (
           SELECT citizen_id, SUM(points_left) AS points FROM lots GROUP BY citizen_id) l
           ON l.citizen_id = a.owner_id
         WHERE a.kind = 1 AND a.points <> COALESCE(l.points, 0) - a.points_overdrawn",
    ),
    (
        "lot_is_granted_minus_taken",
        Owners,
        "SELECT 'citizen ' || id(COALESCE(l.citizen_id, t.citizen_id)) || ' lot of day '
                || COALESCE(l.expires_day, t.expires_day) || ' from day '
                || COALESCE(l.spendable_day, t.spendable_day)
         FROM lots l FULL JOIN (
           SELECT b.citizen_id, b.expires_day, b.spendable_day, SUM(b.points) AS points FROM (
             SELECT citizen_id, expires_day, spendable_day, points FROM lot_takes
             UNION ALL SELECT citizen_id, expires_day, spendable_day, -points FROM lot_returns) b
           GROUP BY b.citizen_id, b.expires_day, b.spendable_day) t
           ON t.citizen_id = l.citizen_id AND t.expires_day = l.expires_day
           AND t.spendable_day = l.spendable_day
         WHERE l.citizen_id IS NULL
            OR l.points_granted - l.points_left - l.points_expired <> COALESCE(t.points, 0)",
    ),
    (
        "expired_is_what_lots_lost",
        Owners,
        "SELECT 'citizen ' || id(COALESCE(l.citizen_id, p.owner_id)) || ': lots lost '
                || COALESCE(l.points, 0) || ', posted ' || COALESCE(p.points, 0)
         FROM (SELECT citizen_id, SUM(points_expired) AS points FROM lots GROUP BY citizen_id) l
         FULL JOIN (
           SELECT p.owner_id, -SUM(p.points) AS points FROM ledger_lines p
           JOIN accounts a ON a.owner_id = p.owner_id
           WHERE p.kind = 5 AND a.kind = 1 GROUP BY p.owner_id) p ON p.owner_id = l.citizen_id
         WHERE COALESCE(l.points, 0) <> COALESCE(p.points, 0)",
    ),
    (
        "reversals_undo_what_was_credited",
        Owners,
        "SELECT 'citizen ' || id(c.owner_id) || ': reversed ' || COALESCE(a.points, 0) || ' pt '
                || COALESCE(a.mg, 0) || ' mg, posted ' || COALESCE(p.points, 0) || ' pt '
                || COALESCE(p.mg, 0) || ' mg, owed ' || c.points_owed || ' pt'
         FROM accounts c
         LEFT JOIN (SELECT a.citizen_id, SUM(a.points + COALESCE(w.points_paid, 0)) AS points,
                           SUM(a.reduction_mg) AS mg
                    FROM activities a LEFT JOIN waiting_points w
                      ON w.activity_id = a.id AND w.citizen_id = a.citizen_id
                    WHERE a.status = 4 GROUP BY a.citizen_id) a ON a.citizen_id = c.owner_id
         LEFT JOIN (SELECT p.owner_id, -SUM(p.points) AS points, -SUM(p.reduction_mg) AS mg
                    FROM ledger_lines p WHERE p.kind = 7 GROUP BY p.owner_id) p
           ON p.owner_id = c.owner_id
         WHERE c.kind = 1 AND (COALESCE(a.points, 0) <> COALESCE(p.points, 0) + c.points_owed
            OR COALESCE(a.mg, 0) <> COALESCE(p.mg, 0))",
    ),
    (
        "reversal_is_logged_once",
        Owners,
        "SELECT 'activity ' || id(COALESCE(a.id, l.subject_id)) || ': ' || COALESCE(l.times, 0)
                || ' reversals in the log'
         FROM (SELECT id FROM activities WHERE status = 4) a
         FULL JOIN (SELECT subject_id, COUNT(*) AS times FROM office_log WHERE act = 1
                    GROUP BY subject_id) l ON l.subject_id = a.id
         WHERE a.id IS NULL OR COALESCE(l.times, 0) <> 1",
    ),
    (
        "adjustment_is_posted_once_by_two",
        Owners,
        "SELECT 'adjustment ' || id(COALESCE(d.id, p.cause)) || ': ' || COALESCE(p.times, 0) || ' postings'
         FROM adjustments d FULL JOIN (
           SELECT p.cause, p.owner_id, COUNT(*) AS times, SUM(p.points) AS points,
                  SUM(p.reduction_mg) AS mg
           FROM ledger_lines p JOIN accounts a ON a.owner_id = p.owner_id
           WHERE p.kind = 6 AND a.kind = 1 GROUP BY p.cause, p.owner_id) p
           ON p.cause = d.id AND p.owner_id = d.citizen_id
         WHERE d.id IS NULL OR COALESCE(p.times, 0) <> CASE WHEN d.status = 2 THEN 1 ELSE 0 END
            OR (d.status = 2 AND (p.points <> d.points OR p.mg <> d.reduction_mg
                OR d.decided_by = d.proposed_by))",
    ),
];
