-- The version of the scanner that has read the body last: what the summary is of. Where a body could
-- not be read, its summary may be older.
ALTER TABLE volume.body ADD COLUMN scanner_version integer NOT NULL DEFAULT 0;
