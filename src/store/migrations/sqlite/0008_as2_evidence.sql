-- What proves a message of AS2 later: the message as it stood under its encryption, and who signed it.
ALTER TABLE as2_message ADD COLUMN clear_payload_id TEXT REFERENCES payload (payload_id);
ALTER TABLE as2_message ADD COLUMN signed_by TEXT; -- of the certificate, SHA-256 in hexadecimal
ALTER TABLE as2_message ADD COLUMN also_mic BLOB; -- what else its receipt may say
ALTER TABLE as2_message ADD COLUMN as2_from TEXT;
ALTER TABLE as2_message ADD COLUMN as2_to TEXT;

CREATE TABLE as2_received (
    transmission_id TEXT   NOT NULL PRIMARY KEY REFERENCES transmission (transmission_id),
    clear_payload_id TEXT  NOT NULL REFERENCES payload (payload_id),
    created_at      BIGINT NOT NULL
);
