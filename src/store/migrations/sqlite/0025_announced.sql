-- Certificates of ours that a partner was told of in a certificate exchange message: whether it takes them.
CREATE TABLE announced_certificate (
    request_id      TEXT   NOT NULL PRIMARY KEY, -- requestId of the message
    name            TEXT   NOT NULL,             -- of the resource
    fingerprint     TEXT   NOT NULL,             -- SHA-256, hexadecimal
    serial          TEXT   NOT NULL,             -- decimal, as the answer names it
    channel         TEXT   NOT NULL,             -- over which it left
    partner         TEXT,
    as2_from        TEXT   NOT NULL,             -- our name
    as2_to          TEXT   NOT NULL,             -- the partner's
    respond_by      BIGINT NOT NULL,             -- until when an answer is wanted
    state           TEXT   NOT NULL,             -- waiting, accepted, rejected
    reason          TEXT,                        -- why it was rejected
    transmission_id TEXT   NOT NULL REFERENCES transmission (transmission_id),
    answered_in     TEXT,                        -- the transmission that brought the answer
    created_at      BIGINT NOT NULL,
    changed_at      BIGINT NOT NULL
);
CREATE INDEX announced_by_certificate ON announced_certificate (fingerprint, as2_from, as2_to);
