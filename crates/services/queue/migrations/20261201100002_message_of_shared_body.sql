-- no-transaction
-- The messages of a body that does not have the number of its message.
CREATE INDEX CONCURRENTLY IF NOT EXISTS message_of_shared_body ON queue.message (body_id) WHERE body_id <> id;
