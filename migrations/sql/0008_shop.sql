-- Merchants that apply and are admitted, their branches and staff; keys of signed vouchers; scans made without a network;
-- webhooks.

-- status: applied -> returned -> applied ... -> active or rejected; active <-> suspended; closed for good.
-- issued: whether vouchers in people's hands work, are being refunded, or were.
ALTER TABLE merchants ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
ALTER TABLE merchants ADD COLUMN issued TEXT NOT NULL DEFAULT 'work';
ALTER TABLE merchants ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE merchants ADD COLUMN registration_no TEXT NOT NULL DEFAULT '';
ALTER TABLE merchants ADD COLUMN contact TEXT NOT NULL DEFAULT '';
ALTER TABLE merchants ADD COLUMN applied_by ${uuid};
CREATE INDEX merchants_city ON merchants (city_id, status, id);
CREATE INDEX merchants_applicant ON merchants (applied_by, id) WHERE applied_by IS NOT NULL;
CREATE INDEX merchants_refunding ON merchants (id) WHERE issued = 'refunding';

CREATE TABLE merchant_branches (
    id ${uuid} PRIMARY KEY,
    merchant_id ${uuid} NOT NULL REFERENCES merchants (id),
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    opened_at_us BIGINT NOT NULL,
    closed_at_us BIGINT
);
CREATE INDEX merchant_branches_merchant ON merchant_branches (merchant_id, id);

-- What a merchant's person may do (`owner`, `cashier`), the name by which the merchant knows them, and at which branch they
-- work where it is one. Null for roles of a city office.
ALTER TABLE role_grants ADD COLUMN staff_role TEXT;
ALTER TABLE role_grants ADD COLUMN staff_label TEXT;
ALTER TABLE role_grants ADD COLUMN branch_id ${uuid};
UPDATE role_grants SET staff_role = 'owner', staff_label = '' WHERE role = 'merchant_staff';
CREATE INDEX role_grants_merchant ON role_grants (merchant_id);

-- Known by the keyed hash of the phone, as nobody may have signed in with it yet. Gone when answered.
CREATE TABLE staff_invitations (
    id ${uuid} PRIMARY KEY,
    merchant_id ${uuid} NOT NULL REFERENCES merchants (id),
    phone_key ${bytes} NOT NULL,
    staff_role TEXT NOT NULL,
    staff_label TEXT NOT NULL,
    branch_id ${uuid},
    invited_by ${uuid} NOT NULL,
    expires_at_us BIGINT NOT NULL,
    UNIQUE (merchant_id, phone_key)
);
CREATE INDEX staff_invitations_phone ON staff_invitations (phone_key);

-- Offers of a merchant that is not active are halted, wherever they are in their life.
ALTER TABLE offers ADD COLUMN halted BOOLEAN NOT NULL DEFAULT false;

-- Where a voucher was used, and when it was scanned where the till had no network then.
ALTER TABLE vouchers ADD COLUMN used_branch ${uuid};
ALTER TABLE vouchers ADD COLUMN scanned_at_us BIGINT;

-- Scans made without a network, as they were answered when they arrived. branch_id nil: none was named.
CREATE TABLE voucher_scans (
    voucher_id ${uuid} NOT NULL REFERENCES vouchers (id),
    scanned_at_us BIGINT NOT NULL,
    branch_id ${uuid} NOT NULL,
    merchant_id ${uuid} NOT NULL REFERENCES merchants (id),
    staff_id ${uuid} NOT NULL,
    arrived_at_us BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (voucher_id, scanned_at_us, branch_id)
);
CREATE INDEX voucher_scans_conflicts ON voucher_scans (merchant_id, arrived_at_us, voucher_id) WHERE outcome <> 'used';

-- Keys that sign vouchers. The private half is derived from the secret by the number, and not kept.
CREATE TABLE pass_keys (
    number BIGINT PRIMARY KEY,
    public_key ${bytes} NOT NULL UNIQUE,
    signs_from_us BIGINT NOT NULL,
    revoked_at_us BIGINT
);

-- Where merchants want to be told. Secrets are sealed; the one before the last still signs until its time.
CREATE TABLE webhook_endpoints (
    id ${uuid} PRIMARY KEY,
    merchant_id ${uuid} NOT NULL REFERENCES merchants (id),
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    secret_sealed ${bytes} NOT NULL,
    old_secret_sealed ${bytes},
    old_secret_until_us BIGINT,
    created_at_us BIGINT NOT NULL,
    failing_since_us BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    quiet_until_us BIGINT NOT NULL DEFAULT 0,
    disabled_at_us BIGINT,
    disabled_because TEXT
) ${updated_in_place};
CREATE INDEX webhook_endpoints_merchant ON webhook_endpoints (merchant_id, id);

-- What is to be told and what came of it: written with the work that it tells of.
-- status: due -> delivered, or failed after the last try.
CREATE TABLE webhook_deliveries (
    endpoint_id ${uuid} NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    message_id ${uuid} NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL,
    tries BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    due_at_us BIGINT NOT NULL,
    tried_at_us BIGINT,
    answer_status INTEGER,
    problem TEXT,
    PRIMARY KEY (endpoint_id, message_id)
) ${updated_in_place};
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at_us, message_id) WHERE status = 'due';
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at_us);
