-- What a sender asks is one thing, what became of a message another: when it was released, or will be, is no part of
-- what is kept of a postern.queue.v1.DeliveryOptions.
ALTER TABLE queue.message RENAME COLUMN requests TO options;
ALTER TABLE queue.message ADD COLUMN released_at bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN queue.message.options IS 'A postern.queue.v1.DeliveryOptions; null for ordinary mail';
COMMENT ON COLUMN queue.message.released_at IS
    'When it was released, or will be, of what was held or in quarantine: its lifetime begins there. 0: it was neither';

-- Remote accounts need not speak POP3.
ALTER TABLE queue.collected RENAME COLUMN uidl TO remote_id;
ALTER TABLE queue.uncollected RENAME COLUMN uidl TO remote_id;
