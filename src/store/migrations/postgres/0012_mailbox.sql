-- Files that lie in mailboxes for their partners to fetch: what was delivered there, and what tells of documents that were
-- refused. A row stays when the partner removes the file; it is hidden then.
CREATE TABLE mailbox_file (
    mailbox_file_id TEXT   NOT NULL PRIMARY KEY,
    mailbox         TEXT   NOT NULL,
    folder          TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    payload_id      TEXT   NOT NULL REFERENCES payload (payload_id),
    transmission_id TEXT   NOT NULL REFERENCES transmission (transmission_id), -- delivered by it, or told of it
    delivery_id     TEXT   UNIQUE REFERENCES delivery (delivery_id),
    size            BIGINT NOT NULL,
    fetched         BIGINT NOT NULL DEFAULT 0, -- how often all of it was
    fetched_at      BIGINT,                    -- first
    fetched_from    TEXT,                      -- the address that fetched it last
    hidden_at       BIGINT,                    -- removed by the partner
    created_at      BIGINT NOT NULL,
    UNIQUE (mailbox, folder, name)
);
CREATE INDEX mailbox_file_by_time ON mailbox_file (mailbox, created_at);
