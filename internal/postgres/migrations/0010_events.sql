-- What happens to deployments and operations, by the product's own names, for whoever listens. Rows are written by the
-- triggers below, in the transaction of the change and whoever makes it, at its very end: seq follows the order of commits,
-- so that who has read up to a seq has missed nothing.
CREATE TABLE events (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    type       text NOT NULL,
    sandbox    text NOT NULL,
    service    text NOT NULL DEFAULT '',
    deployment text NOT NULL DEFAULT '',
    operation  text NOT NULL DEFAULT '',
    user_name  text NOT NULL,
    sha        text NOT NULL DEFAULT '',
    cached     boolean NOT NULL DEFAULT false,
    code       text NOT NULL DEFAULT '', -- of the failure
    -- Each once, also when an activity is repeated.
    UNIQUE (deployment, operation, type)
);
CREATE INDEX events_sandbox ON events (sandbox, seq);
CREATE INDEX events_at ON events (at);

-- A step that was skipped has only an end, which says that its result was there already. One whose beginning nobody heard
-- of has begun all the same.
CREATE FUNCTION sdp_deployment_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_sandbox text;
    step       jsonb;
    was        text;
    did        text[] := '{}';
    skipped    text[] := '{}';
BEGIN
    IF OLD.state = 'QUEUED' AND NEW.state NOT IN ('QUEUED', 'CANCELLED', 'FAILED') THEN
        did := did || 'DEPLOY_STARTED'::text;
    END IF;
    FOR step IN SELECT s FROM jsonb_array_elements(NEW.steps) s WHERE s->>'name' <> 'resolve' LOOP
        was := coalesce((SELECT s->>'state' FROM jsonb_array_elements(OLD.steps) s WHERE s->>'name' = step->>'name'), 'pending');
        IF was = 'running' AND step->>'state' = 'pending' THEN -- a fetch that came no further than asking for the branch
            did := did || (upper(step->>'name') || '_FAILED');
        END IF;
        CONTINUE WHEN was = step->>'state' OR step->>'state' = 'pending';
        IF step->>'state' = 'cached' THEN
            skipped := skipped || (upper(step->>'name') || '_COMPLETED');
            did := did || (upper(step->>'name') || '_COMPLETED');
            CONTINUE;
        END IF;
        IF was = 'pending' THEN
            did := did || (upper(step->>'name') || '_STARTED');
        END IF;
        IF step->>'state' <> 'running' THEN
            did := did || (upper(step->>'name') || CASE step->>'state' WHEN 'done' THEN '_COMPLETED' WHEN 'failed' THEN '_FAILED'
                ELSE '_CANCELLED' END);
        END IF;
    END LOOP;
    IF OLD.state <> NEW.state AND NEW.state IN ('RUNNING', 'FAILED', 'CANCELLED') THEN
        did := did || CASE NEW.state WHEN 'RUNNING' THEN 'DEPLOY_COMPLETED' WHEN 'FAILED' THEN 'DEPLOY_FAILED'
            ELSE 'DEPLOY_CANCELLED' END;
    END IF;
    IF did = '{}' THEN
        RETURN NULL;
    END IF;
    SELECT name INTO of_sandbox FROM sandboxes WHERE id = NEW.sandbox_id;
    PERFORM pg_advisory_xact_lock(7305, 2004);
    INSERT INTO events (type, sandbox, service, deployment, operation, user_name, sha, cached, code)
        SELECT e.type, of_sandbox, NEW.service, NEW.id, coalesce(NEW.operation, ''), NEW.requested_by, NEW.sha,
            e.type = ANY(skipped), CASE WHEN e.type LIKE '%\_FAILED' THEN coalesce(NEW.failure->>'code', '') ELSE '' END
        FROM unnest(did) WITH ORDINALITY AS e (type, nth) ORDER BY e.nth
        ON CONFLICT DO NOTHING;
    PERFORM sdp_notify('events', '', '', 0);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER deployments_events AFTER UPDATE ON deployments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.steps IS DISTINCT FROM NEW.steps)
    EXECUTE FUNCTION sdp_deployment_events();

CREATE FUNCTION sdp_operation_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_sandbox text;
    did        text[] := '{}';
BEGIN
    IF OLD.state = 'QUEUED' AND NEW.state IN ('RUNNING', 'SUCCEEDED') THEN
        did := did || (upper(NEW.kind) || '_STARTED');
    END IF;
    IF NEW.state <> 'RUNNING' THEN
        did := did || (upper(NEW.kind) || CASE NEW.state WHEN 'SUCCEEDED' THEN '_COMPLETED' WHEN 'FAILED' THEN '_FAILED'
            ELSE '_CANCELLED' END);
    END IF;
    SELECT name INTO of_sandbox FROM sandboxes WHERE id = NEW.sandbox_id;
    PERFORM pg_advisory_xact_lock(7305, 2004);
    INSERT INTO events (type, sandbox, service, operation, user_name, code)
        SELECT e.type, of_sandbox, NEW.service, NEW.id, NEW.requested_by,
            CASE WHEN e.type LIKE '%\_FAILED' THEN coalesce(NEW.failure->>'code', '') ELSE '' END
        FROM unnest(did) WITH ORDINALITY AS e (type, nth) ORDER BY e.nth
        ON CONFLICT DO NOTHING;
    PERFORM sdp_notify('events', '', '', 0);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER operations_events AFTER UPDATE ON operations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state <> 'QUEUED')
    EXECUTE FUNCTION sdp_operation_events();
