-- Two million narrow rows and a quarter of a million wide ones at scale 1; every eighth has a value stored out of line.
CREATE TABLE narrow (id int PRIMARY KEY, k int NOT NULL, note text);
INSERT INTO narrow
SELECT id, id % 65521, 'row ' || md5(id::text) FROM generate_series(1, (:scale * 2000000)::int) AS id;
CREATE TABLE wide (
    id bigint PRIMARY KEY, small smallint, whole int, big bigint, single real, double double precision,
    money numeric(12,2), exact numeric, flag boolean, day date, local timestamp, at timestamptz, uid uuid, doc jsonb,
    short varchar(40), fixed char(6), raw bytea, numbers int[], words text[], long text
);
INSERT INTO wide
SELECT id, id % 30000, id * 5, id::bigint * 10000019, id / 3.0, sqrt(id), id / 100.0, id * 0.000000001, id % 3 = 0,
    date '2024-02-29' + id % 1500, timestamp '2025-01-01' + id * interval '1 min',
    timestamptz '2025-01-01 00:00Z' + id * interval '1 min', md5('u' || id)::uuid,
    jsonb_build_object('id', id, 'tags', jsonb_build_array(id % 5, 'x'), 'in', jsonb_build_object('half', id / 2.0)),
    'short ' || id, 'f' || id % 1000, decode(md5(id::text), 'hex'), ARRAY[id, id + 1], ARRAY['w' || id, 'a,"b"', NULL],
    CASE WHEN id % 8 = 0 THEN (SELECT string_agg(md5(id || ':' || part), '') FROM generate_series(1, 100) AS part) END
FROM generate_series(1, (:scale * 250000)::int) AS id;
ANALYZE;
