-- Files that channels took from folders, of ours or of a partner's server: what was taken is known when it is seen again, and
-- what became of it there. A row stays for good.
CREATE TABLE pickup_file (
    pickup_file_id  TEXT   NOT NULL PRIMARY KEY,
    channel         TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    size            BIGINT NOT NULL,
    modified_at     BIGINT NOT NULL,           -- as its place says it
    digest          TEXT   NOT NULL,           -- SHA-256, hexadecimal
    transmission_id TEXT   NOT NULL REFERENCES transmission (transmission_id),
    settled         TEXT,                      -- removed, moved or kept there; none: it is still to be removed or moved
    settled_at      BIGINT,
    reason          TEXT,                      -- why it could not be
    next_at         BIGINT,                    -- when that is tried again
    created_at      BIGINT NOT NULL
);
CREATE INDEX pickup_file_by_name ON pickup_file (channel, name, created_at);
CREATE INDEX pickup_file_unsettled ON pickup_file (channel, settled);

-- What each delivery into a folder is called there, so that a repeat looks for the same name, and no two have one.
CREATE TABLE dropped_file (
    delivery_id TEXT   NOT NULL PRIMARY KEY REFERENCES delivery (delivery_id),
    channel     TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (channel, name)
);
