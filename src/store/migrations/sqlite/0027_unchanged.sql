-- Documents of an interchange that said what came last under their numbers, and are no rows: it was taken all the same, and the same
-- interchange again is a repeat.
ALTER TABLE interchange ADD COLUMN unchanged BIGINT NOT NULL DEFAULT 0;
