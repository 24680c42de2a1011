-- Run at the source: a commit every 20 ms that carries the time it was made at.
DO $$
BEGIN
    FOR beat_number IN 1..current_setting('bench.beats')::int LOOP
        UPDATE beat SET number = beat_number, sent = clock_timestamp();
        COMMIT;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;
