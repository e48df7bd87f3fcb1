-- What alerts found: an alarm is open from when it is raised until its cause is gone, or a person closes it. One cause of one
-- alert has one open alarm.
CREATE TABLE alarm (
    alarm_id      TEXT   NOT NULL PRIMARY KEY,
    alert         TEXT   NOT NULL,
    cause         TEXT   NOT NULL,          -- what is one: channel, code … as the watch says
    title         TEXT   NOT NULL,
    severity      TEXT   NOT NULL CHECK (severity IN ('warning', 'error', 'critical')),
    partner       TEXT,
    channel       TEXT,
    document      TEXT,                     -- the document type
    code          TEXT,
    words         TEXT   NOT NULL,          -- what is wrong, a sentence
    subject       TEXT,                     -- the newest of it: document/ID, delivery/ID …
    count         BIGINT NOT NULL,
    state         TEXT   NOT NULL CHECK (state IN ('open', 'acknowledged', 'snoozed', 'closed', 'over')),
    snoozed_until BIGINT,
    acted_by      TEXT,
    first_at      BIGINT NOT NULL,          -- of what is wrong
    last_at       BIGINT NOT NULL,
    ended_at      BIGINT,
    created_at    BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX alarm_open ON alarm (alert, cause) WHERE ended_at IS NULL;
CREATE INDEX alarm_by_cause ON alarm (alert, cause, ended_at);
CREATE INDEX alarm_by_time ON alarm (created_at, alarm_id);

-- What each recipient knows of an alarm.
CREATE TABLE alarm_told (
    alarm_id  TEXT   NOT NULL REFERENCES alarm (alarm_id),
    recipient TEXT   NOT NULL,
    count     BIGINT NOT NULL,
    is_over   BIGINT NOT NULL DEFAULT 0,
    told_at   BIGINT NOT NULL,
    PRIMARY KEY (alarm_id, recipient)
);

-- When each recipient was told something last, and that all is well.
CREATE TABLE recipient (
    recipient_id TEXT   NOT NULL PRIMARY KEY, -- the name of the resource
    told_at      BIGINT,
    heartbeat_at BIGINT NOT NULL
);

-- Mails and posts on their way. The key is the Message-ID: the same for every attempt.
CREATE TABLE notice (
    notice_id  TEXT   NOT NULL PRIMARY KEY,
    recipient  TEXT   NOT NULL,
    address    TEXT,                          -- of mail; NULL: a post
    kind       TEXT   NOT NULL CHECK (kind IN ('alarm', 'heartbeat', 'test')),
    facts      TEXT   NOT NULL,               -- what is told, JSON; ids, states and counts, never payload
    state      TEXT   NOT NULL CHECK (state IN ('ready', 'sent', 'given_up')),
    attempts   BIGINT NOT NULL DEFAULT 0,
    next_at    BIGINT NOT NULL,
    reason     TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX notice_by_state ON notice (state, next_at);
CREATE INDEX notice_by_time ON notice (created_at, notice_id);

-- Events that alerts count, as far back as they count them.
CREATE TABLE alert_hit (
    alert    TEXT   NOT NULL,
    sequence BIGINT NOT NULL,                 -- of the event
    partner  TEXT,
    channel  TEXT,
    document TEXT,
    code     TEXT,
    subject  TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (alert, sequence)
);
CREATE INDEX alert_hit_by_time ON alert_hit (at);

-- The last event that was looked at for them; one row.
CREATE TABLE alert_position (
    alert_position_id TEXT   NOT NULL PRIMARY KEY,
    position          BIGINT NOT NULL
);

-- Links of mails that were used; each works once.
CREATE TABLE alarm_link (
    alarm_link_id TEXT   NOT NULL PRIMARY KEY, -- its signature
    used_at       BIGINT NOT NULL
);

CREATE INDEX transmission_by_channel ON transmission (channel, created_at);
CREATE INDEX transmission_by_partner ON transmission (partner, created_at);
