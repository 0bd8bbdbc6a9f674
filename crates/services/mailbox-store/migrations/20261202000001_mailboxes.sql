-- Users, their mailboxes and the messages in them. Bodies are in schema `volume`; this schema has what
-- differs by recipient.
--
-- Times are bigint: milliseconds since 1970 in UTC.
--
-- A transaction that changes a mailbox's messages holds the lock of its row in mailbox.mailbox (I5). Locks
-- are taken in this order: users, mailboxes by id, ledger by recipient id, volume. See src/mailboxes/lock.rs.

CREATE TABLE mailbox.user (
    user_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- In lower case; it is also the login.
    address    text        NOT NULL UNIQUE,
    domain     text        NOT NULL GENERATED ALWAYS AS (substring(address FROM '[^@]*$')) STORED,
    -- A PHC string ($argon2id$…).
    password   text        NOT NULL,
    -- Keys that verify a proof of a password (RFC 5802), in the form of src/users/scram.rs; NULL until the
    -- password has been given, and if it cannot be used for SCRAM.
    scram      bytea,
    created_at bigint      NOT NULL
);
CREATE INDEX user_domain ON mailbox.user (domain, address);

-- Every mailbox has a UIDVALIDITY of its own, so that a mailbox created again under an old name differs from
-- the old one (RFC 9051 §2.3.1.1). The sequence starts at today's second, so that a restored or rebuilt
-- system differs from the old one too.
CREATE SEQUENCE mailbox.uid_validity AS bigint MINVALUE 1 MAXVALUE 4294967295;
SELECT setval('mailbox.uid_validity', extract(epoch FROM now())::bigint);

CREATE TABLE mailbox.mailbox (
    mailbox_id     bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id        bigint  NOT NULL REFERENCES mailbox.user,
    name           text    NOT NULL,
    special_use    text    NOT NULL DEFAULT '',
    uid_validity   bigint  NOT NULL DEFAULT nextval('mailbox.uid_validity'),
    -- The next UID. It only grows, so that no UID is used twice (I6).
    uid_next       bigint  NOT NULL DEFAULT 1 CHECK (uid_next BETWEEN 1 AND 4294967295),
    highest_modseq bigint  NOT NULL DEFAULT 1,
    -- Updated with every change, so that STATUS reads one row.
    messages       bigint  NOT NULL DEFAULT 0 CHECK (messages >= 0),
    unseen         bigint  NOT NULL DEFAULT 0 CHECK (unseen >= 0),
    deleted        bigint  NOT NULL DEFAULT 0 CHECK (deleted >= 0),
    size           bigint  NOT NULL DEFAULT 0 CHECK (size >= 0),
    -- Keywords in their first spelling, which messages use.
    keywords       text[]  NOT NULL DEFAULT '{}',
    UNIQUE (user_id, name)
) WITH (
    -- The row changes with every message: room for the new version on the same page.
    fillfactor = 40,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_threshold = 200
);

CREATE TABLE mailbox.subscription (
    user_id bigint NOT NULL REFERENCES mailbox.user,
    -- May name a mailbox that does not exist (RFC 9051 §6.3.7).
    name    text   NOT NULL,
    PRIMARY KEY (user_id, name)
);

CREATE TABLE mailbox.message (
    -- Without a foreign key: every writer holds the mailbox's row lock anyway, and the check would
    -- cost each delivery a look-up.
    mailbox_id    bigint      NOT NULL,
    uid           bigint      NOT NULL,
    modseq        bigint      NOT NULL,
    body_id       bigint      NOT NULL REFERENCES volume.body (id),
    internal_date bigint      NOT NULL,
    -- Octets of prefix, header and text.
    size          bigint      NOT NULL,
    -- Bits of mailbox.v1.Flags.
    flags         integer     NOT NULL,
    keywords      text[]      NOT NULL DEFAULT '{}',
    -- Return-Path and Delivered-To: stands before the body's header (I12).
    prefix        bytea       NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
);
CREATE INDEX message_modseq ON mailbox.message (mailbox_id, modseq);
-- For the foreign key: whether a body is still in use.
CREATE INDEX message_body ON mailbox.message (body_id);

-- UIDs of removed messages, for ever (I6): for QRESYNC (RFC 7162 §3.2).
CREATE TABLE mailbox.expunged (
    mailbox_id bigint NOT NULL,
    modseq     bigint NOT NULL,
    first      bigint NOT NULL,
    last       bigint NOT NULL,
    PRIMARY KEY (mailbox_id, modseq, first)
);

-- Delivered recipients of the queue (I3).
CREATE TABLE mailbox.delivery (
    recipient_id bigint      PRIMARY KEY,
    uid          bigint      NOT NULL,
    delivered_at bigint      NOT NULL
);
-- Rows are inserted in the order of time: enough to find the old ones.
CREATE INDEX delivery_age ON mailbox.delivery USING brin (delivered_at);

-- Wrong guesses by account and by peer address: shared by all replicas.
CREATE TABLE mailbox.guess (
    subject    text        PRIMARY KEY,
    failures   integer     NOT NULL,
    failed_at  bigint      NOT NULL
);
CREATE INDEX guess_age ON mailbox.guess (failed_at);

-- The salt of every login is derived from this secret and the login itself: an existing login and a missing
-- one look alike, for ever and at every replica.
CREATE TABLE mailbox.scram_salt (
    secret bytea NOT NULL,
    one    boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO mailbox.scram_salt (secret)
    VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- Application passwords, for single programs and devices.
CREATE TABLE mailbox.app_password (
    user_id    bigint NOT NULL REFERENCES mailbox.user ON DELETE CASCADE,
    -- For people.
    name       text   NOT NULL,
    -- The first characters of the password, by which it is found: a wrong guess then costs one hash and not
    -- one for each of them.
    selector   text   NOT NULL,
    -- As in mailbox.user.
    password   text   NOT NULL,
    scram      bytea,
    created_at bigint NOT NULL,
    PRIMARY KEY (user_id, name),
    UNIQUE (user_id, selector)
);

-- Peers from which users have logged in, by address (of IPv6 by the first half). Guesses from elsewhere do
-- not lock users out at these peers, and there a device that asks for something they do not have yet does not
-- count as a guess.
CREATE TABLE mailbox.known_peer (
    user_id bigint NOT NULL REFERENCES mailbox.user ON DELETE CASCADE,
    peer    text   NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (user_id, peer)
);
CREATE INDEX known_peer_age ON mailbox.known_peer (seen_at);
