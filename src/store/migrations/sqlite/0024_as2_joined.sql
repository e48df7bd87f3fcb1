-- Where attachments were passed on in a message that we sealed: the document with them, as one body.
ALTER TABLE as2_message ADD COLUMN joined_payload_id TEXT REFERENCES payload (payload_id);
ALTER TABLE as2_message ADD COLUMN joined_type TEXT;
