-- A message of the usual size lies in its row, compressed where that helps: fewer pages and less
-- log to write, and no rows and index entries of their own for pieces of it when it comes, when it
-- is read and when it goes. What does not fit a page is still kept apart.
--
-- A server built without lz4 keeps them as they are: its other method takes longer than it saves.
DO $$
DECLARE
    compresses CONSTANT boolean := EXISTS (
        SELECT FROM pg_settings
        WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)
    );
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['header', 'summary', 'text'] LOOP
        IF compresses THEN
            EXECUTE format('ALTER TABLE volume.body ALTER COLUMN %I SET COMPRESSION lz4,
                                                    ALTER COLUMN %1$I SET STORAGE MAIN', name);
        END IF;
    END LOOP;
    IF NOT compresses THEN
        ALTER TABLE volume.body SET (toast_tuple_target = 8160);
    END IF;
END $$;
