-- Files of a mailbox that somebody holds for a while: an internal system takes them over HTTPS and confirms each when its work
-- is done. What is not confirmed in time can be taken again.
ALTER TABLE mailbox_file ADD COLUMN lease TEXT;                       -- under which it was taken last
ALTER TABLE mailbox_file ADD COLUMN leased BIGINT NOT NULL DEFAULT 0; -- how often it was taken
ALTER TABLE mailbox_file ADD COLUMN leased_until BIGINT;              -- before that moment nobody else takes it
CREATE INDEX mailbox_file_by_lease ON mailbox_file (lease) WHERE lease IS NOT NULL;
-- Folders are looked into often, and what was removed stays in the table for ever.
CREATE INDEX mailbox_file_in_sight ON mailbox_file (mailbox, folder, created_at, mailbox_file_id) WHERE hidden_at IS NULL;
