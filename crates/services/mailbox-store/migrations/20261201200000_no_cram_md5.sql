-- CRAM-MD5 is not offered any more: nothing is kept for it.
DROP INDEX mailbox.user_cram_md5;
DROP INDEX mailbox.app_password_cram_md5;
ALTER TABLE mailbox.user DROP COLUMN cram_md5;
ALTER TABLE mailbox.app_password DROP COLUMN cram_md5;
DROP TABLE mailbox.cram_md5;
