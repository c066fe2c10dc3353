-- Offers with a life, conditions and a budget; donations to public projects; what comes back from redemptions.

-- A public project that points are given to. Its account holds the running total.
CREATE TABLE projects (
    id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    title_zh TEXT NOT NULL,
    title_en TEXT NOT NULL,
    text_zh TEXT NOT NULL,
    text_en TEXT NOT NULL,
    created_by ${uuid},
    created_at_us BIGINT NOT NULL
);
CREATE INDEX projects_city ON projects (city_id, id);

-- kind: coupon, goods, transit_top_up, donation. status: draft -> submitted -> approved -> live <-> paused -> ended.
-- pictures: a JSON list of addresses. refund_expired: 1 when the points of an expired voucher come back.
-- Once approved nothing changes but status, stock and budget. An operator's offer is live at once, approved by nobody.
ALTER TABLE offers ADD COLUMN kind TEXT NOT NULL DEFAULT 'coupon';
ALTER TABLE offers ADD COLUMN project_id ${uuid} REFERENCES projects (id);
ALTER TABLE offers ADD COLUMN text_zh TEXT NOT NULL DEFAULT '';
ALTER TABLE offers ADD COLUMN text_en TEXT NOT NULL DEFAULT '';
ALTER TABLE offers ADD COLUMN terms_zh TEXT NOT NULL DEFAULT '';
ALTER TABLE offers ADD COLUMN terms_en TEXT NOT NULL DEFAULT '';
ALTER TABLE offers ADD COLUMN pictures TEXT NOT NULL DEFAULT '[]';
ALTER TABLE offers ADD COLUMN face_value_fen BIGINT NOT NULL DEFAULT 0 CHECK (face_value_fen >= 0);
ALTER TABLE offers ADD COLUMN stock_per_day BIGINT CHECK (stock_per_day > 0);
ALTER TABLE offers ADD COLUMN per_person_week BIGINT CHECK (per_person_week > 0);
ALTER TABLE offers ADD COLUMN opens_at_us BIGINT;
ALTER TABLE offers ADD COLUMN closes_at_us BIGINT;
ALTER TABLE offers ADD COLUMN district TEXT;
ALTER TABLE offers ADD COLUMN level TEXT;
ALTER TABLE offers ADD COLUMN refund_expired INTEGER NOT NULL DEFAULT 0;
ALTER TABLE offers ADD COLUMN budget_fen BIGINT CHECK (budget_fen >= 0);
ALTER TABLE offers ADD COLUMN budget_left_fen BIGINT CHECK (budget_left_fen >= 0);
ALTER TABLE offers ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE offers ADD COLUMN submitted_by ${uuid};
ALTER TABLE offers ADD COLUMN approved_by ${uuid} CHECK (approved_by <> submitted_by);
ALTER TABLE offers ADD COLUMN note TEXT;
CREATE INDEX offers_waiting ON offers (city_id, status, id);

-- Every step that a person took with an offer.
CREATE TABLE offer_steps (
    offer_id ${uuid} NOT NULL REFERENCES offers (id),
    version BIGINT NOT NULL,
    status TEXT NOT NULL,
    taken_by ${uuid} NOT NULL,
    taken_at_us BIGINT NOT NULL,
    note TEXT,
    PRIMARY KEY (offer_id, version)
);

-- How many of an offer with a daily stock were taken on a civil day and not given back.
CREATE TABLE offer_days (
    offer_id ${uuid} NOT NULL REFERENCES offers (id),
    day INTEGER NOT NULL,
    taken BIGINT NOT NULL CHECK (taken >= 0),
    PRIMARY KEY (offer_id, day)
) ${updated_in_place};

-- returned: for how many of its vouchers the points came back. project_id: where the points of a donation went.
ALTER TABLE redemptions ADD COLUMN returned BIGINT NOT NULL DEFAULT 0 CHECK (returned >= 0 AND returned <= quantity);
ALTER TABLE redemptions ADD COLUMN project_id ${uuid} REFERENCES projects (id);
UPDATE redemptions SET returned = quantity WHERE cancelled_at_us IS NOT NULL;
CREATE INDEX redemptions_project ON redemptions (project_id, offer_id) WHERE project_id IS NOT NULL;

-- Voucher status: live, used, cancelled (given back), expired (spent), refunded (expired, and the points came back).
CREATE INDEX vouchers_expiry ON vouchers (expires_at_us, id) WHERE status = 'live';

-- What came back of what was taken from which lot (lot_takes).
CREATE TABLE lot_returns (
    citizen_id ${uuid} NOT NULL,
    cause ${uuid} NOT NULL,
    expires_day INTEGER NOT NULL,
    spendable_day INTEGER NOT NULL,
    points BIGINT NOT NULL CHECK (points > 0),
    PRIMARY KEY (citizen_id, cause, expires_day, spendable_day)
) ${updated_in_place};
INSERT INTO lot_returns (citizen_id, cause, expires_day, spendable_day, points)
    SELECT t.citizen_id, t.cause, t.expires_day, t.spendable_day, t.points
    FROM lot_takes t JOIN redemptions r ON r.id = t.cause AND r.citizen_id = t.citizen_id
    WHERE r.cancelled_at_us IS NOT NULL;

-- The answer to a redemption's key is the redemption itself: the answer's text begins with its id.
UPDATE idempotency_keys SET answer = substr(answer, 8, 36)
    WHERE route = 'redemptions' AND substr(answer, 1, 7) = '{"id":"';
DELETE FROM idempotency_keys WHERE route = 'redemptions of one call';
