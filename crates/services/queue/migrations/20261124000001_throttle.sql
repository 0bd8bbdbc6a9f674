-- How much came from whom. A bucket leaks one microsecond's worth each microsecond, so all there
-- is to know of it is when it will be empty (microseconds since 1970, UTC). What a crash of
-- Postgres forgets here is only that somebody has sent a lot lately.
CREATE UNLOGGED TABLE queue.rate (
    key      bytea  PRIMARY KEY,
    empty_at bigint NOT NULL
) WITH (
    -- Rows change in place.
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0
);

-- Who has tried before. Times are milliseconds since 1970 in UTC.
CREATE TABLE queue.greylist (
    key        bytea   PRIMARY KEY,
    first_seen bigint  NOT NULL,
    -- It has come back in time.
    passed     boolean NOT NULL,
    expires_at bigint  NOT NULL
);

CREATE INDEX greylist_expires ON queue.greylist (expires_at);
