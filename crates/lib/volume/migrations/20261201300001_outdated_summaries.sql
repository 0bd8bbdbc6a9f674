-- no-transaction
-- Summaries to be made anew. Costs a body of today's version nothing. A new version of the scanner
-- needs a new index, and the old one dropped: see src/summaries.rs.
CREATE INDEX CONCURRENTLY IF NOT EXISTS body_outdated ON volume.body (id) WHERE scanner_version < 1;
