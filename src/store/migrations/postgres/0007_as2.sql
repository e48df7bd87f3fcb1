-- What was sent of a delivery over AS2: the message as it was sealed once, so that every attempt has the same bytes, what its
-- receipt has to say, and the receipt as it came.
CREATE TABLE as2_message (
    delivery_id TEXT   NOT NULL PRIMARY KEY REFERENCES delivery (delivery_id),
    payload_id  TEXT   NOT NULL REFERENCES payload (payload_id),
    headers     TEXT   NOT NULL,           -- JSON: header lines in order, names and values
    digest      TEXT   NOT NULL,           -- which digest, sha-256
    mic         BYTEA  NOT NULL,           -- what it is
    receipt     BYTEA,                     -- header lines and body
    verdict     BIGINT NOT NULL DEFAULT 0, -- of the receipt: 0 none yet, 1 it proves, 2 it refuses
    created_at  BIGINT NOT NULL
);
