-- Message bodies, each stored once (I12). Queue and mailbox-store refer to volume.body by id.
--
-- Sizes, times and dates are bigint: octets, and milliseconds since 1970 in UTC.

-- A process takes blocks of 1,000 ids, so that an id is known before the row is inserted.
CREATE SEQUENCE volume.body_id MINVALUE 0 START WITH 1000 INCREMENT BY 1000;

CREATE TABLE volume.body (
    id         bigint PRIMARY KEY,
    -- Octets of header and text.
    size       bigint NOT NULL,
    -- The header section with the empty line that ends it.
    header     bytea  NOT NULL,
    -- A postern.message.v1.Summary: what is computed once (I13).
    summary    bytea  NOT NULL,
    -- NULL: the text lies in volume.chunk.
    text       bytea,
    created_at bigint NOT NULL
);

-- Mail is hardly compressible by pglz, and slow to compress.
ALTER TABLE volume.body
    ALTER COLUMN header SET STORAGE EXTERNAL,
    ALTER COLUMN summary SET STORAGE EXTERNAL,
    ALTER COLUMN text SET STORAGE EXTERNAL;

-- The text of a large message, in pieces of 256 KiB (the last may be shorter), from 0 on.
CREATE TABLE volume.chunk (
    body_id bigint NOT NULL,
    n       integer NOT NULL,
    data    bytea  NOT NULL,
    PRIMARY KEY (body_id, n)
);

ALTER TABLE volume.chunk ALTER COLUMN data SET STORAGE EXTERNAL;

-- Texts that are complete in volume.chunk and wait for the message that refers to them. The
-- message takes its upload's id as its body's.
CREATE TABLE volume.upload (
    id         bigint PRIMARY KEY,
    -- Octets of the text.
    size       bigint NOT NULL,
    created_at bigint NOT NULL
);

-- Bodies and uploads that may have lost their last reference: tried for removal when due.
CREATE TABLE volume.garbage (
    body_id bigint PRIMARY KEY,
    due_at  bigint NOT NULL
);

CREATE INDEX garbage_due ON volume.garbage (due_at);
