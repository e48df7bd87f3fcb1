-- The ledger, twin of sqlite/0001_ledger.sql: the same tables and columns; a test holds them equal.
-- Only BIGINT, TEXT and BYTEA: what the Any driver reads alike on both. Times are microseconds since 1970 (UTC), flags 0
-- or 1, digests lower-case hexadecimal SHA-256.

CREATE TABLE payload (
    payload_id   TEXT   NOT NULL PRIMARY KEY,
    digest       TEXT   NOT NULL,              -- of the plaintext
    size         BIGINT NOT NULL,              -- of the plaintext
    content_type TEXT   NOT NULL,
    sealed       BYTEA,                        -- NULL: the sealed bytes are the file payload/<payload_id>
    purged_at    BIGINT,                       -- bytes removed by retention, facts kept
    created_at   BIGINT NOT NULL
);

CREATE TABLE transmission (
    transmission_id TEXT   NOT NULL PRIMARY KEY,
    direction       TEXT   NOT NULL CHECK (direction IN ('in', 'out')),
    channel         TEXT   NOT NULL,
    partner         TEXT,
    environment     TEXT,
    state           TEXT   NOT NULL
        CHECK (state IN ('incoming', 'stored', 'verified', 'split', 'duplicate', 'held', 'rejected')),
    code            TEXT,                      -- why held or rejected: a stable word
    reason          TEXT,                      -- the same for people
    duplicate_of    TEXT   REFERENCES transmission (transmission_id),
    digest          TEXT   NOT NULL,           -- of the payload as the business sees it
    size            BIGINT NOT NULL,
    content_type    TEXT   NOT NULL,
    file_name       TEXT,
    headers         TEXT   NOT NULL,           -- JSON object
    payload_id      TEXT   NOT NULL REFERENCES payload (payload_id),
    raw_payload_id  TEXT   REFERENCES payload (payload_id), -- bytes as they came, where they differ
    anchored_number BIGINT NOT NULL DEFAULT 0, -- last event of the chain that an anchor covers
    created_at      BIGINT NOT NULL,
    changed_at      BIGINT NOT NULL
);
CREATE INDEX transmission_by_time ON transmission (created_at, transmission_id);
CREATE INDEX transmission_by_state ON transmission (direction, state, created_at);
CREATE INDEX transmission_by_digest ON transmission (digest);

CREATE TABLE claim (
    claim_id        TEXT   NOT NULL PRIMARY KEY,
    scope           TEXT   NOT NULL,
    key             TEXT   NOT NULL,
    digest          TEXT   NOT NULL,
    transmission_id TEXT   NOT NULL REFERENCES transmission (transmission_id),
    outcome         TEXT   NOT NULL CHECK (outcome IN ('accepted', 'rejected')),
    answer_status   BIGINT,
    answer_headers  TEXT,
    answer_body     BYTEA,
    created_at      BIGINT NOT NULL,
    UNIQUE (scope, key)
);
CREATE INDEX claim_by_transmission ON claim (transmission_id);

CREATE TABLE interchange (
    interchange_id  TEXT   NOT NULL PRIMARY KEY,
    transmission_id TEXT   NOT NULL REFERENCES transmission (transmission_id),
    number          BIGINT NOT NULL,           -- 1-based place in the transmission
    direction       TEXT   NOT NULL,
    format          TEXT   NOT NULL,
    sender          TEXT   NOT NULL,           -- scheme:value
    receiver        TEXT   NOT NULL,
    control_number  TEXT   NOT NULL,
    environment     TEXT   NOT NULL,
    digest          TEXT   NOT NULL,
    document_count  BIGINT NOT NULL,
    business_key    TEXT   UNIQUE,             -- NULL on duplicates: the first one keeps it
    duplicate_of    TEXT   REFERENCES interchange (interchange_id),
    report          TEXT   NOT NULL,           -- JSON array of envelope diagnostics
    created_at      BIGINT NOT NULL,
    UNIQUE (transmission_id, number)
);
CREATE INDEX interchange_by_control_number ON interchange (control_number);

CREATE TABLE document (
    document_id          TEXT   NOT NULL PRIMARY KEY,
    transmission_id      TEXT   NOT NULL REFERENCES transmission (transmission_id),
    interchange_id       TEXT   REFERENCES interchange (interchange_id),
    direction            TEXT   NOT NULL,
    number               BIGINT NOT NULL,      -- 1-based place in the transmission
    standard             TEXT   NOT NULL,
    version              TEXT   NOT NULL,
    type                 TEXT   NOT NULL,
    control_number       TEXT   NOT NULL,
    group_control_number TEXT,
    business_number      TEXT,                 -- order number, invoice number …
    sender               TEXT   NOT NULL,
    receiver             TEXT   NOT NULL,
    partner              TEXT,
    agreement            TEXT,
    environment          TEXT   NOT NULL,
    is_acknowledgment    BIGINT NOT NULL DEFAULT 0,
    processing           TEXT CHECK (processing IN ('routed', 'failed', 'held', 'duplicate', 'dropped')),
    delivery             TEXT,
    ack                  TEXT   NOT NULL DEFAULT 'none',
    ack_receipt          TEXT   NOT NULL DEFAULT 'none',
    ack_technical        TEXT   NOT NULL DEFAULT 'none',
    ack_functional       TEXT   NOT NULL DEFAULT 'none',
    ack_application      TEXT   NOT NULL DEFAULT 'none',
    code                 TEXT,
    reason               TEXT,
    report               TEXT   NOT NULL,      -- JSON array of diagnostics
    byte_offset          BIGINT NOT NULL,      -- where it stands in the payload
    byte_length          BIGINT NOT NULL,
    entity_payload_id    TEXT   REFERENCES payload (payload_id),
    created_at           BIGINT NOT NULL,
    changed_at           BIGINT NOT NULL,
    UNIQUE (transmission_id, number)
);
CREATE INDEX document_by_time ON document (created_at, document_id);
CREATE INDEX document_by_processing ON document (direction, processing, created_at);
CREATE INDEX document_by_partner ON document (partner, created_at);
CREATE INDEX document_by_control_number ON document (control_number);
CREATE INDEX document_by_business_number ON document (business_number);

CREATE TABLE document_source (
    document_source_id TEXT NOT NULL PRIMARY KEY,
    document_id        TEXT NOT NULL REFERENCES document (document_id),
    source_id          TEXT NOT NULL REFERENCES document (document_id), -- made_from
    UNIQUE (document_id, source_id)
);
CREATE INDEX document_source_by_source ON document_source (source_id);

CREATE TABLE delivery (
    delivery_id       TEXT   NOT NULL PRIMARY KEY,
    transmission_id   TEXT   NOT NULL REFERENCES transmission (transmission_id),
    channel           TEXT   NOT NULL,
    partner           TEXT,
    agreement         TEXT,
    key               TEXT   NOT NULL UNIQUE,  -- Message-ID, Idempotency-Key or remote name; never changes
    state             TEXT   NOT NULL CHECK (state IN ('ready', 'leased', 'sending', 'awaiting_receipt', 'uncertain',
                                                       'retry_wait', 'delivered', 'parked', 'held', 'cancelled')),
    severity          BIGINT NOT NULL,         -- of the state, so that the worst of several can be asked for
    leased_from       TEXT,
    on_uncertain      TEXT   NOT NULL,
    lane              TEXT,
    lane_number       BIGINT,
    attempts          BIGINT NOT NULL DEFAULT 0,
    resends           BIGINT NOT NULL DEFAULT 0,
    next_at           BIGINT,
    wire_payload_id   TEXT   REFERENCES payload (payload_id),
    mic               TEXT,
    code              TEXT,
    reason            TEXT,
    resubmit_of       TEXT   REFERENCES delivery (delivery_id),
    created_at        BIGINT NOT NULL,
    changed_at        BIGINT NOT NULL,
    UNIQUE (lane, lane_number)
);
CREATE INDEX delivery_by_time ON delivery (created_at, delivery_id);
CREATE INDEX delivery_by_transmission ON delivery (transmission_id);
CREATE INDEX delivery_by_state ON delivery (state, created_at);

CREATE TABLE attempt (
    attempt_id  TEXT   NOT NULL PRIMARY KEY,
    delivery_id TEXT   NOT NULL REFERENCES delivery (delivery_id),
    number      BIGINT NOT NULL,
    node        TEXT   NOT NULL,
    remote      TEXT,
    outcome     TEXT,                          -- NULL while under way
    status      BIGINT,
    detail      TEXT,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    UNIQUE (delivery_id, number)
);

CREATE TABLE job (
    job_id      TEXT   NOT NULL PRIMARY KEY,
    kind        TEXT   NOT NULL CHECK (kind IN ('translate', 'deliver', 'acknowledge')),
    subject     TEXT   NOT NULL,               -- transmission_id or delivery_id
    run_at      BIGINT NOT NULL,
    lease_token TEXT,
    lease_until BIGINT,
    losses      BIGINT NOT NULL DEFAULT 0,     -- leases that ran out
    slice_cursor TEXT,                         -- how far a sliced translation has come
    created_at  BIGINT NOT NULL,
    UNIQUE (kind, subject)
);
CREATE INDEX job_due ON job (kind, run_at);

CREATE TABLE ack (
    ack_id                     TEXT   NOT NULL PRIMARY KEY,
    direction                  TEXT   NOT NULL, -- out: we answer; in: we are answered
    level                      TEXT   NOT NULL CHECK (level IN ('receipt', 'technical', 'functional', 'application')),
    kind                       TEXT   NOT NULL, -- mdn, ta1, 997, 999, contrl, aperak …
    state                      TEXT   NOT NULL,
    refers_to                  TEXT,            -- document, interchange or transmission; NULL: unmatched
    group_no                   BIGINT NOT NULL DEFAULT 0,
    transmission_id            TEXT   REFERENCES transmission (transmission_id), -- that carries it
    partner                    TEXT,
    sender                     TEXT   NOT NULL, -- of what is acknowledged
    receiver                   TEXT   NOT NULL,
    interchange_control_number TEXT,
    group_control_number       TEXT,
    document_control_number    TEXT,
    code                       TEXT,
    detail                     TEXT,
    deadline                   BIGINT,
    answered_at                BIGINT,
    created_at                 BIGINT NOT NULL,
    UNIQUE (direction, refers_to, kind, group_no)
);
CREATE INDEX ack_by_state ON ack (direction, state, created_at);
CREATE INDEX ack_by_refers_to ON ack (refers_to);

CREATE TABLE sequence (
    sequence_id TEXT   NOT NULL PRIMARY KEY,
    next        BIGINT NOT NULL
);

CREATE TABLE sequence_number (
    sequence_number_id TEXT   NOT NULL PRIMARY KEY,
    sequence_id        TEXT   NOT NULL REFERENCES sequence (sequence_id),
    owner              TEXT   NOT NULL,
    number             BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    UNIQUE (sequence_id, owner)
);

-- No foreign keys: the history must outlive whatever it tells of, that is how a lost row is noticed.
CREATE TABLE event (
    event_id        TEXT   NOT NULL PRIMARY KEY, -- <transmission_id>/<number>
    transmission_id TEXT   NOT NULL,
    number          BIGINT NOT NULL,             -- 1-based in the chain
    document_id     TEXT,
    delivery_id     TEXT,
    kind            TEXT   NOT NULL,
    from_state      TEXT,
    to_state        TEXT,
    actor           TEXT   NOT NULL,
    node            TEXT   NOT NULL,
    cause           TEXT,
    attempt         BIGINT,
    detail          TEXT,                        -- JSON
    at              BIGINT NOT NULL,
    previous_hash   TEXT   NOT NULL,
    hash            TEXT   NOT NULL,
    UNIQUE (transmission_id, number)
);
CREATE INDEX event_by_document ON event (document_id);
CREATE INDEX event_by_delivery ON event (delivery_id);
CREATE INDEX event_by_kind ON event (kind, to_state);

CREATE TABLE anchor (
    anchor_id     TEXT   NOT NULL PRIMARY KEY,
    number        BIGINT NOT NULL UNIQUE,
    heads         TEXT   NOT NULL,               -- JSON array of [transmission_id, number, hash]
    at            BIGINT NOT NULL,
    previous_hash TEXT   NOT NULL,
    hash          TEXT   NOT NULL
);

CREATE TABLE audit (
    audit_id      TEXT   NOT NULL PRIMARY KEY,
    number        BIGINT NOT NULL UNIQUE,
    actor         TEXT   NOT NULL,
    action        TEXT   NOT NULL,
    object        TEXT   NOT NULL,
    before_value  TEXT,
    after_value   TEXT,
    at            BIGINT NOT NULL,
    previous_hash TEXT   NOT NULL,
    hash          TEXT   NOT NULL
);

CREATE TABLE secret (
    secret_id  TEXT   NOT NULL PRIMARY KEY,      -- its name
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE token (
    token_id     TEXT   NOT NULL PRIMARY KEY,
    hash         TEXT   NOT NULL UNIQUE,         -- SHA-256 of the token; the token itself is nowhere
    hint         TEXT   NOT NULL,                -- first characters, to tell tokens apart
    scope        TEXT   NOT NULL,                -- role:operator or channel:NAME
    label        TEXT   NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT,
    created_at   BIGINT NOT NULL
);

CREATE TABLE resource (
    resource_id TEXT   NOT NULL PRIMARY KEY,     -- kind/name
    kind        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    is_deleted  BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL
);

CREATE TABLE resource_version (
    resource_version_id TEXT   NOT NULL PRIMARY KEY, -- kind/name/version
    resource_id         TEXT   NOT NULL REFERENCES resource (resource_id),
    version             BIGINT NOT NULL,
    body                TEXT,                        -- JSON; NULL: deleted in this version
    actor               TEXT   NOT NULL,
    created_at          BIGINT NOT NULL,
    UNIQUE (resource_id, version)
);

-- One row that every commit changes: by it a COMMIT is found again whose answer was lost. SQLite loses none.
CREATE TABLE commit_mark (
    commit_mark_id BIGINT NOT NULL PRIMARY KEY CHECK (commit_mark_id = 1),
    mark           TEXT   NOT NULL
) WITH (fillfactor = 10);
INSERT INTO commit_mark (commit_mark_id, mark) VALUES (1, '');

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are never changed or deleted', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER event_keeps_rows BEFORE DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_keeps_facts BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_keeps_all BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_keeps_facts BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_keeps_all BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER anchor_keeps_rows BEFORE DELETE ON anchor FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER anchor_keeps_facts BEFORE UPDATE ON anchor FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER anchor_keeps_all BEFORE TRUNCATE ON anchor FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
