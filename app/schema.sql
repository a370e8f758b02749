-- Every process runs this at every start, one at a time under an advisory lock. So each statement
-- must leave existing data as it is.
CREATE TABLE IF NOT EXISTS items (id integer PRIMARY KEY, body text NOT NULL);
INSERT INTO items
SELECT id, repeat(md5(id::text), 3) FROM generate_series(1, 10000) AS id
WHERE NOT EXISTS (SELECT FROM items);

CREATE TABLE IF NOT EXISTS events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id integer NOT NULL REFERENCES items,
    happened_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS notes (key text PRIMARY KEY, body text NOT NULL);
CREATE TABLE IF NOT EXISTS logins (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name text PRIMARY KEY, value bigint NOT NULL);
INSERT INTO counters VALUES ('visits', 0) ON CONFLICT DO NOTHING;
