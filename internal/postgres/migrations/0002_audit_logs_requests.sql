CREATE TABLE audit_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    user_name   text NOT NULL,
    action      text NOT NULL,
    sandbox     text NOT NULL DEFAULT '',
    service     text NOT NULL DEFAULT '',
    repository  text NOT NULL DEFAULT '',
    branch      text NOT NULL DEFAULT '',
    sha         text NOT NULL DEFAULT '',
    environment text NOT NULL DEFAULT '',
    operation   text NOT NULL DEFAULT '',
    outcome     outcome NOT NULL,
    detail      text NOT NULL DEFAULT ''
);
CREATE INDEX audit_events_sandbox ON audit_events (sandbox, id DESC);
CREATE INDEX audit_events_user ON audit_events (user_name, id DESC);

-- The record of who did what is only ever added to.
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed';
END $$;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- previous_offset is end_offset before the last append: it tells the statement that appends where its bytes begin.
CREATE TABLE log_streams (
    name            text PRIMARY KEY,
    previous_offset bigint NOT NULL DEFAULT 0,
    end_offset      bigint NOT NULL DEFAULT 0,
    final           boolean NOT NULL DEFAULT false,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CHECK (0 <= previous_offset AND previous_offset <= end_offset)
);

-- One partition a UTC day, made when its first chunk arrives: forgetting old logs drops a table, not millions of rows.
CREATE TABLE log_chunks (
    day          date NOT NULL,
    stream       text NOT NULL,
    start_offset bigint NOT NULL,
    data         bytea NOT NULL CHECK (length(data) BETWEEN 1 AND 65536),
    PRIMARY KEY (stream, start_offset, day)
) PARTITION BY RANGE (day);

CREATE TABLE revoked_sessions (
    id         text PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

CREATE TABLE idempotency_keys (
    user_name   text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    claimed_at  timestamptz NOT NULL DEFAULT now(),
    status      integer,
    header      jsonb,
    body        bytea,
    PRIMARY KEY (user_name, key)
);
CREATE INDEX idempotency_keys_claimed ON idempotency_keys (claimed_at);
