-- Messages between acceptance and their recipients' ends, the history of both, the policy, and the state of
-- collection from remote accounts.
--
-- Times are bigint: milliseconds since 1970 in UTC; 0 is never.
--
-- A message is not its body: a message and the messages derived from it share one (I12). Messages, bodies and
-- uploads take their ids from one sequence. A message that comes with a text of its own gives its body its
-- own number: the primary key then finds the message of a body.
--
-- A recipient's id is (message id << 14) + its number in the message: 10,000 recipients fit, a message's
-- recipients are one range of the primary key, and no second index and no second sequence is needed.

CREATE TABLE queue.message (
    id              bigint   PRIMARY KEY,
    -- No foreign key: a message is always inserted together with its body, or while another message keeps it.
    -- The check would cost a tenth of accepting a message. See queue.keep_body for the other end.
    body_id         bigint   NOT NULL,
    -- Header fields before the body, such as trace fields.
    prefix          bytea    NOT NULL,
    received_at     bigint   NOT NULL,
    -- When a held message is or was released, or a message was released from quarantine: the start of its
    -- lifetime. 0 for other messages.
    released_at     bigint   NOT NULL DEFAULT 0,
    -- Empty: the null reverse-path.
    reverse_path    text     NOT NULL,
    -- Octets of prefix, header and text.
    size            bigint   NOT NULL,
    -- Bits: see src/flags.rs.
    flags           smallint NOT NULL,
    envelope_id     text     NOT NULL,
    return_content  smallint NOT NULL,
    -- A postern.queue.v1.DeliveryOptions; null for ordinary mail.
    options         bytea,
    -- A postern.queue.v1.Origin.
    origin          bytea    NOT NULL,
    -- Origin.session: the id of the message in the front end's reply and in the Received field. Null for a
    -- derived message.
    session         text,
    -- Number of derivations before it.
    depth           smallint NOT NULL DEFAULT 0,
    policy_revision bigint   NOT NULL,
    -- Number of its recipients, and of those that have not reached their end.
    recipients      integer  NOT NULL,
    pending         integer  NOT NULL,
    -- A mailbox refers to the body: mailbox-store decides when it is removed.
    kept            boolean  NOT NULL DEFAULT false
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0
);

-- Messages whose last recipients ended at two replicas at once, or whose removal was interrupted.
CREATE INDEX message_ended ON queue.message (id) WHERE pending <= 0;

-- Messages whose body has another message's number.
CREATE INDEX message_of_shared_body ON queue.message (body_id) WHERE body_id <> id;

-- Keeps a body that a message still needs. The error is no violation of a foreign key: after that a sweep forgets
-- the body until the last reference is dropped, and a message that leaves its body to a mailbox (kept) does not
-- name it, though the mailbox may have dropped it before.
CREATE FUNCTION queue.keep_body() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM queue.message WHERE id = OLD.id AND body_id = id)
       OR EXISTS (SELECT FROM queue.message WHERE body_id = OLD.id AND body_id <> id) THEN
        RAISE object_in_use
            USING MESSAGE = format('body %s belongs to a message in the queue', OLD.id),
                  SCHEMA = 'queue', TABLE = 'message', CONSTRAINT = 'message_keeps_body';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER queue_keeps_body BEFORE DELETE ON volume.body
    FOR EACH ROW EXECUTE FUNCTION queue.keep_body();

CREATE TABLE queue.recipient (
    id                 bigint   PRIMARY KEY,
    address            text     NOT NULL,
    -- DSN parameters of RCPT.
    original_recipient text     NOT NULL,
    notify             smallint NOT NULL,
    -- Attempts that ended in a temporary failure; -1: its message is in quarantine.
    attempts           integer  NOT NULL DEFAULT 0,
    -- The epoch of the newest lease; 0 before the first (I4).
    epoch              integer  NOT NULL,
    -- When it may be leased (again): for a leased recipient the end of its lease. An abandoned lease thus
    -- expires by itself.
    due_at             bigint   NOT NULL,
    leased             boolean  NOT NULL,
    -- The worker that holds the lease, or held the last one.
    worker             text     NOT NULL,
    delay_notified     boolean  NOT NULL DEFAULT false,
    last_reason        text     NOT NULL DEFAULT '',
    -- When its next attempt was last requested (`RetryNow`: ETRN, `postern queue retry`): earlier knowledge
    -- about the destination must not prevent that attempt.
    retry_asked_at     bigint
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0
);

-- Due recipients, oldest first. Two indexes, so that a backlog of retries does not delay mail that was never
-- tried.
CREATE INDEX recipient_due_first ON queue.recipient (due_at) WHERE attempts = 0;
CREATE INDEX recipient_due_again ON queue.recipient (due_at) WHERE attempts > 0;

-- Waiting recipients of a domain, or of its subdomains (`RetryNow`), by the reversed domain. Mail that has
-- not failed yet is not in it.
CREATE INDEX recipient_again_domain ON queue.recipient
    (reverse(substring(address FROM '[^@]*$')) text_pattern_ops) WHERE attempts > 0;

-- Accepted mail that is kept back until an administrator decides. Its recipients have -1 for attempts: they
-- are in neither index of due mail, whatever their due_at.
--
-- The transaction that deletes the row here decides: a release, a removal and the end of its time exclude
-- each other (I2). Messages in quarantine are few; no other statement uses this table.
CREATE TABLE queue.quarantine (
    message_id bigint PRIMARY KEY,
    -- Why, for a person to read.
    reason     text   NOT NULL,
    -- When it is removed unless an administrator decides.
    until      bigint NOT NULL,
    -- Earliest delivery after a release.
    hold_until bigint NOT NULL
);

CREATE INDEX quarantine_until ON queue.quarantine (until);

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
    worker          text     NOT NULL,
    -- As in queue.message.
    session         text
) PARTITION BY RANGE (at);

CREATE INDEX history_recipient ON queue.history (recipient_id);

-- For searches of the history. It knows the times and, approximately, the addresses and ids of each 32 pages
-- (about 1,500 lines). It has a few hundredths of the history's size and costs nothing while lines are added,
-- since a range is summarised once it is full.
DO $$ BEGIN
    -- Older versions of Postgres cannot use it; there all of the history is read.
    IF current_setting('server_version_num')::integer >= 140000 THEN
        CREATE INDEX history_search ON queue.history USING brin (
            at,
            lower(address) text_bloom_ops (n_distinct_per_range = 1500),
            lower(reverse_path) text_bloom_ops (n_distinct_per_range = 1500),
            session text_bloom_ops (n_distinct_per_range = 1500)
        ) WITH (pages_per_range = 32, autosummarize = on);
    END IF;
END $$;

-- Which message was derived from which, kept as long as the history. Partitioned by day, like the history.
CREATE TABLE queue.derivation (
    at            bigint   NOT NULL,
    message_id    bigint   NOT NULL,
    parent_id     bigint   NOT NULL,
    -- A postern.queue.v1.DerivedKind.
    kind          smallint NOT NULL,
    -- The parent's recipients at whose ends it was derived.
    recipient_ids bigint[] NOT NULL
) PARTITION BY RANGE (at);

CREATE INDEX derivation_message ON queue.derivation (message_id);
CREATE INDEX derivation_parent ON queue.derivation (parent_id);

-- Refusals of the front ends. Several refusals of one peer, verdict and recipient within seconds are one row.
-- Partitioned by day, like the history.
CREATE SEQUENCE queue.refusal_number CACHE 100;

CREATE TABLE queue.refusal (
    at              bigint NOT NULL,
    number          bigint NOT NULL DEFAULT nextval('queue.refusal_number'),
    last_at         bigint NOT NULL,
    count           bigint NOT NULL,
    -- Null: there is no peer.
    peer            inet,
    helo            text   NOT NULL,
    login           text   NOT NULL,
    listener        text   NOT NULL,
    reverse_path    text   NOT NULL,
    recipient       text   NOT NULL,
    verdict         text   NOT NULL,
    -- One per line.
    reasons         text   NOT NULL,
    policy_revision bigint NOT NULL,
    session         text   NOT NULL,
    -- The process that reported it, by its connection.
    service         text   NOT NULL,
    PRIMARY KEY (at, number)
) PARTITION BY RANGE (at);

-- Creates the partitions of a table for `days` days from the day of `first` on, and drops those that end
-- before `keep_from`. Called by one process at a time, under the advisory lock taken here.
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

-- The policy: one document, numbered revisions.
CREATE TABLE queue.policy_revision (
    revision bigint PRIMARY KEY,
    document text   NOT NULL,
    made_at  bigint NOT NULL,
    author   text   NOT NULL,
    comment  text   NOT NULL
);

-- Secrets named by the policy: AES-256-GCM under a key that is not in the database.
CREATE TABLE queue.secret (
    name   text   PRIMARY KEY,
    nonce  bytea  NOT NULL,
    sealed bytea  NOT NULL,
    set_at bigint NOT NULL
);

-- A known text, sealed under the secrets' key: it shows a wrong key before that is used. Empty until the
-- first queue has started.
CREATE TABLE queue.secret_key (
    nonce  bytea   NOT NULL,
    sealed bytea   NOT NULL,
    one    boolean PRIMARY KEY DEFAULT true CHECK (one)
);

-- Gateways and whether they work, by the newest attempts over them.
CREATE TABLE queue.gateway (
    name            text   PRIMARY KEY,
    -- 0: it works.
    failing_since   bigint NOT NULL,
    last_failure    text   NOT NULL,
    last_failure_at bigint NOT NULL,
    last_success_at bigint NOT NULL
);

-- Messages collected from remote accounts (I10). The hash is part of the identity: if a server gives an old
-- name to a new message, the new one is collected.
CREATE TABLE queue.collected (
    account      text   NOT NULL,
    -- The server's name for the message: its UIDL.
    remote_id    text   NOT NULL,
    content_hash bytea  NOT NULL,
    message_id   bigint NOT NULL,
    collected_at bigint NOT NULL,
    PRIMARY KEY (account, remote_id, content_hash)
);

-- Finds a message whose server has given it another name, by its header section: the second half of the hash.
CREATE INDEX collected_by_header ON queue.collected (account, substring(content_hash FROM 33));

-- The state of collection.
CREATE TABLE queue.collect_account (
    account         text    PRIMARY KEY,
    -- The collector that polls it, and until when unless it reports.
    collector       text    NOT NULL,
    claimed_until   bigint  NOT NULL,
    claimed_at      bigint  NOT NULL,
    last_poll       bigint  NOT NULL DEFAULT 0,
    last_error      text    NOT NULL DEFAULT '',
    last_collected  bigint  NOT NULL DEFAULT 0,
    left_on_server  bigint  NOT NULL DEFAULT 0,
    total_collected bigint  NOT NULL DEFAULT 0,
    -- Failed polls since the last successful one, and the time of that one.
    failures        integer NOT NULL DEFAULT 0,
    last_success    bigint  NOT NULL DEFAULT 0,
    -- The message being read. Empty: none. Written before it is read, and cleared by the poll's report.
    reading         text    NOT NULL DEFAULT '',
    reading_size    bigint  NOT NULL DEFAULT 0
);

-- Messages that were not collected.
CREATE TABLE queue.uncollected (
    account   text    NOT NULL,
    remote_id text    NOT NULL,
    size      bigint  NOT NULL,
    subject   text    NOT NULL,
    reason    text    NOT NULL,
    -- Polls that ended while it was read.
    tries     integer NOT NULL,
    first_at  bigint  NOT NULL,
    last_at   bigint  NOT NULL,
    retry_at  bigint  NOT NULL,
    set_aside boolean NOT NULL,
    PRIMARY KEY (account, remote_id)
);

-- Rates of senders. A bucket leaks one microsecond's worth each microsecond, so the time at which it will be
-- empty (microseconds since 1970, UTC) describes it fully. A crash of Postgres loses only recent counts.
CREATE UNLOGGED TABLE queue.rate (
    key      bytea  PRIMARY KEY,
    empty_at bigint NOT NULL
) WITH (
    -- Rows change in place.
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0
);

-- Senders that have tried before.
CREATE TABLE queue.greylist (
    key        bytea   PRIMARY KEY,
    first_seen bigint  NOT NULL,
    -- It has come back in time.
    passed     boolean NOT NULL,
    expires_at bigint  NOT NULL
);

CREATE INDEX greylist_expires ON queue.greylist (expires_at);
