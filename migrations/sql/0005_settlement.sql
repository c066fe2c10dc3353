-- What a merchant is paid for: an unbroken run of lines on its account, from `after_line` (not in it) to `last_line`.
-- status: closed -> submitted -> approved -> paid, or back to closed.
CREATE TABLE merchant_statements (
    id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    merchant_id ${uuid} NOT NULL REFERENCES merchants (id),
    number BIGINT NOT NULL,
    after_line BIGINT NOT NULL,
    last_line BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    voids BIGINT NOT NULL,
    adjustments BIGINT NOT NULL,
    due_fen BIGINT NOT NULL,
    status TEXT NOT NULL,
    closed_at_us BIGINT NOT NULL,
    submitted_by ${uuid},
    approved_by ${uuid},
    paid_at_us BIGINT,
    note TEXT,
    UNIQUE (merchant_id, number),
    UNIQUE (merchant_id, after_line),
    CHECK (last_line > after_line),
    CHECK (approved_by IS NULL OR approved_by <> submitted_by)
) ${updated_in_place};
CREATE INDEX merchant_statements_city ON merchant_statements (city_id, status, id);

-- Every step that a person took with a statement.
CREATE TABLE merchant_statement_steps (
    statement_id ${uuid} NOT NULL REFERENCES merchant_statements (id),
    step_no BIGINT NOT NULL,
    status TEXT NOT NULL,
    taken_by ${uuid} NOT NULL,
    taken_at_us BIGINT NOT NULL,
    note TEXT,
    PRIMARY KEY (statement_id, step_no)
);
