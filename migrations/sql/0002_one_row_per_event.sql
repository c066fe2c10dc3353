-- A credited activity is its own line on the citizen's account: `activities` carries the posting's number, journal and
-- balances, and `postings` keeps the lines that no activity stands behind. `ledger_lines` shows both as one.

ALTER TABLE activities RENAME TO activities_0001;

-- status: 1 credited, 2 held, 3 rejected, 4 reversed. journal_id 0: not a line of the ledger. code '': none.
-- Only the status may change. The widest columns come first, and none is null: no byte is lost between them.
CREATE TABLE activities (
    recorded_at_us BIGINT NOT NULL,
    occurred_at_us BIGINT NOT NULL,
    journal_id BIGINT NOT NULL,
    points BIGINT NOT NULL,
    reduction_mg BIGINT NOT NULL,
    points_after BIGINT NOT NULL,
    reduction_after_mg BIGINT NOT NULL,
    posting_version INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    rule_set_id INTEGER NOT NULL,
    status INTEGER NOT NULL,
    citizen_id ${uuid} NOT NULL,
    id ${uuid} NOT NULL,
    action TEXT NOT NULL,
    external_id TEXT NOT NULL,
    code TEXT NOT NULL,
    receipt ${bytes} NOT NULL
) ${by_month};

${on_postgres}
-- Each partition anew, with the bounds it had.
DO $$
DECLARE part RECORD;
BEGIN
    FOR part IN SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
                FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'activities_0001'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', part.name, part.name || '_0001');
        EXECUTE format('CREATE TABLE %I PARTITION OF activities %s', part.name, part.bounds);
    END LOOP;
END $$;
${end_on_postgres}

INSERT INTO activities (recorded_at_us, occurred_at_us, journal_id, points, reduction_mg, points_after,
    reduction_after_mg, posting_version, source_id, rule_set_id, status, citizen_id, id, action, external_id, code, receipt)
SELECT a.recorded_at_us, a.occurred_at_us, COALESCE(p.journal_id, 0), a.points, a.reduction_mg, COALESCE(p.points_after, 0),
    COALESCE(p.reduction_after_mg, 0), COALESCE(p.version, 0), a.source_id, a.rule_set_id, a.status, a.citizen_id, a.id,
    a.action, a.external_id, COALESCE(a.code, ''), ${bytes_of_receipt}
FROM activities_0001 a LEFT JOIN (
    SELECT p.owner_id, p.cause, p.journal_id, p.version, p.points_after, p.reduction_after_mg
    FROM postings p JOIN journals j ON j.id = p.journal_id WHERE j.kind = 1
) p ON p.owner_id = a.citizen_id AND p.cause = a.id
ORDER BY a.recorded_at_us;

DELETE FROM postings WHERE EXISTS (
    SELECT 1 FROM activities a WHERE a.citizen_id = postings.owner_id AND a.id = postings.cause
    AND a.journal_id = postings.journal_id AND a.posting_version = postings.version
);

DROP TABLE activities_0001;

CREATE INDEX activities_citizen ON activities (citizen_id, recorded_at_us);
CREATE INDEX activities_journal ON activities ${range_index} (journal_id) ${range_index_kept};

-- Every line of every account.
CREATE VIEW ledger_lines AS
SELECT owner_id, version, journal_id, cause, recorded_at_us, points, reduction_mg, payable_fen, points_after,
    reduction_after_mg, payable_after_fen
FROM postings
UNION ALL
SELECT citizen_id, CAST(posting_version AS BIGINT), journal_id, id, recorded_at_us, points, reduction_mg,
    CAST(0 AS BIGINT), points_after, reduction_after_mg, CAST(0 AS BIGINT)
FROM activities WHERE journal_id <> 0;
