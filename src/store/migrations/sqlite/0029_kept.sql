-- Whether a payload lies in a mailbox is asked of each whose time is over; what was removed there stays in the table for ever.
CREATE INDEX mailbox_file_of_payload ON mailbox_file (payload_id) WHERE hidden_at IS NULL;
