-- Until when the schedule of a channel's pick-ups was followed: what came due since is made up once, whatever happened between.
CREATE TABLE pickup_look (
    channel     TEXT   NOT NULL PRIMARY KEY,
    followed_to BIGINT NOT NULL
);

-- Whether the file had the bytes of one that was taken before and made no work; transmission_id is then that one's.
ALTER TABLE pickup_file ADD COLUMN unchanged BIGINT NOT NULL DEFAULT 0;
CREATE INDEX pickup_file_by_channel ON pickup_file (channel, created_at);
