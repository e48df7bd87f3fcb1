-- Acts over many deliveries or transmissions: what was agreed to, and what came of each.
CREATE TABLE bulk_act (
    bulk_act_id TEXT   NOT NULL PRIMARY KEY,   -- the plan's token
    object      TEXT   NOT NULL,               -- delivery or transmission
    action      TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    wish        TEXT   NOT NULL,               -- digest of all that was asked for
    as_partner  TEXT,                          -- of whom released transmissions are said to be
    actor       TEXT   NOT NULL,
    position    BIGINT NOT NULL DEFAULT 0,     -- the last item that was worked on
    created_at  BIGINT NOT NULL,
    ended_at    BIGINT                         -- NULL: there is more to do
);
CREATE INDEX bulk_act_by_end ON bulk_act (ended_at);

CREATE TABLE bulk_item (
    bulk_act_id TEXT   NOT NULL REFERENCES bulk_act (bulk_act_id),
    number      BIGINT NOT NULL,              -- 1-based place in the act
    subject     TEXT   NOT NULL,              -- delivery_id or transmission_id
    changed_at  BIGINT,                       -- its state's last change as the plan saw it; NULL: there was none
    outcome     TEXT,                         -- done, refused; NULL: to be worked on
    detail      TEXT,                         -- the delivery that goes in its place, or why it was refused
    PRIMARY KEY (bulk_act_id, number)
);
