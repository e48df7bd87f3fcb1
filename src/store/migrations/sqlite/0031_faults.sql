-- What an answer finds wrong, place by place, without what stands there: JSON {first, more}; for mails, which hold nothing of a document.
ALTER TABLE ack ADD COLUMN faults TEXT;
