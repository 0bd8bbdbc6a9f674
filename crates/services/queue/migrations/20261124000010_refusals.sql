-- What the front ends refused, to answer why. Several refusals of one peer, verdict and recipient
-- within seconds are one row. Partitioned by day like the history, and dropped like it.
CREATE SEQUENCE queue.refusal_number CACHE 100;

CREATE TABLE queue.refusal (
    at              bigint NOT NULL,
    number          bigint NOT NULL DEFAULT nextval('queue.refusal_number'),
    last_at         bigint NOT NULL,
    count           bigint NOT NULL,
    -- Null: no peer is to blame.
    peer            inet,
    helo            text   NOT NULL,
    login           text   NOT NULL,
    listener        text   NOT NULL,
    reverse_path    text   NOT NULL,
    recipient       text   NOT NULL,
    verdict         text   NOT NULL,
    -- One a line.
    reasons         text   NOT NULL,
    policy_revision bigint NOT NULL,
    session         text   NOT NULL,
    PRIMARY KEY (at, number)
) PARTITION BY RANGE (at);

-- Makes the partitions of a table for `days` days from the day of `first` on, and drops those that
-- end before `keep_from`. Called by one process at a time, under the advisory lock taken here.
CREATE FUNCTION queue.maintain_days(kept text, first bigint, days integer, keep_from bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    day_ms CONSTANT bigint := 86400000;
    day bigint := first / day_ms;
    old name;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('queue.maintain_history'));
    FOR n IN day .. day + days - 1 LOOP
        IF to_regclass(format('queue.%I', kept || '_' || n)) IS NULL THEN
            EXECUTE format('CREATE TABLE queue.%I PARTITION OF queue.%I FOR VALUES FROM (%s) TO (%s)',
                           kept || '_' || n, kept, n * day_ms, (n + 1) * day_ms);
        END IF;
    END LOOP;
    FOR old IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = format('queue.%I', kept)::regclass
                 AND (substring(c.relname FROM '_(\d+)$')::bigint + 1) * day_ms <= keep_from
    LOOP
        EXECUTE format('DROP TABLE queue.%I', old);
    END LOOP;
END $$;

-- Called by processes of the version before, while they still run.
CREATE OR REPLACE FUNCTION queue.maintain_history(first bigint, days integer, keep_from bigint)
RETURNS void LANGUAGE sql AS $$
    SELECT queue.maintain_days('history', first, days, keep_from)
$$;
