-- What an operator paused. While it lasts, jobs that would use it wait; a row that ended stays until all of them go on.
CREATE TABLE pause (
    pause_id TEXT   NOT NULL PRIMARY KEY,      -- kind/name
    kind     TEXT   NOT NULL CHECK (kind IN ('partner', 'channel', 'agreement', 'route')),
    name     TEXT   NOT NULL,
    reason   TEXT,                             -- for those who look later
    actor    TEXT   NOT NULL,                  -- who paused it
    began_at BIGINT NOT NULL,
    ends_at  BIGINT,                           -- when it ends by itself; NULL: when somebody resumes
    ended_at BIGINT                            -- NULL: it lasts
);

-- The pause that a job waits for; NULL: for none.
ALTER TABLE job ADD COLUMN waits_for TEXT;
CREATE INDEX job_by_pause ON job (waits_for, job_id) WHERE waits_for IS NOT NULL;
