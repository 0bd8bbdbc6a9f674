-- Secrets by which a digest of CRAM-MD5 (RFC 2195) can be checked, sealed, as src/users/cram_md5.rs
-- writes them; NULL wherever it is switched off, and until the password has been seen.
ALTER TABLE mailbox.user ADD COLUMN cram_md5 bytea;
ALTER TABLE mailbox.app_password ADD COLUMN cram_md5 bytea;

-- They are removed when it is switched off.
CREATE INDEX user_cram_md5 ON mailbox.user (user_id) WHERE cram_md5 IS NOT NULL;
CREATE INDEX app_password_cram_md5 ON mailbox.app_password (user_id) WHERE cram_md5 IS NOT NULL;
