CREATE TABLE inserted (
    id bigint PRIMARY KEY, k int NOT NULL, note text, amount numeric(12,2), at timestamptz
);
CREATE TABLE marker (id int PRIMARY KEY);
