-- Where in the message that is kept its payload belongs, which is kept once and left out there; NULL: the message is kept whole.
ALTER TABLE as2_received ADD COLUMN payload_at BIGINT;
