-- Whether gateways work, by the newest attempts over them. Times are milliseconds since 1970 in UTC; 0: never.
CREATE TABLE queue.gateway (
    name            text   PRIMARY KEY,
    -- 0: it works.
    failing_since   bigint NOT NULL,
    last_failure    text   NOT NULL,
    last_failure_at bigint NOT NULL,
    last_success_at bigint NOT NULL
);
