-- Documents that wait for company: they leave in one interchange when there are enough of them, or when time is up.
CREATE TABLE gathered (
    gathered_id     TEXT   NOT NULL PRIMARY KEY,
    agreement       TEXT   NOT NULL,
    environment     TEXT   NOT NULL,
    document_id     TEXT   NOT NULL,           -- the document it was made from
    owner           TEXT   NOT NULL,           -- what its control number belongs to
    place           TEXT   NOT NULL,           -- by which they are ordered: as they came in
    business_number TEXT,
    draft           BYTEA  NOT NULL,           -- sealed
    size            BIGINT NOT NULL,           -- bytes on the wire, were it alone
    due_at          BIGINT NOT NULL,           -- when it leaves, whoever is with it
    created_at      BIGINT NOT NULL
);
CREATE INDEX gathered_by_agreement ON gathered (agreement, environment, place);
CREATE INDEX gathered_by_document ON gathered (document_id);

-- A fourth kind of job.
ALTER TABLE job DROP CONSTRAINT job_kind_check;
ALTER TABLE job ADD CONSTRAINT job_kind_check CHECK (kind IN ('translate', 'gather', 'deliver', 'acknowledge'));
