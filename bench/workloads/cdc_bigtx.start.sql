CREATE TABLE updated (
    id bigint PRIMARY KEY, k int NOT NULL, note text, amount numeric(12,2), at timestamptz
);
INSERT INTO updated
SELECT id, id * 31 % 65521, 'row ' || md5(id::text), id / 7.0, timestamptz '2025-01-01 00:00Z' + id * interval '1 s'
FROM generate_series(1, (:scale * 1000000)::int) AS id;
CREATE TABLE marker (id int PRIMARY KEY);
