-- One million rows at scale 1, a thousand a transaction.
CREATE PROCEDURE fill(transactions int) LANGUAGE plpgsql AS $$
BEGIN
    FOR number IN 0..transactions - 1 LOOP
        INSERT INTO inserted
        SELECT id, id * 31 % 65521, 'row ' || md5(id::text), id / 7.0, timestamptz '2025-01-01 00:00Z' + id * interval '1 s'
        FROM generate_series(number * 1000 + 1, (number + 1) * 1000) AS id;
        COMMIT;
    END LOOP;
END $$;
CALL fill((:scale * 1000)::int);
DROP PROCEDURE fill;
