-- Certificates that signed messages or receipts of a channel and are none of the partner's: for a person to accept or not.
CREATE TABLE offered_certificate (
    fingerprint TEXT   NOT NULL,           -- SHA-256, hexadecimal
    channel     TEXT   NOT NULL,
    partner     TEXT,                      -- who said to be its owner
    der         BLOB   NOT NULL,
    signed      TEXT   NOT NULL,           -- what it signed last: message, receipt; exchange: a message said that it will
    seen_in     TEXT   NOT NULL,           -- that
    reference   TEXT,                      -- JSON: what an answer refers to, where one is wanted
    seen        BIGINT NOT NULL,           -- how often it came
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (fingerprint, channel)
);
