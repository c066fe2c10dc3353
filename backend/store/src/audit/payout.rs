//! Invariants of points that waited for a budget, and of prizes: each paid once and as promised.

use super::Invariant;
use super::walk::Walk::Owners;

pub(super) const INVARIANTS: &[Invariant] = &[
    (
        "waiting_points_are_paid_as_posted",
        Owners,
        "SELECT 'activity ' || id(COALESCE(w.activity_id, p.cause)) || ': promised '
                || COALESCE(w.points_promised, 0) || ' pt, paid ' || COALESCE(w.points_paid, 0)
                || ', posted ' || COALESCE(p.points, 0) || ', given up ' || COALESCE(w.points_given_up, 0)
         FROM waiting_points w FULL JOIN (
           SELECT p.owner_id, p.cause, SUM(p.points) AS points FROM ledger_lines p
           JOIN accounts a ON a.owner_id = p.owner_id WHERE p.kind = 12 AND a.kind = 1
           GROUP BY p.owner_id, p.cause) p
           ON p.cause = w.activity_id AND p.owner_id = w.citizen_id
         WHERE w.activity_id IS NULL OR w.points_paid <> COALESCE(p.points, 0)
            OR w.points_paid > COALESCE(w.points_due, w.points_promised)",
    ),
    (
        "waiting_points_have_their_activity",
        Owners,
        "SELECT 'activity ' || id(w.activity_id) || ': '
                || (w.points_promised - w.points_paid - w.points_given_up) || ' pt wait'
         FROM waiting_points w
         LEFT JOIN activities a ON a.id = w.activity_id AND a.citizen_id = w.citizen_id
         WHERE a.id IS NULL OR a.action <> w.action OR a.recorded_at_us <> w.credited_at_us
            OR (a.status <> 1 AND (a.status <> 4
                OR w.points_paid + w.points_given_up <> w.points_promised))",
    ),
    (
        "prize_is_given_once",
        Owners,
        "SELECT 'award ' || id(COALESCE(w.id, p.cause)) || ': ' || COALESCE(w.points, 0) || ' pt, '
                || COALESCE(p.times, 0) || ' postings'
         FROM prize_awards w FULL JOIN (
           SELECT p.owner_id, p.cause, COUNT(*) AS times, SUM(p.points) AS points FROM ledger_lines p
           JOIN accounts a ON a.owner_id = p.owner_id WHERE p.kind = 13 AND a.kind = 1
           GROUP BY p.owner_id, p.cause) p
           ON p.cause = w.id AND p.owner_id = w.citizen_id
         WHERE w.id IS NULL
            OR COALESCE(p.points, 0) <> CASE WHEN w.paid_at_us IS NULL THEN 0 ELSE w.points END
            OR COALESCE(p.times, 0) <> CASE WHEN w.paid_at_us IS NULL OR w.points = 0 THEN 0 ELSE 1 END",
    ),
];
