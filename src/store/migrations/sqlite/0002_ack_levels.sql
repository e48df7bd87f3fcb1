-- A document has one acknowledgment of each kind at each level: a CONTRL may tell of the interchange first and of its
-- documents later. An expectation keeps how long it waits, since its clock begins with the delivery.

CREATE TABLE ack_of_level (
    ack_id                     TEXT   NOT NULL PRIMARY KEY,
    direction                  TEXT   NOT NULL, -- out: we answer; in: we are answered
    level                      TEXT   NOT NULL CHECK (level IN ('receipt', 'technical', 'functional', 'application')),
    kind                       TEXT   NOT NULL, -- http, mdn, ta1, 997, 999, contrl, aperak …
    state                      TEXT   NOT NULL,
    refers_to                  TEXT,            -- document, interchange or transmission; NULL: unmatched
    group_no                   BIGINT NOT NULL DEFAULT 0,
    transmission_id            TEXT   REFERENCES transmission (transmission_id), -- that carries it
    partner                    TEXT,
    sender                     TEXT   NOT NULL, -- of what is acknowledged
    receiver                   TEXT   NOT NULL,
    interchange_control_number TEXT,
    group_control_number       TEXT,
    document_control_number    TEXT,
    code                       TEXT,
    detail                     TEXT,
    wait_minutes               BIGINT,          -- from the delivery to the deadline
    deadline                   BIGINT,          -- NULL until the delivery
    answered_at                BIGINT,
    created_at                 BIGINT NOT NULL,
    UNIQUE (direction, refers_to, level, kind, group_no)
);
INSERT INTO ack_of_level (ack_id, direction, level, kind, state, refers_to, group_no, transmission_id, partner, sender,
                          receiver, interchange_control_number, group_control_number, document_control_number, code,
                          detail, deadline, answered_at, created_at)
SELECT ack_id, direction, level, kind, state, refers_to, group_no, transmission_id, partner, sender,
       receiver, interchange_control_number, group_control_number, document_control_number, code,
       detail, deadline, answered_at, created_at
FROM ack;
DROP TABLE ack;
ALTER TABLE ack_of_level RENAME TO ack;
CREATE INDEX ack_by_state ON ack (direction, state, created_at);
CREATE INDEX ack_by_refers_to ON ack (refers_to);
CREATE INDEX ack_by_time ON ack (created_at, ack_id);
CREATE INDEX document_by_group_control_number ON document (group_control_number);
