-- What rules ask for besides a citizen's own caps, counted per civil day of the acts.
-- kind 1: what a citizen's acts of an action said, credited or not (owner: the citizen);
-- kind 2: what the acts of one card or device were granted for an action (owner: derived from what names it);
-- kind 3: points issued under a budget or campaign (owner: the city's number as a UUID; name: its id).
CREATE TABLE tallies (
    events BIGINT NOT NULL,
    points BIGINT NOT NULL,
    reduction_mg BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    day INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    owner_id ${uuid} NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (owner_id, kind, day, name)
) ${updated_in_place};
