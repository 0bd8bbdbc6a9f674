-- Mail that was accepted and is kept back until an administrator decides. Its recipients stand in
-- queue.recipient with -1 for attempts: that is in neither of the indexes by which mail is found
-- that is due, whatever their due_at says.
--
-- Whoever deletes the row here decides: a release, a removal and the end of its time cannot all
-- have their way (I2). Messages in quarantine are few; nobody else's statements come here.
CREATE TABLE queue.quarantine (
    message_id bigint PRIMARY KEY,
    -- Why, for a person to read.
    reason     text   NOT NULL,
    -- When it is removed, unless somebody decides before.
    until      bigint NOT NULL,
    -- Once released, it is not delivered before this time.
    hold_until bigint NOT NULL
);

CREATE INDEX quarantine_until ON queue.quarantine (until);

COMMENT ON COLUMN queue.recipient.attempts IS
    'Attempts that ended in a temporary failure; -1: its message is in quarantine';
COMMENT ON COLUMN queue.message.received_at IS
    'When it was accepted; of what was in quarantine, when it was released';
