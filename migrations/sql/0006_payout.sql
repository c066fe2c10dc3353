-- Points that wait for a budget, and prizes. Journals of kind 12 pay the first (cause: the activity), of kind 13 the
-- second (cause: the award). In tallies, kind 4 is what waits under a budget (owner: the city's number as a UUID; day: 0).

-- What an activity was promised beyond what it was paid at once, in order of promising. What is neither paid nor given up
-- still waits. Days of 0: it is paid as soon as the budget has something left. Others: all that was promised on those days
-- shares their budget once they are over; points_due is then its share.
CREATE TABLE waiting_points (
    place ${row_number},
    activity_id ${uuid} NOT NULL,
    citizen_id ${uuid} NOT NULL,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    rule_set_id BIGINT NOT NULL,
    credited_at_us BIGINT NOT NULL,
    points_promised BIGINT NOT NULL CHECK (points_promised > 0),
    points_due BIGINT CHECK (points_due BETWEEN 0 AND points_promised),
    points_paid BIGINT NOT NULL CHECK (points_paid >= 0),
    points_given_up BIGINT NOT NULL CHECK (points_given_up >= 0),
    shares_from_day INTEGER NOT NULL,
    shares_until_day INTEGER NOT NULL,
    budget TEXT NOT NULL,
    action TEXT NOT NULL,
    CHECK (points_paid + points_given_up <= points_promised)
);
CREATE UNIQUE INDEX waiting_points_activity ON waiting_points (activity_id);
CREATE INDEX waiting_points_citizen ON waiting_points (citizen_id);
CREATE INDEX waiting_points_open ON waiting_points (city_id, budget, shares_until_day, place)
    WHERE points_paid + points_given_up < points_promised;

-- Who stood on which rank of a board when its period was over. district '': the board of the whole city.
CREATE TABLE prize_awards (
    id ${uuid} PRIMARY KEY,
    city_id BIGINT NOT NULL REFERENCES cities (id),
    citizen_id ${uuid} NOT NULL REFERENCES citizens (id),
    rule_set_id BIGINT NOT NULL,
    prize TEXT NOT NULL,
    district TEXT NOT NULL,
    from_day INTEGER NOT NULL,
    until_day INTEGER NOT NULL,
    board_rank INTEGER NOT NULL CHECK (board_rank > 0),
    score BIGINT NOT NULL,
    points BIGINT NOT NULL CHECK (points >= 0),
    awarded_at_us BIGINT NOT NULL,
    paid_at_us BIGINT,
    UNIQUE (city_id, prize, from_day, district, board_rank)
);
CREATE INDEX prize_awards_citizen ON prize_awards (citizen_id, id);
CREATE INDEX prize_awards_unpaid ON prize_awards (city_id, id) WHERE paid_at_us IS NULL;
