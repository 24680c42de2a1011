-- pgbench has made its tables; its history has no key, and what mirrors a table needs one.
ALTER TABLE pgbench_history ADD COLUMN id bigserial PRIMARY KEY;
CREATE TABLE marker (id int PRIMARY KEY);
