-- Recipients whose next attempt somebody asked for (`RetryNow`: ETRN, `postern queue retry`).

-- When that was last asked, milliseconds since 1970: a worker does not put it off for what it learnt
-- of the destination before.
ALTER TABLE queue.recipient ADD COLUMN retry_asked_at bigint;

-- What waits for a domain, or for those below it: its domain read from the end. Mail that has not
-- failed yet is not in it.
CREATE INDEX recipient_again_domain ON queue.recipient
    (reverse(substring(address FROM '[^@]*$')) text_pattern_ops) WHERE attempts > 0;
