-- Message bodies, each stored once (I12). Queue and mailbox-store refer to volume.body by id.
--
-- Sizes, times and dates are bigint: octets, and milliseconds since 1970 in UTC.

-- A process takes blocks of 1,000 ids, so that an id is known before the row is inserted.
CREATE SEQUENCE volume.body_id MINVALUE 0 START WITH 1000 INCREMENT BY 1000;

CREATE TABLE volume.body (
    id              bigint  PRIMARY KEY,
    -- Octets of header and text.
    size            bigint  NOT NULL,
    -- The header section with the empty line that ends it.
    header          bytea   NOT NULL,
    -- A postern.message.v1.Summary: what is computed once (I13).
    summary         bytea   NOT NULL,
    -- NULL: the text lies in volume.chunk.
    text            bytea,
    created_at      bigint  NOT NULL,
    -- The version of the scanner that has read the body last: what the summary is of. Where a body could
    -- not be read, its summary may be older.
    scanner_version integer NOT NULL DEFAULT 0
);

-- A message of the usual size lies in its row, compressed where that helps: fewer pages and less
-- log to write, and no rows and index entries of their own for pieces of it when it comes, when it
-- is read and when it goes. What does not fit a page is kept apart.
--
-- A server built without lz4 keeps them as they are: pglz is slow, and saves little of mail.
DO $$
DECLARE
    compresses CONSTANT boolean := EXISTS (
        SELECT FROM pg_settings
        WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)
    );
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['header', 'summary', 'text'] LOOP
        IF compresses THEN
            EXECUTE format('ALTER TABLE volume.body ALTER COLUMN %I SET COMPRESSION lz4,
                                                    ALTER COLUMN %1$I SET STORAGE MAIN', name);
        ELSE
            EXECUTE format('ALTER TABLE volume.body ALTER COLUMN %I SET STORAGE EXTERNAL', name);
        END IF;
    END LOOP;
    IF NOT compresses THEN
        ALTER TABLE volume.body SET (toast_tuple_target = 8160);
    END IF;
END $$;

-- Summaries to be made anew. Costs a body of today's version nothing. A new version of the scanner
-- needs a new index, and the old one dropped: see src/summaries.rs.
CREATE INDEX body_outdated ON volume.body (id) WHERE scanner_version < 1;

-- The text of a large message, in pieces of 256 KiB (the last may be shorter), from 0 on.
CREATE TABLE volume.chunk (
    body_id bigint  NOT NULL,
    n       integer NOT NULL,
    data    bytea   NOT NULL,
    PRIMARY KEY (body_id, n)
);

ALTER TABLE volume.chunk ALTER COLUMN data SET STORAGE EXTERNAL;

-- Texts that are complete in volume.chunk and wait for the message that refers to them. The
-- body takes its upload's id.
CREATE TABLE volume.upload (
    id         bigint PRIMARY KEY,
    -- Ids are consecutive, so a claim needs this random value too. Only the uploader receives it.
    token      bytea  NOT NULL DEFAULT uuid_send(gen_random_uuid()),
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
