-- What kinds of operations there are, and what each must and must not have, is told by the program (the table of kinds in
-- internal/sdp) each time it migrates: a new kind is no migration. So is what may follow which state.
CREATE TABLE operation_kinds (
    kind       text PRIMARY KEY,
    of_service boolean NOT NULL,
    changes    boolean NOT NULL,
    UNIQUE (kind, of_service, changes)
);
CREATE TABLE state_transitions (
    of_table   text NOT NULL,
    from_state text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (of_table, from_state, to_state)
);

-- The rows there are have these kinds.
INSERT INTO operation_kinds (kind, of_service, changes) VALUES
    ('create', false, false), ('delete', false, false), ('restart', true, false), ('stop', true, false),
    ('route', true, false), ('apply', false, true), ('clone', false, true), ('restore', false, true);

DROP INDEX operations_one_delete;
ALTER TABLE operations
    DROP CONSTRAINT operations_service,
    DROP CONSTRAINT operations_change,
    DROP CONSTRAINT operations_check;
ALTER TABLE operations ALTER COLUMN kind TYPE text USING kind::text;
DROP TYPE operation_kind;
ALTER TABLE operations
    ADD COLUMN of_service boolean NOT NULL GENERATED ALWAYS AS (service <> '') STORED,
    ADD COLUMN changes    boolean NOT NULL GENERATED ALWAYS AS (change IS NOT NULL) STORED,
    ADD CONSTRAINT operations_kind FOREIGN KEY (kind, of_service, changes) REFERENCES operation_kinds (kind, of_service, changes),
    ADD CONSTRAINT operations_source CHECK ((kind = 'route') = (source IS NOT NULL));
-- Two deletes of one sandbox would tear down under each other.
CREATE UNIQUE INDEX operations_one_delete ON operations (sandbox_id) WHERE kind = 'delete' AND finished_at IS NULL;

CREATE FUNCTION sdp_guard_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM state_transitions t WHERE t.of_table = TG_TABLE_NAME
            AND t.from_state = OLD.state::text AND t.to_state = NEW.state::text) THEN
        RAISE EXCEPTION 'a row of % in state % cannot become %', TG_TABLE_NAME, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER deployments_state BEFORE UPDATE OF state ON deployments FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION sdp_guard_state();
CREATE TRIGGER operations_state BEFORE UPDATE OF state ON operations FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION sdp_guard_state();
CREATE TRIGGER containers_state BEFORE UPDATE OF state ON containers FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION sdp_guard_state();
CREATE TRIGGER sandboxes_state BEFORE UPDATE OF state ON sandboxes FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION sdp_guard_state();
