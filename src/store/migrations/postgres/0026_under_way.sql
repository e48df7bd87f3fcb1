-- What of a lane is under way (leased, sending, awaiting_receipt) is found by its state, wherever in the lane it stands.
CREATE INDEX delivery_under_way ON delivery (lane) WHERE lane IS NOT NULL AND severity >= 3 AND severity <= 5;

-- What is being translated that came over a channel, the oldest first. What waits for a pause is not being translated.
ALTER TABLE job ADD COLUMN came_over TEXT; -- of a translation: the channel
UPDATE job SET came_over = (SELECT transmission.channel FROM transmission WHERE transmission.transmission_id = job.subject)
WHERE kind = 'translate';
DROP INDEX job_translating;
CREATE INDEX job_translating ON job (came_over, created_at) WHERE kind = 'translate' AND waits_for IS NULL;
