-- From where users have logged in, by address (of IPv6 by the first half): guessing elsewhere does not keep
-- them out there, and a device that asks for what they do not have yet does not count as a guess.
CREATE TABLE mailbox.known_peer (
    user_id bigint NOT NULL REFERENCES mailbox.user ON DELETE CASCADE,
    peer    text   NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (user_id, peer)
);
CREATE INDEX known_peer_age ON mailbox.known_peer (seen_at);
