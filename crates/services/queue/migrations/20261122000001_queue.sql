-- Messages between acceptance and their recipients' ends, the history of both, the policy, and
-- what collecting from remote accounts must remember.
--
-- Times are bigint: milliseconds since 1970 in UTC.
--
-- A message's id is its body's. A recipient's id is (message id << 14) + its number in the
-- message: 10,000 recipients fit, a message's recipients are one range of the primary key, and no
-- second index and no second sequence is needed.

CREATE TABLE queue.message (
    id              bigint   PRIMARY KEY REFERENCES volume.body (id),
    received_at     bigint   NOT NULL,
    -- Empty: the null reverse-path.
    reverse_path    text     NOT NULL,
    -- Octets of header and text.
    size            bigint   NOT NULL,
    -- Bits: 1 eight-bit, 2 SMTPUTF8, 4 binary, 8 REQUIRETLS.
    flags           smallint NOT NULL,
    envelope_id     text     NOT NULL,
    return_content  smallint NOT NULL,
    -- A postern.queue.v1.Origin.
    origin          bytea    NOT NULL,
    policy_revision bigint   NOT NULL,
    -- How many recipients it came with, and how many have not reached their end.
    recipients      integer  NOT NULL,
    pending         integer  NOT NULL,
    -- A mailbox of ours refers to the body: mailbox-store knows when it may go.
    kept            boolean  NOT NULL DEFAULT false
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0
);

-- Messages whose last recipients ended at two replicas at once, or whose removal was cut off.
CREATE INDEX message_ended ON queue.message (id) WHERE pending <= 0;

CREATE TABLE queue.recipient (
    id                 bigint   PRIMARY KEY,
    address            text     NOT NULL,
    -- DSN parameters of RCPT.
    original_recipient text     NOT NULL,
    notify             smallint NOT NULL,
    -- Attempts that ended in a temporary failure.
    attempts           integer  NOT NULL DEFAULT 0,
    -- The epoch of the newest lease; 0 before the first (I4).
    epoch              integer  NOT NULL,
    -- When it may be leased (again): for a leased recipient the end of its lease. So a lease
    -- that nobody ends expires by itself.
    due_at             bigint   NOT NULL,
    leased             boolean  NOT NULL,
    -- Who holds the lease, or held the last one.
    worker             text     NOT NULL,
    delay_notified     boolean  NOT NULL DEFAULT false,
    last_reason        text     NOT NULL DEFAULT ''
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0
);

-- What is due is found here, oldest first. Two indexes, so that a backlog of retries does not
-- stand before mail that has never been tried.
CREATE INDEX recipient_due_first ON queue.recipient (due_at) WHERE attempts = 0;
CREATE INDEX recipient_due_again ON queue.recipient (due_at) WHERE attempts > 0;

-- Every attempt and every end (I2). Partitioned by day: old days are dropped, not deleted.
CREATE TABLE queue.history (
    at              bigint   NOT NULL,
    recipient_id    bigint   NOT NULL,
    address         text     NOT NULL,
    reverse_path    text     NOT NULL,
    -- A postern.queue.v1.Outcome.
    outcome         smallint NOT NULL,
    reason          text     NOT NULL,
    server          text     NOT NULL,
    reply           text     NOT NULL,
    policy_revision bigint   NOT NULL,
    worker          text     NOT NULL
) PARTITION BY RANGE (at);

CREATE INDEX history_recipient ON queue.history (recipient_id);

-- Makes the partitions of `days` days from the day of `first` on, and drops those that end before
-- `keep_from`. Called by one process at a time, under the advisory lock taken here.
CREATE FUNCTION queue.maintain_history(first bigint, days integer, keep_from bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    day_ms CONSTANT bigint := 86400000;
    day bigint := first / day_ms;
    old name;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('queue.maintain_history'));
    FOR n IN day .. day + days - 1 LOOP
        IF to_regclass('queue.history_' || n) IS NULL THEN
            EXECUTE format('CREATE TABLE queue.%I PARTITION OF queue.history
                            FOR VALUES FROM (%s) TO (%s)', 'history_' || n, n * day_ms, (n + 1) * day_ms);
        END IF;
    END LOOP;
    FOR old IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'queue.history'::regclass
                 AND (substring(c.relname FROM '^history_(\d+)$')::bigint + 1) * day_ms <= keep_from
    LOOP
        EXECUTE format('DROP TABLE queue.%I', old);
    END LOOP;
END $$;

-- The policy: one document, numbered revisions.
CREATE TABLE queue.policy_revision (
    revision bigint PRIMARY KEY,
    document text   NOT NULL,
    made_at  bigint NOT NULL,
    author   text   NOT NULL,
    comment  text   NOT NULL
);

-- Secrets that the policy names: AES-256-GCM under a key that is not in the database.
CREATE TABLE queue.secret (
    name   text   PRIMARY KEY,
    nonce  bytea  NOT NULL,
    sealed bytea  NOT NULL,
    set_at bigint NOT NULL
);

-- Messages that were collected from remote accounts (I10). The hash belongs to the identity:
-- where a server gives an old UIDL to a new message, the new one is not taken for the old.
CREATE TABLE queue.collected (
    account      text   NOT NULL,
    uidl         text   NOT NULL,
    content_hash bytea  NOT NULL,
    message_id   bigint NOT NULL,
    collected_at bigint NOT NULL,
    PRIMARY KEY (account, uidl, content_hash)
);

CREATE TABLE queue.collect_account (
    account         text    PRIMARY KEY,
    -- Who may poll it, and until when unless reported.
    collector       text    NOT NULL,
    claimed_until   bigint  NOT NULL,
    claimed_at      bigint  NOT NULL,
    last_poll       bigint  NOT NULL DEFAULT 0,
    last_error      text    NOT NULL DEFAULT '',
    last_collected  bigint  NOT NULL DEFAULT 0,
    left_on_server  bigint  NOT NULL DEFAULT 0,
    total_collected bigint  NOT NULL DEFAULT 0
);
