-- A message is not its body. Several messages have one: a message, and what is made from it (I12). What stands
-- before a body in one of them, such as its trace fields, is the message's prefix.
--
-- Messages, bodies and uploads draw their ids from one sequence. A message that comes with a text of its own
-- gives its body its own number: the primary key finds the message of a body then, and the index below has
-- only what is left.
ALTER TABLE queue.message ADD COLUMN body_id bigint, ADD COLUMN prefix bytea NOT NULL DEFAULT '';
UPDATE queue.message SET body_id = id;
ALTER TABLE queue.message ALTER COLUMN body_id SET NOT NULL, ALTER COLUMN prefix DROP DEFAULT;

COMMENT ON COLUMN queue.message.size IS 'Octets of prefix, header and text';
COMMENT ON COLUMN queue.message.kept IS
    'A mailbox of ours refers to the body: mailbox-store knows when it may go';

CREATE OR REPLACE FUNCTION queue.keep_body() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM queue.message WHERE id = OLD.id AND body_id = id)
       OR EXISTS (SELECT FROM queue.message WHERE body_id = OLD.id AND body_id <> id) THEN
        RAISE foreign_key_violation
            USING MESSAGE = format('body %s belongs to a message in the queue', OLD.id),
                  SCHEMA = 'queue', TABLE = 'message', CONSTRAINT = 'message_keeps_body';
    END IF;
    RETURN OLD;
END $$;
