CREATE TABLE beat (id int PRIMARY KEY, number bigint NOT NULL, sent timestamptz NOT NULL);
INSERT INTO beat VALUES (1, 0, clock_timestamp());
