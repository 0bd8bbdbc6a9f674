-- A postern.queue.v1.Requests; null for ordinary mail, and for whatever processes of the version
-- before take in: they know of none.
ALTER TABLE queue.message ADD COLUMN requests bytea;
