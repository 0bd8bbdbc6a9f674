-- Until when CRAM-MD5 is on at some replica: others, where it is off, do not remove its secrets before.
CREATE TABLE mailbox.cram_md5 (
    on_until bigint  NOT NULL,
    one      boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO mailbox.cram_md5 (on_until) VALUES (0);
