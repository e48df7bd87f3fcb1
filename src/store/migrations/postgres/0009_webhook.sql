-- Events are told to webhooks in one order for all chains. Those from before have no place in it: a webhook begins with what
-- happens after it was added.
ALTER TABLE event ADD COLUMN sequence BIGINT;
CREATE UNIQUE INDEX event_by_sequence ON event (sequence);

-- How far each webhook has come, and how it is doing. The row is made, cleared and taken away with its resource.
CREATE TABLE webhook (
    webhook_id    TEXT   NOT NULL PRIMARY KEY, -- the name of the resource
    position      BIGINT NOT NULL,             -- the last event that was taken, or is not wanted
    failures      BIGINT NOT NULL DEFAULT 0,   -- in a row, of the event that comes next
    failing_since BIGINT,
    next_at       BIGINT,                      -- when it is tried again
    disabled_at   BIGINT,
    status        BIGINT,                      -- of the last answer
    reason        TEXT,                        -- why it failed
    delivered_at  BIGINT                       -- the last that was taken
);
