-- Whose turn it is. Deliveries of a lane go one after the other, by when what they were made of was received: one of them has
-- a job, the others none until it is out of the lane. What is first in a lane is asked of open deliveries only.
ALTER TABLE delivery ADD COLUMN lane_place BIGINT;                  -- when the received transmission came
ALTER TABLE delivery ADD COLUMN lane_from TEXT;                     -- the channel it came over
ALTER TABLE delivery ADD COLUMN priority BIGINT NOT NULL DEFAULT 1; -- 0 urgent, 1 normal, 2 bulk
CREATE INDEX delivery_by_lane ON delivery (lane, lane_place, lane_number) WHERE lane IS NOT NULL AND severity > 1;

-- Due deliveries are looked for channel by channel, partner by partner, so that a long backlog of one is never walked through
-- for another. All other jobs are in one queue of no name.
ALTER TABLE job ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN partner TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN priority BIGINT NOT NULL DEFAULT 1;
UPDATE job SET
    channel = COALESCE((SELECT delivery.channel FROM delivery WHERE delivery.delivery_id = job.subject), ''),
    partner = COALESCE((SELECT delivery.partner FROM delivery WHERE delivery.delivery_id = job.subject), '')
WHERE kind = 'deliver';
DROP INDEX job_due;
CREATE INDEX job_due ON job (kind, channel, partner, priority, run_at);
-- What was received and is not translated yet, the oldest first.
CREATE INDEX job_translating ON job (kind, created_at) WHERE kind = 'translate';
