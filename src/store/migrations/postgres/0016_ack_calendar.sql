-- The calendar by whose working minutes an answer is awaited, as it was when it was sent; NULL: by the clock.
ALTER TABLE ack ADD COLUMN calendar TEXT;
