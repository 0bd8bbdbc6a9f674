-- The id by which the front end named a message in its reply and in the Received field (`Origin.session`),
-- so that who asks for what that id names finds the message, and its history once it has left the queue.
-- Null: a notice, or written by a process of the version before.
ALTER TABLE queue.message ADD COLUMN session text;
ALTER TABLE queue.history ADD COLUMN session text;
