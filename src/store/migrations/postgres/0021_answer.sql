-- What a receiver answered in the call that brought it our delivery, where that is a document: a transmission of its own, and
-- the one with which all of it began. At most one for each delivery.
CREATE TABLE answer (
    transmission_id TEXT   NOT NULL PRIMARY KEY REFERENCES transmission (transmission_id),
    delivery_id     TEXT   NOT NULL UNIQUE REFERENCES delivery (delivery_id),
    origin_id       TEXT   NOT NULL REFERENCES transmission (transmission_id),
    created_at      BIGINT NOT NULL
);
CREATE INDEX answer_by_origin ON answer (origin_id);
