-- A release from quarantine leaves the arrival as it is: what counts from the release on stands in
-- `requests`.
COMMENT ON COLUMN queue.message.received_at IS 'When it was accepted';
