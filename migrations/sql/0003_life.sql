-- The whole life of points: pending and expired lots, reversals, adjustments, claims told twice, held acts.

-- Points of one citizen that become spendable on the same day (0: at once) and end on the same day.
-- Granted = left + expired + taken (lot_takes).
CREATE TABLE lots_0003 (
    citizen_id ${uuid} NOT NULL,
    expires_day INTEGER NOT NULL,
    spendable_day INTEGER NOT NULL,
    points_granted BIGINT NOT NULL,
    points_left BIGINT NOT NULL,
    points_expired BIGINT NOT NULL,
    PRIMARY KEY (citizen_id, expires_day, spendable_day),
    CHECK (points_left >= 0 AND points_expired >= 0 AND points_left + points_expired <= points_granted)
) ${updated_in_place};
INSERT INTO lots_0003 (citizen_id, expires_day, spendable_day, points_granted, points_left, points_expired)
    SELECT citizen_id, expires_day, 0, points_granted, points_left, 0 FROM lots;
DROP TABLE lots;
ALTER TABLE lots_0003 RENAME TO lots;
CREATE INDEX lots_expires_day ON lots (expires_day, citizen_id);

-- What was taken from which lot, and for what: a redemption, a reversed activity, an adjustment; the
-- citizen's own id stands for points that made up for a debt.
CREATE TABLE lot_takes_0003 (
    citizen_id ${uuid} NOT NULL,
    cause ${uuid} NOT NULL,
    expires_day INTEGER NOT NULL,
    spendable_day INTEGER NOT NULL,
    points BIGINT NOT NULL CHECK (points > 0),
    PRIMARY KEY (citizen_id, cause, expires_day, spendable_day)
) ${updated_in_place};
INSERT INTO lot_takes_0003 (citizen_id, cause, expires_day, spendable_day, points)
    SELECT r.citizen_id, t.redemption_id, t.expires_day, 0, t.points
    FROM lot_takes t JOIN redemptions r ON r.id = t.redemption_id;
DROP TABLE lot_takes;
ALTER TABLE lot_takes_0003 RENAME TO lot_takes;

-- A citizen's points may lie below zero as far as reversals of spent points went. What is owed is not
-- posted yet and is taken from later points.
CREATE TABLE accounts_0003 (
    owner_id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    kind INTEGER NOT NULL,
    version BIGINT NOT NULL,
    points BIGINT NOT NULL,
    reduction_mg BIGINT NOT NULL,
    payable_fen BIGINT NOT NULL,
    points_overdrawn BIGINT NOT NULL DEFAULT 0 CHECK (points_overdrawn >= 0),
    points_owed BIGINT NOT NULL DEFAULT 0 CHECK (points_owed >= 0),
    CHECK (kind <> 1 OR (points >= -points_overdrawn AND reduction_mg >= 0 AND payable_fen = 0))
) ${updated_in_place};
INSERT INTO accounts_0003 (owner_id, city_id, kind, version, points, reduction_mg, payable_fen)
    SELECT owner_id, city_id, kind, version, points, reduction_mg, payable_fen FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_0003 RENAME TO accounts;
CREATE INDEX accounts_in_debt ON accounts (owner_id) WHERE points_overdrawn > 0 OR points_owed > 0;

-- A correction of one citizen's balances: proposed by one person, decided by another.
-- status: 1 proposed, 2 approved, 3 refused
CREATE TABLE adjustments (
    id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    citizen_id ${uuid} NOT NULL REFERENCES citizens (id),
    status INTEGER NOT NULL,
    points BIGINT NOT NULL,
    reduction_mg BIGINT NOT NULL,
    reason_zh TEXT NOT NULL,
    reason_en TEXT NOT NULL,
    proposed_by ${uuid} NOT NULL,
    proposed_at_us BIGINT NOT NULL,
    decided_by ${uuid},
    decided_at_us BIGINT,
    CHECK (points <> 0 OR reduction_mg <> 0),
    CHECK ((status = 1) = (decided_by IS NULL) AND (status = 1) = (decided_at_us IS NULL)),
    CHECK (decided_by <> proposed_by)
);
CREATE INDEX adjustments_city ON adjustments (city_id, id);

-- Who did what to whose books, and why. Never updated, never deleted.
-- act: 1 activity reversed, 2 adjustment proposed, 3 adjustment approved, 4 adjustment refused,
-- 5 held activity released, 6 held activity rejected
CREATE TABLE office_log (
    id ${row_number},
    city_id BIGINT NOT NULL REFERENCES cities (id),
    act INTEGER NOT NULL,
    subject_id ${uuid} NOT NULL,
    citizen_id ${uuid} NOT NULL,
    actor TEXT NOT NULL,
    reason_zh TEXT NOT NULL,
    reason_en TEXT NOT NULL,
    done_at_us BIGINT NOT NULL
);
CREATE INDEX office_log_city ON office_log (city_id, id);
CREATE INDEX office_log_subject ON office_log (subject_id);

-- When the body of a citizen was where, packed: one row for all acts of one group that began in one week
-- (days since 1970-01-01 divided by 7), of actions that declare it only.
CREATE TABLE act_spans (
    citizen_id ${uuid} NOT NULL,
    act_group TEXT NOT NULL,
    week INTEGER NOT NULL,
    spans ${bytes} NOT NULL,
    PRIMARY KEY (citizen_id, act_group, week)
) ${updated_in_place};

-- Activities that wait for a person to decide. The row goes when they are decided; the log keeps by whom.
CREATE TABLE holds (
    activity_id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    citizen_id ${uuid} NOT NULL,
    held_at_us BIGINT NOT NULL,
    reason_zh TEXT NOT NULL,
    reason_en TEXT NOT NULL
);
CREATE INDEX holds_city ON holds (city_id, held_at_us, activity_id);
