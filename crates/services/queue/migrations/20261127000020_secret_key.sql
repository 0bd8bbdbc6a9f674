-- Something known, sealed under the key of the secrets: whoever comes with another key is told so before
-- it is used. None until the first queue that knows of it has started.
CREATE TABLE queue.secret_key (
    nonce  bytea   NOT NULL,
    sealed bytea   NOT NULL,
    one    boolean PRIMARY KEY DEFAULT true CHECK (one)
);
