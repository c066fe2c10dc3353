//! Invariants of activities, their keys and what caps count.

use super::Invariant;
use super::walk::Walk::{Keys, Owners};

pub(super) const INVARIANTS: &[Invariant] = &[
    (
        "activity_is_credited_once",
        Owners,
        "SELECT 'activity ' || id(a.id) || ': ' || COUNT(p.owner_id) || ' credits' FROM activities a
         LEFT JOIN (SELECT p.owner_id, p.cause, p.points, p.reduction_mg FROM ledger_lines p
                    WHERE p.kind = 1) p
           ON p.cause = a.id AND p.owner_id = a.citizen_id
         GROUP BY a.id, a.status, a.points, a.reduction_mg
         HAVING COUNT(p.owner_id) <> CASE WHEN a.status IN (1, 4) THEN 1 ELSE 0 END
             OR (a.status IN (1, 4) AND (SUM(p.points) <> a.points
                 OR SUM(p.reduction_mg) <> a.reduction_mg))",
    ),
    (
        "credit_has_its_activity",
        Owners,
        "SELECT 'account ' || id(p.owner_id) || ' posting ' || p.version FROM ledger_lines p
         JOIN accounts c ON c.owner_id = p.owner_id
         LEFT JOIN activities a ON a.id = p.cause AND a.citizen_id = p.owner_id
         WHERE p.kind = 1 AND c.kind = 1 AND a.id IS NULL",
    ),
    (
        "activity_has_its_key",
        Owners,
        "SELECT 'activity ' || id(a.id) FROM activities a
         WHERE COALESCE((SELECT k.recorded_at_us FROM activity_keys k
                         WHERE k.id = a.id AND k.citizen_id = a.citizen_id), -1) <> a.recorded_at_us",
    ),
    (
        "key_has_one_activity",
        Keys,
        "SELECT 'activity ' || id(k.id) || ': ' || k.times || ' rows' FROM (
           SELECT k.id, (SELECT COUNT(*) FROM activities a WHERE a.citizen_id = k.citizen_id
             AND a.recorded_at_us = k.recorded_at_us AND a.id = k.id) AS times
           FROM activity_keys k) k WHERE k.times <> 1",
    ),
    (
        "cap_usage_is_what_was_granted",
        Owners,
        "SELECT 'citizen ' || id(COALESCE(d.citizen_id, a.citizen_id)) || ' ' || COALESCE(d.action,
            a.action) || ': days say '
                || COALESCE(d.events, 0) || ' events ' || COALESCE(d.points,
                0) || ' pt ' || COALESCE(d.reduction_mg, 0) || ' mg'
         FROM (SELECT citizen_id, action, SUM(events) AS events, SUM(points) AS points,
         SUM(reduction_mg) AS reduction_mg
               FROM activity_days GROUP BY citizen_id, action) d
         FULL JOIN (SELECT a.citizen_id, a.action, COUNT(*) AS events,
                    SUM(a.points + COALESCE(w.points_promised - w.points_given_up, 0)) AS points,
                    SUM(a.reduction_mg) AS reduction_mg
                    FROM activities a LEFT JOIN waiting_points w
                      ON w.activity_id = a.id AND w.citizen_id = a.citizen_id
                    WHERE a.status = 1 GROUP BY a.citizen_id, a.action) a
           ON a.citizen_id = d.citizen_id AND a.action = d.action
         WHERE COALESCE(d.events, 0) <> COALESCE(a.events, 0) OR COALESCE(d.points,
         0) <> COALESCE(a.points, 0)
            OR COALESCE(d.reduction_mg, 0) <> COALESCE(a.reduction_mg, 0)",
    ),
];
