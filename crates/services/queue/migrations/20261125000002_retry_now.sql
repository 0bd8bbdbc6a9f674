-- Recipients whose next attempt somebody asked for (`RetryNow`: ETRN, `postern queue retry`).

-- When that was last asked, milliseconds since 1970: a worker does not put it off for what it learnt
-- of the destination before.
ALTER TABLE queue.recipient ADD COLUMN retry_asked_at bigint;
