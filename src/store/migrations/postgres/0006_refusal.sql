-- Refusals of those who did not prove to be a partner, by hour: only the first of each hour are transmissions as well.
CREATE TABLE refusal (
    channel    TEXT   NOT NULL,
    claims     TEXT   NOT NULL,           -- the partner they said to be; empty: none that may send there
    hour       BIGINT NOT NULL,           -- when it began
    refused    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (channel, claims, hour)
);
