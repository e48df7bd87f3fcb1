-- How far the traces of documents have been told to the collector: one row, while that is switched on.
CREATE TABLE telemetry (
    telemetry_id TEXT   NOT NULL PRIMARY KEY,  -- traces
    position     BIGINT NOT NULL,              -- the last event of which the collector knows
    changed_at   BIGINT NOT NULL
);

-- What came last under each number of an agreement that says `unchanged: skip`.
CREATE TABLE delta (
    agreement       TEXT   NOT NULL,
    number          TEXT   NOT NULL,           -- by which people know the document: that of the order, of the item ...
    digest          TEXT   NOT NULL,           -- of what it says: SHA-256, hexadecimal
    document_id     TEXT   REFERENCES document (document_id),           -- that was made of it
    transmission_id TEXT   NOT NULL REFERENCES transmission (transmission_id), -- in which it came last
    changed_at      BIGINT NOT NULL,
    PRIMARY KEY (agreement, number)
);
CREATE INDEX delta_by_document ON delta (document_id);
