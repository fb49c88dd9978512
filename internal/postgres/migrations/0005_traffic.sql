-- What routers counted, one row a sandbox, so that a list of sandboxes needs no query per row: {"<node>": {...}}. Rows
-- change every other second while there are requests, hence the room for updates in place.
CREATE TABLE sandbox_traffic (
    sandbox_id bigint PRIMARY KEY REFERENCES sandboxes,
    nodes      jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
