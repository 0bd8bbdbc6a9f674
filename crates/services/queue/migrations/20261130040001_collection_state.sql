-- How collecting goes: polls that failed in a row, the last one that did not, the message that is
-- being read, and the messages that were not collected.

ALTER TABLE queue.collect_account
    ADD COLUMN failures     integer NOT NULL DEFAULT 0,
    ADD COLUMN last_success bigint  NOT NULL DEFAULT 0,
    -- Empty: none. Written before a message is read, and ended by the poll's report.
    ADD COLUMN reading      text    NOT NULL DEFAULT '',
    ADD COLUMN reading_size bigint  NOT NULL DEFAULT 0;

-- Polls before this were good ones when they left no error.
UPDATE queue.collect_account SET last_success = last_poll WHERE last_error = '';

CREATE TABLE queue.uncollected (
    account   text    NOT NULL,
    uidl      text    NOT NULL,
    size      bigint  NOT NULL,
    subject   text    NOT NULL,
    reason    text    NOT NULL,
    -- Polls that ended while it was read.
    tries     integer NOT NULL,
    first_at  bigint  NOT NULL,
    last_at   bigint  NOT NULL,
    retry_at  bigint  NOT NULL,
    set_aside boolean NOT NULL,
    PRIMARY KEY (account, uidl)
);
