-- Messages that are made of others at the ends of their recipients: notices, forwards and the like.

ALTER TABLE queue.message ADD COLUMN depth smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN queue.message.depth IS
    'How many messages were made of each other, one after another, before it';

-- Which message was made of which, for as long as the history tells of them. Partitioned by day, as that is.
CREATE TABLE queue.derivation (
    at            bigint   NOT NULL,
    message_id    bigint   NOT NULL,
    parent_id     bigint   NOT NULL,
    -- A postern.queue.v1.DerivedKind.
    kind          smallint NOT NULL,
    -- Of the parent: those at whose ends it was made.
    recipient_ids bigint[] NOT NULL
) PARTITION BY RANGE (at);

CREATE INDEX derivation_message ON queue.derivation (message_id);
CREATE INDEX derivation_parent ON queue.derivation (parent_id);
