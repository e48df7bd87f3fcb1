-- What lookup tables lack, a row for each distinct question; and what was seen before this instance took over.

CREATE TABLE missing_lookup (
    missing_lookup_id TEXT   NOT NULL PRIMARY KEY,
    table_name        TEXT   NOT NULL,
    column_name       TEXT   NOT NULL,           -- where the value was looked for
    wanted            TEXT   NOT NULL,           -- the column it was to become
    value             TEXT   NOT NULL,
    is_holding        BIGINT NOT NULL DEFAULT 0, -- transmissions wait for it
    seen              BIGINT NOT NULL,           -- how often it was asked for
    first_seen_in     TEXT   NOT NULL,           -- document, or the transmission that waits
    last_seen_in      TEXT   NOT NULL,
    created_at        BIGINT NOT NULL,
    changed_at        BIGINT NOT NULL,
    UNIQUE (table_name, column_name, wanted, value)
);
CREATE INDEX missing_lookup_by_time ON missing_lookup (created_at, missing_lookup_id);

CREATE TABLE seen_interchange (
    seen_interchange_id TEXT   NOT NULL PRIMARY KEY, -- the business key: standard, parties, control number
    note                TEXT   NOT NULL,             -- where it was seen
    actor               TEXT   NOT NULL,
    created_at          BIGINT NOT NULL
);
