-- Where in what is kept of a message that went out its payload belongs, which is kept once and left out there; NULL: it is kept whole.
ALTER TABLE as2_message ADD COLUMN payload_at BIGINT;

-- Whether a payload lies in a mailbox is asked of each whose time is over; what was removed there stays in the table for ever.
CREATE INDEX mailbox_file_of_payload ON mailbox_file (payload_id) WHERE hidden_at IS NULL;
