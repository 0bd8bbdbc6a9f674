-- no-transaction
-- What waits for a domain, or for those below it (`RetryNow`): its domain read from the end. Mail that
-- has not failed yet is not in it. Mail goes on while it is built.
CREATE INDEX CONCURRENTLY IF NOT EXISTS recipient_again_domain ON queue.recipient
    (reverse(substring(address FROM '[^@]*$')) text_pattern_ops) WHERE attempts > 0;
