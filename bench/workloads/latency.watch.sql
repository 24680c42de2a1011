-- Run at the destination: how long after it was made each beat is seen, looking about once a millisecond.
CREATE UNLOGGED TABLE seen (number bigint, lag_ms double precision);
DO $$
DECLARE
    last_number bigint := 0;
    found record;
BEGIN
    LOOP
        SELECT number, sent INTO found FROM beat;
        IF found.number > last_number THEN
            INSERT INTO seen VALUES (found.number, extract(epoch FROM clock_timestamp() - found.sent) * 1000);
            last_number := found.number;
        END IF;
        COMMIT;
        EXIT WHEN last_number >= current_setting('bench.beats')::int;
        PERFORM pg_sleep(0.0005);
    END LOOP;
END $$;
