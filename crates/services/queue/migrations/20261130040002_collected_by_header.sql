-- no-transaction
-- A message whose server has given it another UIDL is found by its header section: the second half
-- of the hash.
CREATE INDEX CONCURRENTLY IF NOT EXISTS collected_by_header ON queue.collected (account, substring(content_hash FROM 33));
