-- By which the history is searched. Of each 32 pages (about 1,500 lines) it knows the times and, nearly, the
-- addresses and ids: a few hundredths of the size of the history, and nothing to write while lines are added,
-- since a range is summed up once it is full.
--
-- On the parent alone, which holds no lines: the partitions that are made from now on have it. Those that
-- are there already are read through instead, as long as they are kept.
DO $$ BEGIN
    -- Older versions of Postgres cannot; there all partitions are read through.
    IF current_setting('server_version_num')::integer >= 140000 THEN
        CREATE INDEX history_search ON ONLY queue.history USING brin (
            at,
            lower(address) text_bloom_ops (n_distinct_per_range = 1500),
            lower(reverse_path) text_bloom_ops (n_distinct_per_range = 1500),
            session text_bloom_ops (n_distinct_per_range = 1500)
        ) WITH (pages_per_range = 32, autosummarize = on);
    END IF;
END $$;
