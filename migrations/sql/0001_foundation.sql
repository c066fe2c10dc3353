-- Storage forms, the same on both databases: ids are UUIDs, instants are microseconds since 1970 UTC (`_us`), civil days are
-- days since 1970-01-01 (`_day`), amounts are integers in their smallest unit. Words in ${...} are filled in per database.

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE cities (
    id ${row_number},
    code TEXT NOT NULL UNIQUE,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    timezone TEXT NOT NULL,
    programme_id ${uuid} NOT NULL UNIQUE,
    boards_epoch BIGINT NOT NULL
);

CREATE TABLE rule_sets (
    id ${row_number},
    city_id BIGINT NOT NULL REFERENCES cities (id),
    hash ${bytes} NOT NULL,
    bundle TEXT NOT NULL,
    effective_from_us BIGINT NOT NULL,
    published_at_us BIGINT NOT NULL,
    UNIQUE (city_id, hash)
);

-- People ------------------------------------------------------------------------------------------------------------------

CREATE TABLE citizens (
    id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    nickname TEXT NOT NULL,
    district TEXT,
    on_boards BOOLEAN NOT NULL,
    created_at_us BIGINT NOT NULL,
    erased_at_us BIGINT
);

-- Personal data. Erasing a citizen deletes the row; the ledger never refers to it.
CREATE TABLE persons (
    citizen_id ${uuid} PRIMARY KEY REFERENCES citizens (id),
    phone_key ${bytes} NOT NULL UNIQUE,
    phone_sealed ${bytes} NOT NULL,
    created_at_us BIGINT NOT NULL
);

CREATE TABLE role_grants (
    citizen_id ${uuid} NOT NULL REFERENCES citizens (id),
    role TEXT NOT NULL,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    merchant_id ${uuid} NOT NULL,
    granted_at_us BIGINT NOT NULL,
    PRIMARY KEY (citizen_id, role, city_id, merchant_id)
);

CREATE TABLE refresh_tokens (
    token_hash ${bytes} PRIMARY KEY,
    family ${uuid} NOT NULL,
    citizen_id ${uuid} NOT NULL REFERENCES citizens (id),
    issued_at_us BIGINT NOT NULL,
    expires_at_us BIGINT NOT NULL,
    used_at_us BIGINT,
    revoked_at_us BIGINT
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_citizen ON refresh_tokens (citizen_id);

CREATE TABLE consents (
    citizen_id ${uuid} NOT NULL REFERENCES citizens (id),
    purpose TEXT NOT NULL,
    granted BOOLEAN NOT NULL,
    changed_at_us BIGINT NOT NULL,
    PRIMARY KEY (citizen_id, purpose)
);

-- Sources and what they report --------------------------------------------------------------------------------------------

CREATE TABLE sources (
    id ${row_number},
    city_id BIGINT NOT NULL REFERENCES cities (id),
    uri TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    evidence TEXT NOT NULL,
    created_at_us BIGINT NOT NULL
);

CREATE TABLE partner_keys (
    key_hash ${bytes} PRIMARY KEY,
    source_id BIGINT NOT NULL REFERENCES sources (id),
    created_at_us BIGINT NOT NULL,
    revoked_at_us BIGINT
);

CREATE TABLE bindings (
    id ${uuid} PRIMARY KEY,
    citizen_id ${uuid} NOT NULL REFERENCES citizens (id),
    source_id BIGINT NOT NULL REFERENCES sources (id),
    subject_hash ${bytes} NOT NULL,
    subject_hint TEXT NOT NULL,
    bound_at_us BIGINT NOT NULL,
    ended_at_us BIGINT
);
CREATE UNIQUE INDEX bindings_live_subject ON bindings (source_id, subject_hash) WHERE ended_at_us IS NULL;
CREATE INDEX bindings_citizen ON bindings (citizen_id);

-- Events whose subject nobody has bound yet. The subject itself is kept as a keyed hash only.
CREATE TABLE waiting_events (
    id ${uuid} PRIMARY KEY,
    source_id BIGINT NOT NULL REFERENCES sources (id),
    subject_hash ${bytes} NOT NULL,
    external_id TEXT NOT NULL,
    action TEXT NOT NULL,
    data TEXT NOT NULL,
    occurred_at_us BIGINT NOT NULL,
    recorded_at_us BIGINT NOT NULL
);
CREATE INDEX waiting_events_subject ON waiting_events (source_id, subject_hash, id);

-- Which activities exist, for ever: the idempotency of (source, external id), and where the activity's row lies.
CREATE TABLE activity_keys (
    id ${uuid} PRIMARY KEY,
    citizen_id ${uuid} NOT NULL,
    recorded_at_us BIGINT NOT NULL
);

-- status: 1 credited, 2 held, 3 rejected, 4 reversed
CREATE TABLE activities (
    id ${uuid} NOT NULL,
    citizen_id ${uuid} NOT NULL,
    source_id BIGINT NOT NULL,
    external_id TEXT NOT NULL,
    action TEXT NOT NULL,
    status INTEGER NOT NULL,
    rule_set_id BIGINT NOT NULL,
    occurred_at_us BIGINT NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    points BIGINT NOT NULL,
    reduction_mg BIGINT NOT NULL,
    code TEXT,
    receipt TEXT NOT NULL,
    PRIMARY KEY (citizen_id, recorded_at_us, id)
) ${by_month};

-- What one citizen was granted for one action on one civil day: the sums behind caps and boards.
CREATE TABLE activity_days (
    citizen_id ${uuid} NOT NULL,
    action TEXT NOT NULL,
    day INTEGER NOT NULL,
    events BIGINT NOT NULL,
    points BIGINT NOT NULL,
    reduction_mg BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    changed_at_us BIGINT NOT NULL,
    PRIMARY KEY (citizen_id, action, day)
) ${updated_in_place};

-- Ledger ------------------------------------------------------------------------------------------------------------------

-- One owner's account with a balance per asset. kind: 1 citizen, 2 city programme, 3 merchant, 4 expiry.
CREATE TABLE accounts (
    owner_id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    kind INTEGER NOT NULL,
    version BIGINT NOT NULL,
    points BIGINT NOT NULL,
    reduction_mg BIGINT NOT NULL,
    payable_fen BIGINT NOT NULL,
    CHECK (kind <> 1 OR (points >= 0 AND reduction_mg >= 0 AND payable_fen = 0))
) ${updated_in_place};

-- kind: 1 credit, 2 redeem, 3 cancel, 4 use, 5 expire, 6 adjust, 7 reverse
CREATE TABLE journals (
    id ${row_number},
    city_id BIGINT NOT NULL REFERENCES cities (id),
    kind INTEGER NOT NULL,
    cause ${uuid},
    occurred_at_us BIGINT NOT NULL,
    recorded_at_us BIGINT NOT NULL
);

-- One account's line in one journal: signed amounts and the balances after it. Never updated, never deleted.
CREATE TABLE postings (
    owner_id ${uuid} NOT NULL,
    version BIGINT NOT NULL,
    journal_id BIGINT NOT NULL,
    cause ${uuid},
    recorded_at_us BIGINT NOT NULL,
    points BIGINT NOT NULL,
    reduction_mg BIGINT NOT NULL,
    payable_fen BIGINT NOT NULL,
    points_after BIGINT NOT NULL,
    reduction_after_mg BIGINT NOT NULL,
    payable_after_fen BIGINT NOT NULL,
    PRIMARY KEY (owner_id, version, recorded_at_us)
) ${by_month};
CREATE INDEX postings_journal ON postings ${range_index} (journal_id);

-- Points of one citizen that are good until the same day.
CREATE TABLE lots (
    citizen_id ${uuid} NOT NULL,
    expires_day INTEGER NOT NULL,
    points_granted BIGINT NOT NULL,
    points_left BIGINT NOT NULL,
    PRIMARY KEY (citizen_id, expires_day),
    CHECK (points_left >= 0 AND points_left <= points_granted)
) ${updated_in_place};

-- Spending --------------------------------------------------------------------------------------------------------------

CREATE TABLE merchants (
    id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    name TEXT NOT NULL,
    created_at_us BIGINT NOT NULL
);

CREATE TABLE offers (
    id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    merchant_id ${uuid} NOT NULL REFERENCES merchants (id),
    title_zh TEXT NOT NULL,
    title_en TEXT NOT NULL,
    price_points BIGINT NOT NULL CHECK (price_points > 0),
    payout_fen BIGINT NOT NULL CHECK (payout_fen >= 0),
    stock_total BIGINT NOT NULL CHECK (stock_total >= 0),
    stock_left BIGINT NOT NULL,
    per_person BIGINT CHECK (per_person > 0),
    status TEXT NOT NULL,
    voucher_days INTEGER NOT NULL CHECK (voucher_days > 0),
    created_at_us BIGINT NOT NULL,
    CHECK (stock_left >= 0 AND stock_left <= stock_total)
) ${updated_in_place};
CREATE INDEX offers_city ON offers (city_id, id);
CREATE INDEX offers_merchant ON offers (merchant_id, id);

CREATE TABLE redemptions (
    id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    citizen_id ${uuid} NOT NULL REFERENCES citizens (id),
    offer_id ${uuid} NOT NULL REFERENCES offers (id),
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    points BIGINT NOT NULL,
    redeemed_at_us BIGINT NOT NULL,
    cancelled_at_us BIGINT
);
CREATE INDEX redemptions_citizen ON redemptions (citizen_id, id);

-- What a redemption took from which lot, so that a cancellation gives back the same.
CREATE TABLE lot_takes (
    redemption_id ${uuid} NOT NULL REFERENCES redemptions (id),
    expires_day INTEGER NOT NULL,
    points BIGINT NOT NULL CHECK (points > 0),
    PRIMARY KEY (redemption_id, expires_day)
);

CREATE TABLE vouchers (
    id ${uuid} PRIMARY KEY,
    redemption_id ${uuid} NOT NULL REFERENCES redemptions (id),
    offer_id ${uuid} NOT NULL REFERENCES offers (id),
    merchant_id ${uuid} NOT NULL REFERENCES merchants (id),
    code TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    expires_at_us BIGINT NOT NULL,
    used_at_us BIGINT,
    used_by ${uuid}
);
CREATE INDEX vouchers_redemption ON vouchers (redemption_id);
CREATE INDEX vouchers_merchant_use ON vouchers (merchant_id, used_at_us) WHERE used_at_us IS NOT NULL;

-- Idempotency-Key: the first answer to a request that moves value. No answer yet means that it is still running.
CREATE TABLE idempotency_keys (
    owner_id ${uuid} NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash ${bytes} NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    PRIMARY KEY (owner_id, route, key)
);
