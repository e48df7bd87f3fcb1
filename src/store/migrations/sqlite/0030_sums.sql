-- The sums of the ledger are counted again and again, and the history grows for ever: what they ask of it is found by indexes that
-- hold all of it, so that no event is read.
CREATE INDEX event_received ON event (kind, number, transmission_id) WHERE kind = 'stored' AND number = 1;
CREATE INDEX event_translated ON event (kind, transmission_id, document_id) WHERE kind = 'translated';
CREATE INDEX event_of_attempt ON event (kind, attempt) WHERE attempt IS NOT NULL;

-- How many acknowledgments of a level are in a state; when they were made is asked of none of them.
DROP INDEX ack_by_state;
CREATE INDEX ack_by_state ON ack (direction, state, level);
