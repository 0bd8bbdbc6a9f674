-- Keys by which a proof of a password can be checked (RFC 5802), as src/users/scram.rs writes
-- them; NULL until the password has been seen, and where it cannot be used for SCRAM.
ALTER TABLE mailbox.user ADD COLUMN scram bytea;

-- The salt of every login is made of this and of the login itself: so one that exists and one that
-- does not look alike, for ever and at every replica.
CREATE TABLE mailbox.scram_salt (
    secret bytea NOT NULL,
    one    boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO mailbox.scram_salt (secret)
    VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- Passwords for single programs and devices.
CREATE TABLE mailbox.app_password (
    user_id    bigint NOT NULL REFERENCES mailbox.user ON DELETE CASCADE,
    -- For people.
    name       text   NOT NULL,
    -- The first characters of the password: by them it is found, so that a wrong guess costs one
    -- hash and not one for each of them.
    selector   text   NOT NULL,
    -- As in mailbox.user.
    password   text   NOT NULL,
    scram      bytea,
    created_at bigint NOT NULL,
    PRIMARY KEY (user_id, name),
    UNIQUE (user_id, selector)
);
