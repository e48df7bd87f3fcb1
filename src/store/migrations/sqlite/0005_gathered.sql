-- Documents that wait for company: they leave in one interchange when there are enough of them, or when time is up.
CREATE TABLE gathered (
    gathered_id     TEXT   NOT NULL PRIMARY KEY,
    agreement       TEXT   NOT NULL,
    environment     TEXT   NOT NULL,
    document_id     TEXT   NOT NULL,           -- the document it was made from
    owner           TEXT   NOT NULL,           -- what its control number belongs to
    place           TEXT   NOT NULL,           -- by which they are ordered: as they came in
    business_number TEXT,
    draft           BLOB   NOT NULL,           -- sealed
    size            BIGINT NOT NULL,           -- bytes on the wire, were it alone
    due_at          BIGINT NOT NULL,           -- when it leaves, whoever is with it
    created_at      BIGINT NOT NULL
);
CREATE INDEX gathered_by_agreement ON gathered (agreement, environment, place);
CREATE INDEX gathered_by_document ON gathered (document_id);

-- A fourth kind of job. SQLite cannot change a check.
CREATE TABLE job_next (
    job_id      TEXT   NOT NULL PRIMARY KEY,
    kind        TEXT   NOT NULL CHECK (kind IN ('translate', 'gather', 'deliver', 'acknowledge')),
    subject     TEXT   NOT NULL,
    run_at      BIGINT NOT NULL,
    lease_token TEXT,
    lease_until BIGINT,
    losses      BIGINT NOT NULL DEFAULT 0,
    slice_cursor TEXT,
    created_at  BIGINT NOT NULL,
    UNIQUE (kind, subject)
);
INSERT INTO job_next SELECT job_id, kind, subject, run_at, lease_token, lease_until, losses, slice_cursor, created_at FROM job;
DROP TABLE job;
ALTER TABLE job_next RENAME TO job;
CREATE INDEX job_due ON job (kind, run_at);
