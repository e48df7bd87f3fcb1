-- Jobs are leased in this order: with a long backlog, the first few are found without sorting all that are due.
DROP INDEX job_due;
CREATE INDEX job_due ON job (kind, run_at, job_id);
