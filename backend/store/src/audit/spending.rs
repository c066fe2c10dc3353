//! Invariants of stock, budgets, redemptions, donations, vouchers and what is owed for them.

use super::Invariant;
use super::walk::Walk::{Merchants, Offers, Owners, Projects};

pub(super) const INVARIANTS: &[Invariant] = &[
    (
        "stock_taken_is_vouchers_live_or_used",
        Offers,
        "SELECT 'offer ' || id(o.id) || ': taken ' || (o.stock_total - o.stock_left)
                || ', vouchers ' || COUNT(v.id)
         FROM offers o LEFT JOIN vouchers v ON v.offer_id = o.id AND v.status IN ('live', 'used')
         WHERE o.project_id IS NULL
         GROUP BY o.id, o.stock_total, o.stock_left HAVING o.stock_total - o.stock_left <> COUNT(v.id)",
    ),
    (
        "redemption_is_posted_once",
        Owners,
        "SELECT 'redemption ' || id(r.id) || ': ' || r.points || ' pt' FROM redemptions r LEFT JOIN (
           SELECT p.cause, SUM(CASE WHEN p.kind = 2 THEN -p.points ELSE 0 END) AS taken,
                  SUM(CASE WHEN p.kind = 3 THEN p.points ELSE 0 END) AS given_back
           FROM ledger_lines p JOIN accounts a ON a.owner_id = p.owner_id
           WHERE p.kind IN (2, 3) AND a.kind = 1 GROUP BY p.cause) p ON p.cause = r.id
         WHERE COALESCE(p.taken, 0) <> r.points
            OR COALESCE(p.given_back, 0) * r.quantity <> r.points * r.returned
            OR r.points <> (SELECT COALESCE(SUM(t.points), 0) FROM lot_takes t
              WHERE t.citizen_id = r.citizen_id AND t.cause = r.id)
            OR r.points * r.returned <> r.quantity * (SELECT COALESCE(SUM(b.points), 0) FROM lot_returns b
              WHERE b.citizen_id = r.citizen_id AND b.cause = r.id)
            OR CASE WHEN r.project_id IS NULL THEN r.quantity ELSE 0 END <> (SELECT COUNT(*) FROM vouchers v
              WHERE v.redemption_id = r.id AND (v.status = 'cancelled') = (r.cancelled_at_us IS NOT NULL))
            OR r.returned <> (SELECT COUNT(*) FROM vouchers v
              WHERE v.redemption_id = r.id AND v.status IN ('cancelled', 'refunded'))",
    ),
    (
        "donations_are_what_projects_have",
        Projects,
        "SELECT 'project ' || id(p.id) || ': has ' || COALESCE(p.has, 0) || ' pt, given ' || p.given FROM (
           SELECT p.id, (SELECT a.points FROM accounts a WHERE a.owner_id = p.id AND a.kind = 5) AS has,
             COALESCE((SELECT SUM(r.points) FROM redemptions r WHERE r.project_id = p.id), 0) AS given
           FROM projects p) p WHERE p.has IS NULL OR p.has <> p.given",
    ),
    (
        "stock_given_is_donations",
        Offers,
        "SELECT 'offer ' || id(o.id) || ': taken ' || o.taken || ', given ' || o.given FROM (
           SELECT o.id, o.stock_total - o.stock_left AS taken, COALESCE((SELECT SUM(r.quantity)
             FROM redemptions r WHERE r.project_id = o.project_id AND r.offer_id = o.id), 0) AS given
           FROM offers o WHERE o.project_id IS NOT NULL) o WHERE o.taken <> o.given",
    ),
    (
        "offer_budget_used_is_stock_taken",
        Offers,
        "SELECT 'offer ' || id(o.id) || ': budget ' || COALESCE(o.budget_fen, 0) || ' fen, left '
                || COALESCE(o.budget_left_fen, 0) || ', taken ' || (o.stock_total - o.stock_left)
         FROM offers o WHERE (o.budget_fen IS NULL) <> (o.budget_left_fen IS NULL)
            OR o.budget_fen - o.budget_left_fen <> o.payout_fen * (o.stock_total - o.stock_left)",
    ),
    (
        "days_add_up_to_stock_taken",
        Offers,
        "SELECT 'offer ' || id(o.id) || ': taken ' || (o.stock_total - o.stock_left) || ', by day '
                || COALESCE(SUM(d.taken), 0) || ', on one day ' || COALESCE(MAX(d.taken), 0)
         FROM offers o LEFT JOIN offer_days d ON d.offer_id = o.id WHERE o.stock_per_day IS NOT NULL
         GROUP BY o.id, o.stock_total, o.stock_left, o.stock_per_day
         HAVING o.stock_total - o.stock_left <> COALESCE(SUM(d.taken), 0)
             OR MAX(d.taken) > o.stock_per_day",
    ),
    (
        "voucher_is_paid_once",
        Merchants,
        "SELECT 'voucher ' || id(v.id) || ' ' || v.status || ': ' || COALESCE(SUM(p.once), 0) || ' payables, '
                || COALESCE(SUM(p.payable_fen), 0) || ' fen'
         FROM (SELECT v.id, v.status,
                 (SELECT o.payout_fen FROM offers o WHERE o.id = v.offer_id) AS payout_fen
               FROM vouchers v) v LEFT JOIN (
           SELECT p.cause, p.payable_fen, CASE WHEN p.kind = 4 THEN 1 ELSE -1 END AS once
           FROM ledger_lines p JOIN accounts a ON a.owner_id = p.owner_id
           WHERE p.kind IN (4, 9) AND a.kind = 3) p
           ON p.cause = v.id
         GROUP BY v.id, v.status, v.payout_fen
         HAVING COALESCE(SUM(p.once), 0) <> CASE WHEN v.status = 'used' THEN 1 ELSE 0 END
             OR COALESCE(SUM(p.payable_fen), 0) <> CASE WHEN v.status = 'used' THEN v.payout_fen ELSE 0 END",
    ),
    (
        "payable_has_its_voucher",
        Merchants,
        "SELECT 'account ' || id(p.owner_id) || ' posting ' || p.version FROM ledger_lines p
         JOIN accounts a ON a.owner_id = p.owner_id
         LEFT JOIN vouchers v ON v.id = p.cause AND v.merchant_id = p.owner_id
         WHERE p.kind IN (4, 9) AND a.kind = 3 AND v.id IS NULL",
    ),
];
